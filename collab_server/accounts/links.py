"""Links that work once: to sign in, to reset a password, to finish a registration.

The secret stands behind the `#`: browsers do not send that part, so it is in no access log and no Referer.
"""

from typing import Literal
from uuid import UUID

from collab_server import crypto
from collab_server.accounts import audit_queries
from collab_server.accounts import link_queries as queries
from collab_server.accounts.link_queries import Link, MadeFor
from collab_server.backends.db import Conn
from collab_server.errors import InvalidCredentials
from collab_server.settings import Settings

HOUR = 3600.0
SIGN_IN_LIFETIME = 24 * HOUR
RESET_LIFETIME = HOUR
VERIFY_LIFETIME = 24 * HOUR

Purpose = Literal["sign_in", "reset", "verify"]
_FRAGMENTS = {"sign_in": "link", "reset": "reset", "verify": "register"}


async def make_sign_in_link(
    conn: Conn, user_id: UUID, settings: Settings, made_for: MadeFor, made_by: UUID | None = None
) -> str:
    """The URL that signs this user in, once, within a day. `conn`: in a transaction of `acting`, for the audit."""
    token = crypto.new_secret()
    await queries.insert_link(
        conn,
        crypto.token_hash(token),
        "sign_in",
        SIGN_IN_LIFETIME,
        user_id=user_id,
        made_for=made_for,
        made_by=made_by,
    )
    await audit_queries.insert_entry(conn, "create", "sign_in_link", str(user_id), {"user_id": str(user_id)})
    return link_url(settings, "sign_in", token)


async def make_reset_link(conn: Conn, user_id: UUID, settings: Settings) -> str:
    """The URL, to be mailed, with which this user may set a password, once, within an hour."""
    token = crypto.new_secret()
    await queries.insert_link(conn, crypto.token_hash(token), "reset", RESET_LIFETIME, user_id=user_id, mailed=True)
    return link_url(settings, "reset", token)


async def make_verify_link(conn: Conn, email: str, settings: Settings) -> str:
    """The URL, to be mailed, with which the owner of the address makes the account, once, within a day."""
    token = crypto.new_secret()
    await queries.insert_link(conn, crypto.token_hash(token), "verify", VERIFY_LIFETIME, email=email, mailed=True)
    return link_url(settings, "verify", token)


def link_url(settings: Settings, purpose: Purpose, token: str) -> str:
    """The page tells by the name before the `=` what to do with the token."""
    return f"{settings.base_url}/signin#{_FRAGMENTS[purpose]}={token}"


async def require_open(conn: Conn, token: str, purpose: Purpose) -> None:
    """Raises InvalidCredentials. To be asked before anything is computed for a link."""
    if not await queries.is_link_open(conn, crypto.token_hash(token), purpose):
        raise not_valid()


async def take(conn: Conn, token: str, purpose: Purpose) -> Link:
    """The link, which is used up. `conn`: in the transaction that does what it is for.

    Raises InvalidCredentials, the same for links that are used, expired or none.
    """
    link = await queries.take_link(conn, crypto.token_hash(token), purpose)
    if link is None:
        raise not_valid()
    return link


def not_valid() -> InvalidCredentials:
    return InvalidCredentials("the link is not valid: it may have been used already, or have expired")
