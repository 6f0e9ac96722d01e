"""Which documents' stored text somebody reads now: in lists, in the search, in the change feed.

A signed-in person who uses REST reads the workspaces and shared documents that they may read, and so does the person
of an event stream. Whoever asks for one document by REST reads that document. The stored text of such documents is
brought up to date sooner (`realtime/documents/upkeep.py`). Other nodes are told by notices of PostgreSQL; a lost notice
delays a text until the next one.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database, Subject
from collab_server.background import run_periodically
from collab_server.features.changes.queries import list_readable
from collab_server.realtime import reader_queries
from collab_server.realtime.notices import Notices

CHANNEL = "collab_readers"
READ_SECONDS = 180.0
"""How long a workspace or document counts as read after somebody has read in it."""
LOOK_SECONDS = 60.0
"""Seconds between two looks at what a person may read, and between two notices about one workspace or document."""
MAX_DOCUMENTS = 10_000
"""Documents that count as read because a request was about them. Anybody can send such requests."""
MAX_PEOPLE = 10_000
"""Maximum number of people to remember. Others are looked up again at their next request."""


class Readers:
    """`shares`: whether there can be other nodes. `list_streamed`: returns the workspaces and documents that event
    streams of this process show. `on_read`: called with places that somebody has begun to read.

    A *place* is the id of a workspace, or of a document.
    """

    def __init__(
        self,
        db: Database,
        notices: Notices,
        *,
        shares: bool,
        list_streamed: Callable[[], Iterable[UUID]],
        on_read: Callable[[set[UUID]], None],
    ) -> None:
        self._db = db
        self._shares = shares
        self._list_streamed = list_streamed
        self._on_read = on_read
        self._until: dict[UUID, float] = {}
        self._told: dict[UUID, float] = {}
        self._untold: set[UUID] = set()
        self._seen: dict[UUID, float] = {}
        self._people: dict[UUID, Subject] = {}
        """People whose places are not looked up yet."""
        self._wake = asyncio.Event()
        if shares:
            notices.subscribe(CHANNEL, self._on_notice, lambda: None)

    def is_read(self, document_id: UUID, workspace_id: UUID | None, now: float) -> bool:
        """Whether somebody reads the document at `now` (monotonic seconds)."""
        until = self._until.get(document_id, 0.0)
        if workspace_id is not None:
            until = max(until, self._until.get(workspace_id, 0.0))
        return now < until

    def note_request(self, identity: Identity, document_id: UUID | None) -> None:
        """Record a request by this identity, about this document if it is about one."""
        if document_id is not None and (document_id in self._until or len(self._until) < MAX_DOCUMENTS):
            self._note({document_id})
        user_id = identity.user_id
        if user_id is None or identity.kind == "connect":
            return
        now = time.monotonic()
        if now - self._seen.get(user_id, -LOOK_SECONDS) < LOOK_SECONDS:
            return
        if len(self._seen) >= MAX_PEOPLE:
            del self._seen[next(iter(self._seen))]
        self._seen[user_id] = now
        self._people[user_id] = identity.subject
        self._wake.set()

    async def run(self) -> None:
        """Look up what people read, and tell other nodes, until cancelled."""
        await run_periodically("looking up what people read", self._look, LOOK_SECONDS, wake=self._wake)

    async def _look(self) -> None:
        self._note(self._list_streamed())
        while self._people:
            user_id, subject = self._people.popitem()
            try:
                async with self._db.as_user(subject) as conn:
                    workspaces, shared = await list_readable(conn)
            except BaseException:
                self._seen.pop(user_id, None)
                raise
            self._note({*workspaces, *shared})
        if self._untold:
            untold, self._untold = self._untold, set()
            async with self._db.as_service() as conn:
                await reader_queries.tell(conn, CHANNEL, untold)
        self._forget_old(time.monotonic())

    def _note(self, places: Iterable[UUID]) -> None:
        now = time.monotonic()
        places = set(places)
        self._take(places, now)
        if self._shares and (untold := {p for p in places if now - self._told.get(p, -LOOK_SECONDS) >= LOOK_SECONDS}):
            self._told.update(dict.fromkeys(untold, now))
            self._untold |= untold
            self._wake.set()

    def _take(self, places: set[UUID], now: float) -> None:
        fresh = {place for place in places if self._until.get(place, 0.0) <= now}
        self._until.update(dict.fromkeys(places, now + READ_SECONDS))
        if fresh:
            self._on_read(fresh)

    def _on_notice(self, payload: str) -> None:
        self._take({UUID(place) for place in payload.split()}, time.monotonic())

    def _forget_old(self, now: float) -> None:
        self._until = {place: until for place, until in self._until.items() if until > now}
        self._told = {place: told for place, told in self._told.items() if now - told < LOOK_SECONDS}
        self._seen = {person: seen for person, seen in self._seen.items() if now - seen < LOOK_SECONDS}
