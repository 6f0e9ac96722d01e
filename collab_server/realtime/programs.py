"""Programs that edit by requests, shown to the people who are in the document: with a name, at the place of their edit.

A program has no connection. It is there from its edit on until it has made none for some seconds; meanwhile the next
one, with the same credential, moves its cursor.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

from collab_server.access.identity import Identity
from collab_server.crdt.edits import Place
from collab_server.realtime.devices import DeviceType

if TYPE_CHECKING:
    from collab_server.realtime.hub import Hub
    from collab_server.realtime.live import LiveDocument

SHOWN_SECONDS: Final = 5.0
MAX_PROGRAMS: Final = 64
"""In one document. Further ones edit unseen."""
COLOUR: Final = "#475569"
"""None of those that the pages give to people."""


class Program:
    """One credential in one document, as others see it. `client`, `clock`: of its state in the presence; they outlive
    it, for who has seen an id go believes higher clocks only. `key`: as a connection's, of the time that it is shown.
    """

    __slots__ = ("client", "clock", "device_name", "document", "identity", "key", "mirrored", "shown_until")
    device_type: DeviceType = "program"

    def __init__(self, document: LiveDocument, identity: Identity) -> None:
        self.document = document
        self.identity = identity
        self.device_name = (identity.credential.name if identity.credential else "") or None
        self.client = secrets.randbelow(2**32 - 1) + 1
        self.clock = 0
        self.key = 0
        self.shown_until = 0.0
        self.mirrored = False

    @property
    def shown(self) -> bool:
        return self.shown_until > 0

    @property
    def connection(self) -> int:
        return self.key

    @property
    def name(self) -> str:
        token = f"API token {self.device_name}" if self.device_name else "API"
        return f"{self.identity.name} ({token})"


class Programs:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def show(self, document: LiveDocument, identity: Identity, place: Place, now: float) -> None:
        """The program has edited the document there, `now` (monotonic seconds)."""
        person = _person(identity)
        program = document.programs.get(person)
        if program is None:
            if len(document.programs) >= MAX_PROGRAMS and not _forget_one(document):
                return
            program = document.programs[person] = Program(document, identity)
        if not program.shown:
            program.key = self._hub.new_key()
        shown = document.show(program.key, person, program.client, program.clock + 1, _state(program, place))
        if shown is None:
            # A client has taken the id for its own.
            self._end(program)
            del document.programs[person]
            return
        program.client, program.clock = shown
        program.shown_until = now + SHOWN_SECONDS
        self._mirror(program)
        if program.mirrored:
            self._hub.mirror.typed(program)

    def _mirror(self, program: Program) -> None:
        """Only where somebody is there to see it: who edits a thousand documents at night shall not write as many
        rows.
        """
        document = program.document
        shown = sum(one.shown for one in document.programs.values())
        if not program.mirrored and (document.members or len(document.presence) > shown):
            program.mirrored = True
            self._hub.mirror.joined(program)

    def tend(self, document: LiveDocument, now: float) -> None:
        """End those that have not edited for long enough."""
        for program in document.programs.values():
            if program.shown and now > program.shown_until:
                self._end(program)
            elif program.shown:
                self._mirror(program)

    def end(self, document: LiveDocument) -> None:
        for program in document.programs.values():
            if program.shown:
                self._end(program)

    def _end(self, program: Program) -> None:
        program.shown_until = 0.0
        program.document.hide(program.key)
        if program.mirrored:
            program.mirrored = False
            self._hub.mirror.left(program)


def _forget_one(document: LiveDocument) -> bool:
    """Make room for another; False where all are shown."""
    for person, program in document.programs.items():
        if not program.shown:
            del document.programs[person]
            return True
    return False


def _person(identity: Identity) -> str:
    """Equal for the same credential, on every server; no connection's is like it."""
    credential = None if identity.kind == "connect" else identity.credential
    return f"program:{credential.id if credential is not None and credential.id else identity.person}"


def _state(program: Program, place: Place) -> str:
    """By the field names that the bindings of editors show cursors by."""
    identity, position = program.identity, place.relative_position
    user = {
        "id": str(identity.user_id) if identity.user_id else None,
        "name": program.name,
        "color": COLOUR,
        "colorLight": f"{COLOUR}33",
        "program": True,
    }
    cursor = {"anchor": position, "head": position}
    return json.dumps({"user": user, "cursor": cursor}, separators=(",", ":"), ensure_ascii=False)
