"""Routes of invitations for those who are invited: of one's own address, or by a link's token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.backends.db import CheckViolation, Conn
from collab_server.crypto import token_hash
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from collab_server.web.cursors import decode, encode
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.workspaces import invitations_models as models
from collab_server.workspaces import invitations_queries as queries
from collab_server.workspaces.models import ActorOut, WorkspaceOut
from collab_server.workspaces.seen import a_person, found, shown

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_ABSENT = "there is no such invitation, or it is not open any more"
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/invitations", tags=["invitations"], responses={**_USUAL, **documented(Malformed)})
async def list_own_invitations(
    identity: CurrentIdentity, db: CurrentDatabase, limit: Limit = 50, cursor: str | None = None
) -> models.OwnInvitationPage:
    """Open invitations to your address, if it is proved to be yours; others you open by their link."""
    a_person(identity)
    before = decode(cursor, datetime, UUID) if cursor else None
    async with db.as_user(identity.user_id) as conn:
        rows = await queries.list_own_invitations(conn, limit + 1, (before[0], before[1]) if before else None)
    page = rows[:limit]
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
    more = encode(page[-1].created_at, page[-1].id) if len(rows) > limit else None
    return models.OwnInvitationPage(items=items, next_cursor=more)


def _may_answer(identity: Identity) -> None:
    a_person(identity)
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not answer invitations")


async def _joined(conn: Conn, answer: queries.Answer, identity: Identity) -> WorkspaceOut:
    if answer.outcome == "another":
        raise Forbidden("this invitation is for another address: sign in with the account of that one")
    if answer.workspace_id is None:
        raise NotFound(_ABSENT)
    return shown(await found(conn, answer.workspace_id), identity)


@asynccontextmanager
async def _accepting() -> AsyncIterator[None]:
    try:
        yield
    except CheckViolation as error:
        raise LimitReached("the workspace has as many members as it may have") from error


@router.post("/invitations/{invitation_id}/accept", tags=["invitations"], responses={**_USUAL, **documented(Conflict)})
async def accept_invitation(invitation_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> WorkspaceOut:
    """Accept an invitation of your list; the workspace that you are in now."""
    _may_answer(identity)
    async with _accepting(), db.as_user(identity.user_id) as conn:
        return await _joined(conn, await queries.accept_by_id(conn, invitation_id), identity)


@router.post("/invitations/{invitation_id}/decline", status_code=204, tags=["invitations"], responses=_USUAL)
async def decline_invitation(invitation_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> None:
    """Decline an invitation of your list."""
    _may_answer(identity)
    async with db.as_user(identity.user_id) as conn:
        if not await queries.decline_by_id(conn, invitation_id):
            raise NotFound(_ABSENT)


# The token stands in the body: paths are in the access logs of every proxy.


@router.post("/invitations/open", tags=["invitations"], responses=documented(NotFound, Unavailable))
async def open_invitation(body: models.InvitationTokenIn, db: CurrentDatabase) -> models.TokenInvitationOut:
    """What an invitation's link is about. Needs no sign-in: the token is the key."""
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
    """Accept an invitation by its link, signed in with the invited address; the workspace that you are in now."""
    _may_answer(identity)
    async with _accepting(), db.as_user(identity.user_id) as conn:
        return await _joined(conn, await queries.accept_by_token(conn, token_hash(body.token)), identity)


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
