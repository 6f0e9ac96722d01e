import asyncpg
import pytest

from collab_server.access.policy import (
    ROLE_PERMISSIONS,
    Action,
    Permission,
    Role,
    WorkspaceAction,
    WorkspaceRole,
    allowed,
    allowed_in_workspace,
    document_role,
    effective,
    role_named,
    role_of_permission,
)
from tests import databases

TABLE = {
    Action.VIEW: {Role.VIEWER, Role.COMMENTER, Role.EDITOR, Role.ADMIN},
    Action.COMMENT: {Role.COMMENTER, Role.EDITOR, Role.ADMIN},
    Action.EDIT: {Role.EDITOR, Role.ADMIN},
    Action.SHARE: {Role.EDITOR, Role.ADMIN},
    Action.DELETE: {Role.ADMIN},
}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", [None, *Role])
def test_every_role_may_do_exactly_what_the_table_says(role: Role | None, action: Action) -> None:
    assert allowed(role, action) is (role in TABLE[action])


def test_permissions_of_the_database_are_roles() -> None:
    assert [role_of_permission(p) for p in (None, "read", "comment", "write", "admin")] == [None, *Role]


def test_roles_are_known_by_their_labels() -> None:
    assert [role_named(role.label) for role in Role] == list(Role)


EVERYTHING = set(WorkspaceAction)
MEMBERS = {
    WorkspaceRole.OWNER: EVERYTHING,
    WorkspaceRole.ADMIN: EVERYTHING - {WorkspaceAction.TRANSFER, WorkspaceAction.DELETE},
    WorkspaceRole.EDITOR: {WorkspaceAction.VIEW, WorkspaceAction.CREATE_DOCUMENTS, WorkspaceAction.ORGANIZE},
    WorkspaceRole.COMMENTER: {WorkspaceAction.VIEW},
    WorkspaceRole.VIEWER: {WorkspaceAction.VIEW},
}
SCOPES = {
    Role.ADMIN: EVERYTHING,
    Role.EDITOR: {
        WorkspaceAction.VIEW,
        WorkspaceAction.VIEW_ACTIVITY,
        WorkspaceAction.EXPORT,
        WorkspaceAction.CREATE_DOCUMENTS,
        WorkspaceAction.ORGANIZE,
    },
    Role.COMMENTER: {WorkspaceAction.VIEW, WorkspaceAction.VIEW_ACTIVITY, WorkspaceAction.EXPORT},
    Role.VIEWER: {WorkspaceAction.VIEW, WorkspaceAction.VIEW_ACTIVITY, WorkspaceAction.EXPORT},
}


@pytest.mark.parametrize("cap", list(Role))
@pytest.mark.parametrize("action", list(WorkspaceAction))
@pytest.mark.parametrize("role", list(WorkspaceRole))
def test_a_member_may_do_what_both_role_and_token_allow(
    role: WorkspaceRole, action: WorkspaceAction, cap: Role
) -> None:
    owner = role is WorkspaceRole.OWNER
    may = allowed_in_workspace(action, ROLE_PERMISSIONS[role], owner=owner, cap=cap)
    assert may is (action in MEMBERS[role] and action in SCOPES[cap])


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(WorkspaceRole))
def test_an_override_gives_or_takes_exactly_its_permission(role: WorkspaceRole, permission: Permission) -> None:
    usual = ROLE_PERMISSIONS[role]
    assert effective(role, {}) == usual
    assert effective(role, {permission.value: True}) == usual | {permission}
    assert effective(role, {permission.value: False}) == usual - {permission}


def test_the_role_in_documents_follows_from_the_permissions() -> None:
    assert [document_role(ROLE_PERMISSIONS[role]) for role in WorkspaceRole] == [
        Role.ADMIN,
        Role.ADMIN,
        Role.EDITOR,
        Role.COMMENTER,
        Role.VIEWER,
    ]
    assert document_role({Permission.MANAGE}) is None


async def test_postgresql_has_the_same_table_of_roles() -> None:
    async with databases.migrated() as database:
        conn = await asyncpg.connect(database.owner_dsn)
        rows = await conn.fetch("SELECT role::text, permission FROM role_permissions")
        await conn.close()
    found = {role: {row["permission"] for row in rows if row["role"] == role} for role in {row["role"] for row in rows}}
    assert found == {role.value: {p.value for p in permissions} for role, permissions in ROLE_PERMISSIONS.items()}
