"""Routes of workspaces."""

import secrets
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from collab_server.access.check import require_in_workspace, standing_in
from collab_server.access.identity import Identity
from collab_server.access.policy import Role, WorkspaceAction
from collab_server.adapters.postgres import Conn, savepoint
from collab_server.adapters.postgres_errors import (
    CheckViolation,
    InsufficientPrivilege,
    RestrictViolation,
    UniqueViolation,
)
from collab_server.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.users import feature_flags
from collab_server.features.workspaces import administering, models, presentation, queries
from collab_server.web.answers import answer
from collab_server.web.cursors import PageLimit, cut_page, read_position
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.etags import changed_meanwhile, expected_version, not_modified, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_CHANGING = {**_USUAL, **documented(Malformed, Conflict, PreconditionFailed, UnprocessableContent)}
_SLUG_ATTEMPTS = 5


@router.get(
    "/workspaces",
    tags=["workspaces"],
    responses={**_USUAL, **documented(Malformed)},
    response_model=models.WorkspacePage,
)
async def list_workspaces(
    identity: CurrentIdentity,
    db: CurrentDatabase,
    *,
    archived: bool | None = None,
    deleted: bool = False,
    limit: PageLimit = 50,
    cursor: str | None = None,
) -> Response:
    """List visible workspaces by name. `archived`: only archived ones, or only others. `deleted`: your own deleted
    workspaces instead, to be restored.
    """
    after = read_position(cursor, str, UUID)
    if identity.kind == "connect":
        return answer({"items": [], "next_cursor": None})
    async with db.as_user(identity.subject, "force_generic_plan") as conn:
        rows = await queries.list_workspaces(conn, limit + 1, after, archived=archived, deleted=deleted)
    page, more = cut_page(rows, limit, lambda row: (row.position, row.id))
    return answer(
        {"items": [presentation.row_to_response(workspace, identity) for workspace in page], "next_cursor": more}
    )


@router.post("/workspaces", status_code=201, tags=["workspaces"], responses=_CHANGING)
async def create_workspace(
    body: models.WorkspaceIn, identity: CurrentIdentity, db: CurrentDatabase, request: Request, response: Response
) -> models.WorkspaceOut:
    """Create a team workspace. A used `slug` is a conflict."""
    user_id = presentation.require_user_id(identity)
    if identity.role_cap < Role.ADMIN:
        raise Forbidden("this token may not create workspaces")
    fields = body.model_dump()
    presentation.check_settings(fields["settings"], web_services(request).settings.max_attachment_bytes)
    async with db.as_service() as conn:
        await feature_flags.require(conn, user_id, feature_flags.Feature.CREATE_WORKSPACES)
    async with db.as_user(user_id) as conn:
        workspace_id = await _insert(conn, fields)
        workspace = await presentation.get_workspace(conn, workspace_id)
    response.headers["etag"] = row_etag(workspace.row_version)
    return presentation.to_response(workspace, identity)


async def _insert(conn: Conn, fields: dict[str, Any]) -> UUID:
    given = fields["slug"]
    for attempt in range(_SLUG_ATTEMPTS):
        if given is None:
            fields["slug"] = await queries.make_slug(
                conn, fields["name"], f"-{secrets.token_hex(2)}" if attempt else ""
            )
        try:
            async with savepoint(conn):
                return await queries.insert_workspace(conn, fields)
        except UniqueViolation:
            if given is not None:
                break
        except CheckViolation as error:
            raise UnprocessableContent("invalid values for a workspace") from error
    raise Conflict("the slug is used by another workspace")


@router.get("/workspaces/{workspace_id}", tags=["workspaces"], responses=_USUAL)
async def get_workspace(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request, response: Response
) -> Any:
    """One workspace. The ETag is its version."""
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW)
        await queries.note_visit(conn, workspace_id)
        workspace = await presentation.get_workspace(conn, workspace_id)
    etag = row_etag(workspace.row_version)
    if unchanged := not_modified(request, etag):
        return unchanged
    response.headers["etag"] = etag
    return presentation.to_response(workspace, identity)


@router.patch("/workspaces/{workspace_id}", tags=["workspaces"], responses=_CHANGING)
async def patch_workspace(
    workspace_id: UUID,
    body: models.WorkspacePatch,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> models.WorkspaceOut:
    """Change a workspace. With If-Match, only at that version."""
    version = expected_version(request)
    presentation.require_user_id(identity)
    given = body.model_dump(exclude_unset=True)
    presentation.check_settings(given.get("settings"), web_services(request).settings.max_attachment_bytes)
    limits = [given.pop("member_limit", None), given.pop("storage_limit_bytes", None)]
    if limits != [None, None] and not given and await administering.is_of_others(db, identity, workspace_id):
        changed = await administering.set_limits(db, identity, workspace_id, limits[0], limits[1], version)
        response.headers["etag"] = row_etag(changed.row_version)
        return changed
    try:
        async with db.as_user(identity.subject) as conn:
            await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE)
            if not await queries.update_workspace(conn, workspace_id, given, version):
                raise changed_meanwhile((await presentation.get_workspace(conn, workspace_id)).row_version)
            if limits != [None, None] and not await queries.update_limits(conn, workspace_id, limits[0], limits[1]):
                raise Forbidden("only administrators of the server may set limits")
            workspace = await presentation.get_workspace(conn, workspace_id)
    except UniqueViolation:
        raise Conflict("the slug is used by another workspace") from None
    except CheckViolation as error:
        raise UnprocessableContent("invalid values for a workspace") from error
    response.headers["etag"] = row_etag(workspace.row_version)
    return presentation.to_response(workspace, identity)


