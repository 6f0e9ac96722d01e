"""Files that become attachments of a document which is not made yet, such as pictures of an imported text."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

from collab_server.access.identity import Identity
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import LimitReached, QuotaExceeded, Unavailable
from collab_server.features.attachments import object_queries
from collab_server.features.attachments.checks.checks import FileChecks
from collab_server.features.attachments.checks.malware import MalwareCheck, Place
from collab_server.features.attachments.file_keeper import NewFile, describe, object_key, quota_errors
from collab_server.features.attachments.queries import MAX_ATTACHMENTS
from collab_server.features.attachments.sources import Source
from collab_server.features.attachments.with_document import new_file_queries
from collab_server.features.attachments.with_document.new_file_queries import NewRow
from collab_server.features.attachments.writers import ObjectWriters, OnAdded
from collab_server.features.quotas import queries as quota_queries
from collab_server.features.quotas.file_limits import FileLimits
from collab_server.features.quotas.quotas import FULL

_NO_DOCUMENT: Final = UUID(int=0)


class NewFiles:
    """The files of one new document; a documents.services.FileCopies. `left`: bytes that its workspace has left.
    `limits`: of each file.
    """

    ids: Mapping[UUID, UUID] = {}

    def __init__(
        self,
        store: ObjectStore,
        writers: ObjectWriters,
        writing: AsyncExitStack,
        identity: Identity,
        workspace_id: UUID,
        left: int,
        limits: FileLimits,
        malware: MalwareCheck,
    ) -> None:
        self.size = 0
        self.rows: list[NewRow] = []
        self._store = store
        self._writers = writers
        self._writing = writing
        self._identity = identity
        self._workspace_id = workspace_id
        self.limits = limits
        self._left = left
        self._malware = malware
        self._notes: dict[str, int] = {}

    async def add(self, name: str, source: Source, original_name: str = "") -> NewRow:
        """Store a file, and return the row that its attachment will have.

        Raises as `check`, TypeNotAllowed, as MalwareCheck.check, StoreUnavailable, Unavailable.
        """
        self.check(source.size)
        key = object_key(self._workspace_id, source.checksum)
        file = NewFile(_NO_DOCUMENT, name, original_name=original_name)
        new = describe(self._identity, file, source, self._store, key)
        self.limits.check_type(new.content_type)
        place = Place("workspace", self._workspace_id, self._workspace_id)
        await self._malware.check(self._identity, place, original_name or name, source.chunks())
        if key not in self._notes:
            async with AsyncExitStack() as one:
                note = await one.enter_async_context(self._writers.writing(key))
                if await self._store.size(key) != source.size:
                    await self._store.put(key, source.chunks())
                self._writing.push_async_exit(one.pop_all())
            self._notes[key] = note
        row = NewRow(uuid4(), new)
        self.rows.append(row)
        self.size += source.size
        return row

    def check(self, size: int) -> None:
        """Raises TooLarge, QuotaExceeded, LimitReached if there is no space for one more file of `size` bytes."""
        self.limits.check_size(size)
        if len(self.rows) >= MAX_ATTACHMENTS:
            raise LimitReached(f"a document has at most {MAX_ATTACHMENTS} attachments")
        if self.size + size > self._left:
            raise QuotaExceeded(FULL)

    async def insert(self, conn: Conn, document_id: UUID) -> None:
        for note in self._notes.values():
            if not await object_queries.delete_note(conn, note):
                raise Unavailable("the server lost its database meanwhile: try again")
        async with quota_errors():
            await new_file_queries.insert_files(conn, document_id, self.rows)


class FileAdder:
    """Stores files for documents that are about to be made."""

    def __init__(
        self, db: Database, store: ObjectStore, writers: ObjectWriters, on_added: OnAdded, checks: FileChecks
    ) -> None:
        self._db = db
        self._store = store
        self._writers = writers
        self._on_added = on_added
        self._checks = checks

    @asynccontextmanager
    async def adding(self, identity: Identity, workspace_id: UUID) -> AsyncIterator[NewFiles]:
        """Take files for one new document. The block makes the document, or raises: then the objects are deleted again.

        Raises Unavailable.
        """
        async with self._db.as_service() as conn:
            usage = await quota_queries.find_usage(conn, workspace_id)
        limits = await self._checks.find_limits(workspace_id)
        left = usage.limit - usage.used if usage else 0
        async with AsyncExitStack() as writing:
            malware = self._checks.malware
            files = NewFiles(self._store, self._writers, writing, identity, workspace_id, left, limits, malware)
            yield files
        if files.rows:
            self._on_added()
