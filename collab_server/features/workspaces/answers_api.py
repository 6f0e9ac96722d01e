"""Routes for invited people: invitations of their address, and by a link's token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.workspaces import invitations_models as models
from collab_server.features.workspaces import invitations_queries as queries
from collab_server.features.workspaces.models import ActorOut, WorkspaceOut
from collab_server.features.workspaces.presentation import get_workspace, require_user_id, to_response
from collab_server.security.tokens import token_hash
from collab_server.web.cursors import PageLimit, cut_page, read_position
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_ABSENT = "there is no such open invitation"


@router.get("/invitations", tags=["invitations"], responses={**_USUAL, **documented(Malformed)})
async def list_own_invitations(
    identity: CurrentIdentity, db: CurrentDatabase, limit: PageLimit = 50, cursor: str | None = None
) -> models.OwnInvitationPage:
    """Open invitations to your address, if it is proved to be yours; others you open by their link."""
    require_user_id(identity)
    before = read_position(cursor, datetime, UUID)
    async with db.as_user(identity.subject) as conn:
        rows = await queries.list_own_invitations(conn, limit + 1, before)
    page, more = cut_page(rows, limit, lambda row: (row.created_at, row.id))
    items = [
        models.OwnInvitationOut(
            id=i.id,
            workspace=models.InvitingWorkspace(id=i.workspace_id, name=i.workspace_name, icon=i.icon, color=i.color),
            role=i.role,
            message=i.message,
            invited_by=ActorOut(id=i.inviter_id, name=i.inviter_name) if i.inviter_id else None,
            created_at=i.created_at,
            expires_at=i.expires_at,
        )
        for i in page
    ]
    return models.OwnInvitationPage(items=items, next_cursor=more)


def _may_answer(identity: Identity) -> None:
    require_user_id(identity)
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not answer invitations")


async def _get_joined_workspace(conn: Conn, answer: queries.Answer, identity: Identity) -> WorkspaceOut:
    if answer.outcome == "another":
        raise Forbidden("this invitation is for another address: sign in with the account of that address")
    if answer.workspace_id is None:
        raise NotFound(_ABSENT)
    return to_response(await get_workspace(conn, answer.workspace_id), identity)


@asynccontextmanager
async def _translate_errors() -> AsyncIterator[None]:
    try:
        yield
    except CheckViolation as error:
        raise LimitReached("the workspace has reached its member limit") from error


@router.post("/invitations/{invitation_id}/accept", tags=["invitations"], responses={**_USUAL, **documented(Conflict)})
async def accept_invitation(invitation_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> WorkspaceOut:
    """Accept an invitation of your list. Returns the workspace."""
    _may_answer(identity)
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        return await _get_joined_workspace(conn, await queries.accept_by_id(conn, invitation_id), identity)


@router.post("/invitations/{invitation_id}/decline", status_code=204, tags=["invitations"], responses=_USUAL)
async def decline_invitation(invitation_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> None:
    """Decline an invitation of your list."""
    _may_answer(identity)
    async with db.as_user(identity.subject) as conn:
        if not await queries.decline_by_id(conn, invitation_id):
            raise NotFound(_ABSENT)


# The token stands in the body: paths are in the access logs of every proxy.


@router.post("/invitations/open", tags=["invitations"], responses=documented(NotFound, Unavailable))
async def open_invitation(body: models.InvitationTokenIn, db: CurrentDatabase) -> models.TokenInvitationOut:
    """Describe the invitation of a link. Needs no sign-in, because the token is secret."""
    async with db.as_service() as conn:
        invitation = await queries.find_by_token(conn, token_hash(body.token))
    if invitation is None:
        raise NotFound(_ABSENT)
    return models.TokenInvitationOut(
        workspace_name=invitation.workspace_name,
        email=invitation.email,
        role=invitation.role,
        invited_by=invitation.invited_by,
        message=invitation.message,
        expires_at=invitation.expires_at,
        has_account=invitation.has_account,
    )


@router.post("/invitations/accept", tags=["invitations"], responses={**_USUAL, **documented(Conflict)})
async def accept_by_token(
    body: models.InvitationTokenIn, identity: CurrentIdentity, db: CurrentDatabase
) -> WorkspaceOut:
    """Accept an invitation by its link, signed in with the invited address. Returns the workspace."""
    _may_answer(identity)
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        return await _get_joined_workspace(conn, await queries.accept_by_token(conn, token_hash(body.token)), identity)


@router.post(
    "/invitations/decline",
    status_code=204,
    tags=["invitations"],
    responses=documented(NotFound, Unavailable),
)
async def decline_by_token(body: models.InvitationTokenIn, db: CurrentDatabase) -> None:
    """Decline an invitation by its link. Needs no sign-in."""
    async with db.as_service() as conn:
        if not await queries.decline_by_token(conn, token_hash(body.token)):
            raise NotFound(_ABSENT)
