"""The question every route and every socket asks before it answers."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.access import live_queries, queries
from collab_server.access.identity import Identity
from collab_server.access.policy import (
    Action,
    Permission,
    Role,
    WorkspaceAction,
    WorkspaceRole,
    allowed,
    allowed_in_workspace,
    role_of_permission,
)
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import Forbidden, NotFound

ABSENT = "there is no such document"
NO_WORKSPACE = "there is no such workspace"


async def role_in(db: Database, identity: Identity, document_id: UUID) -> Role:
    """The identity's role in a document. Raises NotFound where the document is absent or not theirs to see."""
    if identity.kind == "connect":
        if identity.document_id != document_id:
            raise NotFound(ABSENT)
        pair = (identity.rights, document_id)
        async with db.as_service() as conn:
            found = await live_queries.find_permissions(conn, [pair], db.guest_role)
        role = role_of_permission(found[pair])
    else:
        async with db.as_user(identity.subject) as conn:
            role = role_of_permission(await queries.find_permission(conn, document_id))
    if role is None:
        raise NotFound(ABSENT)
    return min(role, identity.role_cap)


async def require(db: Database, identity: Identity, document_id: UUID, action: Action) -> Role:
    """Like `role_in`. Raises Forbidden if the role does not allow the action."""
    role = await role_in(db, identity, document_id)
    if not allowed(role, action):
        raise Forbidden(f"a {role.label} may not {action.value} this document")
    return role


@dataclass(frozen=True, slots=True)
class Standing:
    """An identity in a workspace that it may see. `role`: None for a guest of the playground."""

    workspace_id: UUID
    role: WorkspaceRole | None
    permissions: frozenset[Permission]
    cap: Role

    def may(self, action: WorkspaceAction) -> bool:
        owner = self.role is WorkspaceRole.OWNER
        return allowed_in_workspace(action, self.permissions, owner=owner, cap=self.cap)

    def require(self, action: WorkspaceAction) -> None:
        """Raises Forbidden."""
        if not self.may(action):
            raise Forbidden(f"you may not {action.value} this workspace")


async def standing_in(conn: Conn, identity: Identity, workspace_id: UUID) -> Standing:
    """`conn`: a transaction of this identity (`Database.as_user`).

    Raises NotFound where the workspace is absent, deleted, or not the identity's to see.
    """
    row = None if identity.kind == "connect" else await queries.find_standing(conn, workspace_id)
    if row is None or Permission.READ not in row.permissions:
        raise NotFound(NO_WORKSPACE)
    role = WorkspaceRole(row.role) if row.role else None
    return Standing(workspace_id, role, frozenset(map(Permission, row.permissions)), identity.role_cap)


async def require_in_workspace(conn: Conn, identity: Identity, workspace_id: UUID, action: WorkspaceAction) -> Standing:
    """Like `standing_in`. Raises Forbidden if the standing does not allow the action."""
    standing = await standing_in(conn, identity, workspace_id)
    standing.require(action)
    return standing
