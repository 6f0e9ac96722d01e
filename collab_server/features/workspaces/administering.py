"""Usage and limits of workspaces for administrators of the server without membership."""

from dataclasses import replace
from uuid import UUID

from collab_server.access.check import NO_WORKSPACE
from collab_server.access.identity import Identity
from collab_server.access.queries import find_standing
from collab_server.adapters.postgres import Conn, Database, acting
from collab_server.errors import NotFound
from collab_server.features.workspaces import models, operator_queries, queries
from collab_server.features.workspaces.presentation import to_response, to_usage
from collab_server.web.etags import changed_meanwhile


async def is_of_others(db: Database, identity: Identity, workspace_id: UUID) -> bool:
    """Return whether the caller administers the server and is not a member of the workspace. Raises Unavailable."""
    if not identity.is_admin:
        return False
    async with db.as_user(identity.subject) as conn:
        return await find_standing(conn, workspace_id) is None


async def _get_workspace(conn: Conn, workspace_id: UUID) -> queries.Workspace:
    workspace = await queries.find_workspace(conn, workspace_id)
    if workspace is None or workspace.deleted_at is not None:
        raise NotFound(NO_WORKSPACE)
    return workspace


def _without_content(workspace: queries.Workspace) -> queries.Workspace:
    return replace(
        workspace, role="administrator", permissions=(), settings={}, description=None, icon=None, color=None
    )


async def get_usage(db: Database, workspace_id: UUID, most: int) -> models.UsageOut:
    """`most`: bytes of a file, for the server. Raises NotFound, Unavailable."""
    async with db.as_service() as conn:
        workspace = await _get_workspace(conn, workspace_id)
        documents, deleted = await queries.count_documents(conn, workspace_id)
    return to_usage(workspace, documents, deleted, most)


async def set_limits(
    db: Database,
    identity: Identity,
    workspace_id: UUID,
    member_limit: int | None,
    storage_limit_bytes: int | None,
    version: int | None,
) -> models.WorkspaceOut:
    """Set limits; None leaves a limit unchanged. Raises NotFound, PreconditionFailed if it is not at `version`,
    Unavailable.
    """
    async with db.as_service() as conn, acting(conn, identity.user_id):
        if not await operator_queries.update_limits(conn, workspace_id, member_limit, storage_limit_bytes, version):
            raise changed_meanwhile((await _get_workspace(conn, workspace_id)).row_version)
        return to_response(_without_content(await _get_workspace(conn, workspace_id)), identity)
