"""What administrators of the server see and change of workspaces that they do not belong to: figures and limits."""

from dataclasses import replace
from uuid import UUID

from collab_server.access.check import NO_WORKSPACE
from collab_server.access.identity import Identity
from collab_server.access.queries import find_standing
from collab_server.backends.db import Conn, Database, acting
from collab_server.errors import NotFound
from collab_server.web.etags import changed_meanwhile
from collab_server.workspaces import models, operator_queries, queries
from collab_server.workspaces.seen import shown, usage_of


async def is_of_others(db: Database, identity: Identity, workspace_id: UUID) -> bool:
    """Whether the caller administers the server and is nobody in the workspace. Raises Unavailable."""
    if not identity.is_admin:
        return False
    async with db.as_user(identity.user_id) as conn:
        return await find_standing(conn, workspace_id) is None


async def _found(conn: Conn, workspace_id: UUID) -> queries.Workspace:
    workspace = await queries.find_workspace(conn, workspace_id)
    if workspace is None or workspace.deleted_at is not None:
        raise NotFound(NO_WORKSPACE)
    return replace(
        workspace, role="administrator", permissions=(), settings={}, description=None, icon=None, color=None
    )


async def usage(db: Database, workspace_id: UUID) -> models.UsageOut:
    """Raises NotFound, Unavailable."""
    async with db.as_service() as conn:
        workspace = await _found(conn, workspace_id)
        documents, deleted = await queries.count_documents(conn, workspace_id)
    return usage_of(workspace, documents, deleted)


async def set_limits(
    db: Database,
    identity: Identity,
    workspace_id: UUID,
    member_limit: int | None,
    storage_limit_bytes: int | None,
    version: int | None,
) -> models.WorkspaceOut:
    """None leaves a limit as it is. Raises NotFound, PreconditionFailed where it is not at `version`, Unavailable."""
    async with db.as_service() as conn, acting(conn, identity.user_id):
        if not await operator_queries.update_limits(conn, workspace_id, member_limit, storage_limit_bytes, version):
            raise changed_meanwhile((await _found(conn, workspace_id)).row_version)
        return shown(await _found(conn, workspace_id), identity)
