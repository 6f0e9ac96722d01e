"""What is done to users by administrators, on the command line, and to themselves. Under app_service, in a transaction.

There is always an administrator: the last one can be neither deleted nor deactivated nor demoted.
"""

import json
from collections.abc import Mapping
from uuid import UUID

from collab_server.accounts import queries, token_queries, user_queries
from collab_server.backends.db import Conn
from collab_server.errors import Conflict, NotFound

NOBODY = "there is no such user"


async def set_active(conn: Conn, user_id: UUID, *, is_active: bool) -> None:
    """Deactivating ends all sessions; tokens are of no use until the user is active again.

    Raises NotFound, Conflict (the last administrator).
    """
    user = await _locked(conn, user_id)
    if not is_active:
        await _keep_an_administrator(conn, user)
        await user_queries.delete_ways_in(conn, user_id)
    await queries.update_active(conn, user_id, is_active=is_active)


async def set_role(conn: Conn, user_id: UUID, role: str) -> None:
    """Raises NotFound, Conflict (the last administrator)."""
    user = await _locked(conn, user_id)
    if role != "admin":
        await _keep_an_administrator(conn, user)
    await queries.update_role(conn, user_id, role)


async def set_features(conn: Conn, user_id: UUID, changed: Mapping[str, bool | None]) -> None:
    """`changed`: by flag; None: the server's default again. Raises NotFound."""
    await _locked(conn, user_id)
    await user_queries.merge_features(conn, user_id, json.dumps(changed))


async def prove_address(conn: Conn, user: queries.User) -> None:
    """A mailed link was opened: the account belongs to the owner of the address.

    If nobody had proved the address before, somebody else may have made the account: all that signs in to it ends.
    """
    if user.email_verified:
        return
    await user_queries.delete_ways_in(conn, user.id)
    await user_queries.delete_identities(conn, user.id)
    await token_queries.revoke_tokens_of(conn, user.id)
    await queries.update_email_verified(conn, user.id)


async def delete_user(conn: Conn, user_id: UUID) -> None:
    """Delete softly. Documents, comments and the log of shared workspaces stay, under no name; address and username
    are free again.

    A team with other active members passes to the one with the highest role, of several to the one who is there
    longest. The personal workspace and teams of nobody else are deleted, as if by their owner. Raises NotFound,
    Conflict (the last administrator).
    """
    user = await _locked(conn, user_id)
    await _keep_an_administrator(conn, user)
    for workspace in await user_queries.lock_owned_workspaces(conn, user_id):
        heir = await user_queries.find_heir(conn, workspace.id, user_id) if workspace.kind == "team" else None
        if heir is None:
            await user_queries.delete_workspace(conn, workspace.id)
        else:
            await user_queries.update_owner(conn, workspace.id, heir)
    await user_queries.delete_memberships(conn, user_id)
    await user_queries.delete_ways_in(conn, user_id)
    await user_queries.erase_user(conn, user_id)


async def _locked(conn: Conn, user_id: UUID) -> queries.User:
    await queries.lock_administrators(conn)
    user = await user_queries.lock_user(conn, user_id)
    if user is None:
        raise NotFound(NOBODY)
    return user


async def _keep_an_administrator(conn: Conn, user: queries.User) -> None:
    if user.role == "admin" and user.is_active and not await user_queries.count_other_administrators(conn, user.id):
        raise Conflict("this is the last administrator: make somebody else one first")
