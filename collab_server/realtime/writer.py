"""Group commit: what all rooms of this process have gathered goes to PostgreSQL in one transaction.

While one commit is in flight the next batch fills. An edit leaves a room's hands only when its commit is known; a
commit that fails, or whose outcome is unknown, is tried again (Yjs takes an update twice without harm).

A transaction that waits for a lock is given up soon. Then everything is committed except the documents that are locked:
these leave the batches and are tried again by themselves (realtime/blocked.py).
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from collab_server.backends.db import Database, DatabaseError, is_blocked, is_transient
from collab_server.documents import log_queries
from collab_server.errors import DocumentBlocked, NotFound
from collab_server.realtime.blocked import BlockedDocuments
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.log_rows import rows_of
from collab_server.telemetry import Counts, log

BATCH_BYTES = 32_000_000
"""Where a transaction stops taking further documents."""
BACKOFF = (0.05, 2.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while PostgreSQL is away."""
COMMIT_TIMEOUT = 15.0
BLOCKED_IN_A_ROW = 2
"""Documents that are blocked one after the other before the database itself counts as blocked."""
BLOCKED_SHARE = 2
"""Blocked documents may hold one part in so many of the bytes that may be unsaved; then their sockets are closed."""
FEW = 12
"""Messages that may wait for company: a commit costs the server as much as some ten of them."""


