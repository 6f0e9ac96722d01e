"""Folds log rows of servers that ended before they folded them, and tells the change feed of such edits."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.errors import CollabError
from collab_server.features.document_log import announcing, log_queries, store
from collab_server.features.document_log.folding_together import SMALL_BYTES, TOGETHER, fold_together
from collab_server.observability.logging import log

INTERVAL = 60.0
AT_ONCE = 100
"""Documents folded in one round, longest log first."""
RETRY = (60.0, 3600.0)
"""Seconds until a document that failed is tried again: at first, and (doubling) at most."""


class Ages(NamedTuple):
    unannounced: float
    unfolded: float


class Leftovers:
    """`is_open`: returns whether a document is open in this process, which then folds it anyway.

    `ages`: ages in seconds at which edits that the feed does not tell of, and rows that are not folded, are of no
    server that lives. None: there is no other server.
    """

    def __init__(
        self, db: Database, workers: Workers, is_open: Callable[[UUID], bool], *, ages: Ages | None = None
    ) -> None:
        self._db = db
        self._workers = workers
        self._is_open = is_open
        self._ages = ages
        self._failures: dict[UUID, tuple[float, float]] = {}
        """(not before, in monotonic seconds; the pause that led there) of documents that failed."""

    async def run(self) -> None:
        """Fold rounds until cancelled."""
        await run_periodically(
            "folding the backlog", lambda: self.fold(time.monotonic()), INTERVAL, retry=(INTERVAL, INTERVAL)
        )

    async def fold(self, now: float) -> float | None:
        """Fold one round at `now` (monotonic seconds), without documents that failed lately. Returns 0 if more may be
        left, else None. Raises Unavailable.
        """
        later = [document_id for document_id, (due, _) in self._failures.items() if now < due]
        async with self._db.as_service() as conn:
            oldest = None
            if self._ages is not None:
                oldest = self._ages.unfolded
                if silent := await announcing.list_unannounced(conn, self._ages.unannounced, AT_ONCE):
                    await announcing.announce(conn, silent)
            found = await log_queries.list_backlog(conn, AT_ONCE, but=later, older_than=oldest)
        waiting = [document_id for document_id in found if not self._is_open(document_id)]
        folded = await self._fold_small(waiting)
        for document_id in waiting:
            if document_id in folded:
                continue
            try:
                await store.fold(self._db, self._workers, document_id)
            except Exception as error:
                pause = min(self._failures.get(document_id, (0.0, RETRY[0] / 2))[1] * 2, RETRY[1])
                self._failures[document_id] = (now + pause, pause)
                expected = isinstance(error, CollabError)
                log.warning(
                    "a fold failed",
                    extra={"document": document_id, "error": repr(error)},
                    exc_info=None if expected else error,
                )
            else:
                self._failures.pop(document_id, None)
                folded.add(document_id)
        return 0.0 if folded and len(found) == AT_ONCE else None

    async def _fold_small(self, document_ids: Sequence[UUID]) -> set[UUID]:
        """Fold what can be folded together, and return it."""
        folded: set[UUID] = set()
        for start in range(0, len(document_ids), TOGETHER):
            part = document_ids[start : start + TOGETHER]
            async with self._db.as_service() as conn:
                small = await log_queries.list_small(conn, part, SMALL_BYTES)
            try:
                folded |= (await fold_together(self._db, self._workers, small)).keys() if small else set()
            except CollabError as error:
                log.debug("documents could not be folded together", extra={"error": repr(error)})
            except Exception:
                log.exception("documents could not be folded together")
        return folded
