"""Copies of the attachments of a document. In the same workspace they have the same objects."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

from collab_server.access.identity import Identity
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import LostRace, NotFound, Unavailable
from collab_server.features.attachments import object_queries
from collab_server.features.attachments.file_keeper import object_key, quota_errors
from collab_server.features.attachments.with_document import copy_queries
from collab_server.features.attachments.with_document.copy_queries import Copy
from collab_server.features.attachments.writers import ObjectWriters, OnAdded

GONE = "an attachment was deleted at the same time"


class AttachmentCopies:
    """The copies that one new document is about to get; a documents.services.FileCopies.

    `notes`: of the objects that were written for them.
    """

    def __init__(
        self, store: ObjectStore, user_id: UUID | None, copies: Sequence[Copy], notes: Sequence[int], size: int
    ) -> None:
        self.ids: Mapping[UUID, UUID] = {copy.original: copy.id for copy in copies}
        self.size = size
        self._store = store
        self._user_id = user_id
        self._copies = copies
        self._notes = notes

    async def insert(self, conn: Conn, document_id: UUID) -> None:
        if not self._copies:
            return
        for note in self._notes:
            if not await object_queries.delete_note(conn, note):
                raise Unavailable("the server lost its database meanwhile: try again")
        async with quota_errors():
            made = await copy_queries.insert_copies(
                conn, document_id, self._copies, self._store.bucket, self._store.region, self._user_id
            )
        if made != len(self._copies):
            raise LostRace(GONE)


class AttachmentCopier:
    """A documents.services.FileCopier."""

    def __init__(self, db: Database, store: ObjectStore, writers: ObjectWriters, on_added: OnAdded) -> None:
        self._db = db
        self._store = store
        self._writers = writers
        self._on_added = on_added

    @asynccontextmanager
    async def copy(self, identity: Identity, document_id: UUID, workspace_id: UUID) -> AsyncIterator[AttachmentCopies]:
        """Prepare the copies. In another workspace the objects are written again, under its keys."""
        async with self._db.as_service() as conn:
            originals = await copy_queries.list_originals(conn, document_id)
        async with AsyncExitStack() as writing:
            copies: list[Copy] = []
            notes: dict[str, int] = {}
            for original in originals:
                key: str | None = None
                if original.workspace_id != workspace_id:
                    key = object_key(workspace_id, original.checksum)
                    if key not in notes and key != original.key:
                        notes[key] = await writing.enter_async_context(self._writers.writing(key))
                        await self._write(original.key, key, original.size)
                copies.append(Copy(original.id, uuid4(), key if key != original.key else None))
            size = sum(original.size for original in originals)
            yield AttachmentCopies(self._store, identity.user_id, copies, list(notes.values()), size)
        if originals:
            self._on_added()

    async def _write(self, source: str, key: str, size: int) -> None:
        if await self._store.size(key) == size:
            return
        try:
            await self._store.copy(source, key)
        except NotFound:
            raise LostRace(GONE) from None
