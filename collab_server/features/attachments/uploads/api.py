"""Routes of files that arrive in several requests: an interrupted upload goes on where it ended."""

import secrets
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
    NoDirectUpload,
    NotFound,
    QuotaExceeded,
    TooLarge,
    TypeNotAllowed,
    UnprocessableContent,
    UnsupportedMediaType,
)
from collab_server.features.attachments import models, object_queries, upload_queries
from collab_server.features.attachments.api import USUAL, CurrentAttachments
from collab_server.features.attachments.context import AttachmentContext
from collab_server.features.attachments.receiving import read_digest
from collab_server.features.attachments.sources import drain, once
from collab_server.features.attachments.upload_queries import NewUpload, Upload
from collab_server.features.attachments.uploads import direct
from collab_server.features.attachments.uploads.finishing import (
    NO_UPLOAD,
    complete,
    describe,
    get_own_upload,
    to_response,
)
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

PART_BYTES = 8 << 20
"""Bytes of a part. An interrupted request keeps its whole parts, and the rest where the server learns of its end."""
KINDS = ("application/octet-stream", "application/offset+octet-stream")


@router.post(
    "/documents/{document_id}/uploads",
    status_code=201,
    tags=["attachments"],
    responses={**USUAL, **documented(NoDirectUpload, TooLarge, QuotaExceeded, UnprocessableContent)},
)
async def create_upload(
    document_id: UUID, body: models.UploadIn, context: CurrentAttachments, response: Response
) -> models.UploadOut:
    """Begin the upload of a file of known size. Send its bytes to `uploads/{upload_id}`, in one or more requests.

    With `direct`, put them in one request to the signed address in the answer, with its headers, and then ask for
    `uploads/{upload_id}/complete`.
    """
    await require(context.db, context.identity, document_id, Action.EDIT)
    (await context.files.find_limits(document_id)).check_size(body.size_bytes)
    if body.direct and body.size_bytes > direct.MAX_DIRECT_BYTES:
        raise TooLarge(f"a file of more than {direct.MAX_DIRECT_BYTES} bytes is sent in parts")
    await context.files.check_space(document_id, body.size_bytes)
    key = direct.make_key() if body.direct else None
    address = await direct.sign(context, key) if key else None
    if body.direct and address is None:
        raise NoDirectUpload("the file store of this server is a folder: send the file in parts, or in one request")
    new = NewUpload(
        document_id,
        body.file_name,
        body.content_type,
        body.without_metadata,
        body.size_bytes,
        context.files.store.bucket,
        key,
        bytes.fromhex(body.checksum_sha256) if body.checksum_sha256 else None,
    )
    async with context.db.as_user(context.identity.rights) as conn:
        made = await upload_queries.insert_upload(conn, new)
    if made is None:
        raise NotFound(ABSENT)
    response.headers["location"] = f"/api/v1/uploads/{made.id}"
    response.headers["cache-control"] = "no-store"
    answer = to_response(made)
    answer.direct = address
    return answer


@router.get("/uploads/{upload_id}", tags=["attachments"], responses=USUAL)
async def get_upload(upload_id: UUID, context: CurrentAttachments, response: Response) -> models.UploadOut:
    """Return how much has arrived."""
    return await _answer(context, await get_own_upload(context, upload_id), response)


@router.head("/uploads/{upload_id}", tags=["attachments"], response_class=Response, responses=USUAL)
async def head_upload(upload_id: UUID, context: CurrentAttachments) -> Response:
    """Tell in the headers `Upload-Offset` and `Upload-Length` how much has arrived."""
    found = await get_own_upload(context, upload_id)
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
    found = await get_own_upload(context, upload_id)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in KINDS:
        raise UnsupportedMediaType(f"send {' or '.join(KINDS)}")
    if upload_offset is None:
        raise Malformed("say in Upload-Offset where the bytes begin")
    digest = read_digest(request)
    if found.attachment_id is not None:
        return await _answer(context, found, response)
    if found.direct_key is not None:
        raise Conflict("the bytes of this upload go to its signed address")
    if upload_offset != found.received_bytes:
        raise Conflict(f"{found.received_bytes} bytes have arrived, so the next ones begin at that offset")
    parts = _Parts(context, found)
    try:
        await drain(request.stream(), parts.add)
    finally:
        await parts.flush()
    found = await get_own_upload(context, upload_id)
    if found.received_bytes == found.size_bytes and found.attachment_id is None:
        await complete(context, found, digest)
        found = await get_own_upload(context, upload_id)
    return await _answer(context, found, response)


@router.post(
    "/uploads/{upload_id}/complete",
    tags=["attachments"],
    responses={
        **USUAL,
        **documented(Conflict, LimitReached, TooLarge, QuotaExceeded, TypeNotAllowed, UnprocessableContent),
    },
)
async def complete_upload(upload_id: UUID, context: CurrentAttachments, response: Response) -> models.UploadOut:
    """Make the attachment of a direct upload, after its bytes were put to the signed address. The same request again
    gives the same attachment. The server reads the bytes: if their size or SHA-256 is not what was said, it deletes
    them with the upload.
    """
    found = await get_own_upload(context, upload_id)
    if found.attachment_id is None:
        if found.direct_key is None:
            raise Conflict("this upload arrives in parts, and is complete with its last one")
        if not found.parts:
            await direct.take_over(context, found, found.direct_key)
            found = await get_own_upload(context, upload_id)
        try:
            await complete(context, found, None)
        except NotFound:
            # Another request has completed it meanwhile, and its objects are gone.
            if (await get_own_upload(context, upload_id)).attachment_id is None:
                raise
        found = await get_own_upload(context, upload_id)
    return await _answer(context, found, response)


@router.delete("/uploads/{upload_id}", status_code=204, tags=["attachments"], responses=USUAL)
async def delete_upload(upload_id: UUID, context: CurrentAttachments) -> None:
    """Give an upload up. The attachment of a complete one stays."""
    await get_own_upload(context, upload_id)
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


async def _answer(context: AttachmentContext, upload: Upload, response: Response) -> models.UploadOut:
    response.headers["upload-offset"] = str(upload.received_bytes)
    return await describe(context, upload)
