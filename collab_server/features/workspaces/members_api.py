"""Routes of a workspace's members and of its activity."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from collab_server.access.check import require_in_workspace, standing_in
from collab_server.access.policy import Role, WorkspaceAction
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation, InsufficientPrivilege, RestrictViolation
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.workspaces import activity_queries, models
from collab_server.features.workspaces import members_queries as queries
from collab_server.features.workspaces.presentation import require_user_id
from collab_server.web.cursors import PageLimit, cut_page, read_position
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_NO_MEMBER = "there is no such member"


@asynccontextmanager
async def _translate_errors() -> AsyncIterator[None]:
    """Convert errors of PostgreSQL about members to API errors."""
    try:
        yield
    except RestrictViolation:
        raise Conflict("the owner cannot be changed or removed: transfer the workspace first, or delete it") from None
    except InsufficientPrivilege:
        raise Forbidden("you can grant and revoke only your own rights") from None
    except CheckViolation as error:
        raise LimitReached("the workspace has reached its member limit") from error


async def _get_member(conn: Conn, workspace_id: UUID, user_id: UUID) -> models.MemberOut:
    member = await queries.find_member(conn, workspace_id, user_id)
    if member is None:
        raise NotFound(_NO_MEMBER)
    return models.MemberOut(**asdict(member))


@router.get("/workspaces/{workspace_id}/members", tags=["members"], responses={**_USUAL, **documented(Malformed)})
async def list_members(
    workspace_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: PageLimit = 50,
    cursor: str | None = None,
) -> models.MemberPage:
    """List members by the time of joining; suspended ones only with the right to manage members. `q`: part of a name or
    address.
    """
    require_user_id(identity)
    after = read_position(cursor, datetime, UUID)
    async with db.as_user(identity.subject) as conn:
        standing = await standing_in(conn, identity, workspace_id)
        if standing.role is None:
            raise Forbidden("the members of the playground are not visible")
        rows = await queries.list_members(
            conn,
            workspace_id,
            limit + 1,
            after,
            containing=q.strip(),
            inactive=standing.may(WorkspaceAction.MANAGE_MEMBERS),
        )
    page, more = cut_page(rows, limit, lambda row: (row.joined_at, row.user_id))
    return models.MemberPage(items=[models.MemberOut(**asdict(m)) for m in page], next_cursor=more)


@router.patch(
    "/workspaces/{workspace_id}/members/{user_id}",
    tags=["members"],
    responses={**_USUAL, **documented(Conflict)},
)
async def patch_member(
    workspace_id: UUID, user_id: UUID, body: models.MemberPatch, identity: CurrentIdentity, db: CurrentDatabase
) -> models.MemberOut:
    """Change a member's role or rights, or suspend a member. You can grant and revoke only rights of your own."""
    require_user_id(identity)
    permissions = None if body.permissions is None else {flag.value: on for flag, on in body.permissions.items()}
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE_MEMBERS)
        before = await _get_member(conn, workspace_id, user_id)
        if not await queries.update_member(
            conn, workspace_id, user_id, body.role, permissions, is_active=body.is_active
        ):
            raise NotFound(_NO_MEMBER)
        after = await queries.find_member(conn, workspace_id, user_id)
        # After suspending or demoting oneself the row may be invisible.
        return (
            models.MemberOut(**asdict(after))
            if after
            else before.model_copy(update=body.model_dump(exclude_unset=True))
        )


@router.delete(
    "/workspaces/{workspace_id}/members/{user_id}",
    status_code=204,
    tags=["members"],
    responses={**_USUAL, **documented(Conflict)},
)
async def remove_member(workspace_id: UUID, user_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> None:
    """Remove a member, or leave (yourself). The owner cannot leave."""
    require_user_id(identity)
    async with _translate_errors(), db.as_user(identity.subject) as conn:
        standing = await standing_in(conn, identity, workspace_id)
        if user_id != identity.user_id:
            standing.require(WorkspaceAction.MANAGE_MEMBERS)
        elif identity.role_cap < Role.ADMIN:
            raise Forbidden("this token may not leave workspaces")
        if not await queries.delete_member(conn, workspace_id, user_id):
            raise NotFound(_NO_MEMBER)


@router.get("/workspaces/{workspace_id}/activity", tags=["members"], responses={**_USUAL, **documented(Malformed)})
async def list_activity(
    workspace_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    actor: UUID | None = None,
    entity_type: Annotated[str | None, Query(max_length=50)] = None,
    limit: PageLimit = 50,
    cursor: str | None = None,
) -> models.ActivityPage:
    """List activity of a workspace, the newest first. `entity_type`: workspace, member, invitation or document."""
    require_user_id(identity)
    before = read_position(cursor, int)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW_ACTIVITY)
        rows = await activity_queries.list_activity(
            conn, workspace_id, limit + 1, before[0] if before else None, actor, entity_type
        )
    page, more = cut_page(rows, limit, lambda row: (row.id,))
    return models.ActivityPage(items=[_to_activity(entry) for entry in page], next_cursor=more)


def _to_activity(entry: activity_queries.Entry) -> models.ActivityOut:
    return models.ActivityOut(
        id=entry.id,
        at=entry.at,
        actor=models.ActorOut(id=entry.actor_id, name=entry.actor_name) if entry.actor_id else None,
        action=entry.action,
        entity_type=entry.entity_type,
        entity_id=entry.entity_id,
        entity_name=entry.entity_name,
        changed_fields=entry.changed_fields,
        data=entry.data,
    )
