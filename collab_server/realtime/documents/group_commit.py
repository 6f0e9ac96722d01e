"""Group commit: writes the pending edits of all documents of this process to PostgreSQL in one transaction.

While one commit runs the next batch collects. An edit stays with its room until its commit is known. A commit that
failed, or whose outcome is unknown, is retried: Yjs accepts an update twice without harm.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.background import Backoff
from collab_server.errors import DocumentBlocked, Unavailable
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.batch_writer import BatchWriter, OnCommit
from collab_server.realtime.documents.live_document import LiveDocument

RETRY = (0.05, 2.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while PostgreSQL is away."""
BLOCKED_SHARE = 2
"""Blocked documents may hold one part in so many of the bytes that may be unsaved; then their sockets are closed."""
SMALL_BATCH = 12
"""A commit of fewer messages is delayed, because one commit costs about as much as ten messages."""
BLOCKED_SECONDS = 2.0
"""How long the edits of a document are blocked before a request that waits for them is refused."""
MOST_GATHERED = 262_144
"""Bytes of edits at which a commit is delayed no longer."""
WAIT_SECONDS = 10.0
"""How long a request waits for the commit of the edits before it."""


class GroupCommit:
    """Decides when to commit. `run` is its one task.

    `blocked`: documents whose edits PostgreSQL does not take now; see blocked.py.
    """

    def __init__(
        self,
        db: Database,
        counts: Counts,
        *,
        interval: float,
        quiet_interval: float,
        unwaited_interval: float,
        max_bytes: int,
        max_seconds: float,
        on_commit: OnCommit,
    ) -> None:
        """`interval`: least seconds between the starts of two commits. `quiet_interval`: the same while fewer than
        SMALL_BATCH messages wait and no request waits for them. `unwaited_interval`: the same while nobody is told of
        the commit.

        `max_bytes`, `max_seconds`: how much may be unsaved, and for how long PostgreSQL may be away, until the process
        is overloaded.
        """
        self._interval = interval
        self._quiet_interval = quiet_interval
        self._unwaited_interval = unwaited_interval
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._pending = 0
        """Messages since the last commit began."""
        self._pending_bytes = 0
        self._is_waited_for = False
        """The sender of one of them is told of the commit."""
        self._is_urgent = False
        self._pause: asyncio.Future[None] | None = None
        """Lasts while edits gather, until `_is_enough`."""
        self._is_enough: Callable[[], bool] = self._has_company
        self._dirty: dict[UUID, LiveDocument] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer = BatchWriter(db, counts, on_commit=on_commit, on_retry=self._retry, wake=self._wake.set)
        self.blocked = self._writer.blocked

    @property
    def unsaved_bytes(self) -> int:
        """Bytes of uncommitted edits."""
        return self._writer.unsaved_bytes

    @property
    def failing_since(self) -> float | None:
        """Monotonic seconds since when commits have failed; None while they succeed."""
        return self._writer.failing_since

    def add(self, document: LiveDocument, size: int, *, is_waited_for: bool) -> None:
        """Schedule a commit of a document that has `size` bytes more for the log.

        `is_waited_for`: the sender is told of the commit.
        """
        if document.replaced:
            # Its place in the queue is that of the document which replaced it.
            document.room.forget_unsaved()
            return
        self._writer.unsaved_bytes += size
        if document.unsaved_since is None:
            document.unsaved_since = time.monotonic()
        self._idle.clear()
        if document.id in self.blocked:
            return
        self._dirty[document.id] = document
        self._wake.set()
        self._pending += 1
        self._pending_bytes += size
        self._is_waited_for = self._is_waited_for or is_waited_for
        if self._pause is not None and self._is_enough():
            _end(self._pause)

    def _retry(self, document: LiveDocument) -> None:
        self._dirty[document.id] = document
        self._wake.set()

    def flush_soon(self) -> None:
        """Commit what is pending without waiting for more, because a request waits for it."""
        if self._dirty:
            self._is_urgent = True
            if self._pause is not None:
                _end(self._pause)

    def forget(self, document: LiveDocument) -> None:
        """Drop the uncommitted edits of a replaced document."""
        self._writer.forget(document)

    @property
    def overloaded(self) -> bool:
        """PostgreSQL has been away for too long, or too many bytes wait for it."""
        since = self.failing_since if self.failing_since is not None else self._writer.commit_started
        waited = 0.0 if since is None else time.monotonic() - since
        return self.unsaved_bytes > self._max_bytes or waited > self._max_seconds

    def check_writable(self, document_id: UUID) -> None:
        """Raises DocumentBlocked where the document has been blocked for longer than the settings allow."""
        since = self.blocked.since(document_id)
        if since is None:
            return
        too_long = time.monotonic() - since > self._max_seconds
        if too_long or self.blocked.unsaved_bytes > self._max_bytes / BLOCKED_SHARE:
            raise DocumentBlocked("your edits of this document cannot be stored now; keep them and come back")

    async def wait_flushed(self) -> None:
        """Wait until every edit is committed."""
        self.flush_soon()
        await self._idle.wait()

    async def wait_committed(self, document: LiveDocument) -> None:
        """Wait until everything the document has received by now is committed.

        Raises Unavailable while PostgreSQL is away, DocumentBlocked while it does not take this document's edits.
        """
        target = document.room.entries_given
        deadline = time.monotonic() + WAIT_SECONDS
        while document.room.entries_done < target:
            self.flush_soon()
            if self.failing_since is not None or time.monotonic() > deadline:
                raise Unavailable("the database cannot answer now")
            blocked_since = self.blocked.since(document.id)
            if blocked_since is not None and time.monotonic() - blocked_since > BLOCKED_SECONDS:
                raise DocumentBlocked("edits of this document cannot be stored now")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.shield(document.next_commit())

    async def run(self) -> None:
        """Commit until cancelled. Edits that are not committed then stay with their rooms."""
        backoff = Backoff(*RETRY)
        try:
            while True:
                await self._wake.wait()
                started = time.monotonic()
                self._wake.clear()
                try:
                    done = await self._commit_pending()
                except Exception:
                    # A fault of this server. The edits are still with their rooms, and are retried.
                    log.exception("a commit failed")
                    done = False
                if not self._dirty and not self.blocked:
                    self._idle.set()
                if done:
                    backoff.reset()
                    await self._collect(started)
                else:
                    await asyncio.sleep(backoff.next_delay())
                    self._wake.set()
        finally:
            await self._writer.close()

    async def _collect(self, started: float) -> None:
        """Let edits collect after a commit that began at `started` (monotonic seconds)."""
        pause = self._interval - (time.monotonic() - started)
        if pause > 0:
            await asyncio.sleep(pause)
        await self._gather(started + self._unwaited_interval, self._is_wanted)
        await self._gather(started + self._quiet_interval, self._has_company)

    def _is_wanted(self) -> bool:
        return self._is_waited_for or self._is_urgent or self._pending_bytes >= MOST_GATHERED

    def _has_company(self) -> bool:
        return self._pending >= SMALL_BATCH or self._is_urgent or self._pending_bytes >= MOST_GATHERED

    async def _gather(self, until: float, is_enough: Callable[[], bool]) -> None:
        """Let edits collect `until` a moment (monotonic seconds), or until they are enough."""
        pause = until - time.monotonic()
        if pause <= 0 or is_enough():
            return
        loop = asyncio.get_running_loop()
        self._pause, self._is_enough = loop.create_future(), is_enough
        timer = loop.call_later(pause, _end, self._pause)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None

    async def _commit_pending(self) -> bool:
        """Commit the pending edits, and those of blocked documents that are due. False: PostgreSQL is away."""
        documents = [document for document in self._dirty.values() if document.id not in self.blocked]
        self._dirty = {}
        self._pending, self._pending_bytes = 0, 0
        self._is_waited_for = self._is_urgent = False
        if not await self._write(documents, wait=True):
            return False
        return await self._write(self.blocked.due(time.monotonic()), wait=False)

    async def _write(self, documents: list[LiveDocument], *, wait: bool) -> bool:
        """Commit these documents' edits. Those that do not fit into one transaction are committed next."""
        try:
            batch, rest = self._writer.take_batch(documents)
            for document in rest:
                if document.id in self.blocked:
                    self._wake.set()
                else:
                    self._retry(document)
                    self._is_urgent = True
            return not batch.documents or await self._writer.write(batch, wait=wait)
        except Exception:
            self._writer.schedule_again(documents)
            raise


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
