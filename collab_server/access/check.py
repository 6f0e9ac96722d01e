"""The question every route and every socket asks before it answers."""

from uuid import UUID

from collab_server.access import queries
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.backends.db import Database
from collab_server.errors import Forbidden, NotFound

ABSENT = "there is no such document"


async def role_in(db: Database, identity: Identity, document_id: UUID) -> Role:
    """The identity's role in a document. Raises NotFound where the document is absent or not theirs to see."""
    if identity.kind == "connect":
        if identity.document_id != document_id:
            raise NotFound(ABSENT)
        async with db.as_service() as conn:
            if not await queries.document_exists(conn, document_id):
                raise NotFound(ABSENT)
        return identity.role_cap
    async with db.as_user(identity.user_id) as conn:
        role = role_of_permission(await queries.find_permission(conn, document_id))
    if role is None:
        raise NotFound(ABSENT)
    return min(role, identity.role_cap)


async def require(db: Database, identity: Identity, document_id: UUID, action: Action) -> Role:
    """As role_in, and Forbidden where the role does not allow the action."""
    role = await role_in(db, identity, document_id)
    if not allowed(role, action):
        raise Forbidden(f"a {role.label} may not {action.value} this document")
    return role
