"""A workspace as its people see it, and who may come to these routes at all."""

from typing import Any
from uuid import UUID

from collab_server.access.check import NO_WORKSPACE
from collab_server.access.identity import Identity
from collab_server.access.policy import Permission, Role
from collab_server.backends.db import Conn
from collab_server.errors import Forbidden, NotFound, Unauthenticated
from collab_server.workspaces import models, queries

_COLUMNS = tuple(name for name in models.WorkspaceOut.model_fields if name != "can_create")


def a_person(identity: Identity) -> UUID:
    """The id of who is signed in. Raises Unauthenticated for guests, Forbidden for connect tokens."""
    if identity.kind == "guest" or (identity.user_id is None and identity.kind != "connect"):
        raise Unauthenticated("sign in for that")
    if identity.kind == "connect":
        raise Forbidden("a connect token opens one document and nothing else")
    assert identity.user_id is not None
    return identity.user_id


def entry(workspace: queries.Workspace, identity: Identity) -> dict[str, Any]:
    """In the form of models.WorkspaceOut."""
    fields: dict[str, Any] = {name: getattr(workspace, name) for name in _COLUMNS}
    fields["can_create"] = Permission.CREATE.value in workspace.permissions and identity.role_cap >= Role.EDITOR
    return fields


def shown(workspace: queries.Workspace, identity: Identity) -> models.WorkspaceOut:
    return models.WorkspaceOut(**entry(workspace, identity))


async def found(conn: Conn, workspace_id: UUID) -> queries.Workspace:
    workspace = await queries.find_workspace(conn, workspace_id)
    if workspace is None:
        raise NotFound(NO_WORKSPACE)
    return workspace


def usage_of(workspace: queries.Workspace, documents: int, deleted: int) -> models.UsageOut:
    """`deleted`: documents in the trash."""
    return models.UsageOut(
        members=workspace.member_count,
        member_limit=workspace.member_limit,
        documents=documents,
        deleted_documents=deleted,
        storage_used_bytes=workspace.storage_used_bytes,
        storage_limit_bytes=workspace.storage_limit_bytes,
    )
