"""Routes of documents and of the workspaces they are in."""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from collab_server.access.check import ABSENT, require
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, role_named, role_of_permission
from collab_server.backends.db import InsufficientPrivilege
from collab_server.documents import models, queries
from collab_server.documents.addresses import Addresses, checked
from collab_server.errors import Conflict, Forbidden, Malformed, NotFound, Unauthenticated, Unavailable
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms
from collab_server.web.problems import documented

router = APIRouter()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)


def _addresses(request: Request) -> Addresses:
    return Addresses(request.state.db, request.state.settings.default_workspace)


def _shown(document: queries.Document, identity: Identity, request: Request) -> models.DocumentOut:
    role = role_of_permission(document.permission) or Role.VIEWER
    return models.DocumentOut(
        id=document.id,
        workspace_id=document.workspace_id,
        name=document.name,
        address=_addresses(request).address_of(document),
        title=document.title,
        type=document.type,
        created_at=document.created_at,
        updated_at=document.updated_at,
        last_edited_at=document.last_edited_at,
        content_bytes=document.content_bytes,
        word_count=document.word_count,
        excerpt=" ".join(document.excerpt.split())[:200],
        people=request.state.rooms.people_in(document.id),
        role=min(role, identity.role_cap).label,
    )


@router.get("/auth/me", tags=["auth"], responses=documented(Unauthenticated, Forbidden, Unavailable))
async def me(identity: CurrentIdentity, db: CurrentDatabase, request: Request) -> models.Me:
    """Who the server takes the caller for."""
    slug = request.state.settings.default_workspace
    async with db.as_user(identity.user_id) as conn:
        workspace = next((w for w in await queries.list_workspaces(conn) if w.slug == slug), None)
    brief = models.WorkspaceBrief(id=workspace.id, slug=workspace.slug, name=workspace.name) if workspace else None
    return models.Me(
        kind=identity.kind,
        id=identity.user_id,
        name=identity.name,
        default_workspace=brief if identity.kind != "connect" else None,
        can_create=bool(
            workspace and workspace.can_create and identity.kind != "connect" and identity.role_cap >= Role.EDITOR
        ),
    )


@router.get("/workspaces", tags=["workspaces"], responses=documented(Unauthenticated, Forbidden, Unavailable))
async def list_workspaces(identity: CurrentIdentity, db: CurrentDatabase) -> models.WorkspacePage:
    """The workspaces that the caller may see."""
    if identity.kind == "connect":
        return models.WorkspacePage(items=[], next_cursor=None)
    async with db.as_user(identity.user_id) as conn:
        found = await queries.list_workspaces(conn)
    items = [
        models.WorkspaceOut(id=w.id, slug=w.slug, name=w.name, kind=w.kind, role=w.role, can_create=w.can_create)
        for w in found
    ]
    return models.WorkspacePage(items=items, next_cursor=None)


@router.get("/workspaces/{workspace_id}/documents", tags=["documents"], responses={**_USUAL, **documented(Malformed)})
async def list_documents(
    workspace_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> models.DocumentPage:
    """Documents of a workspace, the last changed first."""
    after = _read_cursor(cursor) if cursor else None
    if identity.kind == "connect":
        raise NotFound("there is no such workspace")
    async with db.as_user(identity.user_id) as conn:
        if await queries.find_workspace(conn, workspace_id) is None:
            raise NotFound("there is no such workspace")
        found = await queries.list_documents(conn, workspace_id, limit + 1, after)
    page = found[:limit]
    more = _write_cursor(page[-1]) if len(found) > limit else None
    return models.DocumentPage(items=[_shown(d, identity, request) for d in page], next_cursor=more)


def _write_cursor(document: queries.Document) -> str:
    position = json.dumps([document.updated_at.isoformat(), str(document.id)])
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, document_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        when = datetime.fromisoformat(moment)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)), UUID(document_id)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise Malformed("the cursor is not one of ours") from None


