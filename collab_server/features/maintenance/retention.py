"""Ends the history of documents: before a number of days, beyond a size, and where a workspace has no space for it. Of
older edits, the content that they left is kept.
"""

from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.history.collapsing import collapse
from collab_server.features.document_log.history_queries import replace_segments
from collab_server.features.maintenance import retention_queries
from collab_server.features.maintenance.retention_queries import Due
from collab_server.observability.logging import log

FIRST = UUID(int=0)


class Retention:
    """One run over all documents and workspaces, in the order of their ids.

    days: whose edits are kept; 0: all. document_bytes: how much of a document's history is kept; 0: all.
    """

    def __init__(self, workers: Workers, days: int, document_bytes: int) -> None:
        self._workers = workers
        self._days = days
        self._document_bytes = document_bytes
        self._after = FIRST
        self._large: list[UUID] | None = None
        self._workspace = FIRST
        self._failed: set[UUID] = set()
        """Documents whose history cannot be collapsed; they are left to the next run."""

    async def forget_authors(self, conn: Conn) -> int:
        """Forget the authors of a batch of old rows. Return their number."""
        return await retention_queries.forget_authors(conn, self._days) if self._days else 0

    async def forget_generations(self, conn: Conn) -> int:
        """Forget a batch of what is kept of former generations: what is too old, and their histories where a document
        has too much. Return the number of generations and segments.
        """
        return await retention_queries.forget_generations(conn, self._days, self._document_bytes)

    async def collapse_old(self, conn: Conn) -> int:
        """Collapse what is too old in the next document. Return 1, or 0 at the end."""
        while self._days:
            due = await retention_queries.find_old(conn, self._days, self._after)
            if due is None:
                break
            self._after = due.document_id
            if await self._collapse(conn, due):
                return 1
        return 0

    async def collapse_large(self, conn: Conn) -> int:
        """Collapse what is too much in the next document. Return 1, or 0 at the end."""
        if not self._document_bytes:
            return 0
        if self._large is None:
            self._large = await retention_queries.list_large(conn, self._document_bytes)
        while self._large:
            due = await retention_queries.find_excess(conn, self._large.pop(), self._document_bytes)
            if due is not None and await self._collapse(conn, due):
                return 1
        return 0

    async def free_storage(self, conn: Conn) -> int:
        """Delete the oldest versions that nobody has named or pinned, or collapse a document's oldest history, in the
        next workspace above its limit. Return the number of versions or 1, or 0 at the end.
        """
        while (excess := await retention_queries.find_full(conn, self._workspace)) is not None:
            self._workspace = excess.workspace_id
            until = await retention_queries.find_time_of_excess(conn, excess, list(self._failed))
            if until is None:
                self._workspace = UUID(int=excess.workspace_id.int + 1)
                continue
            if deleted := await retention_queries.delete_versions(conn, excess.workspace_id, until):
                return deleted
            due = await retention_queries.find_old_in(conn, excess.workspace_id, until, list(self._failed))
            if due is None or not await self._collapse(conn, due):
                continue
            return 1
        return 0

    async def _collapse(self, conn: Conn, due: Due) -> bool:
        """Collapse the first segments of a document. False: they stay. A failure is logged."""
        try:
            async with conn.transaction():
                segments = await retention_queries.list_first(conn, due)
                new = await self._workers.run_within(
                    WHOLE_DOCUMENT_SECONDS, collapse, [segment.payload for segment in segments]
                )
                created = [segment.created_at for segment in segments]
                if await replace_segments(conn, due.document_id, created, new, collapsed=True):
                    return True
        except Exception as error:
            log.exception("the history of a document stays", extra={"document": due.document_id, "error": repr(error)})
        self._failed.add(due.document_id)
        return False
