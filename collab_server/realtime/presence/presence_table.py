"""The presence table in PostgreSQL: one statement per interval for all connections of this process.

REST routes and lists read it, so that every node answers the same. Joins and leaves are written within one second, and
announced to all nodes (`presence_news.py`). State changes and heartbeats are written every five seconds; new names are
announced. While PostgreSQL is away the rows grow old and expire.
"""

import asyncio
import json
import time
from collections.abc import Collection, Iterable
from typing import Any, Protocol
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.core.room.presence import Presence
from collab_server.errors import CollabError
from collab_server.observability.logging import log
from collab_server.realtime.presence import queries as presence_queries
from collab_server.realtime.presence.client_states import read_line, read_name, read_state
from collab_server.web.user_agents import DeviceType

TICK = 1.0
BEAT = 5.0
"""Less than the time after which rows expire (migration 0015), by as much as a slow moment takes."""
MAX_JSON = 2000
LATE = 1.5 * BEAT
"""Rows may expire when so much time passes between two beats. Then the next beat announces all of them."""
AT_ONCE = 100
"""Rows that are built in one turn of the event loop."""
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class Present(Protocol):
    """A connection or an API client in a document. `key`: its number in the document's presence. `table_key`: its
    number in the table; it changes with the person to whom the connection belongs.
    """

    @property
    def key(self) -> int: ...
    @property
    def table_key(self) -> int: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def device_type(self) -> DeviceType | None: ...
    @property
    def device_name(self) -> str | None: ...


class PresentIn(Protocol):
    """The document in which somebody is present."""

    @property
    def id(self) -> UUID: ...
    @property
    def presence(self) -> Presence: ...


