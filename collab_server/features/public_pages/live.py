"""Event streams of live pages. They say that the page has changed, and nothing else: readers fetch the page again.

Everybody may open one, so their number is bounded, in all and for one network.
"""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.websocket.sse import EventStream
from collab_server.background import run_periodically
from collab_server.errors import NotFound, TooMany
from collab_server.features.changes.reader import Batch, FeedReader
from collab_server.features.public_pages import queries

MAX_STREAMS: Final = 2_000
"""Limit of one process."""
MAX_STREAMS_OF_ONE: Final = 50
"""Limit of one network in one process: many people may share an address."""
MIN_INTERVAL: Final = 1.0
"""Seconds between two events of a stream; what changes meanwhile is one event."""
KEEPALIVE: Final = 15.0


@dataclass(eq=False, slots=True)
class Stream:
    document_id: UUID
    network: str
    socket: EventStream
    last: float = 0.0
    pending: bool = False


@dataclass(slots=True)
class _Open:
    streams: set[Stream] = field(default_factory=set)
    networks: Counter[str] = field(default_factory=Counter)


class PageStreams:
    """A listener of the change feed while streams are open."""

    def __init__(self, reader: FeedReader, db: Database) -> None:
        self._reader = reader
        self._db = db
        self._open = _Open()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._open.streams)

    async def open_stream(self, document_id: UUID, network: str) -> EventStream:
        """A response with an event for each change of a page. Raises TooMany."""
        if self._stopping or len(self._open.streams) >= MAX_STREAMS:
            raise TooMany(f"{MAX_STREAMS} live pages are open already", retry_after=30)
        if self._open.networks[network] >= MAX_STREAMS_OF_ONE:
            raise TooMany(f"{MAX_STREAMS_OF_ONE} live pages are open from your network already", retry_after=30)
        stream = Stream(document_id, network, EventStream())
        await stream.socket.run(_ignore_message, _ignore, lambda _: self._close(stream))
        self._open.streams.add(stream)
        self._open.networks[network] += 1
        self._reader.add(self)
        # What changed between the reading of the page and now is not in the feed's next batch.
        self._tell(stream)
        return stream.socket

    def _close(self, stream: Stream) -> None:
        if stream not in self._open.streams:
            return
        self._open.streams.discard(stream)
        self._open.networks[stream.network] -= 1
        if not self._open.networks[stream.network]:
            del self._open.networks[stream.network]
        if not self._open.streams:
            self._reader.remove(self)

    def stop(self) -> None:
        """End all streams: the server stops."""
        self._stopping = True
        for stream in list(self._open.streams):
            stream.socket.end(1012, "restarting: the server restarts; come back")

    async def run(self) -> None:
        """Send signs of life until cancelled."""
        await run_periodically("a look at the live pages", self._tick, KEEPALIVE / 3, first=KEEPALIVE / 3)

    async def _tick(self) -> None:
        now = time.monotonic()
        for stream in self._open.streams:
            if now - stream.socket.last_sent > KEEPALIVE and not stream.socket.congested:
                stream.socket.send_keepalive(None)

    async def on_batch(self, batch: Batch) -> None:
        changed = {entry.document_id for entry in batch.entries}
        for stream in self._open.streams:
            stream.pending |= batch.has_gap or stream.document_id in changed
        now = time.monotonic()
        due = {stream for stream in self._open.streams if stream.pending and now - stream.last >= MIN_INTERVAL}
        # The pages of a deleted workspace end with it.
        doubtful = due | ({*self._open.streams} if any(e.entity_type == "workspace" for e in batch.entries) else set())
        if not doubtful:
            return
        live = await self._list_live({stream.document_id for stream in doubtful})
        for stream in doubtful:
            if stream.document_id not in live:
                stream.socket.send_event("end", {})
                stream.socket.end(NotFound.close_code, "not_found: the page is not live any more")
            elif stream in due:
                self._tell(stream)

    async def _list_live(self, documents: Collection[UUID]) -> set[UUID]:
        async with self._db.as_service() as conn:
            return await queries.list_live(conn, list(documents))

    @staticmethod
    def _tell(stream: Stream) -> None:
        if stream.socket.congested:
            return
        stream.last, stream.pending = time.monotonic(), False
        stream.socket.send_event("changed", {})


def _ignore_message(message: bytes) -> None:
    raise AssertionError("a response carries nothing inwards")


def _ignore() -> None:
    """The next batch tells a stream that was congested."""
