"""Routes of attachments: to upload, list, rename, delete and restore them."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic import AfterValidator

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.errors import (
    Conflict,
    Forbidden,
    InsufficientStorage,
    LimitReached,
    Malformed,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    TooLarge,
    TooMany,
    TypeNotAllowed,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.attachments import queries
from collab_server.features.attachments.context import NO_ATTACHMENT, AttachmentContext
from collab_server.features.attachments.file_keeper import NewFile, quota_errors
from collab_server.features.attachments.models import AttachmentOut, AttachmentPage, AttachmentPatch
from collab_server.features.attachments.receiving import FORM, read_digest, receive
from collab_server.features.attachments.services import attachment_services
from collab_server.features.attachments.sources import Source, SpooledSource, check_digest
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.etags import changed_meanwhile, expected_version, row_etag
from collab_server.web.fields import storable
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


async def make_context(request: Request, identity: CurrentIdentity, db: CurrentDatabase) -> AttachmentContext:
    services = attachment_services(request)
    return AttachmentContext(identity, db, services.attachments, services.converters, services.settings)


CurrentAttachments = Annotated[AttachmentContext, Depends(make_context)]


def _storable(name: str | None) -> str | None:
    return None if name is None else storable(name)


USUAL: Final[dict[int | str, dict[str, Any]]] = documented(Unauthenticated, Forbidden, NotFound, TooMany, Unavailable)
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FORM: Final = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}


@router.get("/documents/{document_id}/attachments", tags=["attachments"], responses={**USUAL, **documented(Malformed)})
async def list_attachments(
    document_id: UUID,
    context: CurrentAttachments,
    *,
    deleted: Annotated[bool, Query(description="Those that were deleted, instead of the others")] = False,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> AttachmentPage:
    """List the attachments of a document, the oldest first. Deleted ones are for those who may edit it."""
    await require(context.db, context.identity, document_id, Action.EDIT if deleted else Action.VIEW)
    after = cursors.read_position(cursor, datetime, UUID, of="attachments")
    async with context.db.as_user(context.identity.rights) as conn:
        found = await queries.list_attachments(conn, document_id, limit + 1, after, deleted=deleted)
    page, more = cursors.cut_page(found, limit, lambda one: (one.created_at, one.id), of="attachments")
    return AttachmentPage(items=[context.to_response(one) for one in page], next_cursor=more)


@router.post(
    "/documents/{document_id}/attachments",
    status_code=201,
    tags=["attachments"],
    responses={
        **USUAL,
        **documented(
            Malformed,
            Conflict,
            LimitReached,
            TooLarge,
            QuotaExceeded,
            TypeNotAllowed,
            UnprocessableContent,
            InsufficientStorage,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself, or a form with the field `file`.",
            "content": {"application/octet-stream": _BINARY, FORM: _FORM},
        }
    },
)
async def create_attachment(
    document_id: UUID,
    context: CurrentAttachments,
    request: Request,
    response: Response,
    *,
    file_name: Annotated[str | None, Query(max_length=500), AfterValidator(_storable)] = None,
    without_metadata: Annotated[
        bool, Query(description="Of a picture: drop what it says about place, camera and author")
    ] = False,
    idempotency_key: Annotated[
        str | None, Header(max_length=200, description="The same key again gives the same attachment")
    ] = None,
) -> AttachmentOut:
    """Attach a file to a document. Its type is told from its bytes. An empty file is stored, too.

    With `Content-Digest: sha-256=:...:` the bytes that arrive are compared with it. Large files can be sent in parts:
    see `documents/{document_id}/uploads`.
    """
    await require(context.db, context.identity, document_id, Action.EDIT)
    file = NewFile(document_id, file_name or "", request.headers.get("content-type"), _key(idempotency_key))
    if (earlier := await context.files.find_earlier(context.identity, file)) is not None:
        response.headers["etag"] = row_etag(earlier.row_version)
        return context.to_response(earlier)
    most = (await context.files.find_limits(document_id)).max_bytes
    await context.files.check_space(document_id, min(most, int(request.headers.get("content-length", "0"))))
    with context.converters.spool.open() as spooled:
        source = SpooledSource(spooled, most)
        received = await receive(request, file_name, source)
        check_digest(source, read_digest(request))
        file = NewFile(document_id, received.name or "", received.content_type, file.idempotency_key)
        kept: Source = await context.without_metadata(source) if without_metadata else source
        # The rights may have ended while the file arrived.
        await require(context.db, context.identity, document_id, Action.EDIT)
        made = await context.files.keep(context.identity, file, kept)
    response.headers["etag"] = row_etag(made.row_version)
    return context.to_response(made)


def _key(given: str | None) -> str | None:
    """Raises Malformed."""
    if given is not None and (not given.strip() or not given.isprintable()):
        raise Malformed("Idempotency-Key needs visible characters")
    return given


@router.get("/attachments/{attachment_id}", tags=["attachments"], responses=USUAL)
async def get_attachment(attachment_id: UUID, context: CurrentAttachments, response: Response) -> AttachmentOut:
    """Return what is known of an attachment."""
    found = await context.get(attachment_id, Action.VIEW)
    response.headers["etag"] = row_etag(found.row_version)
    response.headers["cache-control"] = "private, no-store"
    return context.to_response(found)


@router.patch(
    "/attachments/{attachment_id}",
    tags=["attachments"],
    responses={**USUAL, **documented(Malformed, PreconditionFailed, UnprocessableContent)},
)
async def update_attachment(
    attachment_id: UUID, body: AttachmentPatch, context: CurrentAttachments, request: Request, response: Response
) -> AttachmentOut:
    """Rename an attachment. If-Match takes its ETag."""
    found = await context.get(attachment_id, Action.EDIT)
    expected = expected_version(request)
    async with context.db.as_user(context.identity.rights) as conn:
        made = await queries.rename_attachment(conn, attachment_id, body.file_name, expected)
        present = found if made else await queries.find_attachment(conn, attachment_id)
    if made is None:
        if present is None or present.deleted_at is not None:
            raise NotFound(NO_ATTACHMENT)
        if expected is not None and present.row_version != expected:
            raise changed_meanwhile(present.row_version)
        raise Forbidden("you may not edit this document")
    response.headers["etag"] = row_etag(made.row_version)
    return context.to_response(made)


@router.delete("/attachments/{attachment_id}", status_code=204, tags=["attachments"], responses=USUAL)
async def delete_attachment(attachment_id: UUID, context: CurrentAttachments) -> None:
    """Delete an attachment. It can be restored until the trash is emptied, and takes no storage meanwhile."""
    await context.get(attachment_id, Action.EDIT)
    await _set_deleted(context, attachment_id, deleted=True)


@router.post(
    "/attachments/{attachment_id}/restore",
    tags=["attachments"],
    responses={**USUAL, **documented(QuotaExceeded)},
)
async def restore_attachment(attachment_id: UUID, context: CurrentAttachments) -> AttachmentOut:
    """Restore a deleted attachment. A living one stays as it is."""
    await context.get(attachment_id, Action.EDIT, deleted=True)
    return context.to_response(await _set_deleted(context, attachment_id, deleted=False))


async def _set_deleted(context: AttachmentContext, attachment_id: UUID, *, deleted: bool) -> queries.Attachment:
    """Raises Forbidden, QuotaExceeded."""
    async with quota_errors(), context.db.as_user(context.identity.rights) as conn:
        made = await queries.set_deleted(conn, attachment_id, deleted=deleted)
    if made is None:
        raise Forbidden("you may not edit this document")
    return made
