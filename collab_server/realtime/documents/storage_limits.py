"""Limits the growth of open documents to the storage of their workspace.

A room compares each edit with a limit in memory; the limits are renewed here. In a full workspace deletions are still
taken, and every other edit is refused with the code `quota_exceeded`.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.features.quotas import queries as quota_queries
from collab_server.realtime.documents.live_document import LiveDocument

INTERVAL = 2.0
"""Seconds between two looks at the storage of the workspaces whose documents are edited here."""


class StorageLimits:
    """`documents`: returns the open documents of this process."""

    def __init__(self, db: Database, documents: Callable[[], list[LiveDocument]]) -> None:
        self._db = db
        self._documents = documents

    async def run(self) -> None:
        """Renew limits until cancelled."""
        name = "looking at the storage of workspaces"
        await run_periodically(name, self._renew_due, INTERVAL, first=INTERVAL, retry=(INTERVAL, INTERVAL))

    async def _renew_due(self) -> None:
        due = [d for d in self._documents() if d.room.refused_bytes or d.measured_revision != d.revision]
        if due:
            await self._renew(due)

    async def find_left(self, document_id: UUID) -> int:
        """Bytes by which the document's workspace may still grow. Raises Unavailable."""
        async with self._db.as_service() as conn:
            return (await quota_queries.list_storage_left(conn, [document_id])).get(document_id, 0)

    async def _renew(self, documents: Sequence[LiveDocument]) -> None:
        revisions = [document.revision for document in documents]
        async with self._db.as_service() as conn:
            left = await quota_queries.list_storage_left(conn, [document.id for document in documents])
        for document, revision in zip(documents, revisions, strict=True):
            if document.id in left:
                document.measured_revision = revision
                self.limit(document, left[document.id])

    def limit(self, document: LiveDocument, left: int) -> None:
        """Let the document grow by `left` bytes, the space left in its workspace."""
        room = document.room
        room.limit_growth(left)
        if not room.refused_bytes or room.size + room.refused_bytes > room.max_bytes:
            return
        room.refused_bytes = 0
        for connection in list(document.connections.values()):
            if connection.can_edit and connection.ready:
                # The client still has the refused edits, and is asked for them.
                connection.session.access_changed(connection)