class PresenceTable:
    """`host`: equal for this server and those that ran in its place before. `node`: this process alone. `seconds`:
    after which its people are gone where it says nothing more.
    """

    def __init__(self, db: Database, host: str, node: str, seconds: float = 14.0) -> None:
        self._db = db
        self._seconds = seconds
        self._host = f"{host}/"
        self._node = f"{host}/{node}"
        self._cleared = False
        self._here: dict[Present, PresentIn] = {}
        self._news: set[Present] = set()
        self._changed: set[Present] = set()
        self._typing: set[Present] = set()
        self._left: dict[str, UUID] = {}
        """The documents of connections that have left, by connection."""
        self._guest_names: dict[Present, object] = {}
        """The names of guests as they were last written. Those of other people are in `users`."""
        self._nameless: set[Present] = set()
        """Guests whose row has no name. Most of them say their name as soon as they have joined."""
        self._perhaps_named: set[Present] = set()
        """Those of them whose state has changed. Their names are written before the next beat."""
        self._beat = 0.0

    # ---- changes

    def joined(self, document: PresentIn, present: Present) -> None:
        self._here[present] = document
        self._news.add(present)

    def left(self, present: Present) -> None:
        if present not in self._here:
            return
        document = self._here.pop(present)
        self._guest_names.pop(present, None)
        self._nameless.discard(present)
        self._perhaps_named.discard(present)
        self._changed.discard(present)
        self._typing.discard(present)
        if present in self._news:
            self._news.discard(present)
        else:
            self._left[self._connection(present)] = document.id

    def moved(self, present: Present) -> None:
        """Record a change of its state."""
        self._changed.add(present)
        if present in self._nameless:
            self._nameless.discard(present)
            self._perhaps_named.add(present)

    def typed(self, present: Present) -> None:
        """Record an edit."""
        self._changed.add(present)
        self._typing.add(present)

    # ---- writing

    async def run(self) -> None:
        """Write until cancelled."""
        await run_periodically(
            "mirroring presence", lambda: self.flush(time.monotonic()), TICK, first=TICK, retry=(TICK, TICK)
        )

    async def flush(self, now: float) -> None:
        """Write what is due at `now` (monotonic seconds). Raises Unavailable; then it stays due."""
        if not self._cleared:
            async with self._db.as_service() as conn:
                await presence_queries.end(conn, self._host, but=self._node)
            self._cleared = True
        beat = bool(self._here) and now - self._beat >= BEAT
        changed = self._take_named()
        if not (beat or self._news or self._left or changed):
            return
        news = {present: self._here[present] for present in self._news}
        left, self._left = self._left, {}
        self._news = set()
        typing: set[Present] = set()
        if beat:
            changed |= self._changed & self._here.keys()
            self._changed = set()
            typing, self._typing = self._typing, set()
        expected = len(self._here)
        announced = {document.id for document in news.values()} | set(left.values())
        if beat and now - self._beat > LATE:
            announced |= {document.id for document in self._here.values()}
        try:
            rows = await self._rows(news.keys() | changed, typing)
            announced |= self._documents_of_renamed(rows)
            async with self._db.as_service() as conn:
                known = await presence_queries.mirror(
                    conn,
                    self._node,
                    list(rows.values()),
                    sorted(left),
                    beat=beat,
                    seconds=self._seconds,
                    announced=announced,
                )
        except BaseException:
            self._take_back(news, changed, typing, left)
            raise
        self._remember_names(rows)
        # These left before their rows were written.
        self._left.update(self._gone(news))
        self._changed |= typing & self._here.keys()
        if beat:
            self._beat = now
            if known < expected:
                self._news.update(self._here)
            elif known > expected:
                await self._find_missed_leaves()

    async def _find_missed_leaves(self) -> None:
        """Have connections ended that left while their row was locked, by an uncommitted move of their document."""
        here = [self._connection(present) for present in self._here]
        async with self._db.as_service() as conn:
            self._left.update(await presence_queries.list_others_of(conn, self._node, here))

    def _take_named(self) -> set[Present]:
        looked_at, self._perhaps_named = self._perhaps_named, set()
        named = {present for present in looked_at if _guest_name(self._state(self._here[present], present), present)}
        self._nameless |= looked_at - named
        return named

    def _take_back(
        self, news: dict[Present, PresentIn], changed: set[Present], typing: set[Present], left: dict[str, UUID]
    ) -> None:
        # A lost answer may mean that the rows are there.
        self._left |= left | self._gone(news)
        self._news |= news.keys() & self._here.keys()
        self._changed |= changed & self._here.keys()
        self._typing |= typing & self._here.keys()

    def _gone(self, news: dict[Present, PresentIn]) -> dict[str, UUID]:
        return {
            self._connection(present): document.id for present, document in news.items() if present not in self._here
        }

    def _documents_of_renamed(self, rows: dict[Present, dict[str, object]]) -> set[UUID]:
        return {
            self._here[present].id
            for present, row in rows.items()
            if present in self._here and row["guest_name"] != self._guest_names.get(present)
        }

    def _remember_names(self, rows: dict[Present, dict[str, object]]) -> None:
        for present, row in rows.items():
            if present in self._here and present.identity.user_id is None:
                self._guest_names[present] = row["guest_name"]
                if row["guest_name"] is None:
                    # The state may have arrived meanwhile.
                    (self._perhaps_named if present in self._changed else self._nameless).add(present)

    async def _rows(self, present: Iterable[Present], typing: Collection[Present]) -> dict[Present, dict[str, object]]:
        rows = {}
        # Some may leave while the rows are made.
        for number, (one, document) in enumerate([(one, self._here[one]) for one in present]):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            rows[one] = self._row(document, one, typed=one in typing)
        return rows

    def _row(self, document: PresentIn, present: Present, *, typed: bool) -> dict[str, object]:
        identity = present.identity
        state = self._state(document, present)
        return {
            "connection_id": self._connection(present),
            "document_id": str(document.id),
            "user_id": str(identity.user_id) if identity.user_id else None,
            "guest_name": _guest_name(state, present),
            "device_type": present.device_type,
            "device_name": present.device_name,
            "is_typing": typed or any(state.get(key) is True for key in ("typing", "isTyping", "is_typing")),
            **_place(state),
        }

    def _state(self, document: PresentIn, present: Present) -> dict[str, Any]:
        return read_state(document.presence.state_of(present.key))

    def _connection(self, present: Present) -> str:
        return f"{self._node.rpartition('/')[2]}.{present.table_key}"

    async def end(self) -> None:
        """Mark all connections of this process as ended, at the end of the process."""
        try:
            async with self._db.as_service() as conn:
                await presence_queries.end(conn, self._node)
        except CollabError:
            log.warning("presence was not ended in the database; it expires")


def _guest_name(state: dict[str, Any], present: Present) -> str | None:
    """The name of somebody without an account: that of the connect token, or the one they gave themselves."""
    identity = present.identity
    if identity.user_id:
        return None
    if identity.vouched is None or (identity.link is not None and not identity.link.guest):
        return read_name(state) or (identity.name if identity.link else None)
    return read_line(identity.name)


def _place(state: dict[str, Any]) -> dict[str, object]:
    """The client's place in the document, from the field names of common editors."""
    cursor, selection = state.get("cursor"), state.get("selection")
    if isinstance(cursor, dict) and "head" in cursor:
        cursor, selection = cursor["head"], cursor if cursor.get("anchor") != cursor["head"] else None
    block = next((state[key] for key in ("blockId", "currentBlockId", "current_block_id") if key in state), None)
    return {
        "cursor_position": _storable(cursor),
        "selection_range": _storable(selection),
        "current_block_id": read_line(block),
    }


def _storable(value: object) -> object:
    """The value where PostgreSQL's jsonb can hold it and it is small, else None."""
    if value is None:
        return None
    try:
        text = _JSON.encode(value)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return value if len(text) <= MAX_JSON and "\\u0000" not in text else None
