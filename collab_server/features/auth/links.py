"""One-time links for sign-in, password reset and registration. The secret follows the `#`. Browsers do not send that
part, so access logs and Referer headers do not contain it.
"""

from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.errors import InvalidCredentials
from collab_server.features.audit import queries as audit_queries
from collab_server.features.auth import link_queries as queries
from collab_server.features.auth.link_queries import Link, MadeFor
from collab_server.security import tokens
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
    """Create a URL that signs this user in once within a day. `conn`: in a transaction of `acting`, for the audit."""
    token = tokens.new_secret()
    await queries.insert_link(
        conn,
        tokens.token_hash(token),
        "sign_in",
        SIGN_IN_LIFETIME,
        user_id=user_id,
        made_for=made_for,
        made_by=made_by,
    )
    await audit_queries.insert_entry(conn, "create", "sign_in_link", str(user_id), {"user_id": str(user_id)})
    return make_link_url(settings, "sign_in", token)


async def make_reset_link(conn: Conn, user_id: UUID, settings: Settings) -> str:
    """Create a URL for a mail. It allows this user to set a password once within an hour."""
    token = tokens.new_secret()
    await queries.insert_link(conn, tokens.token_hash(token), "reset", RESET_LIFETIME, user_id=user_id, mailed=True)
    return make_link_url(settings, "reset", token)


async def make_verify_link(conn: Conn, email: str, settings: Settings) -> str:
    """Create a URL for a mail. It allows the owner of the address to create the account once within a day."""
    token = tokens.new_secret()
    await queries.insert_link(conn, tokens.token_hash(token), "verify", VERIFY_LIFETIME, email=email, mailed=True)
    return make_link_url(settings, "verify", token)


def make_link_url(settings: Settings, purpose: Purpose, token: str) -> str:
    """Build the URL. The page reads the purpose from the name before the `=`."""
    return f"{settings.base_url}/signin#{_FRAGMENTS[purpose]}={token}"


async def require_open(conn: Conn, token: str, purpose: Purpose) -> None:
    """Raises InvalidCredentials. To be asked before anything is computed for a link."""
    if not await queries.is_link_open(conn, tokens.token_hash(token), purpose):
        raise make_link_error()


async def take(conn: Conn, token: str, purpose: Purpose) -> Link:
    """Use the link up and return it. `conn`: in the transaction of the purpose. Raises InvalidCredentials, with one
    message for used, expired and unknown links.
    """
    link = await queries.take_link(conn, tokens.token_hash(token), purpose)
    if link is None:
        raise make_link_error()
    return link


def make_link_error() -> InvalidCredentials:
    return InvalidCredentials("the link is not valid: it may have been used already, or have expired")
