"""Who may do what. Pure tables: no database, no clock. REST and sockets ask the same ones.

A member of a workspace has a WorkspaceRole, which stands for a set of Permissions; single ones may be added or taken
away per member. From the permissions follows the Role in each of the workspace's documents. A token caps both.
PostgreSQL keeps the same table (`role_permissions`); a test holds the two together.
"""

from collections.abc import Collection, Mapping
from enum import IntEnum, StrEnum


class Permission(StrEnum):
    READ = "can_read"
    COMMENT = "can_comment"
    CREATE = "can_create_documents"
    EDIT = "can_edit_documents"
    DELETE = "can_delete_documents"
    INVITE = "can_invite_members"
    MANAGE = "can_manage_workspace"


class WorkspaceRole(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"


_VIEWER = frozenset({Permission.READ})
_COMMENTER = _VIEWER | {Permission.COMMENT}
_EDITOR = _COMMENTER | {Permission.CREATE, Permission.EDIT}
_ADMIN = frozenset(Permission)

ROLE_PERMISSIONS: Mapping[WorkspaceRole, frozenset[Permission]] = {
    WorkspaceRole.OWNER: _ADMIN,
    WorkspaceRole.ADMIN: _ADMIN,
    WorkspaceRole.EDITOR: _EDITOR,
    WorkspaceRole.COMMENTER: _COMMENTER,
    WorkspaceRole.VIEWER: _VIEWER,
}


def effective(role: WorkspaceRole, overrides: Mapping[str, bool]) -> frozenset[Permission]:
    """The role's permissions, with a member's own departures from them."""
    return frozenset(p for p in Permission if overrides.get(p.value, p in ROLE_PERMISSIONS[role]))


class Role(IntEnum):
    """Roles in a document, ascending: a higher one may do all that a lower one may. Also the scopes of tokens."""

    VIEWER = 1
    COMMENTER = 2
    EDITOR = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        return self.name.lower()


class Action(StrEnum):
    """What can be done to a document."""

    VIEW = "view"
    COMMENT = "comment"
    EDIT = "edit"
    DELETE = "delete"
    SHARE = "share"


LEAST_ROLE: Mapping[Action, Role] = {
    Action.VIEW: Role.VIEWER,
    Action.COMMENT: Role.COMMENTER,
    Action.EDIT: Role.EDITOR,
    Action.SHARE: Role.EDITOR,
    Action.DELETE: Role.ADMIN,
}

_PERMISSION_ROLE = {"read": Role.VIEWER, "comment": Role.COMMENTER, "write": Role.EDITOR, "admin": Role.ADMIN}


def allowed(role: Role | None, action: Action) -> bool:
    return role is not None and role >= LEAST_ROLE[action]


def document_role(permissions: Collection[Permission]) -> Role | None:
    """The role in a workspace's documents, as `app.document_permission` computes it (None: no access)."""
    for permission, role in (
        (Permission.DELETE, Role.ADMIN),
        (Permission.EDIT, Role.EDITOR),
        (Permission.COMMENT, Role.COMMENTER),
        (Permission.READ, Role.VIEWER),
    ):
        if permission in permissions:
            return role
    return None


def role_of_permission(permission: str | None) -> Role | None:
    """The role for what the database function `app.document_permission` answers (None: no access)."""
    return None if permission is None else _PERMISSION_ROLE[permission]


def role_named(name: str) -> Role:
    """The role of this label; raises KeyError."""
    return Role[name.upper()]


class WorkspaceAction(StrEnum):
    """What can be done in or to a workspace."""

    VIEW = "view"
    CREATE_DOCUMENTS = "create documents in"
    ORGANIZE = "organize"
    INVITE = "invite people to"
    VIEW_ACTIVITY = "see the activity of"
    EXPORT = "export"
    MANAGE_MEMBERS = "manage the members of"
    MANAGE = "manage"
    TRANSFER = "hand over"
    DELETE = "delete"


NEEDED: Mapping[WorkspaceAction, Permission] = {
    WorkspaceAction.VIEW: Permission.READ,
    WorkspaceAction.CREATE_DOCUMENTS: Permission.CREATE,
    WorkspaceAction.ORGANIZE: Permission.EDIT,
    WorkspaceAction.INVITE: Permission.INVITE,
    WorkspaceAction.VIEW_ACTIVITY: Permission.MANAGE,
    WorkspaceAction.EXPORT: Permission.MANAGE,
    WorkspaceAction.MANAGE_MEMBERS: Permission.MANAGE,
    WorkspaceAction.MANAGE: Permission.MANAGE,
    WorkspaceAction.TRANSFER: Permission.MANAGE,
    WorkspaceAction.DELETE: Permission.MANAGE,
}
OWNERS_ONLY = frozenset({WorkspaceAction.TRANSFER, WorkspaceAction.DELETE})
LEAST_SCOPE: Mapping[WorkspaceAction, Role] = {
    WorkspaceAction.VIEW: Role.VIEWER,
    WorkspaceAction.VIEW_ACTIVITY: Role.VIEWER,
    WorkspaceAction.EXPORT: Role.VIEWER,
    WorkspaceAction.CREATE_DOCUMENTS: Role.EDITOR,
    WorkspaceAction.ORGANIZE: Role.EDITOR,
    WorkspaceAction.INVITE: Role.ADMIN,
    WorkspaceAction.MANAGE_MEMBERS: Role.ADMIN,
    WorkspaceAction.MANAGE: Role.ADMIN,
    WorkspaceAction.TRANSFER: Role.ADMIN,
    WorkspaceAction.DELETE: Role.ADMIN,
}


def allowed_in_workspace(
    action: WorkspaceAction, permissions: Collection[Permission], *, owner: bool, cap: Role
) -> bool:
    """`permissions`: the effective ones. `cap`: the most that the caller's token allows."""
    return NEEDED[action] in permissions and cap >= LEAST_SCOPE[action] and (owner or action not in OWNERS_ONLY)
