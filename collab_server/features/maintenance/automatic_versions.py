"""Makes automatic versions: of each document, some time after the first edits that no automatic version has.
Where these removed more than half of the text at once, the text before gets a version too.

A fold notes when its document got such edits. The task sleeps until the first of these times is long enough ago. It
runs in every process of every server, and PostgreSQL gives each document to one of them.
"""

from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.errors import CollabError, NotFound
from collab_server.features.history.versions import VersionWish, make_version, make_versions_before_removals
from collab_server.features.maintenance import version_queries
from collab_server.observability.logging import log

LATE = 0.002
"""Seconds added to a due moment, so that it is in the past when the query runs."""
AGAIN = 0.1
"""Seconds until the next run after a due document was locked."""


class AutomaticVersions:
    """The task for automatic versions. interval: seconds from the first edits to the version; 0: there are none."""

    def __init__(self, db: Database, workers: Workers, interval: float) -> None:
        self._db = db
        self._workers = workers
        self._interval = interval

    async def run(self) -> None:
        """Run until cancelled; if versions are turned off, return."""
        if self._interval:
            await run_periodically("making automatic versions", self.make_due, self._interval)

    async def make_due(self) -> float:
        """Make the versions that are due. Return the seconds until the next run: edits that are folded meanwhile are
        not due before it. Raises Unavailable.
        """
        while True:
            async with self._db.as_service() as conn:
                claimed = await version_queries.claim_unversioned(conn, self._interval)
                if claimed is None:
                    due = await version_queries.next_unversioned(conn, self._interval)
                    break
            await self._make(claimed)
        if due is None:
            return self._interval
        return min(self._interval, due + LATE) if due > 0 else AGAIN

    async def _make(self, document_id: UUID) -> None:
        """Make a version of one document. A failure is logged; the claim says when it is tried again."""
        try:
            async with self._db.as_service() as conn:
                removals = await version_queries.list_removals(conn, document_id)
            if removals:
                await self._make_before(document_id, removals)
            made = await make_version(self._db, self._workers, document_id, VersionWish("auto"))
            async with self._db.as_service() as conn:
                await version_queries.note_version(conn, document_id, made.history.head, removals)
        except NotFound:
            log.debug("a document was deleted before its version was made", extra={"document": document_id})
        except Exception as error:
            log.warning(
                "an automatic version failed",
                extra={"document": document_id, "error": repr(error)},
                exc_info=None if isinstance(error, CollabError) else error,
            )

    async def _make_before(self, document_id: UUID, removals: list[int]) -> None:
        """Make versions before removals. A failure is logged: the history has the content all the same."""
        try:
            await make_versions_before_removals(self._db, self._workers, document_id, removals)
        except NotFound:
            raise
        except CollabError as error:
            log.warning("a version before a removal failed", extra={"document": document_id, "error": error.detail})
