"""Sessions of browsers. They are opened by a sign-in, and end by sign-out or expiry."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from collab_server.adapters.postgres import Conn, caller
from collab_server.features.auth import session_queries as queries
from collab_server.features.auth.link_queries import MadeFor
from collab_server.security import tokens
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
    """Open a session for an authenticated user, with the address of the current request. `conn`: under app_service, in
    the transaction of the authentication. `by`: the method; None for a link of the previous version. `link_made_by`:
    the administrator behind the link. `provider_tokens`: already encrypted. `session_id`: an id chosen by the caller.
    `instead_of`: the previous cookie of the browser; its session ends.
    """
    token = tokens.new_secret()
    if instead_of is not None:
        await queries.delete_session_by_token(conn, tokens.token_hash(instead_of))
    origin = caller.get()
    session_id = session_id or uuid4()
    expires_at = await queries.insert_session(
        conn,
        session_id,
        user_id,
        tokens.token_hash(token),
        seconds=settings.session_days * DAY,
        user_agent=origin.user_agent or None,
        ip_address=_clean_address(origin.ip),
        device_id=origin.device_id.strip() or None,
        provider_tokens=provider_tokens,
        signed_in_by=by,
        link_made_by=link_made_by,
    )
    return NewSession(token, session_id, expires_at, user_id, by)


def _clean_address(given: str) -> str | None:
    try:
        return str(ipaddress.ip_address(given.partition("%")[0]))
    except ValueError:
        return None
