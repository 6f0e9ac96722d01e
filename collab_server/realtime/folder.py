"""Folds the logs of open documents in the background: when a log has grown, when its document rests, when somebody
asks.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.backends.fair_queue import UNBOUNDED, FairQueue
from collab_server.backends.workers import Workers
from collab_server.documents import store
from collab_server.errors import CollabError, Unavailable
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import Counts, log

SLOW_SECONDS = 5.0
"""Documents whose last fold took longer share one slot, so that the others do not wait for them."""
SLOW_KNOWN = 1000
"""How many such documents are remembered, also when they are not open."""
RETRY = (5.0, 300.0)
"""Seconds until a document whose fold failed is tried again: at first, and (doubling) at most."""


class Folder:
    """At most `slots` folds at once; the others queue. A room is loaded or folded, never both at a time.

    `loading`: the running load of a document, if any. `done`: called after each fold, whatever came of it.
    """

    def __init__(
        self,
        db: Database,
        workers: Workers,
        counts: Counts,
        slots: int,
        loading: Callable[[UUID], asyncio.Task[None] | None],
        done: Callable[[LiveDocument], None],
    ) -> None:
        self._db = db
        self._workers = workers
        self._counts = counts
        self._slots = FairQueue(slots, most=UNBOUNDED, most_of_one=UNBOUNDED)
        self._slow_slot = FairQueue(1, most=UNBOUNDED, most_of_one=UNBOUNDED)
        self._slow: dict[UUID, None] = {}
        self._loading = loading
        self._done = done
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._running: set[UUID] = set()
        self._failures: dict[UUID, tuple[float, float]] = {}
        """(not before, in monotonic seconds; the pause that led there) of documents whose last fold failed."""

    def is_busy(self, document_id: UUID) -> bool:
        """Whether a fold of the document runs or is queued."""
        return document_id in self._tasks

    def running(self, document_id: UUID) -> asyncio.Task[None] | None:
        """The fold that is reading or writing the document now."""
        return self._tasks[document_id] if document_id in self._running else None

    def forget(self, document_id: UUID) -> None:
        """The document is not open any more."""
        self._failures.pop(document_id, None)

    def soon(self, document: LiveDocument, *, at_once: bool = False) -> asyncio.Task[None] | None:
        """Queue a fold, unless nothing is to fold or (not `at_once`) the last one has just failed; the fold to wait
        for.
        """
        if (task := self._tasks.get(document.id)) is not None:
            return task
        if not document.room.log_rows or document.gone:
            return None
        if not at_once and document.id in self._failures and time.monotonic() < self._failures[document.id][0]:
            return None
        task = self._tasks[document.id] = asyncio.create_task(self._run(document))
        task.add_done_callback(lambda _: self._ended(document))
        return task

    def _ended(self, document: LiveDocument) -> None:
        document.last_fold = time.monotonic()
        self._running.discard(document.id)
        del self._tasks[document.id]
        self._done(document)

    async def _run(self, document: LiveDocument) -> None:
        async with self._place(document.id):
            while (loading := self._loading(document.id)) is not None:
                await asyncio.wait({loading})
            self._running.add(document.id)
            document.room.begin_load()
            try:
                stored = await store.fold(self._db, self._workers, document.id)
            except BaseException as error:
                document.room.abandon_load()
                if not isinstance(error, Exception):
                    raise
                self._failed(document, error)
                return
        self._counts.folds += 1
        self._failures.pop(document.id, None)
        document.room.finish_fold(stored)
        document.forget_answers()

    def _failed(self, document: LiveDocument, error: Exception) -> None:
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
    async def _place(self, document_id: UUID) -> AsyncIterator[None]:
        async with AsyncExitStack() as places:
            if document_id in self._slow:
                await places.enter_async_context(self._slow_slot.place())
            await places.enter_async_context(self._slots.place())
            started = time.monotonic()
            try:
                yield
            finally:
                self._slow.pop(document_id, None)
                if time.monotonic() - started > SLOW_SECONDS:
                    self._slow[document_id] = None
                    if len(self._slow) > SLOW_KNOWN:
                        del self._slow[next(iter(self._slow))]

    async def fold_closed(self, document_id: UUID) -> None:
        """Fold a document that is not open here. Raises NotFound, DocumentDamaged, Unavailable."""
        async with self._place(document_id):
            await store.fold(self._db, self._workers, document_id)

    async def finish(self, seconds: float) -> None:
        """Wait for what runs, at most so long."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)
