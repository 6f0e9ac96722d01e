"""Routes of a workspace's invitations, for those who invite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request

from collab_server.access.check import require_in_workspace
from collab_server.access.identity import Identity
from collab_server.access.policy import WorkspaceAction
from collab_server.backends.db import CheckViolation, Conn, InsufficientPrivilege, UniqueViolation
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
from collab_server.web.cursors import decode, encode
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentMailer
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.workspaces import invitations
from collab_server.workspaces import invitations_models as models
from collab_server.workspaces import invitations_queries as queries
from collab_server.workspaces.models import ActorOut
from collab_server.workspaces.seen import a_person, found

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_INVITING = {**_USUAL, **documented(Conflict, TooMany, UnprocessableContent)}
RESEND_SECONDS = 60
Limit = Annotated[int, Query(ge=1, le=200)]
Status = Literal["pending", "accepted", "declined", "expired", "revoked"]


def inviter(user_id: UUID | None, name: str | None) -> ActorOut | None:
    return ActorOut(id=user_id, name=name) if user_id else None


def _shown(invitation: queries.Invitation, link: str | None = None) -> models.InvitationOut:
    return models.InvitationOut(
        id=invitation.id,
        email=invitation.email,
        role=invitation.role,
        status=invitation.status,
        message=invitation.message,
        invited_by=inviter(invitation.inviter_id, invitation.inviter_name),
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        link=link,
    )


@asynccontextmanager
async def _inviting() -> AsyncIterator[None]:
    """What PostgreSQL refuses of an invitation, as problems."""
    try:
        yield
    except UniqueViolation:
        raise Conflict("this address is invited already: send that invitation again, or revoke it") from None
    except InsufficientPrivilege:
        raise Forbidden("an invitation can give only what you may do yourself") from None
    except CheckViolation as error:
        if error.constraint_name == "invitation_rate":
            raise TooMany("you have sent very many invitations today", retry_after=3600) from None
        if error.constraint_name == "invitation_limit":
            raise LimitReached("very many invitations are open: revoke some first") from None
        raise UnprocessableContent("the invitation cannot be stored like this") from error


async def _invitation(conn: Conn, workspace_id: UUID, invitation_id: UUID) -> queries.Invitation:
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
    limit: Limit = 50,
    cursor: str | None = None,
) -> models.InvitationPage:
    """A workspace's invitations, the newest first."""
    a_person(identity)
    before = decode(cursor, datetime, UUID) if cursor else None
    async with db.as_user(identity.user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        rows = await queries.list_invitations(
            conn, workspace_id, limit + 1, (before[0], before[1]) if before else None, status
        )
    page = rows[:limit]
    more = encode(page[-1].created_at, page[-1].id) if len(rows) > limit else None
    return models.InvitationPage(items=[_shown(i) for i in page], next_cursor=more)


@router.post("/workspaces/{workspace_id}/invitations", status_code=201, tags=["invitations"], responses=_INVITING)
async def create_invitation(
    workspace_id: UUID,
    body: models.InvitationIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
) -> models.InvitationOut:
    """Invite somebody by e-mail. The role can be at most what you may do yourself."""
    a_person(identity)
    token = invitations.new_token()
    async with _inviting(), db.as_user(identity.user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        if await queries.is_member(conn, workspace_id, body.email):
            raise Conflict("this person is a member already")
        workspace = await found(conn, workspace_id)
        role = body.role or workspace.settings.get("default_permissions", "editor")
        invitation_id = await queries.insert_invitation(
            conn, workspace_id, body.email, role, body.message, token.hash, mailed=mailer.configured
        )
        invitation = await _invitation(conn, workspace_id, invitation_id)
    link = await _deliver(invitation, token, workspace.name, identity, db, mailer, request)
    return _shown(invitation, link)


async def _deliver(
    invitation: queries.Invitation,
    token: invitations.Token,
    workspace: str,
    identity: Identity,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
) -> str | None:
    """Mail the link; where that fails, the link, for the inviter to hand over."""
    link = invitations.link_to(request.state.settings.base_url, token.text)
    sent = await invitations.mail(
        mailer, invitation.email, link, inviter=identity.name, workspace=workspace, message=invitation.message
    )
    if sent:
        return None
    async with db.as_user(identity.user_id) as conn:
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
    a_person(identity)
    async with db.as_user(identity.user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        await _invitation(conn, workspace_id, invitation_id)
        if not await queries.revoke_invitation(conn, invitation_id):
            raise Conflict("the invitation is not open any more")


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
    a_person(identity)
    token = invitations.new_token()
    async with _inviting(), db.as_user(identity.user_id) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.INVITE)
        before = await _invitation(conn, workspace_id, invitation_id)
        age = (datetime.now(UTC) - before.sent_at).total_seconds()
        if mailer.configured and before.status == "pending" and age < RESEND_SECONDS:
            raise TooMany("it was sent a moment ago", retry_after=max(1, int(RESEND_SECONDS - age)))
        if not await queries.renew_token(conn, invitation_id, token.hash, mailed=mailer.configured):
            raise Conflict("the invitation is not open any more")
        invitation = await _invitation(conn, workspace_id, invitation_id)
        workspace = await found(conn, workspace_id)
    link = await _deliver(invitation, token, workspace.name, identity, db, mailer, request)
    return _shown(invitation, link)
