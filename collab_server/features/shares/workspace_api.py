"""Routes of links to many documents: those of a workspace, with a tag, or in a category. They only read."""

from datetime import datetime
from uuid import UUID

from fastapi import Response

from collab_server.access.check import require_in_workspace
from collab_server.access.policy import WorkspaceAction
from collab_server.errors import (
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.shares import models, queries
from collab_server.features.shares.api import (
    MAX_SHARES,
    CurrentPasswords,
    CurrentShares,
    check_expiry,
    to_new_share,
    translating_errors,
)
from collab_server.features.shares.context import to_fields
from collab_server.security import tokens
from collab_server.web import cursors
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)


@router.get("/workspaces/{workspace_id}/shares", tags=["shares"], responses={**_USUAL, **documented(Malformed)})
async def list_workspace_shares(
    workspace_id: UUID,
    context: CurrentShares,
    response: Response,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.SharePage:
    """List the links to documents of a workspace, a tag or a category, the oldest first. Needs the right to invite."""
    context.require_person()
    after = cursors.read_position(cursor, datetime, UUID, of="workspace shares")
    async with context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.INVITE)
        found = await queries.list_workspace_shares(conn, workspace_id, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda share: (share.created_at, share.id), of="workspace shares")
    response.headers["cache-control"] = "private, no-store"
    return models.SharePage(items=[models.ShareOut(**to_fields(share)) for share in page], next_cursor=more)


@router.post(
    "/workspaces/{workspace_id}/shares",
    status_code=201,
    tags=["shares"],
    responses={**_USUAL, **documented(UnprocessableContent, LimitReached)},
)
async def create_workspace_share(
    workspace_id: UUID,
    body: models.WorkspaceShareIn,
    context: CurrentShares,
    passwords: CurrentPasswords,
    response: Response,
) -> models.NewShareOut:
    """Make a link to all documents of a workspace, those with a tag, or those in a category and its categories. Whoever
    has it reads them, also documents that come later. Needs the right to invite.
    """
    context.require_person()
    check_expiry(body.expires_at)
    async with context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.INVITE)
    token = tokens.new_link_token()
    stored = await passwords.hash(body.password) if body.password is not None else None
    async with translating_errors(), context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.INVITE)
        if await queries.count_workspace_shares(conn, workspace_id) >= MAX_SHARES:
            raise LimitReached(f"at most {MAX_SHARES} links of a workspace are allowed: revoke some")
        made = await queries.insert_workspace_share(
            conn, workspace_id, body.model_dump(), tokens.token_hash(token), stored
        )
        share = await context.get_share(conn, made)
    response.headers["cache-control"] = "no-store"
    return to_new_share(context, share, token)
