"""The mirror of presence in PostgreSQL: one statement per interval for all connections of this process.

What is read over REST and in lists comes from there, so that every node answers the same. Who comes and goes is
written within a second; what changes meanwhile, and that all others are still here, every five. While PostgreSQL is
away the mirror grows old and expires, and nothing else happens.
"""

import asyncio
import json
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

from collab_server.access.identity import Identity
from collab_server.backends.db import Database
from collab_server.errors import CollabError
from collab_server.realtime import presence_queries
from collab_server.realtime.devices import DeviceType
from collab_server.telemetry import log

if TYPE_CHECKING:
    from collab_server.realtime.live import LiveDocument

TICK = 1.0
BEAT = 5.0
"""Less than the time after which rows expire (migration 0015_presence), by as much as a slow moment takes."""
MAX_JSON = 2000
MAX_NAME = 100
AT_ONCE = 100
"""Rows that are made without letting the event loop go on."""


class Present(Protocol):
    """Whoever is in a document: a member, or a program. `key`: its number in the document's presence. `connection`:
    its number here; another one for each person to whom the key belongs.
    """

    @property
    def key(self) -> int: ...
    @property
    def connection(self) -> int: ...
    @property
    def document(self) -> "LiveDocument": ...
    @property
    def identity(self) -> Identity: ...
    @property
    def device_type(self) -> DeviceType | None: ...
    @property
    def device_name(self) -> str | None: ...


class Mirror:
    """`host`: equal for this server and those that ran in its place before. `node`: this process alone. `seconds`:
    after which its people are gone where it says nothing more.
    """

    def __init__(self, db: Database, host: str, node: str, seconds: float = 14.0) -> None:
        self._db = db
        self._seconds = seconds
        self._host = f"{host}/"
        self._node = f"{host}/{node}"
        self._cleared = False
        self._here: set[Present] = set()
        self._news: set[Present] = set()
        self._changed: set[Present] = set()
        self._typing: set[Present] = set()
        self._left: set[str] = set()
        self._beat = 0.0

    # ---- what the real-time core says

    def joined(self, member: Present) -> None:
        self._here.add(member)
        self._news.add(member)

    def left(self, member: Present) -> None:
        if member not in self._here:
            return
        self._here.discard(member)
        self._changed.discard(member)
        self._typing.discard(member)
        if member in self._news:
            self._news.discard(member)
        else:
            self._left.add(self._connection(member))

    def moved(self, member: Present) -> None:
        """Its state has changed."""
        self._changed.add(member)

    def typed(self, member: Present) -> None:
        """It has edited."""
        self._changed.add(member)
        self._typing.add(member)

    # ---- writing

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.flush(time.monotonic())
            except CollabError:
                continue
            except Exception:
                log.exception("mirroring presence failed")

    async def flush(self, now: float) -> None:
        """Write what is due at `now` (monotonic seconds). Raises Unavailable; then it stays due."""
        if not self._cleared:
            async with self._db.as_service() as conn:
                await presence_queries.end(conn, self._host, but=self._node)
            self._cleared = True
        beat = bool(self._here) and now - self._beat >= BEAT
        if not (beat or self._news or self._left):
            return
        news, self._news = self._news, set()
        left, self._left = self._left, set()
        changed: set[Present] = set()
        typing: set[Present] = set()
        if beat:
            changed, self._changed = self._changed & self._here, set()
            typing, self._typing = self._typing, set()
        expected = len(self._here)
        try:
            rows = await self._rows(news | changed, typing)
            async with self._db.as_service() as conn:
                known = await presence_queries.mirror(
                    conn, self._node, rows, sorted(left), beat=beat, seconds=self._seconds
                )
        except BaseException:
            self._take_back(news, changed, typing, left)
            raise
        # Who left before its row was written was not told to be gone.
        self._left.update(self._connection(member) for member in news - self._here)
        self._changed |= typing & self._here
        if beat:
            self._beat = now
            if known < expected:
                self._news |= self._here

    def _take_back(self, news: set[Present], changed: set[Present], typing: set[Present], left: set[str]) -> None:
        # A lost answer may mean that the rows are there.
        self._left |= left | {self._connection(member) for member in news - self._here}
        self._news |= news & self._here
        self._changed |= changed & self._here
        self._typing |= typing & self._here

    async def _rows(self, members: Collection[Present], typing: Collection[Present]) -> list[dict[str, object]]:
        rows = []
        for number, member in enumerate(members):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            rows.append(self._row(member, typed=member in typing))
        return rows

    def _row(self, member: Present, *, typed: bool) -> dict[str, object]:
        identity = member.identity
        state = _read(member.document.presence.state_of(member.key))
        person = state.get("user")
        chosen = person.get("name") if isinstance(person, dict) else None
        name = identity.name if identity.vouched is not None else chosen
        return {
            "connection_id": self._connection(member),
            "document_id": str(member.document.id),
            "user_id": str(identity.user_id) if identity.user_id else None,
            "guest_name": None if identity.user_id else _line(name),
            "device_type": member.device_type,
            "device_name": member.device_name,
            "is_typing": typed or any(state.get(key) is True for key in ("typing", "isTyping", "is_typing")),
            **_place(state),
        }

    def _connection(self, member: Present) -> str:
        return f"{self._node.rpartition('/')[2]}.{member.connection}"

    async def end(self) -> None:
        """At the end of the process: nobody is connected to it any more."""
        try:
            async with self._db.as_service() as conn:
                await presence_queries.end(conn, self._node)
        except CollabError:
            log.warning("presence was not ended in the database; it expires")


def _read(state: str | None) -> dict[str, Any]:
    try:
        value = json.loads(state) if state is not None else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _place(state: dict[str, Any]) -> dict[str, object]:
    """Where in the document an awareness state says that its client is, by the field names of the common editors."""
    cursor, selection = state.get("cursor"), state.get("selection")
    if isinstance(cursor, dict) and "head" in cursor:
        cursor, selection = cursor["head"], cursor if cursor.get("anchor") != cursor["head"] else None
    block = next((state[key] for key in ("blockId", "currentBlockId", "current_block_id") if key in state), None)
    return {
        "cursor_position": _storable(cursor),
        "selection_range": _storable(selection),
        "current_block_id": _line(block),
    }


def _storable(value: object) -> object:
    """The value where PostgreSQL's jsonb can hold it and it is small, else None."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return value if len(text) <= MAX_JSON and "\\u0000" not in text else None


def _line(value: object) -> str | None:
    """A short text on one line; None where there is none."""
    if not isinstance(value, str):
        return None
    tidy = " ".join("".join(c if c.isprintable() else " " for c in value[: 4 * MAX_NAME]).split())
    return tidy[:MAX_NAME] or None
