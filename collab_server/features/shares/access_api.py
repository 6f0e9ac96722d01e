"""Routes of who may open a document, and of requests for access."""

from datetime import datetime
from uuid import UUID

from fastapi import Response

from collab_server.adapters.postgres import acting
from collab_server.errors import (
    Forbidden,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.shares import access_queries, models
from collab_server.features.shares.api import CurrentShares
from collab_server.web import cursors
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

NO_REQUEST = "there is no such open request"
_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_PERMISSIONS: dict[str, models.Permission] = {
    "viewer": "read",
    "commenter": "comment",
    "editor": "write",
    "admin": "admin",
}


@router.get("/documents/{document_id}/access", tags=["shares"], responses=_USUAL)
async def get_access(document_id: UUID, context: CurrentShares, response: Response) -> models.AccessOut:
    """Return who may open a document besides its shares. Needs the right to share it. Only members see the members."""
    async with context.db.as_user(context.identity.subject) as conn:
        role = await context.require_sharing(conn, document_id, writing=False)
        is_member = await access_queries.is_member(conn, document_id)
    async with context.db.as_service() as conn:
        members, count = await access_queries.list_members(conn, document_id)
        is_public, in_playground = await access_queries.find_openness(conn, document_id)
    guests = _PERMISSIONS[context.db.guest_role] if in_playground and context.db.guest_role else None
    response.headers["cache-control"] = "private, no-store"
    return models.AccessOut(
        members=[
            models.MemberAccess(
                id=member.id,
                name=member.name,
                avatar_url=member.avatar_url,
                role=member.role,
                permission=member.permission,  # type: ignore[arg-type]
            )
            for member in members
        ]
        if is_member
        else [],
        member_count=count,
        is_public=is_public,
        guests=guests,
        own=_PERMISSIONS[role.label],
    )


@router.post(
    "/documents/{document_id}/access-requests",
    status_code=202,
    tags=["shares"],
    responses=documented(Unauthenticated, Forbidden, TooMany, Unavailable),
)
async def request_access(document_id: UUID, body: models.AccessRequestIn, context: CurrentShares) -> None:
    """Ask for access to a document. The people responsible for it are notified. The answer is the same whether or not
    there is such a document. One request for a document is open at a time.
    """
    context.require_person(writing=True)
    async with context.db.as_user(context.identity.subject) as conn:
        await access_queries.insert_request(conn, document_id, body.permission, body.message)


@router.get("/documents/{document_id}/access-requests", tags=["shares"], responses={**_USUAL, **documented(Malformed)})
async def list_requests(
    document_id: UUID,
    context: CurrentShares,
    response: Response,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.AccessRequestPage:
    """List open requests for access, the oldest first. Needs the right to share the document."""
    after = cursors.read_position(cursor, datetime, UUID, of="access requests")
    async with context.db.as_user(context.identity.subject) as conn:
        await context.require_sharing(conn, document_id, writing=False)
    async with context.db.as_service() as conn:
        found = await access_queries.list_requests(conn, document_id, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda one: (one.created_at, one.id), of="access requests")
    response.headers["cache-control"] = "private, no-store"
    return models.AccessRequestPage(items=[_to_response(each) for each in page], next_cursor=more)


@router.post("/access-requests/{request_id}/approve", status_code=204, tags=["shares"], responses=_USUAL)
async def approve_request(request_id: UUID, body: models.DecisionIn, context: CurrentShares) -> None:
    """Share the document with who asked for it."""
    await _decide(context, request_id, body.permission, deny=False)


@router.post("/access-requests/{request_id}/deny", status_code=204, tags=["shares"], responses=_USUAL)
async def deny_request(request_id: UUID, context: CurrentShares) -> None:
    """Close a request without giving access. Who asked is not told."""
    await _decide(context, request_id, None, deny=True)


async def _decide(context: CurrentShares, request_id: UUID, permission: str | None, *, deny: bool) -> None:
    user_id = context.require_person()
    async with context.db.as_user(context.identity.subject) as conn:
        document_id = await access_queries.find_request_document(conn, request_id)
        if document_id is None:
            raise NotFound(NO_REQUEST)
        try:
            await context.require_sharing(conn, document_id)
        except NotFound:
            raise NotFound(NO_REQUEST) from None
    async with context.db.as_service() as conn, acting(conn, user_id):
        if not await access_queries.decide(conn, request_id, permission, by=user_id, deny=deny):
            raise NotFound(NO_REQUEST)


def _to_response(found: access_queries.AccessRequest) -> models.AccessRequestOut:
    return models.AccessRequestOut(
        id=found.id,
        document_id=found.document_id,
        user=models.SharePerson(id=found.user_id, name=found.user_name, email=found.email, avatar_url=found.avatar_url),
        permission=found.permission,  # type: ignore[arg-type]
        message=found.message,
        created_at=found.created_at,
    )