@router.delete("/workspaces/{workspace_id}", status_code=204, tags=["workspaces"], responses=_CHANGING)
async def delete_workspace(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> None:
    """Delete a workspace with its content. The owner can restore it for some weeks."""
    version = expected_version(request)
    presentation.require_user_id(identity)
    try:
        async with db.as_user(identity.subject) as conn:
            await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.DELETE)
            if not await queries.mark_deleted(conn, workspace_id, version):
                raise changed_meanwhile((await presentation.get_workspace(conn, workspace_id)).row_version)
    except RestrictViolation:
        raise Conflict("a personal workspace is deleted only with its account") from None
    except InsufficientPrivilege:  # handed over at this moment
        raise Forbidden("only its owner can delete a workspace") from None


@router.post("/workspaces/{workspace_id}/restore", tags=["workspaces"], responses=_CHANGING)
async def restore_workspace(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, response: Response
) -> models.WorkspaceOut:
    """Take your deleted workspace back. Where its slug is another's by now, it gets a new one."""
    presentation.require_user_id(identity)
    async with db.as_user(identity.subject) as conn:
        workspace = await presentation.get_workspace(conn, workspace_id)
        if identity.role_cap < Role.ADMIN:
            raise Forbidden("this token may not restore workspaces")
        if workspace.deleted_at is None:
            await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.DELETE)
        else:
            await _restore(conn, workspace)
        workspace = await presentation.get_workspace(conn, workspace_id)
    response.headers["etag"] = row_etag(workspace.row_version)
    return presentation.to_response(workspace, identity)


async def _restore(conn: Conn, workspace: queries.Workspace) -> None:
    slug: str | None = None
    for _ in range(_SLUG_ATTEMPTS):
        try:
            async with savepoint(conn):
                await queries.restore_deleted(conn, workspace.id, slug)
                return
        except UniqueViolation:
            slug = await queries.make_slug(conn, workspace.slug or workspace.name, f"-{secrets.token_hex(2)}")
    raise Conflict("the slug is used by another workspace")


async def _archive(
    workspace_id: UUID, identity: Identity, db: CurrentDatabase, *, archived: bool
) -> models.WorkspaceOut:
    presentation.require_user_id(identity)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.MANAGE)
        await queries.update_archived(conn, workspace_id, archived=archived)
        return presentation.to_response(await presentation.get_workspace(conn, workspace_id), identity)


@router.post("/workspaces/{workspace_id}/archive", tags=["workspaces"], responses=_USUAL)
async def archive_workspace(workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase) -> models.WorkspaceOut:
    """Close a workspace for changes: it can still be read."""
    return await _archive(workspace_id, identity, db, archived=True)


@router.post("/workspaces/{workspace_id}/unarchive", tags=["workspaces"], responses=_USUAL)
async def unarchive_workspace(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase
) -> models.WorkspaceOut:
    """Open an archived workspace again."""
    return await _archive(workspace_id, identity, db, archived=False)


@router.post("/workspaces/{workspace_id}/transfer", tags=["workspaces"], responses=_CHANGING)
async def transfer_workspace(
    workspace_id: UUID, body: models.TransferIn, identity: CurrentIdentity, db: CurrentDatabase
) -> models.WorkspaceOut:
    """Hand your workspace over to another active member. You stay as admin."""
    presentation.require_user_id(identity)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.TRANSFER)
        outcome = await queries.transfer_workspace(conn, workspace_id, body.user_id)
        if outcome == "not_owner":
            raise Forbidden("only the owner can transfer a workspace")
        if outcome == "not_team":
            raise Conflict("a personal workspace stays with its account")
        if outcome == "not_member":
            raise Conflict("the new owner must be an active member: invite that person first")
        return presentation.to_response(await presentation.get_workspace(conn, workspace_id), identity)


@router.get("/workspaces/{workspace_id}/usage", tags=["workspaces"], responses=_USUAL)
async def get_usage(
    workspace_id: UUID, identity: CurrentIdentity, db: CurrentDatabase, request: Request
) -> models.UsageOut:
    """How much of its limits a workspace uses. Administrators of the server see it of every workspace."""
    most = web_services(request).settings.max_attachment_bytes
    if await administering.is_of_others(db, identity, workspace_id):
        return await administering.get_usage(db, workspace_id, most)
    async with db.as_user(identity.subject) as conn:
        await standing_in(conn, identity, workspace_id)
        workspace = await presentation.get_workspace(conn, workspace_id)
        documents, deleted = await queries.count_documents(conn, workspace_id)
    return presentation.to_usage(workspace, documents, deleted, most)
