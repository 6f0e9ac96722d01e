"""Sessions of browsers: opened by whatever way of signing in, ended by signing out, elsewhere, or by time."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from collab_server import crypto
from collab_server.accounts import session_queries as queries
from collab_server.accounts.link_queries import MadeFor
from collab_server.backends.db import Conn, caller
from collab_server.settings import Settings

DAY = 86_400.0


SignedInBy = Literal[
    "password", "oidc", "reset", "registration", "administrator_link", "operator_link", "first_start_link"
]
BY_LINK: Mapping[MadeFor, SignedInBy] = {
    "administrator": "administrator_link",
    "operator": "operator_link",
    "first_start": "first_start_link",
}


@dataclass(frozen=True, slots=True)
class NewSession:
    """`token` goes into the cookie; the database has its hash only."""

    token: str
    session_id: UUID
    expires_at: datetime
    user_id: UUID
    signed_in_by: SignedInBy | None


async def open_session(
    conn: Conn,
    user_id: UUID,
    *,
    settings: Settings,
    by: SignedInBy | None,
    provider_tokens: bytes | None = None,
    session_id: UUID | None = None,
    instead_of: str | None = None,
    link_made_by: UUID | None = None,
) -> NewSession:
    """A session for a user who has proved who they are, from where the current request comes.

    `conn`: under app_service, in the transaction that proved it. `by`: how; None for a link of the previous version.
    `link_made_by`: the administrator who made the link. `provider_tokens`: sealed already. `session_id`: where
    the caller needed to know it before. `instead_of`: the cookie that the browser had until now; its session ends.
    """
    token = crypto.new_secret()
    if instead_of is not None:
        await queries.delete_session_by_token(conn, crypto.token_hash(instead_of))
    origin = caller.get()
    session_id = session_id or uuid4()
    expires_at = await queries.insert_session(
        conn,
        session_id,
        user_id,
        crypto.token_hash(token),
        seconds=settings.session_days * DAY,
        user_agent=origin.user_agent or None,
        ip_address=_address(origin.ip),
        device_id=origin.device_id.strip() or None,
        provider_tokens=provider_tokens,
        signed_in_by=by,
        link_made_by=link_made_by,
    )
    return NewSession(token, session_id, expires_at, user_id, by)


def _address(given: str) -> str | None:
    try:
        return str(ipaddress.ip_address(given.partition("%")[0]))
    except ValueError:
        return None
