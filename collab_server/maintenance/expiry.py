"""Documents that expire go to the trash at that moment: their sockets are closed, and feeds and lists tell of it.

Their rights end by themselves (policy doc_not_expired); this is what everybody else notices. Every process of every
server does it, and PostgreSQL gives each document to one of them.
"""

import asyncio
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.errors import CollabError
from collab_server.maintenance import queries
from collab_server.telemetry import log

LATE = 0.002
"""Seconds to look behind the moment, so that it is past."""
AGAIN = 0.1
"""Seconds until the next look where a document is due and another transaction holds it."""


class Expiry:
    """`recheck`: seconds after which to look anyway; PostgreSQL's notices may not arrive."""

    def __init__(self, db: Database, recheck: float) -> None:
        self._db = db
        self._recheck = recheck
        self._news = asyncio.Event()

    def heard(self, kind: str, _: UUID | None) -> None:
        """A notice of changed access (AccessWatch.tell): a document may expire, or notices were missed."""
        if kind in ("document", ""):
            self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._news.clear()
            wait = AGAIN
            try:
                wait = await self._expire()
            except CollabError:
                wait = 1.0
            except Exception:
                log.exception("expiring documents failed")
                wait = 5.0
            try:
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _expire(self) -> float:
        """Move what has expired to the trash; the seconds until there is more to do. Raises Unavailable."""
        async with self._db.as_service() as conn:
            due = await queries.next_expiry(conn)
            if due is not None and due <= 0:
                while await queries.expire_documents(conn):
                    pass
                due = await queries.next_expiry(conn)
        if due is None:
            return self._recheck
        return min(self._recheck, due + LATE) if due > 0 else AGAIN
