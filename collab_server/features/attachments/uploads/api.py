"""Routes of files that arrive in parts: an interrupted upload goes on where it ended."""

import secrets
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request, Response

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action
from collab_server.errors import (
    Conflict,
    InsufficientStorage,
    LimitReached,
    Malformed,
    MalwareFound,
    NotFound,
    QuotaExceeded,
    TooLarge,
    UnprocessableContent,
    UnsupportedMediaType,
)
from collab_server.features.attachments import models, object_queries, queries, upload_queries
from collab_server.features.attachments.api import USUAL, CurrentAttachments
from collab_server.features.attachments.context import AttachmentContext
from collab_server.features.attachments.file_keeper import NewFile
from collab_server.features.attachments.receiving import read_digest
from collab_server.features.attachments.sources import Source, StoredSource, check_digest, drain, once
from collab_server.features.attachments.upload_queries import NewUpload, Upload
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

PART_BYTES = 8 << 20
"""Bytes of a part. An interrupted request keeps its whole parts, and the rest where the server learns of its end."""
KINDS = ("application/octet-stream", "application/offset+octet-stream")
NO_UPLOAD = "there is no such upload, or it has expired"


@router.post(
    "/documents/{document_id}/uploads",
    status_code=201,
    tags=["attachments"],
    responses={**USUAL, **documented(TooLarge, QuotaExceeded, UnprocessableContent)},
)
async def create_upload(
    document_id: UUID, body: models.UploadIn, context: CurrentAttachments, response: Response
) -> models.UploadOut:
    """Begin the upload of a file of known size. Send its bytes to `uploads/{upload_id}`, in one or more requests."""
    await require(context.db, context.identity, document_id, Action.EDIT)
    most = context.settings.max_attachment_bytes
    if body.size_bytes > most:
        raise TooLarge(f"a file may have at most {most} bytes")
    await context.files.check_space(document_id, body.size_bytes)
    bucket = context.files.store.bucket
    new = NewUpload(document_id, body.file_name, body.content_type, body.without_metadata, body.size_bytes, bucket)
    async with context.db.as_user(context.identity.rights) as conn:
        made = await upload_queries.insert_upload(conn, new)
    if made is None:
        raise NotFound(ABSENT)
    response.headers["location"] = f"/api/v1/uploads/{made.id}"
    return _to_response(made)


@router.get("/uploads/{upload_id}", tags=["attachments"], responses=USUAL)
async def get_upload(upload_id: UUID, context: CurrentAttachments, response: Response) -> models.UploadOut:
    """Return how much has arrived."""
    return await _answer(context, await _get(context, upload_id), response)


@router.head("/uploads/{upload_id}", tags=["attachments"], response_class=Response, responses=USUAL)
async def head_upload(upload_id: UUID, context: CurrentAttachments) -> Response:
    """Tell in the headers `Upload-Offset` and `Upload-Length` how much has arrived."""
    found = await _get(context, upload_id)
    return Response(
        headers={
            "upload-offset": str(found.received_bytes),
            "upload-length": str(found.size_bytes),
            "cache-control": "no-store",
        }
    )


