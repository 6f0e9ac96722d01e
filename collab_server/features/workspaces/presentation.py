"""Workspaces in API answers, and checks of the caller."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from collab_server.access.check import NO_WORKSPACE
from collab_server.access.identity import Identity
from collab_server.access.policy import Permission, Role
from collab_server.adapters.postgres import Conn
from collab_server.errors import Forbidden, NotFound, Unauthenticated, UnprocessableContent
from collab_server.features.quotas.file_limits import FileLimits
from collab_server.features.workspaces import models, queries

_COLUMNS = tuple(name for name in models.WorkspaceOut.model_fields if name != "can_create")


def require_user_id(identity: Identity) -> UUID:
    """Return the id of the signed-in user. Raises Unauthenticated for guests, Forbidden for connect tokens."""
    if identity.kind == "guest" or (identity.user_id is None and identity.kind != "connect"):
        raise Unauthenticated("sign in first")
    if identity.kind == "connect":
        raise Forbidden("a connect token is valid for one document only")
    assert identity.user_id is not None
    return identity.user_id


def row_to_response(workspace: queries.Workspace, identity: Identity) -> dict[str, Any]:
    """Convert to the form of models.WorkspaceOut."""
    fields: dict[str, Any] = {name: getattr(workspace, name) for name in _COLUMNS}
    fields["can_create"] = Permission.CREATE.value in workspace.permissions and identity.role_cap >= Role.EDITOR
    return fields


def to_response(workspace: queries.Workspace, identity: Identity) -> models.WorkspaceOut:
    return models.WorkspaceOut(**row_to_response(workspace, identity))


async def get_workspace(conn: Conn, workspace_id: UUID) -> queries.Workspace:
    workspace = await queries.find_workspace(conn, workspace_id)
    if workspace is None:
        raise NotFound(NO_WORKSPACE)
    return workspace


def check_settings(given: Mapping[str, Any] | None, most: int) -> None:
    """Check settings that are about to be stored. `most`: bytes of a file, for the server. Raises
    UnprocessableContent.
    """
    size = ((given or {}).get("attachments") or {}).get("max_bytes")
    if size is not None and size > most:
        raise UnprocessableContent(f"settings.attachments.max_bytes: this server takes at most {most}")


def to_usage(workspace: queries.Workspace, documents: int, deleted: int, most: int) -> models.UsageOut:
    """`deleted`: documents in the trash. `most`: bytes of a file, for the server."""
    limits = FileLimits.read(workspace.settings, most)
    return models.UsageOut(
        members=workspace.member_count,
        member_limit=workspace.member_limit,
        documents=documents,
        deleted_documents=deleted,
        storage_used_bytes=workspace.storage_used_bytes,
        history_bytes=workspace.history_bytes,
        attachment_bytes=workspace.attachment_bytes,
        storage_limit_bytes=workspace.storage_limit_bytes,
        attachment_max_bytes=limits.max_bytes,
        attachment_types=list(limits.types) if limits.types is not None else None,
    )
