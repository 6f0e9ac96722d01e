"""Ends the history of documents before a number of days: of older edits, the content that they left is kept."""

from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.history.collapsing import collapse
from collab_server.features.maintenance import retention_queries
from collab_server.observability.logging import log


class Retention:
    """One run over all documents, in the order of their ids. days: whose edits are kept; 0: all."""

    def __init__(self, workers: Workers, days: int) -> None:
        self._workers = workers
        self._days = days
        self._after = UUID(int=0)

    async def forget_authors(self, conn: Conn) -> int:
        """Forget the authors of a batch of old rows. Return their number."""
        return await retention_queries.forget_authors(conn, self._days) if self._days else 0

    async def collapse_next(self, conn: Conn) -> int:
        """Collapse the old segments of the next document. Return 1, or 0 at the end. A document that fails is logged
        and left to the next run.
        """
        while self._days:
            document_id = await retention_queries.find_old(conn, self._days, self._after)
            if document_id is None:
                break
            self._after = document_id
            try:
                async with conn.transaction():
                    if await self._collapse(conn, document_id):
                        return 1
            except Exception as error:
                log.exception("the history of a document stays", extra={"document": document_id, "error": repr(error)})
        return 0

    async def _collapse(self, conn: Conn, document_id: UUID) -> bool:
        old = await retention_queries.list_old(conn, document_id, self._days)
        if not old:
            return False
        payloads = [segment.payload for segment in old]
        new = await self._workers.run_within(WHOLE_DOCUMENT_SECONDS, collapse, payloads)
        return await retention_queries.replace_old(conn, document_id, old, new)
