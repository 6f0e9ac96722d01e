"""Presence of API clients: people in a document see the name of the program that edits it and the place of its edit.

An API client has no connection. It is shown from its first edit until it has made no edit for some seconds. Each
further edit with the same credential moves its cursor.
"""

import json
import secrets
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.core.room.presence import Presence
from collab_server.core.yjs.edit_functions import Place
from collab_server.realtime.presence.presence_table import PresenceTable
from collab_server.web.user_agents import DeviceType

SHOWN_SECONDS: Final = 5.0
"""Seconds after its last edit for which an API client is shown."""
MAX_CLIENTS: Final = 64
"""API clients shown in one document. The edits of further ones are taken, but not shown."""
COLOUR: Final = "#475569"
"""Cursor colour. The pages give it to no person."""


class PresenceBoard(Protocol):
    """A document that can show API clients."""

    @property
    def id(self) -> UUID: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def has_viewers(self) -> bool:
        """Whether anybody sees what is shown."""
        ...

    def show(self, owner: int, person: str, client: int, clock: int, state: str) -> tuple[int, int] | None:
        """Show a state to everybody in the document; see `Presence.show`."""
        ...

    def hide(self, owner: int) -> None:
        """Remove the state that `owner` shows."""
        ...


class ApiClient:
    """One credential in one document, as others see it.

    `client`, `clock`: of its awareness state. They are kept while it is hidden, because other clients accept only a
    higher clock for an id that has left. `key`: number of its present appearance, unique like that of a connection.
    """

    __slots__ = ("board", "client", "clock", "device_name", "identity", "in_table", "key", "shown_until")
    device_type: DeviceType = "program"

    def __init__(self, board: PresenceBoard, identity: Identity) -> None:
        self.board = board
        self.identity = identity
        self.device_name = (identity.credential.name if identity.credential else "") or None
        self.client = secrets.randbelow(2**32 - 1) + 1
        self.clock = 0
        self.key = 0
        self.shown_until = 0.0
        self.in_table = False

    @property
    def is_shown(self) -> bool:
        return self.shown_until > 0

    @property
    def table_key(self) -> int:
        return self.key

    @property
    def name(self) -> str:
        token = f"API token {self.device_name}" if self.device_name else "API"
        return f"{self.identity.name} ({token})"


class ApiClients:
    """API clients of this process, by document."""

    def __init__(self, new_key: Callable[[], int], table: PresenceTable) -> None:
        self._new_key = new_key
        self._table = table
        self._clients: dict[UUID, dict[str, ApiClient]] = {}

    def show(self, board: PresenceBoard, identity: Identity, place: Place, now: float) -> None:
        """Show that this identity edited the document at `place`; `now` in monotonic seconds."""
        person = _person(identity)
        clients = self._clients.setdefault(board.id, {})
        client = clients.get(person)
        if client is None:
            if len(clients) >= MAX_CLIENTS and not _remove_hidden(clients):
                return
            client = clients[person] = ApiClient(board, identity)
        if not client.is_shown:
            client.key = self._new_key()
        shown = board.show(client.key, person, client.client, client.clock + 1, _state(client, place))
        if shown is None:
            # Another client has taken the id.
            self._hide(client)
            del clients[person]
            return
        client.client, client.clock = shown
        client.shown_until = now + SHOWN_SECONDS
        self._add_to_table(client)
        if client.in_table:
            self._table.typed(client)

    def _add_to_table(self, client: ApiClient) -> None:
        """Write a row only where somebody sees it: a program may edit a thousand documents at night."""
        if not client.in_table and client.board.has_viewers:
            client.in_table = True
            self._table.joined(client.board, client)

    def tick(self, now: float) -> None:
        """Hide the clients that have not edited for SHOWN_SECONDS."""
        for clients in self._clients.values():
            for client in clients.values():
                if client.is_shown and now > client.shown_until:
                    self._hide(client)
                elif client.is_shown:
                    self._add_to_table(client)

    def count(self, document_id: UUID) -> int:
        """Number of API clients remembered for the document, shown or hidden."""
        return len(self._clients.get(document_id, ()))

    def hide_all(self) -> None:
        """Hide all clients of all documents."""
        for clients in self._clients.values():
            for client in clients.values():
                if client.is_shown:
                    self._hide(client)

    def forget(self, document_id: UUID) -> None:
        """Hide the clients of a closed document, and drop what is remembered of them."""
        for client in self._clients.pop(document_id, {}).values():
            if client.is_shown:
                self._hide(client)

    def _hide(self, client: ApiClient) -> None:
        client.shown_until = 0.0
        client.board.hide(client.key)
        if client.in_table:
            client.in_table = False
            self._table.left(client)


def _remove_hidden(clients: dict[str, ApiClient]) -> bool:
    """Make room for another client; False where all are shown."""
    for person, client in clients.items():
        if not client.is_shown:
            del clients[person]
            return True
    return False


def _person(identity: Identity) -> str:
    """The same for one credential on every server, and different from that of every connection."""
    credential = None if identity.kind == "connect" else identity.credential
    return f"program:{credential.id if credential is not None and credential.id else identity.person}"


def _state(client: ApiClient, place: Place) -> str:
    """Awareness state with the field names that editor bindings read."""
    identity, position = client.identity, place.relative_position
    user = {
        "id": str(identity.user_id) if identity.user_id else None,
        "name": client.name,
        "color": COLOUR,
        "colorLight": f"{COLOUR}33",
        "program": True,
    }
    cursor = {"anchor": position, "head": position}
    return json.dumps({"user": user, "cursor": cursor}, separators=(",", ":"), ensure_ascii=False)
