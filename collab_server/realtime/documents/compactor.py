"""Folds the logs of open documents in the background.

A log is folded when it has grown long, when its document has not been edited for a while, and on request.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.fair_queue import UNBOUNDED, FairQueue
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import CollabError, Unavailable
from collab_server.features.document_log import store
from collab_server.features.document_log.folding_together import SMALL_BYTES, TOGETHER, fold_together
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.live_document import LiveDocument

FOLD_AFTER_OTHERS = 2
"""Factor on the limits for rows of other nodes: the node that wrote them folds first."""
SLOW_SECONDS = 5.0
"""Documents whose last fold took longer share one slot, so that the others do not wait for them."""
SLOW_KNOWN = 1000
"""Maximum number of such documents to remember, open or closed."""
RETRY = (5.0, 300.0)
"""Seconds before the first and (doubling) at most between later attempts at a document whose fold failed."""


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """Length of a log, in rows and in bytes, at which it is folded."""

    rows: int
    bytes: int


class Compactor:
    """Runs at most `slots` folds at once; others queue. A room is never loaded and folded at the same time."""

    def __init__(
        self,
        db: Database,
        workers: Workers,
        counts: Counts,
        *,
        slots: int,
        limits: FoldLimits,
        find_load: Callable[[UUID], asyncio.Task[None] | None],
        on_fold: Callable[[LiveDocument], None],
    ) -> None:
        """`find_load`: returns the running load of a document. `on_fold`: called after each fold, even a failed one."""
        self._db = db
        self._workers = workers
        self._counts = counts
        self._limits = limits
        self._slots = FairQueue(slots, most=UNBOUNDED, most_of_one=UNBOUNDED)
        self._slow_slot = FairQueue(1, most=UNBOUNDED, most_of_one=UNBOUNDED)
        self._slow: dict[UUID, None] = {}
        self._find_load = find_load
        self._on_fold = on_fold
        self._small: dict[LiveDocument, asyncio.Future[bool]] = {}
        """Small documents that wait to be folded together, and whether that has been done."""
        self._together: asyncio.Task[None] | None = None
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._running: set[UUID] = set()
        self.has_ended = False
        """No further fold begins; see `end`."""
        self._failures: dict[UUID, tuple[float, float]] = {}
        """Documents whose last fold failed: (earliest next attempt in monotonic seconds, pause before it)."""

    def is_busy(self, document_id: UUID) -> bool:
        """Whether a fold of the document runs or is queued."""
        return document_id in self._tasks

    def find_running(self, document_id: UUID) -> asyncio.Task[None] | None:
        """The fold that reads or writes the document now."""
        return self._tasks[document_id] if document_id in self._running else None

    def forget(self, document_id: UUID) -> None:
        """Drop what is remembered of a closed document."""
        self._failures.pop(document_id, None)

    def fold_if_long(self, document: LiveDocument, factor: int = 1) -> None:
        """Queue a fold of a log that has grown to `factor` times the limits."""
        room, limits = document.room, self._limits
        if room.log_rows >= factor * limits.rows or room.log_bytes >= factor * limits.bytes:
            self.fold_soon(document)

    def fold_soon(self, document: LiveDocument, *, at_once: bool = False) -> asyncio.Task[None] | None:
        """Queue a fold and return its task; None where nothing is to be folded, and after `end`.

        A document whose last fold failed is left until its pause is over, unless `at_once`.
        """
        if (task := self._tasks.get(document.id)) is not None:
            return task
        if not document.room.log_rows or document.replaced or self.has_ended:
            return None
        if not at_once and document.id in self._failures and time.monotonic() < self._failures[document.id][0]:
            return None
        # Whoever waits for this fold does not wait for those of many others.
        alone = at_once and self._together is not None
        task = self._tasks[document.id] = asyncio.create_task(self._run(document, alone=alone))
        task.add_done_callback(lambda _: self._on_end(document))
        return task

    def _on_end(self, document: LiveDocument) -> None:
        self._running.discard(document.id)
        del self._tasks[document.id]
        self._on_fold(document)

    async def _run(self, document: LiveDocument, *, alone: bool) -> None:
        if not alone and document.room.size <= SMALL_BYTES and document.id not in self._failures:
            folded = self._small[document] = asyncio.get_running_loop().create_future()
            if self._together is None:
                self._together = asyncio.create_task(self._run_together())
            if await folded:
                return
        await self._run_alone(document)

    async def _run_together(self) -> None:
        """Fold the small documents that wait, and those that come meanwhile."""
        try:
            while self._small:
                async with self._slots.place():
                    await self._fold_together(
                        {document: self._small.pop(document) for document in list(self._small)[:TOGETHER]}
                    )
        finally:
            self._together = None
            for folded in self._small.values():
                folded.cancel()
            self._small.clear()

    async def _fold_together(self, waiting: dict[LiveDocument, "asyncio.Future[bool]"]) -> None:
        """Fold documents, and tell those who wait for them. What cannot be folded together is folded alone."""
        documents = {
            document.id: document
            for document, folded in waiting.items()
            if not folded.done() and self._find_load(document.id) is None
        }
        started = time.monotonic()
        for document in documents.values():
            self._running.add(document.id)
            document.room.begin_load()
        done: dict[UUID, store.Loaded] = {}
        try:
            done = await fold_together(self._db, self._workers, list(documents))
        except CollabError:
            # Each of them finds out by itself, and notes its failure.
            log.debug("documents could not be folded together", extra={"documents": len(documents)})
        except Exception:
            log.exception("documents could not be folded together")
        finally:
            for document in documents.values():
                if document.id not in done:
                    self._running.discard(document.id)
                    document.room.abandon_load()
        for document_id, loaded in done.items():
            try:
                self._finish(documents[document_id], loaded, started)
            except Exception:
                # Of one document; those who wait for the others are told all the same.
                log.exception("what follows a fold failed", extra={"document": document_id})
        for document, folded in waiting.items():
            if not folded.done():
                folded.set_result(document.id in done)

    async def _run_alone(self, document: LiveDocument) -> None:
        async with self._slot(document.id):
            while (load := self._find_load(document.id)) is not None:
                await asyncio.wait({load})
            self._running.add(document.id)
            started = time.monotonic()
            document.room.begin_load()
            try:
                folded = await store.fold(self._db, self._workers, document.id)
            except BaseException as error:
                document.room.abandon_load()
                if not isinstance(error, Exception):
                    raise
                self._record_failure(document, error)
                return
        self._finish(document, folded, started)

    def _finish(self, document: LiveDocument, folded: store.Loaded, started: float) -> None:
        """Take in a fold that began at `started` (monotonic seconds)."""
        self._counts.folds += 1
        self._failures.pop(document.id, None)
        if document.generation not in (None, folded.generation):
            # It was replaced meanwhile. Its connections are told by realtime/revocation.py.
            document.room.abandon_load()
            return
        document.room.finish_fold(folded.stored)
        document.workspace_id = folded.workspace_id
        document.unfolded_since = started if document.room.log_rows else None
        if not document.room.log_rows:
            # The fold told the feed of them.
            document.unannounced_since = None
        document.has_returns = folded.has_returns
        document.forget_answers()

    def _record_failure(self, document: LiveDocument, error: Exception) -> None:
        self._counts.fold_failures += 1
        pause = RETRY[0]
        if document.id in self._failures and not isinstance(error, Unavailable):
            pause = min(self._failures[document.id][1] * 2, RETRY[1])
        self._failures[document.id] = (time.monotonic() + pause, pause)
        expected = isinstance(error, CollabError)
        log.log(
            logging.WARNING if expected else logging.ERROR,
            "a fold failed",
            extra={"document": document.id, "error": repr(error)},
            exc_info=None if expected else error,
        )

    @asynccontextmanager
    async def _slot(self, document_id: UUID) -> AsyncIterator[None]:
        async with AsyncExitStack() as slots:
            if document_id in self._slow:
                await slots.enter_async_context(self._slow_slot.place())
            await slots.enter_async_context(self._slots.place())
            started = time.monotonic()
            try:
                yield
            finally:
                self._slow.pop(document_id, None)
                if time.monotonic() - started > SLOW_SECONDS:
                    self._slow[document_id] = None
                    if len(self._slow) > SLOW_KNOWN:
                        del self._slow[next(iter(self._slow))]

    def has_failed(self, document_id: UUID) -> bool:
        """Whether the last fold of an open document failed."""
        return document_id in self._failures

    async def fold_closed(self, document_id: UUID) -> None:
        """Fold a document not open here. Raises NotFound, DocumentDamaged, Unavailable."""
        async with self._slot(document_id):
            await store.fold(self._db, self._workers, document_id)

    async def end(self, seconds: float) -> int:
        """Let the folds that run or are queued go on for at most this long, then cancel them. No further one begins.

        Returns the number of cancelled folds.
        """
        self.has_ended = True
        if not self._tasks:
            return 0
        _, left = await asyncio.wait(set(self._tasks.values()), timeout=seconds)
        for task in left:
            task.cancel()
        if self._together is not None:
            self._together.cancel()
        if left:
            await asyncio.wait(left)
        return len(left)
