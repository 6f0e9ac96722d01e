"""Accounts of people who register themselves."""

from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation, UniqueViolation
from collab_server.errors import Conflict, UnprocessableContent
from collab_server.features.auth import link_queries, session_queries
from collab_server.features.users import queries


async def register(
    conn: Conn, email: str, display_name: str | None, password_hash: str, *, user_id: UUID, email_verified: bool
) -> None:
    """Create the user with a password and a personal workspace, and delete other requests for this address. `user_id`:
    an unused id. `conn`: under app_service, in a transaction of `acting` as this user. Raises Conflict if the address
    is taken, UnprocessableContent if it is invalid; the transaction is void then.
    """
    try:
        await queries.insert_user(conn, email, display_name, email_verified=email_verified, user_id=user_id)
    except UniqueViolation:
        raise Conflict("there is an account with this e-mail address already: sign in") from None
    except CheckViolation:
        raise UnprocessableContent("this is not an e-mail address") from None
    await queries.insert_personal_workspace(conn, user_id, display_name or email, email.partition("@")[0])
    await session_queries.upsert_password(conn, user_id, password_hash)
    await link_queries.delete_links_to(conn, email)
