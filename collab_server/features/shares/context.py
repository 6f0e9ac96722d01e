"""The caller of a request about shares: rights and answers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.access.check import ABSENT, require_in_workspace
from collab_server.access.identity import Identity
from collab_server.access.policy import Role, WorkspaceAction, role_of_permission
from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import CollabError, Forbidden, NotFound, Unauthenticated
from collab_server.features.shares import models, queries
from collab_server.features.shares.queries import Share

NO_SHARE = "there is no such share"


@dataclass(frozen=True, slots=True)
class ShareContext:
    """The caller of one request and the services for its answer. `base_url`: of the server's pages."""

    identity: Identity
    db: Database
    mailer: Mailer
    base_url: str

    def require_person(self, *, writing: bool = False) -> UUID:
        """Return the caller's user id. `writing`: they change something. Raises Unauthenticated for guests, Forbidden
        for connect tokens, links and tokens that only read.
        """
        if self.identity.kind == "connect":
            raise Forbidden("a token of one document may not share it")
        if self.identity.user_id is None:
            raise Unauthenticated("sign in first")
        if writing and self.identity.role_cap < Role.EDITOR:
            raise Forbidden("this token may not do that: it needs the scope write")
        return self.identity.user_id

    async def require_sharing(self, conn: Conn, document_id: UUID, *, writing: bool = True) -> Role:
        """Return the caller's role in a document whose access they decide about. `writing`: they change it.

        `conn`: a transaction of the caller. Raises NotFound, Forbidden, Unauthenticated.
        """
        self.require_person()
        rights = await queries.find_rights(conn, document_id)
        role = role_of_permission(rights.permission)
        if role is None:
            raise NotFound(ABSENT)
        role = min(role, self.identity.role_cap)
        if not rights.may_share or (writing and role < Role.EDITOR):
            raise Forbidden(f"a {role.label} may not share this document")
        return role

    async def require_changing(self, conn: Conn, share: Share) -> Role:
        """Return the caller's role in the document of a share; for a link to many documents, the highest that the
        caller's token allows. Raises NotFound, Forbidden, Unauthenticated.
        """
        if share.document_id is not None:
            return await self.require_sharing(conn, share.document_id)
        self.require_person(writing=True)
        await require_in_workspace(conn, self.identity, share.workspace_id, WorkspaceAction.INVITE)
        return self.identity.role_cap

    async def get_share(self, conn: Conn, share_id: UUID) -> Share:
        """Raises NotFound."""
        self.require_person()
        share = await queries.find_share(conn, share_id)
        if share is None:
            raise NotFound(NO_SHARE)
        return share

    async def mail_share(self, share: Share, title: str) -> bool:
        """Tell an address without an account of its share. Return whether the mail server accepted the mail."""
        if not self.mailer.configured or share.email is None or share.grantee_id is not None:
            return False
        what = {"read": "read", "comment": "read and comment on", "write": "edit", "admin": "edit and manage"}
        text = (
            f"{self.identity.name} shares the document “{title}” with you. You may {what[share.permission]} it.\n\n"
            f"To open it, sign in or register with this address:\n\n{self.base_url}/d/{share.document_id}\n"
        )
        try:
            await self.mailer.send(share.email, f"{self.identity.name} shares “{title}” with you"[:200], text)
        except CollabError:
            return False
        return True


def require_admin(role: Role, permission: str) -> None:
    """Raises Forbidden for shares of administrators, unless the caller is one, too."""
    if permission == "admin" and role < Role.ADMIN:
        raise Forbidden("only administrators of the document make others administrators")


def to_fields(share: Share) -> dict[str, Any]:
    """The fields of models.ShareOut."""
    person = None
    if not share.is_link:
        person = models.SharePerson(
            id=share.grantee_id, name=share.grantee_name, email=share.email, avatar_url=share.grantee_avatar
        )
    return {
        "id": share.id,
        "workspace_id": share.workspace_id,
        "document_id": share.document_id,
        "tag_id": share.tag_id,
        "category_id": share.category_id,
        "kind": "link" if share.is_link else "user",
        "permission": share.permission,
        "name": share.name,
        "user": person,
        "has_password": share.has_password,
        "expires_at": share.expires_at,
        "expired": share.expired,
        "max_uses": share.max_uses,
        "access_count": share.access_count,
        "last_accessed_at": share.last_accessed_at,
        "created_by": models.ShareMaker(id=share.created_by, name=share.creator_name) if share.created_by else None,
        "created_at": share.created_at,
    }
