"""Requests that wait for news in the feed. One look at the log serves all that wait in this process.

A look, not a notice: commits that notify wait for each other, and this one would be sent by every edit.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.backends.db import Database
from collab_server.changes import queries
from collab_server.errors import CollabError, TooMany
from collab_server.telemetry import log

LOOK_INTERVAL = 0.2
"""Seconds between two looks while somebody waits: how late news may be."""
LAG_INTERVAL = 15.0
MOST = 10_000
"""Requests that wait in one process at a time."""
READS_AT_ONCE = 4
"""Pages that are read at the same time: a thousand that wake together queue here, not for the connections that
everybody else needs.
"""


class Waiter:
    """One request. `workspaces`: whose news are for it; None: all. `news`: set when it should look (again)."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.workspaces: frozenset[UUID] | None = None
        self.news = asyncio.Event()


class Waiters:
    """`lag`: seconds for which entries are held back, as last measured. `stopping`: nobody waits any more."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: set[Waiter] = set()
        self._somebody = asyncio.Event()
        self._seen: queries.Position | None = None
        self._lag_measured = -LAG_INTERVAL
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self.lag = 0.0
        self.stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def joined(self, identity: Identity) -> Iterator[Waiter]:
        """One that hears of news from now on; set its workspaces when they are known. Raises TooMany."""
        if len(self._waiting) >= MOST:
            raise TooMany(f"{MOST} requests wait for changes already", retry_after=5)
        waiter = Waiter(identity)
        if self.stopping:
            waiter.news.set()
        self._waiting.add(waiter)
        self._somebody.set()
        try:
            yield waiter
        finally:
            self._waiting.discard(waiter)
            if not self._waiting:
                self._somebody.clear()

    def stop(self) -> None:
        """The server stops: whoever waits answers now."""
        self.stopping = True
        self._wake(self._waiting)

    def access_changed(self, kind: str, subject: UUID | None) -> None:
        """A notice of changed access (migration 0009_notices); `subject` None: some may have been missed."""
        self._wake(
            waiter
            for waiter in self._waiting
            if subject is None
            or (kind == "user" and waiter.identity.user_id == subject)
            or (kind == "workspace" and (waiter.workspaces is None or subject in waiter.workspaces))
            or (kind in ("token", "session") and _credential(waiter.identity) == subject)
        )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if self._waiting:
                    await self._look()
                await self._measure()
            except CollabError:
                # What was missed is found by the next look: it asks from where the last one ended.
                pass
            except Exception:
                log.exception("looking for changes failed")
            if self._waiting:
                await asyncio.sleep(LOOK_INTERVAL)
            else:
                self._seen = None
                try:
                    await asyncio.wait_for(self._somebody.wait(), LAG_INTERVAL)
                except TimeoutError:
                    continue

    async def _look(self) -> None:
        async with self._db.as_service() as conn:
            news = await queries.find_news(conn, self._seen)
        if self._seen is None or news.end < self._seen:
            # Where it ended when each of them had read is not known, or another epoch began.
            self._wake(self._waiting)
        else:
            self._wake(
                waiter
                for waiter in self._waiting
                if waiter.identity.user_id in news.users
                or (news.workspaces if waiter.workspaces is None else news.workspaces & waiter.workspaces)
            )
        self._seen = news.end

    async def _measure(self) -> None:
        if time.monotonic() - self._lag_measured < LAG_INTERVAL:
            return
        async with self._db.as_service() as conn:
            self.lag = await queries.find_lag(conn)
        self._lag_measured = time.monotonic()

    @staticmethod
    def _wake(waiters: Iterable[Waiter]) -> None:
        for waiter in waiters:
            waiter.news.set()


def _credential(identity: Identity) -> UUID | None:
    return identity.credential.id if identity.credential else None
