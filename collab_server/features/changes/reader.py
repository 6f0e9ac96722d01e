"""Reads the change feed once for all listeners of this process.

It polls, because transactions with a notification wait for each other, and every edit would need one.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import CollabError
from collab_server.features.changes import queries
from collab_server.features.changes.queries import NewEntry, Position
from collab_server.observability.logging import log

LOOK_INTERVAL = 0.2
"""Seconds between two polls with listeners; the maximum delay of news."""
LAG_INTERVAL = 15.0
MAX_ENTRIES = 2000
"""Entries of one look. More are not read: the listeners learn of a gap and read the state anew."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries between two polls in order; `end`: the end of the feed. `has_gap`: entries before `end` may be
    missing, because the reader just started, a new epoch began, or there were more than MAX_ENTRIES.
    """

    epoch: int
    end: Position
    entries: Sequence[NewEntry]
    has_gap: bool


class Listener(Protocol):
    async def on_batch(self, batch: Batch) -> None:
        """Called after each poll, also without news."""


class FeedReader:
    """`lag`: seconds for which an open transaction holds back entries, as last measured."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._seen: Position | None = None
        self._epoch: int | None = None
        self._lag_measured = -LAG_INTERVAL
        self.lag = 0.0

    def add(self, listener: Listener) -> None:
        if not self._listeners:
            self._wake.set()
        self._listeners.add(listener)

    def remove(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    async def run(self) -> None:
        """Read until cancelled."""
        await run_periodically("reading the change feed", self._read, LOOK_INTERVAL, wake=self._wake)

    async def _read(self) -> float:
        """Read once, and return the seconds until the next time. Raises Unavailable.

        After a failure the next look begins where the last successful one ended.
        """
        if self._listeners:
            await self._look()
        else:
            self._seen = None
        await self._measure()
        return LOOK_INTERVAL if self._listeners else LAG_INTERVAL

    async def _look(self) -> None:
        async with self._db.as_service() as conn:
            news = await queries.find_news(conn, self._seen, MAX_ENTRIES)
        has_gap = self._seen is None or news.end < self._seen or news.epoch != self._epoch or news.has_more
        self._seen, self._epoch = news.end, news.epoch
        batch = Batch(news.epoch, news.end, () if has_gap else news.entries, has_gap)
        for listener in list(self._listeners):
            try:
                await listener.on_batch(batch)
            except CollabError as error:
                log.warning("delivering entries of the change feed was refused", extra={"reason": error.detail})
            except Exception:
                log.exception("delivering entries of the change feed failed")

    async def _measure(self) -> None:
        if time.monotonic() - self._lag_measured < LAG_INTERVAL:
            return
        async with self._db.as_service() as conn:
            self.lag = await queries.find_lag(conn)
        self._lag_measured = time.monotonic()