class OnCommit(Protocol):
    def __call__(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    """Parallel lists, a row each; `documents` in the order of their rows."""

    documents: list[LiveDocument]
    rows: list[log_queries.LogRow]


class Writer:
    """Runs as one task. `overloaded` tells whether more is held than the settings allow, `check_writable` the same of
    one document.

    `interval`: least seconds between the starts of two commits; `quiet_interval`: the same while only a FEW messages
    wait and nobody is in a hurry.
    """

    def __init__(
        self,
        db: Database,
        counts: Counts,
        *,
        interval: float,
        quiet_interval: float,
        max_bytes: int,
        max_seconds: float,
        on_commit: OnCommit,
    ) -> None:
        self._db = db
        self._counts = counts
        self._interval = interval
        self._quiet_interval = quiet_interval
        self._waiting = 0
        self._hurried = False
        self._gathering: asyncio.Future[None] | None = None
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._on_commit = on_commit
        self._dirty: dict[UUID, LiveDocument] = {}
        self._wake = asyncio.Event()
        self.blocked = BlockedDocuments(self._wake.set)
        self._idle = asyncio.Event()
        self._idle.set()
        self._conn: log_queries.LogConnection | None = None
        self._commit_started: float | None = None
        self.failing_since: float | None = None
        self.unsaved_bytes = 0

    def add(self, document: LiveDocument, size: int) -> None:
        """The document has entries for the log, `size` bytes more than before."""
        self.unsaved_bytes += size
        if document.unsaved_since is None:
            document.unsaved_since = time.monotonic()
        self._idle.clear()
        if document.id in self.blocked:
            return
        self._dirty[document.id] = document
        self._wake.set()
        self._waiting += 1
        if self._gathering is not None and self._waiting >= FEW:
            _end(self._gathering)

    def hurry(self) -> None:
        """Somebody waits for what has gathered: commit it as soon as load allows."""
        if self._dirty:
            self._hurried = True
            if self._gathering is not None:
                _end(self._gathering)

    @property
    def overloaded(self) -> bool:
        """PostgreSQL has been away for too long, or too much waits for it."""
        since = self.failing_since if self.failing_since is not None else self._commit_started
        waited = 0.0 if since is None else time.monotonic() - since
        return self.unsaved_bytes > self._max_bytes or waited > self._max_seconds

    def check_writable(self, document_id: UUID) -> None:
        """Raises DocumentBlocked where a lock has kept the document's edits for longer than the settings allow."""
        since = self.blocked.since(document_id)
        if since is None:
            return
        too_long = time.monotonic() - since > self._max_seconds
        if too_long or self.blocked.unsaved_bytes > self._max_bytes / BLOCKED_SHARE:
            raise DocumentBlocked("your edits of this document cannot be stored now; keep them and come back")

    async def flushed(self) -> None:
        """Wait until nothing waits for PostgreSQL."""
        self.hurry()
        await self._idle.wait()

    async def run(self) -> None:
        """Commit until cancelled; what is held then stays with the rooms."""
        delay = BACKOFF[0]
        try:
            while True:
                await self._wake.wait()
                started = time.monotonic()
                self._wake.clear()
                try:
                    done = await self._commit_all()
                except Exception:
                    # Ours, not PostgreSQL's: what was taken is still with its rooms, and goes with the next attempt.
                    log.exception("a commit failed")
                    done = False
                if not self._dirty and not self.blocked:
                    self._idle.set()
                if done:
                    delay = BACKOFF[0]
                    await self._gather(started)
                else:
                    await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
                    delay = min(delay * 2, BACKOFF[1])
                    self._wake.set()
        finally:
            await self._disconnect()

    async def _gather(self, started: float) -> None:
        """Let edits gather after a commit that began at `started` (monotonic seconds)."""
        pause = self._interval - (time.monotonic() - started)
        if pause > 0:
            await asyncio.sleep(pause)
        pause = self._quiet_interval - (time.monotonic() - started)
        if pause <= 0 or self._waiting >= FEW or self._hurried:
            return
        loop = asyncio.get_running_loop()
        self._gathering = loop.create_future()
        timer = loop.call_later(pause, _end, self._gathering)
        try:
            await self._gathering
        finally:
            timer.cancel()
            self._gathering = None

    async def _commit_all(self) -> bool:
        """One commit of what has gathered, and one of the blocked documents whose time has come. False: PostgreSQL is
        away, everything is back with its room.
        """
        documents, self._dirty = list(self._dirty.values()), {}
        self._waiting, self._hurried = 0, False
        batch, rest = self._take(documents)
        for document in rest:
            self._dirty[document.id] = document
            self._wake.set()
            self._hurried = True
        if batch.documents and not await self._try(batch, wait=True):
            return False
        batch, rest = self._take(self.blocked.due(time.monotonic()))
        if rest:
            self._wake.set()
        return not batch.documents or await self._try(batch, wait=False)

    async def _try(self, batch: _Batch, *, wait: bool) -> bool:
        """Commit the batch; where that is blocked, all of it that is not. False: PostgreSQL is away."""
        self._commit_started = time.monotonic()
        try:
            await self._commit(batch, wait=wait)
        except Exception as error:
            if is_blocked(error):
                return await self._try_unlocked(batch, error, wait=wait)
            await self._disconnect()
            if is_transient(error) or not isinstance(error, DatabaseError):
                self._failed(batch.documents, error)
                return False
            return await self._one_by_one(batch)
        finally:
            self._commit_started = None
        return True

    async def _try_unlocked(self, batch: _Batch, error: Exception, *, wait: bool) -> bool:
        """Something in the batch is locked: commit the documents that can be locked at once."""
        if wait:
            return await self._try(batch, wait=False)
        if len(batch.documents) > 1:
            # The lock is none of those that are looked for.
            return await self._one_by_one(batch)
        self._block(batch.documents[0], error)
        return True

    def _take(self, documents: list[LiveDocument]) -> tuple[_Batch, list[LiveDocument]]:
        batch = _Batch([], [])
        total = 0
        for index, document in enumerate(documents):
            if total > BATCH_BYTES:
                return batch, documents[index:]
            rows = rows_of(document.id, document.room.take())
            if not rows:
                self.blocked.remove(document)
                document.committed([], 0)
                self._on_commit(document, (), 0)
                continue
            batch.documents.append(document)
            batch.rows.extend(rows)
            total += sum(len(row.payload) for row in rows)
        return batch, []

    async def _commit(self, batch: _Batch, *, wait: bool) -> None:
        """`wait` False: documents that are locked by others are left to be tried again."""
        started = time.monotonic()
        if self._conn is None:
            self._conn = await self._db.connect_service()
        heads = await log_queries.append_rows(self._conn, batch.rows, COMMIT_TIMEOUT, wait=wait)
        self._counts.commit_seconds.add(time.monotonic() - started)
        self._counts.commits += 1
        payloads: dict[UUID, list[bytes]] = {}
        for row in batch.rows:
            payloads.setdefault(row.document_id, []).append(row.payload)
        if self.failing_since is not None and not all(heads.get(one.id, 0) is None for one in batch.documents):
            log.info("PostgreSQL is back: everything held has been written")
            self.failing_since = None
        for document in batch.documents:
            head = heads.get(document.id, 0)
            if head is None:
                self._block(document, "locked by another transaction")
                continue
            was_blocked = self.blocked.remove(document)
            before = document.room.unsaved_bytes
            rows = payloads[document.id]
            if not head:
                self._gone(document)
                rows = []
            else:
                document.committed(rows, head)
                self._counts.rows_committed += len(rows)
            self.unsaved_bytes -= before - document.room.unsaved_bytes
            if was_blocked and not document.room.saved:
                # It was edited during this commit, and `add` left it out as blocked.
                self._dirty[document.id] = document
                self._wake.set()
            self._on_commit(document, rows, head)

    def forget(self, document: LiveDocument) -> int:
        """What is not committed of this document must not be any more; the number of its edits."""
        self.unsaved_bytes -= document.room.unsaved_bytes
        document.unsaved_since = None
        return len(document.room.forget_unsaved())

    def _gone(self, document: LiveDocument) -> None:
        lost = document.room.forget_unsaved()
        document.gone = True
        document.unsaved_since = None
        log.warning("edits of a deleted document dropped", extra={"document": document.id, "edits": len(lost)})
        document.end(NotFound("the document was deleted"))

    def _failed(self, documents: Sequence[LiveDocument], error: BaseException) -> None:
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            log.error("cannot write to PostgreSQL; edits are held and tried again", extra={"error": repr(error)})
        self._counts.commit_failures += 1
        for document in documents:
            document.room.failed()
            if document.id not in self.blocked:
                self._dirty[document.id] = document

    def _block(self, document: LiveDocument, reason: object) -> None:
        """The document's edits stay with its room, in their order, and are tried again apart from the others."""
        document.room.failed()
        self._dirty.pop(document.id, None)
        if self.blocked.put(document):
            self._counts.commit_failures += 1
            log.warning("edits of a document wait", extra={"document": document.id, "reason": str(reason)})

    async def _one_by_one(self, batch: _Batch) -> bool:
        """One document's fault must not hold back the others. False: PostgreSQL is away."""
        rows: dict[UUID, list[log_queries.LogRow]] = {}
        for row in batch.rows:
            rows.setdefault(row.document_id, []).append(row)
        blocked = 0
        for index, document in enumerate(batch.documents):
            try:
                await self._commit(_Batch([document], rows[document.id]), wait=False)
            except Exception as error:
                if not is_blocked(error):
                    await self._disconnect()
                    if is_transient(error) or not isinstance(error, DatabaseError):
                        self._failed(batch.documents[index:], error)
                        return False
                    log.error("PostgreSQL refused edits", extra={"document": document.id, "error": repr(error)})
                blocked = blocked + 1 if is_blocked(error) else 0
                self._block(document, repr(error))
                rest = batch.documents[index + 1 :]
                if blocked == BLOCKED_IN_A_ROW and rest:
                    self._failed(rest, error)
                    return False
            else:
                blocked = 0
        return True

    async def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(Exception):
                conn.terminate()


def _end(gathering: asyncio.Future[None]) -> None:
    if not gathering.done():
        gathering.set_result(None)
