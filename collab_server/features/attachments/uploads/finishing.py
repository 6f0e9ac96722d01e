"""What all uploads that take several requests have in common: rights, the end, and the answer."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.errors import MalwareFound, NotFound, TypeNotAllowed, UnprocessableContent
from collab_server.features.attachments import models, queries, upload_queries
from collab_server.features.attachments.context import AttachmentContext
from collab_server.features.attachments.file_keeper import NewFile
from collab_server.features.attachments.sources import Source, StoredSource, check_digest
from collab_server.features.attachments.upload_queries import Upload

NO_UPLOAD: Final = "there is no such upload, or it has expired"


async def get_own_upload(context: AttachmentContext, upload_id: UUID) -> Upload:
    """Return an upload of the caller. Raises NotFound, Forbidden."""
    async with context.db.as_user(context.identity.rights) as conn:
        found = await upload_queries.find_upload(conn, upload_id)
    if found is None:
        raise NotFound(NO_UPLOAD)
    await require(context.db, context.identity, found.document_id, Action.EDIT)
    return found


async def complete(context: AttachmentContext, upload: Upload, digest: bytes | None) -> None:
    """Make the attachment of an upload whose parts are all here. `digest`: SHA-256 of a header, if there is one.

    Raises UnprocessableContent, MalwareFound and TypeNotAllowed, and then deletes the upload; and as FileKeeper.keep.
    """
    store = context.files.store

    async def chunks() -> AsyncIterator[bytes]:
        for part in upload.parts:
            async for piece in await store.read(part):
                yield piece

    only = upload.parts[0] if len(upload.parts) == 1 else None
    source: Source = await StoredSource.make(chunks, only)
    try:
        check_digest(source, digest)
        check_digest(source, upload.checksum_sha256)
        kept = await context.without_metadata(source) if upload.without_metadata else source
    except UnprocessableContent:
        await forget(context, upload)
        raise
    await require(context.db, context.identity, upload.document_id, Action.EDIT)
    file = NewFile(upload.document_id, upload.file_name, upload.content_type, f"upload {upload.id}", upload.id)
    try:
        await context.files.keep(context.identity, file, kept)
    except (MalwareFound, TypeNotAllowed):
        await forget(context, upload)
        raise


async def forget(context: AttachmentContext, upload: Upload) -> None:
    """Delete an upload whose bytes are wrong for good."""
    async with context.db.as_service() as conn:
        await upload_queries.delete_upload(conn, upload.id)


async def describe(context: AttachmentContext, upload: Upload) -> models.UploadOut:
    """Return the answer about an upload, with the attachment of a complete one."""
    attachment = None
    if upload.attachment_id is not None:
        async with context.db.as_user(context.identity.rights) as conn:
            attachment = await queries.find_attachment(conn, upload.attachment_id)
    answer = to_response(upload)
    answer.attachment = context.to_response(attachment) if attachment else None
    return answer


def to_response(upload: Upload) -> models.UploadOut:
    return models.UploadOut(
        id=upload.id,
        document_id=upload.document_id,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        offset=upload.received_bytes,
        expires_at=upload.expires_at,
    )
