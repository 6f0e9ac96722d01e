import pytest

from collab_server.access.policy import Action, Role, allowed, role_named, role_of_permission

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
