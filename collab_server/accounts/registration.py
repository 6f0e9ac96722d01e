"""New accounts of people who register themselves."""

from uuid import UUID

from collab_server.accounts import queries, session_queries
from collab_server.backends.db import CheckViolation, Conn, UniqueViolation
from collab_server.errors import Conflict, UnprocessableContent


async def register(
    conn: Conn, email: str, display_name: str | None, password_hash: str, *, email_verified: bool
) -> UUID:
    """The new user, with a password and a personal workspace. `conn`: under app_service, in a transaction.

    Raises Conflict where the address is taken, UnprocessableContent where it is none; the transaction is void then.
    """
    try:
        user_id = await queries.insert_user(conn, email, display_name, email_verified=email_verified)
    except UniqueViolation:
        raise Conflict("there is an account with this e-mail address already: sign in") from None
    except CheckViolation:
        raise UnprocessableContent("this is not an e-mail address") from None
    await queries.insert_personal_workspace(conn, user_id, display_name or email, email.partition("@")[0])
    await session_queries.upsert_password(conn, user_id, password_hash)
    return user_id
