"""Links that work once: to sign in, to reset a password, to finish a registration.

The secret stands behind the `#`: browsers do not send that part, so it is in no access log and no Referer.
"""

from typing import Literal
from uuid import UUID

from collab_server import crypto
from collab_server.accounts import queries as users
from collab_server.accounts import session_queries as queries
from collab_server.accounts.registration import register
from collab_server.backends.db import Conn
from collab_server.errors import InvalidCredentials
from collab_server.settings import Settings

HOUR = 3600.0
SIGN_IN_LIFETIME = 24 * HOUR
RESET_LIFETIME = HOUR
VERIFY_LIFETIME = 24 * HOUR


async def make_sign_in_link(conn: Conn, user_id: UUID, settings: Settings, *, mailed: bool = False) -> str:
    """The URL that signs this user in, once, within a day."""
    token = crypto.new_secret()
    await queries.insert_link(
        conn, crypto.token_hash(token), "sign_in", SIGN_IN_LIFETIME, user_id=user_id, mailed=mailed
    )
    return link_url(settings, "sign_in", token)


async def make_reset_link(conn: Conn, user_id: UUID, settings: Settings) -> str:
    """The URL, to be mailed, with which this user may set a password, once, within an hour."""
    token = crypto.new_secret()
    await queries.insert_link(conn, crypto.token_hash(token), "reset", RESET_LIFETIME, user_id=user_id, mailed=True)
    return link_url(settings, "reset", token)


async def make_verify_link(
    conn: Conn, email: str, display_name: str | None, password_hash: str, settings: Settings
) -> str:
    """The URL, to be mailed, that makes the account and signs in, once, within a day."""
    token = crypto.new_secret()
    await queries.insert_link(
        conn,
        crypto.token_hash(token),
        "verify",
        VERIFY_LIFETIME,
        email=email,
        display_name=display_name,
        password_hash=password_hash,
        mailed=True,
    )
    return link_url(settings, "verify", token)


def link_url(settings: Settings, purpose: Literal["sign_in", "reset", "verify"], token: str) -> str:
    """The page tells by the name before the `=` what to do with the token."""
    return f"{settings.base_url}/signin#{'reset' if purpose == 'reset' else 'link'}={token}"


async def take(conn: Conn, token: str) -> UUID:
    """The user whom a link signs in; the link is used up. `conn`: in the transaction that opens the session.

    Raises InvalidCredentials, the same for links that are used, expired or none; Conflict where a registration's
    address was taken meanwhile.
    """
    link = await queries.take_link(conn, crypto.token_hash(token), ["sign_in", "verify"])
    if link is None:
        raise not_valid()
    if link.purpose == "verify":
        assert link.email is not None
        assert link.password_hash is not None
        return await register(conn, link.email, link.display_name, link.password_hash, email_verified=True)
    assert link.user_id is not None
    if link.mailed:
        await users.update_email_verified(conn, link.user_id)
    return link.user_id


def not_valid() -> InvalidCredentials:
    return InvalidCredentials("the link is not valid: it may have been used already, or have expired")
