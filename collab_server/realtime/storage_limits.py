"""Growth of open documents ends where their workspace's storage does.

An edit is compared with a number that its room has already; that number is renewed here. What is committed stays; in a
full workspace deletions still pass, and every other edit is refused with the code `quota_exceeded`.
"""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.documents import quota_queries
from collab_server.errors import CollabError
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import log

INTERVAL = 2.0
"""Seconds between two looks at the storage of the workspaces whose documents are edited here."""


class StorageLimits:
    """`documents`: those that are open in this process."""

    def __init__(self, db: Database, documents: Callable[[], list[LiveDocument]]) -> None:
        self._db = db
        self._documents = documents

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            due = [d for d in self._documents() if d.room.refused_bytes or d.measured != d.revision]
            try:
                if due:
                    await self._renew(due)
            except CollabError:
                continue
            except Exception:
                log.exception("looking at the storage of workspaces failed")

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
                document.measured = revision
                self.limit(document, left[document.id])

    def limit(self, document: LiveDocument, left: int) -> None:
        """The document's workspace may grow by `left` bytes."""
        room = document.room
        room.limit_growth(left)
        if not room.refused_bytes or room.size + room.refused_bytes > room.max_bytes:
            return
        room.refused_bytes = 0
        for member in list(document.members.values()):
            if member.can_edit and member.ready:
                # Its client still has what was refused, and is asked for it.
                member.session.access_changed(member)
