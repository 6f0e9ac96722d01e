"""Routes of a workspace's invitations, for inviting members."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from fastapi import Request

from collab_server.access.check import require_in_workspace
from collab_server.access.identity import Identity
from collab_server.access.policy import WorkspaceAction
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation, InsufficientPrivilege, UniqueViolation
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.workspaces import invitations
from collab_server.features.workspaces import invitations_models as models
from collab_server.features.workspaces import invitations_queries as queries
from collab_server.features.workspaces.models import ActorOut
from collab_server.features.workspaces.presentation import get_workspace, require_user_id
from collab_server.web.cursors import PageLimit, cut_page, read_position
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentMailer
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_INVITING = {**_USUAL, **documented(Conflict, TooMany, UnprocessableContent)}
RESEND_SECONDS = 60
Status = Literal["pending", "accepted", "declined", "expired", "revoked"]


def to_inviter(user_id: UUID | None, name: str | None) -> ActorOut | None:
    return ActorOut(id=user_id, name=name) if user_id else None


def _to_response(invitation: queries.Invitation, link: str | None = None) -> models.InvitationOut:
    return models.InvitationOut(
        id=invitation.id,
        email=invitation.email,
        role=invitation.role,
        status=invitation.status,
        message=invitation.message,
        invited_by=to_inviter(invitation.inviter_id, invitation.inviter_name),
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        link=link,
    )


@asynccontextmanager
async def _translate_errors() -> AsyncIterator[None]:
    """Convert errors of PostgreSQL about invitations to API errors."""
    try:
        yield
    except UniqueViolation:
        raise Conflict("this address has an open invitation: send it again, or revoke it") from None
    except InsufficientPrivilege:
        raise Forbidden("an invitation cannot grant more than your own rights") from None
    except CheckViolation as error:
        if error.constraint_name == "invitation_rate":
            raise TooMany("you have reached today's limit of invitations", retry_after=3600) from None
        if error.constraint_name == "invitation_limit":
            raise LimitReached("too many open invitations: revoke some first") from None
        raise UnprocessableContent("invalid values for an invitation") from error


async def _get_invitation(conn: Conn, workspace_id: UUID, invitation_id: UUID) -> queries.Invitation:
    invitation = await queries.find_invitation(conn, workspace_id, invitation_id)
    if invitation is None:
        raise NotFound("there is no such invitation")
    return invitation


@router.get(
    "/workspaces/{workspace_id}/invitations", tags=["invitations"], responses={**_USUAL, **documented(Malformed)}
)
async def list_invitations(
    workspace_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    status: Status | None = None,
    limit: PageLimit = 50,
    cursor: str | None = None,
) -> models.InvitationPage:
    """A workspace's invitations, the newest first."""
    require_user_id(identity)
    before = read_position(cursor, datetime, UUID)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        rows = await queries.list_invitations(conn, workspace_id, limit + 1, before, status)
    page, more = cut_page(rows, limit, lambda row: (row.created_at, row.id))
    return models.InvitationPage(items=[_to_response(i) for i in page], next_cursor=more)


@router.post("/workspaces/{workspace_id}/invitations", status_code=201, tags=["invitations"], responses=_INVITING)
async def create_invitation(
    workspace_id: UUID,
    body: models.InvitationIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
) -> models.InvitationOut:
    """Invite somebody by e-mail. The role must be within your own rights."""
    require_user_id(identity)
    token = invitations.make_token()
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        if await queries.is_member(conn, workspace_id, body.email):
            raise Conflict("this person is already a member")
        workspace = await get_workspace(conn, workspace_id)
        role = body.role or workspace.settings.get("default_permissions", "editor")
        invitation_id = await queries.insert_invitation(
            conn, workspace_id, body.email, role, body.message, token.hash, mailed=mailer.configured
        )
        invitation = await _get_invitation(conn, workspace_id, invitation_id)
    link = await _deliver(invitation, token, workspace.name, identity, db, mailer, request)
    return _to_response(invitation, link)


async def _deliver(
    invitation: queries.Invitation,
    token: invitations.Token,
    workspace: str,
    identity: Identity,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
) -> str | None:
    """Send the link by mail. Return the link for the inviter if that fails."""
    link = invitations.make_link(web_services(request).settings.base_url, token.text)
    sent = await invitations.send_invitation(
        mailer, invitation.email, link, inviter=identity.name, workspace=workspace, message=invitation.message
    )
    if sent:
        return None
    async with db.as_user(identity.subject) as conn:
        return link if await queries.mark_handed_over(conn, invitation.id) else None


@router.delete(
    "/workspaces/{workspace_id}/invitations/{invitation_id}",
    status_code=204,
    tags=["invitations"],
    responses={**_USUAL, **documented(Conflict)},
)
async def revoke_invitation(
    workspace_id: UUID, invitation_id: UUID, identity: CurrentIdentity, db: CurrentDatabase
) -> None:
    """Take an open invitation back."""
    require_user_id(identity)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        await _get_invitation(conn, workspace_id, invitation_id)
        if not await queries.revoke_invitation(conn, invitation_id):
            raise Conflict("the invitation is no longer open")


@router.post("/workspaces/{workspace_id}/invitations/{invitation_id}/resend", tags=["invitations"], responses=_INVITING)
async def resend_invitation(
    workspace_id: UUID,
    invitation_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
) -> models.InvitationOut:
    """Send an open invitation again, with a new link and a new term; the old link is dead."""
    require_user_id(identity)
    token = invitations.make_token()
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        before = await _get_invitation(conn, workspace_id, invitation_id)
        age = (datetime.now(UTC) - before.sent_at).total_seconds()
        if mailer.configured and before.status == "pending" and age < RESEND_SECONDS:
            raise TooMany("the invitation was sent a moment ago", retry_after=max(1, int(RESEND_SECONDS - age)))
        if not await queries.renew_token(conn, invitation_id, token.hash, mailed=mailer.configured):
            raise Conflict("the invitation is no longer open")
        invitation = await _get_invitation(conn, workspace_id, invitation_id)
        workspace = await get_workspace(conn, workspace_id)
    link = await _deliver(invitation, token, workspace.name, identity, db, mailer, request)
    return _to_response(invitation, link)