@router.post(
    "/workspaces/{workspace_id}/documents",
    status_code=201,
    tags=["documents"],
    responses={**_USUAL, **documented(Conflict)},
)
async def create_document(
    workspace_id: UUID, body: models.DocumentIn, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.DocumentOut:
    """Make a document. A `name` gives it a readable address; one that is taken is a conflict."""
    if identity.kind == "connect" or identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not create documents")
    try:
        async with db.as_user(identity.user_id) as conn:
            if await queries.find_workspace(conn, workspace_id) is None:
                raise NotFound("there is no such workspace")
            created = await queries.insert_document(conn, workspace_id, body.name, body.title, body.type)
            if created is None:
                raise Conflict(f"there is a document named {body.name!r} already")
            document = await queries.find_document(conn, created)
    except InsufficientPrivilege:
        raise Forbidden("you may not create documents here") from None
    assert document is not None
    return _shown(document, identity, request)


@router.get("/documents/lookup", tags=["documents"], responses={**_USUAL, **documented(Malformed)})
async def look_up_document(
    address: Annotated[str, Query(min_length=1, max_length=600)],
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
) -> models.DocumentOut:
    """The document at an address (a UUID, `<workspace>/<name>` or `<name>`). It is not created."""
    resolved = await _addresses(request).resolve(identity, checked(address), create=False)
    return await _get(resolved.document_id, identity, db, request)


@router.get("/documents/{document_id}", tags=["documents"], responses=_USUAL)
async def get_document(
    document_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.DocumentOut:
    """A document's metadata."""
    await require(db, identity, document_id, Action.VIEW)
    return await _get(document_id, identity, db, request)


async def _get(document_id: UUID, identity: Identity, db: CurrentDatabase, request: Request) -> models.DocumentOut:
    if identity.kind == "connect":
        async with db.as_service() as conn:
            document = await queries.find_document_unchecked(conn, document_id)
    else:
        async with db.as_user(identity.user_id) as conn:
            document = await queries.find_document(conn, document_id)
    if document is None:
        raise NotFound(ABSENT)
    return _shown(document, identity, request)


@router.patch("/documents/{document_id}", tags=["documents"], responses=_USUAL)
async def patch_document(
    document_id: UUID, body: models.DocumentPatch, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.DocumentOut:
    """Change a document's title."""
    await require(db, identity, document_id, Action.EDIT)
    if identity.kind == "connect":
        raise Forbidden("a connect token opens a document; it does not rename it")
    async with db.as_user(identity.user_id) as conn:
        if not await queries.update_title(conn, document_id, body.title):
            raise Forbidden("you may not rename this document")
    return await _get(document_id, identity, db, request)


_CONTENT_TYPES = ("text/markdown", "text/plain", "application/json")


@router.get(
    "/documents/{document_id}/content",
    tags=["documents"],
    response_class=Response,
    responses={
        **_USUAL,
        200: {"content": {kind: {} for kind in _CONTENT_TYPES}, "description": "The text as it is now"},
        304: {"description": "Not changed since the hash in If-None-Match"},
    },
)
async def get_content(
    document_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, request: Request
) -> Response:
    """A document's text, with everything that the server has received. The ETag is the SHA-256 of the text."""
    await require(db, identity, document_id, Action.VIEW)
    await rooms.settle(document_id)
    async with db.as_service() as conn:
        content = await queries.find_content(conn, document_id)
    if content is None:
        raise NotFound(ABSENT)
    etag = f'"{content.content_hash}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if content.truncated:
        headers["x-content-truncated"] = "true"
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    kind = _preferred(request.headers.get("accept", ""))
    if kind == "application/json":
        body = {"content": content.content, "content_hash": content.content_hash, "truncated": content.truncated}
        return Response(json.dumps(body, ensure_ascii=False), media_type=kind, headers=headers)
    return Response(content.content, media_type=f"{kind}; charset=utf-8", headers=headers)


def _preferred(accept: str) -> str:
    """The first of our types that the Accept header names; Markdown otherwise."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in _CONTENT_TYPES:
            return kind
    return _CONTENT_TYPES[0]


@router.post("/documents/{document_id}/connect-tokens", status_code=201, tags=["documents"], responses=_USUAL)
async def create_connect_token(
    document_id: UUID, body: models.ConnectTokenIn, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.ConnectTokenOut:
    """A short-lived token that opens this one document over a WebSocket, for an editor that you embed elsewhere."""
    if identity.kind == "connect":
        raise Forbidden("a connect token cannot make another")
    role = await require(db, identity, document_id, Action.VIEW)
    granted = min(role, role_named(body.role))
    lifetime = timedelta(minutes=body.minutes)
    claims: dict[str, object] = {
        "document": str(document_id),
        "role": granted.label,
        "name": body.name or identity.name,
        "sub": str(identity.user_id) if identity.user_id and body.name is None else "",
    }
    token = request.state.signer.sign(claims, lifetime.total_seconds())
    return models.ConnectTokenOut(token=token, expires_at=datetime.now(UTC) + lifetime, role=granted.label)