@router.patch(
    "/uploads/{upload_id}",
    tags=["attachments"],
    responses={
        **USUAL,
        **documented(
            Malformed,
            Conflict,
            LimitReached,
            TooLarge,
            QuotaExceeded,
            UnsupportedMediaType,
            UnprocessableContent,
            InsufficientStorage,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {KINDS[0]: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def continue_upload(
    upload_id: UUID,
    context: CurrentAttachments,
    request: Request,
    response: Response,
    upload_offset: Annotated[
        int | None, Header(ge=0, le=2**53, description="Where the bytes of this request begin")
    ] = None,
) -> models.UploadOut:
    """Send bytes of an upload. With the last one it becomes an attachment; `Content-Digest` of that request is the
    SHA-256 of the whole file. Another offset than what has arrived is a conflict: ask for it with HEAD.
    """
    found = await _get(context, upload_id)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in KINDS:
        raise UnsupportedMediaType(f"send {' or '.join(KINDS)}")
    if upload_offset is None:
        raise Malformed("say in Upload-Offset where the bytes begin")
    digest = read_digest(request)
    if found.attachment_id is not None:
        return await _answer(context, found, response)
    if upload_offset != found.received_bytes:
        raise Conflict(f"{found.received_bytes} bytes have arrived, so the next ones begin at that offset")
    parts = _Parts(context, found)
    try:
        await drain(request.stream(), parts.add)
    finally:
        await parts.flush()
    found = await _get(context, upload_id)
    if found.received_bytes == found.size_bytes and found.attachment_id is None:
        await _complete(context, found, digest)
        found = await _get(context, upload_id)
    return await _answer(context, found, response)


@router.delete("/uploads/{upload_id}", status_code=204, tags=["attachments"], responses=USUAL)
async def delete_upload(upload_id: UUID, context: CurrentAttachments) -> None:
    """Give an upload up. The attachment of a complete one stays."""
    await _get(context, upload_id)
    async with context.db.as_user(context.identity.rights) as conn:
        if not await upload_queries.delete_upload(conn, upload_id):
            raise NotFound(NO_UPLOAD)


class _Parts:
    """Stores the bytes of a request as parts of an upload."""

    def __init__(self, context: AttachmentContext, upload: Upload) -> None:
        self._context = context
        self._upload = upload
        self._offset = upload.received_bytes
        self._waiting = bytearray()

    async def add(self, piece: bytes) -> None:
        """Raises TooLarge, Conflict, StoreUnavailable, Unavailable."""
        if self._offset + len(self._waiting) + len(piece) > self._upload.size_bytes:
            raise TooLarge(f"the upload has {self._upload.size_bytes} bytes, as was said at its beginning")
        self._waiting += piece
        if len(self._waiting) >= PART_BYTES:
            await self.flush()

    async def flush(self) -> None:
        if not self._waiting:
            return
        octets = bytes(self._waiting)
        self._waiting.clear()
        store, upload = self._context.files.store, self._upload
        # A random key: of two requests with the same offset only one counts.
        key = f"uploads/{upload.id}/{self._offset}-{secrets.token_hex(8)}"
        async with self._context.parts.writers.writing(key) as note:
            await store.put(key, once(octets))
            async with self._context.db.as_service() as conn, conn.transaction():
                await object_queries.delete_note(conn, note)
                offset = await upload_queries.add_part(conn, upload.id, self._offset, key, len(octets))
                if offset is None:
                    raise Conflict("another request has sent these bytes: ask with HEAD how much has arrived")
        self._offset = offset


async def _complete(context: AttachmentContext, upload: Upload, digest: bytes | None) -> None:
    store = context.files.store

    async def chunks() -> AsyncIterator[bytes]:
        for part in upload.parts:
            async for piece in await store.read(part):
                yield piece

    source: Source = await StoredSource.make(chunks)
    try:
        check_digest(source, digest)
        kept = await context.without_metadata(source) if upload.without_metadata else source
    except UnprocessableContent:
        await _forget(context, upload)
        raise
    await require(context.db, context.identity, upload.document_id, Action.EDIT)
    file = NewFile(upload.document_id, upload.file_name, upload.content_type, f"upload {upload.id}", upload.id)
    try:
        await context.files.keep(context.identity, file, kept)
    except MalwareFound:
        await _forget(context, upload)
        raise


async def _forget(context: AttachmentContext, upload: Upload) -> None:
    """Delete an upload whose bytes are wrong for good."""
    async with context.db.as_service() as conn:
        await upload_queries.delete_upload(conn, upload.id)


async def _get(context: AttachmentContext, upload_id: UUID) -> Upload:
    """Raises NotFound, Forbidden."""
    async with context.db.as_user(context.identity.rights) as conn:
        found = await upload_queries.find_upload(conn, upload_id)
    if found is None:
        raise NotFound(NO_UPLOAD)
    await require(context.db, context.identity, found.document_id, Action.EDIT)
    return found


async def _answer(context: AttachmentContext, upload: Upload, response: Response) -> models.UploadOut:
    attachment = None
    if upload.attachment_id is not None:
        async with context.db.as_user(context.identity.rights) as conn:
            attachment = await queries.find_attachment(conn, upload.attachment_id)
    response.headers["upload-offset"] = str(upload.received_bytes)
    answer = _to_response(upload)
    answer.attachment = context.to_response(attachment) if attachment else None
    return answer


def _to_response(upload: Upload) -> models.UploadOut:
    return models.UploadOut(
        id=upload.id,
        document_id=upload.document_id,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        offset=upload.received_bytes,
        expires_at=upload.expires_at,
    )
