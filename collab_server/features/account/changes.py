"""Changes of users by administrators, by commands, and by the users themselves. All functions need app_service and a
transaction.

The last administrator cannot be deleted, deactivated or demoted.
"""

import json
from collections.abc import Mapping
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.errors import Conflict, NotFound
from collab_server.features.account import queries as account_queries
from collab_server.features.auth import token_queries
from collab_server.features.users import queries

NOBODY = "there is no such user"


async def set_active(conn: Conn, user_id: UUID, *, is_active: bool) -> None:
    """Deactivating ends all sessions; tokens are of no use until the user is active again.

    Raises NotFound, Conflict (the last administrator).
    """
    user = await _lock_user(conn, user_id)
    if not is_active:
        await _require_other_administrator(conn, user)
        await account_queries.delete_ways_in(conn, user_id)
    await queries.update_active(conn, user_id, is_active=is_active)


async def set_role(conn: Conn, user_id: UUID, role: str) -> None:
    """Raises NotFound, Conflict (the last administrator)."""
    user = await _lock_user(conn, user_id)
    if role != "admin":
        await _require_other_administrator(conn, user)
    await queries.update_role(conn, user_id, role)


async def set_features(conn: Conn, user_id: UUID, changed: Mapping[str, bool | None]) -> None:
    """Set flags of a user. `changed`: by flag; None restores the server's default. Raises NotFound."""
    await _lock_user(conn, user_id)
    await account_queries.merge_features(conn, user_id, json.dumps(changed))


async def confirm_address(conn: Conn, user: queries.User) -> None:
    """Note that the user opened a mailed link: the account belongs to the owner of the address.

    If the address was not confirmed before, somebody else may have created the account. Then all sessions, identities
    and tokens of the account end.
    """
    if user.email_verified:
        return
    await account_queries.delete_ways_in(conn, user.id)
    await account_queries.delete_identities(conn, user.id)
    await token_queries.revoke_tokens_of(conn, user.id)
    await queries.update_email_verified(conn, user.id)


async def delete_user(conn: Conn, user_id: UUID) -> None:
    """Delete softly. Documents, comments and the log of shared workspaces stay without a name. The address and the
    username are free again.

    A team with other active members passes to the member with the highest role, and among equals to the earliest
    member. The personal workspace and teams without other members are deleted as if by their owner. Raises NotFound,
    Conflict (the last administrator).
    """
    user = await _lock_user(conn, user_id)
    await _require_other_administrator(conn, user)
    for workspace in await account_queries.lock_owned_workspaces(conn, user_id):
        heir = await account_queries.find_heir(conn, workspace.id, user_id) if workspace.kind == "team" else None
        if heir is None:
            await account_queries.delete_workspace(conn, workspace.id)
        else:
            await account_queries.update_owner(conn, workspace.id, heir)
    await account_queries.delete_memberships(conn, user_id)
    await account_queries.delete_ways_in(conn, user_id)
    await account_queries.erase_user(conn, user_id)


async def _lock_user(conn: Conn, user_id: UUID) -> queries.User:
    await queries.lock_administrators(conn)
    user = await account_queries.lock_user(conn, user_id)
    if user is None:
        raise NotFound(NOBODY)
    return user


async def _require_other_administrator(conn: Conn, user: queries.User) -> None:
    if user.role == "admin" and user.is_active and not await account_queries.count_other_administrators(conn, user.id):
        raise Conflict("this is the last administrator: promote another user first")
