"""Long-polling requests for the change feed."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.errors import TooMany
from collab_server.features.changes.reader import Batch, FeedReader

MOST = 10_000
"""Maximum number of waiting requests in one process."""
READS_AT_ONCE = 4
"""Maximum number of concurrent page reads. A thousand requests woken together queue here, not for database connections.
"""


class Waiter:
    """One request. `workspaces`: the awaited workspaces; None: all. `shared`: awaited documents of others. `news`: set
    when there is a change.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.workspaces: frozenset[UUID] | None = None
        self.shared: frozenset[UUID] = frozenset()
        self.news = asyncio.Event()


class Waiters:
    """A listener of the feed reader while requests wait. `stopping`: no more waiting."""

    def __init__(self, reader: FeedReader) -> None:
        self._reader = reader
        self._waiting: set[Waiter] = set()
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self.stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def joined(self, identity: Identity) -> Iterator[Waiter]:
        """Register a waiter for later changes. Its workspaces are set by the caller. Raises TooMany."""
        if len(self._waiting) >= MOST:
            raise TooMany(f"{MOST} requests are already waiting for changes", retry_after=5)
        waiter = Waiter(identity)
        if self.stopping:
            waiter.news.set()
        self._waiting.add(waiter)
        self._reader.add(self)
        try:
            yield waiter
        finally:
            self._waiting.discard(waiter)
            if not self._waiting:
                self._reader.remove(self)

    def stop(self) -> None:
        """Wake all requests: the server stops, and they answer now."""
        self.stopping = True
        self._wake(self._waiting)

    def access_changed(self, kind: str, subject: UUID | None) -> None:
        """Wake waiters after a change of their rights (migration 0009). `subject` None: notices may be missing, so wake
        all.
        """
        self._wake(
            waiter
            for waiter in self._waiting
            if subject is None
            or (kind == "user" and waiter.identity.user_id == subject)
            or (kind == "workspace" and (waiter.workspaces is None or subject in waiter.workspaces))
            or (kind == "document" and subject in waiter.shared)
            or (kind in ("token", "session") and waiter.identity.credential_id == subject)
        )

    async def on_batch(self, batch: Batch) -> None:
        if batch.has_gap:
            self._wake(self._waiting)
            return
        if not batch.entries:
            return
        users = {entry.target_user_id for entry in batch.entries if entry.target_user_id is not None}
        workspaces = {entry.workspace_id for entry in batch.entries if entry.target_user_id is None}
        documents = {entry.document_id for entry in batch.entries if entry.target_user_id is None}
        self._wake(
            waiter
            for waiter in self._waiting
            if waiter.identity.user_id in users
            or (workspaces if waiter.workspaces is None else workspaces & waiter.workspaces)
            or documents & waiter.shared
        )

    @staticmethod
    def _wake(waiters: Iterable[Waiter]) -> None:
        for waiter in waiters:
            waiter.news.set()
