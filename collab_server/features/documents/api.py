"""Routes of documents: lists, making, reading and changing them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from collab_server.access.check import ABSENT, require, require_in_workspace, standing_in
from collab_server.access.live_queries import find_epoch
from collab_server.access.policy import Action, WorkspaceAction, allowed, role_named
from collab_server.adapters.postgres_errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from collab_server.errors import (
    AmbiguousAddress,
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.auth.throttle import get_caller_address
from collab_server.features.document_log import store
from collab_server.features.documents import document_queries, duplication, field_changes, list_queries, models
from collab_server.features.documents.addresses import MAX_ADDRESS, parse_id
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.documents.list_models import ListQuery
from collab_server.features.documents.list_queries import Listed, Order
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.documents.services import document_services
from collab_server.features.view_counts import queries as view_queries
from collab_server.web import cursors
from collab_server.web.answers import answer
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.etags import expected_version, not_modified, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)


async def make_context(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, workers: CurrentWorkers
) -> RequestContext:
    services = document_services(request)
    creations = services.quotas.creations_from(get_caller_address())
    return RequestContext(
        identity, db, rooms, workers, services.settings, services.views, creations, services.file_copier
    )


CurrentContext = Annotated[RequestContext, Depends(make_context)]


def to_response(response: Response, document: models.DocumentOut) -> models.DocumentOut:
    """Set the ETag and return the document. Fields outside the row (people, views, favourites) change without a new
    ETag, so browsers must not revalidate a copy.
    """
    response.headers["etag"] = row_etag(document.row_version)
    response.headers["cache-control"] = "private, no-store"
    return document


@router.get(
    "/workspaces/{workspace_id}/documents",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed)},
    response_model=models.DocumentPage,
)
async def list_documents(workspace_id: UUID, context: CurrentContext, asked: Annotated[ListQuery, Query()]) -> Response:
    """List documents of a workspace, the latest first, or by title from A on, or as `order` says. A cursor is valid for
    its own order.
    """
    order: Order = asked.order or ("asc" if asked.sort == "title" else "desc")
    sorting = f"{asked.sort} {order}"
    key = str if asked.sort == "title" else datetime
    after = cursors.read_position(asked.cursor, key, UUID, of=sorting)
    async with context.db.as_user(context.identity.subject, "force_generic_plan") as conn:
        found = await list_queries.list_documents(
            conn, workspace_id, asked.filters(), asked.sort, order, asked.limit + 1, after
        )
        if not found or context.identity.kind == "connect":  # else the workspace is there, and the caller's to read
            await standing_in(conn, context.identity, workspace_id)
    return to_page(context, found, asked.limit, sorting)


def to_page(context: RequestContext, found: list[Listed], limit: int, order: str) -> Response:
    """A models.DocumentPage. `found`: up to one more than the `limit`."""
    listed, more = cursors.cut_page(found, limit, lambda row: (row.key, row.id), of=order)
    return answer({"items": [context.row_to_response(row.shown) for row in listed], "next_cursor": more})


@router.post(
    "/workspaces/{workspace_id}/documents",
    status_code=201,
    tags=["documents"],
    responses={**USUAL, **documented(Conflict, TooLarge, TooMany, UnprocessableContent)},
)
async def create_document(
    workspace_id: UUID, body: models.NewDocumentIn, context: CurrentContext, response: Response
) -> models.DocumentOut:
    """Create a document, optionally with content. A `name` gives it a readable address; a used name is a conflict.
    With the content of a template it gets copies of its attachments. Nothing is created if a part fails.
    """
    async with context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
    tags = list(body.tags)
    if body.template_id is None:
        fields = field_changes.decode_fields(body.model_dump(exclude={"tags", "content", "rich_text", "template_id"}))
    else:
        template, secret = await duplication.find_template(context, workspace_id, body.template_id)
        fields = duplication.from_template(body, template, secret)
        if "tags" not in body.model_fields_set:
            tags = [tag.name for tag in template.tags]
        if body.content is None:
            async with context.files.copy(context.identity, template.id, workspace_id) as copies:
                state = await duplication.get_copied_state(context, template.id, copies)
                return to_response(response, await context.create(workspace_id, fields, tags, state, copies))
    state = None
    if body.content is not None or body.rich_text:
        if fields["type"] == ENCRYPTED:
            raise UnprocessableContent("a password has no plain text")
        state = await store.make_state(context.workers, body.content or "", rich_text=body.rich_text)
    return to_response(response, await context.create(workspace_id, fields, tags, state))


@router.get(
    "/documents/lookup",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, AmbiguousAddress)},
    response_model=models.DocumentOut,
)
async def look_up_document(
    address: Annotated[str, Query(min_length=1, max_length=MAX_ADDRESS)], context: CurrentContext
) -> Response:
    """The document at an address: a UUID, `@<workspace>/<name>`, or `<name>` in the default workspace. It is not
    created. The older form `<workspace>/<name>` is for members of the workspace (409 `ambiguous_address` for others).
    """
    document_id = parse_id(address)
    if document_id is None:
        document_id = (await context.addresses.resolve(context.identity, address, create=False)).document_id
    return _read(await context.read(document_id))


def _read(entry: dict[str, Any]) -> Response:
    """Like `to_response`, for a GET."""
    return answer(entry, {"etag": row_etag(entry["row_version"]), "cache-control": "private, no-store"})


@router.get(
    "/documents/{document_id}",
    tags=["documents"],
    responses={**USUAL, 304: {"description": "The row is still at the version in If-None-Match"}},
    response_model=models.DocumentOut,
)
async def get_document(document_id: UUID, context: CurrentContext, request: Request) -> Response:
    """A document's metadata. Counts as a view, once a minute for each person."""
    found = await context.read(document_id)
    context.note_view(document_id)
    return not_modified(request, row_etag(found["row_version"])) or _read(found)


