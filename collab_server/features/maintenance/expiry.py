"""Moves expired documents to the trash, and ends expired shares, at the moment of their expiry. This closes sockets and
updates lists.

The policy doc_not_expired ends the rights of expired documents independently. The task runs in every process of every
server, and PostgreSQL gives each document to one of them.
"""

import asyncio
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.features.maintenance import queries

LATE = 0.002
"""Seconds added to an expiry, so that it is in the past when the query runs."""
AGAIN = 0.1
"""Seconds until the next run after a due document was locked."""


class Expiry:
    """The task for expired documents. `recheck`: seconds between runs without a notice, because notices of PostgreSQL
    can be lost.
    """

    def __init__(self, db: Database, recheck: float) -> None:
        self._db = db
        self._recheck = recheck
        self._news = asyncio.Event()

    def heard(self, kind: str, _: UUID | None) -> None:
        """Start a run after a notice of changed access. It also finds documents with an early expiry."""
        if kind in ("document", ""):
            self._news.set()

    async def run(self) -> None:
        """Run until cancelled."""
        await run_periodically("expiring documents", self._expire, self._recheck, wake=self._news)

    async def _expire(self) -> float:
        """Move expired documents to the trash, and return the seconds until the next run. Raises Unavailable."""
        async with self._db.as_service() as conn:
            due = await queries.next_expiry(conn)
            if due is not None and due <= 0:
                while await queries.expire_documents(conn) + await queries.expire_shares(conn):
                    pass
                due = await queries.next_expiry(conn)
        if due is None:
            return self._recheck
        return min(self._recheck, due + LATE) if due > 0 else AGAIN
