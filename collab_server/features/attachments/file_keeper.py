"""Keeps a file: its object first, then its row. An object without a row does not stay, see object_queries.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.access.identity import Identity
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Conn, Database, acting
from collab_server.adapters.postgres_errors import CheckViolation
from collab_server.errors import Conflict, LimitReached, LostRace, NotFound, QuotaExceeded, Unavailable
from collab_server.features.attachments import object_queries, queries, upload_queries
from collab_server.features.attachments.checks.checks import FileChecks
from collab_server.features.attachments.checks.malware import Place
from collab_server.features.attachments.files.file_names import clean_file_name
from collab_server.features.attachments.files.file_types import sniff
from collab_server.features.attachments.queries import MAX_ATTACHMENTS, Attachment, NewAttachment
from collab_server.features.attachments.sources import Source
from collab_server.features.attachments.thumbnails import PICTURES
from collab_server.features.attachments.writers import ObjectWriters, OnAdded
from collab_server.features.quotas import queries as quota_queries
from collab_server.features.quotas.file_limits import FileLimits
from collab_server.features.quotas.quotas import FULL

ATTEMPTS = 4
"""How often the transaction that makes the row is tried."""
KEY_TAKEN = "the Idempotency-Key belongs to another file: use a new one for each file"


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a request says of a file. `claimed`: its Content-Type. `upload_id`: of a file that came in parts.
    `original_name`: if it is another than `name`.
    """

    document_id: UUID
    name: str
    claimed: str | None = None
    idempotency_key: str | None = None
    upload_id: UUID | None = None
    original_name: str = ""


@asynccontextmanager
async def quota_errors() -> AsyncIterator[None]:
    """Turn the refusal of a row that does not fit (app.count_attachment_bytes) into QuotaExceeded."""
    try:
        yield
    except CheckViolation as error:
        if error.constraint_name == "storage_quota":
            raise QuotaExceeded(FULL) from None
        raise


def object_key(workspace_id: UUID, checksum: bytes) -> str:
    """Return the key of the object with these bytes in a workspace. `checksum`: their SHA-256."""
    digest = checksum.hex()
    return f"objects/{workspace_id}/{digest[:2]}/{digest}"


def describe(identity: Identity, file: NewFile, source: Source, store: ObjectStore, key: str) -> NewAttachment:
    """Return the row of a file that is stored at `key`."""
    name = clean_file_name(file.name)
    content_type = sniff(source.head, name, file.claimed)
    return NewAttachment(
        document_id=file.document_id,
        file_name=name,
        original_name=(file.original_name or file.name).replace("\0", "")[:500],
        content_type=content_type,
        size_bytes=source.size,
        checksum_sha256=source.checksum,
        bucket=store.bucket,
        key=key,
        region=store.region,
        status="pending" if content_type in PICTURES else "complete",
        uploaded_by=identity.user_id,
        idempotency_key=file.idempotency_key,
    )


class FileKeeper:
    """Stores files and makes their rows."""

    def __init__(
        self, db: Database, store: ObjectStore, writers: ObjectWriters, on_added: OnAdded, checks: FileChecks
    ) -> None:
        self.store = store
        self._db = db
        self._writers = writers
        self._on_added = on_added
        self._checks = checks

    async def check_space(self, document_id: UUID, size: int) -> None:
        """Check the storage of a document's workspace before `size` bytes are read. Raises NotFound, QuotaExceeded."""
        async with self._db.as_service() as conn:
            workspace_id = await queries.find_workspace(conn, document_id)
            usage = await quota_queries.find_usage(conn, workspace_id) if workspace_id else None
        if usage is None:
            raise NotFound(ABSENT)
        if usage.used + size > usage.limit:
            raise QuotaExceeded(FULL)

    async def find_limits(self, document_id: UUID) -> FileLimits:
        """Return what files the workspace of a document takes. Raises NotFound."""
        return await self._checks.find_limits(await self._find_workspace(document_id))

    async def _find_workspace(self, document_id: UUID) -> UUID:
        async with self._db.as_service() as conn:
            workspace_id = await queries.find_workspace(conn, document_id)
        if workspace_id is None:
            raise NotFound(ABSENT)
        return workspace_id

    async def find_earlier(self, identity: Identity, file: NewFile) -> Attachment | None:
        """Find what an earlier request with the same idempotency key made. Raises Conflict if it was deleted."""
        if file.idempotency_key is None:
            return None
        async with self._db.as_service() as conn:
            found = await queries.find_by_key(conn, file.document_id, identity.user_id, file.idempotency_key)
        if found is not None and found.deleted_at is not None:
            raise Conflict("the file that this Idempotency-Key made was deleted")
        return found

    async def keep(self, identity: Identity, file: NewFile, source: Source) -> Attachment:
        """Store a file and return its attachment. The caller has checked the rights.

        Raises NotFound (the document is gone), Conflict, LimitReached, QuotaExceeded, TooLarge, TypeNotAllowed,
        StoreUnavailable, Unavailable, and as MalwareCheck.check.
        """
        await self.check_space(file.document_id, source.size)
        workspace_id = await self._find_workspace(file.document_id)
        key = object_key(workspace_id, source.checksum)
        new = describe(identity, file, source, self.store, key)
        limits = await self._checks.find_limits(workspace_id)
        limits.check_size(new.size_bytes)
        limits.check_type(new.content_type)
        place = Place("document", file.document_id, workspace_id)
        await self._checks.malware.check(identity, place, file.name, source.chunks())
        async with self._writers.writing(key) as note:
            await self._write(key, source)
            made = await self._make_row(identity, file, new, note)
        self._on_added()
        return made

    async def _write(self, key: str, source: Source) -> None:
        # The same bytes under the same key may be there already. The note keeps them there.
        if await self.store.size(key) == source.size:
            return
        if source.key is not None:
            await self.store.copy(source.key, key)
            if await self.store.size(key) == source.size:
                return
        await self.store.put(key, source.chunks())

    async def _make_row(self, identity: Identity, file: NewFile, new: NewAttachment, note: int) -> Attachment:
        for _ in range(1, ATTEMPTS):
            try:
                return await self._try_row(identity, file, new, note)
            except LostRace:
                continue
        try:
            return await self._try_row(identity, file, new, note)
        except LostRace as error:
            # The route must not run again: the body of its request is read.
            raise Unavailable("the database is busy: send the file again") from error

    async def _try_row(self, identity: Identity, file: NewFile, new: NewAttachment, note: int) -> Attachment:
        async with quota_errors(), self._db.as_service() as conn, acting(conn, identity.user_id, identity.name):
            if not await object_queries.delete_note(conn, note):
                raise Unavailable("the server lost its database meanwhile: send the file again")
            made = await queries.insert_attachment(conn, new) or await self._find_reason(conn, new)
            if file.upload_id is not None:
                await upload_queries.complete_upload(conn, file.upload_id, made.id)
            return made

    async def _find_reason(self, conn: Conn, new: NewAttachment) -> Attachment:
        """Return the attachment that another request made with the same idempotency key. Raises otherwise."""
        if new.idempotency_key is not None:
            found = await queries.find_by_key(conn, new.document_id, new.uploaded_by, new.idempotency_key)
            if found is not None:
                if found.checksum_sha256 != new.checksum_sha256 or found.deleted_at is not None:
                    raise Conflict(KEY_TAKEN)
                return found
        if await queries.find_workspace(conn, new.document_id) is None:
            raise NotFound(ABSENT)
        raise LimitReached(f"a document has at most {MAX_ATTACHMENTS} attachments")