@router.patch(
    "/documents/{document_id}",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, Conflict, PreconditionFailed, TooLarge, UnprocessableContent)},
)
async def patch_document(
    document_id: UUID, body: models.DocumentPatch, context: CurrentContext, request: Request, response: Response
) -> models.DocumentOut:
    """Change a document's metadata. Making it public or not, and its expiry, need the right to delete it."""
    version = expected_version(request)
    fields = body.model_dump(include=body.model_fields_set)
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            locked = await context.lock_for(conn, document_id, Action.EDIT, version)
            if fields.keys() & field_changes.REMOVAL_FIELDS:
                context.require_removal_right(locked)
            await context.addresses.check_new(conn, locked.workspace_id, fields.get("name"))
            columns = field_changes.fit_columns(fields, locked)
            await context.check_encrypted(conn, document_id, locked, columns)
            if not await document_queries.update_document(conn, document_id, columns, expected_version=version):
                raise NotFound(ABSENT)
            document = await context.get_document(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not change these fields of the document") from None
    except UniqueViolation:
        raise Conflict(f"there is a document named {fields.get('name')!r} already") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in this workspace") from None
    return to_response(response, document)


@router.post("/documents/{document_id}/connect-tokens", status_code=201, tags=["documents"], responses=USUAL)
async def create_connect_token(
    document_id: UUID, body: models.ConnectTokenIn, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.ConnectTokenOut:
    """Create a short-lived token for one document over WebSocket, for an embedded editor. It ends with your session or
    token. `name`: the bearer is another person, vouched for by you. This needs the right to share the document
    (editors) and, with a token, the scope write. Without `name` the bearer counts as you.
    """
    if identity.kind == "connect":
        raise Forbidden("a connect token cannot create another one")
    role = await require(db, identity, document_id, Action.VIEW)
    if body.name is not None and not (identity.user_id and allowed(role, Action.SHARE)):
        raise Forbidden("a name needs a signed-in user with the right to share the document")
    if body.name is not None:
        # A share to write is no right to let others in.
        async with db.as_user(identity.subject) as conn:
            if not await document_queries.may_share(conn, document_id):
                raise Forbidden("a name needs a signed-in user with the right to share the document")
    granted = min(role, role_named(body.role))
    ends = datetime.now(UTC) + timedelta(minutes=body.minutes)
    if identity.expires_at is not None:
        ends = min(ends, identity.expires_at)
    made_by = identity.credential.id if identity.credential else None
    if made_by is None:
        async with db.as_service() as conn:
            made_by = await find_epoch(conn)
    claims: dict[str, object] = {
        "document": str(document_id),
        "role": granted.label,
        "name": body.name or identity.name,
        "sub": str(identity.user_id) if identity.user_id and body.name is None else "",
        "by": str(identity.user_id or ""),
        "made_by": str(made_by),
    }
    token = web_services(request).signer.sign(claims, (ends - datetime.now(UTC)).total_seconds())
    return models.ConnectTokenOut(token=token, expires_at=ends, role=granted.label)


@router.get("/documents/{document_id}/visit", tags=["history"], responses=USUAL)
async def get_visit(document_id: UUID, context: CurrentContext) -> models.VisitOut:
    """Return when you last had a document open before you opened it now. A connection that is lost for less than five
    minutes does not end a visit.
    """
    context.require_person()
    await require(context.db, context.identity, document_id, Action.VIEW)
    await context.views.flush(context.db, time.monotonic())
    async with context.db.as_user(context.identity.subject) as conn:
        return models.VisitOut(previous_at=await view_queries.find_previous_visit(conn, document_id))
