"""The table Role x Action. Pure: no database, no clock."""

from enum import IntEnum, StrEnum


class Role(IntEnum):
    """Roles in a document, ascending: a higher one may do all that a lower one may."""

    VIEWER = 1
    COMMENTER = 2
    EDITOR = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        return self.name.lower()


class Action(StrEnum):
    VIEW = "view"
    COMMENT = "comment"
    EDIT = "edit"
    DELETE = "delete"
    SHARE = "share"


LEAST_ROLE = {
    Action.VIEW: Role.VIEWER,
    Action.COMMENT: Role.COMMENTER,
    Action.EDIT: Role.EDITOR,
    Action.SHARE: Role.EDITOR,
    Action.DELETE: Role.ADMIN,
}

_PERMISSION_ROLE = {"read": Role.VIEWER, "comment": Role.COMMENTER, "write": Role.EDITOR, "admin": Role.ADMIN}


def allowed(role: Role | None, action: Action) -> bool:
    return role is not None and role >= LEAST_ROLE[action]


def role_of_permission(permission: str | None) -> Role | None:
    """The role for what the database function `app.document_permission` answers (None: no access)."""
    return None if permission is None else _PERMISSION_ROLE[permission]


def role_named(name: str) -> Role:
    """The role of this label; raises KeyError."""
    return Role[name.upper()]
