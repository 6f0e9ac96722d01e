"""Writes batches of edits to PostgreSQL, and tells the documents what became of them.

A transaction that waits for a lock is given up soon. Then all documents are committed except the locked ones, which
leave the batches and are retried by themselves (blocked.py).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.postgres_errors import DatabaseError, is_blocked, is_transient
from collab_server.errors import NotFound, StaleGeneration
from collab_server.features.document_log import log_queries
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.blocked import BlockedDocuments
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.documents.log_rows import rows_of

BATCH_BYTES = 32_000_000
"""Size at which a transaction takes no further documents."""
COMMIT_TIMEOUT = 15.0
BLOCKED_IN_A_ROW = 2
"""Documents that are blocked one after the other before the database itself counts as blocked."""


class OnCommit(Protocol):
    def __call__(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents, and their log rows in the same order; a document may have several rows."""

    documents: list[LiveDocument]
    rows: list[log_queries.LogRow]


class BatchWriter:
    """Writes over one connection, one batch at a time.

    `unsaved_bytes`: of uncommitted edits. `failing_since`: monotonic seconds since when commits have failed;
    None while they succeed. `commit_started`: monotonic seconds; None while no commit runs.
    """

    def __init__(
        self,
        db: Database,
        counts: Counts,
        *,
        on_commit: OnCommit,
        on_retry: Callable[[LiveDocument], None],
        wake: Callable[[], None],
    ) -> None:
        """`on_retry`: called with a document whose edits go with the next batch. `wake`: called when a blocked document
        is due.
        """
        self._db = db
        self._counts = counts
        self._on_commit = on_commit
        self._on_retry = on_retry
        self._conn: log_queries.LogConnection | None = None
        self.blocked = BlockedDocuments(wake)
        self.unsaved_bytes = 0
        self.failing_since: float | None = None
        self.commit_started: float | None = None

    async def write(self, batch: Batch, *, wait: bool) -> bool:
        """Commit the batch, except the documents that are locked or refused. False: PostgreSQL is away.

        `wait`: wait a moment for locks first.
        """
        self.commit_started = time.monotonic()
        try:
            await self._commit(batch, wait=wait)
        except Exception as error:
            if is_blocked(error):
                return await self._try_unlocked(batch, error, wait=wait)
            await self.close()
            if is_transient(error) or not isinstance(error, DatabaseError):
                self._failed(batch.documents, error)
                return False
            return await self._one_by_one(batch)
        finally:
            self.commit_started = None
        return True

    async def _try_unlocked(self, batch: Batch, error: Exception, *, wait: bool) -> bool:
        """Something in the batch is locked: commit the documents that can be locked at once."""
        if wait:
            return await self.write(batch, wait=False)
        if len(batch.documents) > 1:
            # The lock is none of those that are looked for.
            return await self._one_by_one(batch)
        self._block(batch.documents[0], error)
        return True

    def take_batch(self, documents: list[LiveDocument]) -> tuple[Batch, list[LiveDocument]]:
        """Begin the commit of the documents' pending edits. Returns the batch, and documents that do not fit in it."""
        batch = Batch([], [])
        total = 0
        for index, document in enumerate(documents):
            if total > BATCH_BYTES:
                return batch, documents[index:]
            try:
                rows = rows_of(document.id, document.room.begin_commit(), document.generation)
            except Exception as error:
                log.exception("edits could not be made into rows", extra={"document": document.id})
                self._block(document, repr(error))
                continue
            if not rows:
                self.blocked.remove(document)
                document.commit_succeeded([], 0)
                self._notify_committed(document, (), 0)
                continue
            batch.documents.append(document)
            batch.rows.extend(rows)
            total += sum(len(row.payload) for row in rows)
        return batch, []

    async def _commit(self, batch: Batch, *, wait: bool) -> None:
        """`wait` False: documents that are locked by others are left to be tried again."""
        started = time.monotonic()
        if self._conn is None:
            self._conn = await self._db.connect_service()
        heads = await log_queries.append_rows(self._conn, batch.rows, COMMIT_TIMEOUT, wait=wait)
        refused = [document.id for document in batch.documents if document.id not in heads]
        outdated = await log_queries.list_present(self._conn, refused) if refused else set()
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
                self._end_refused(document, is_outdated=document.id in outdated)
                rows = []
            else:
                document.commit_succeeded(rows, head)
                self._counts.rows_committed += len(rows)
            self.unsaved_bytes -= before - document.room.unsaved_bytes
            if was_blocked and not document.room.saved:
                # It was edited during this commit, and `add` left it out as blocked.
                self._on_retry(document)
            self._notify_committed(document, rows, head)

    def _notify_committed(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
        """Call `on_commit`. Its fault does not undo what PostgreSQL has."""
        try:
            self._on_commit(document, payloads, head)
        except Exception:
            log.exception("what follows a commit failed", extra={"document": document.id})

    def schedule_again(self, documents: Sequence[LiveDocument]) -> None:
        """Have all documents tried again after a fault of this server, which may have left their commits unfinished."""
        for document in documents:
            document.room.commit_failed()
            if document.id in self.blocked:
                self.blocked.put(document)
            else:
                self._on_retry(document)

    def forget(self, document: LiveDocument) -> None:
        """Drop the uncommitted edits of a replaced document."""
        self.unsaved_bytes -= document.room.unsaved_bytes
        document.unsaved_since = None
        document.room.forget_unsaved()

    def _end_refused(self, document: LiveDocument, *, is_outdated: bool) -> None:
        """End a document that is deleted, or whose generation has ended: its clients carry their edits over."""
        lost = document.room.forget_unsaved()
        document.replaced = True
        document.unsaved_since = None
        kind = "replaced" if is_outdated else "deleted"
        extra = {"document": document.id, "edits": len(lost)}
        log.warning("edits were refused, because the document was %s", kind, extra=extra)
        document.end(StaleGeneration() if is_outdated else NotFound("the document was deleted"))

    def _failed(self, documents: Sequence[LiveDocument], error: BaseException) -> None:
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            log.error("cannot write to PostgreSQL; edits are held and tried again", extra={"error": repr(error)})
        self._counts.commit_failures += 1
        for document in documents:
            document.room.commit_failed()
            if document.id not in self.blocked:
                self._on_retry(document)

    def _block(self, document: LiveDocument, reason: object) -> None:
        """The document's edits stay with its room, in their order, and are tried again apart from the others."""
        document.room.commit_failed()
        if self.blocked.put(document):
            self._counts.commit_failures += 1
            log.warning("edits of a document wait", extra={"document": document.id, "reason": str(reason)})

    async def _one_by_one(self, batch: Batch) -> bool:
        """One document's fault must not hold back the others. False: PostgreSQL is away."""
        rows: dict[UUID, list[log_queries.LogRow]] = {}
        for row in batch.rows:
            rows.setdefault(row.document_id, []).append(row)
        blocked = 0
        for index, document in enumerate(batch.documents):
            try:
                await self._commit(Batch([document], rows[document.id]), wait=False)
            except Exception as error:
                if not is_blocked(error):
                    await self.close()
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

    async def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            # Of a connection that is broken already.
            with suppress(Exception):
                conn.terminate()
