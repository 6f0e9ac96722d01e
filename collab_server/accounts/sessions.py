"""Sessions of browsers: opened by whatever way of signing in, ended by signing out, elsewhere, or by time."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from collab_server import crypto
from collab_server.accounts import session_queries as queries
from collab_server.backends.db import Conn, caller
from collab_server.settings import Settings

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class NewSession:
    """`token` goes into the cookie; the database has its hash only."""

    token: str
    session_id: UUID
    expires_at: datetime


async def open_session(
    conn: Conn,
    user_id: UUID,
    *,
    settings: Settings,
    provider_tokens: bytes | None = None,
    session_id: UUID | None = None,
    instead_of: str | None = None,
) -> NewSession:
    """A session for a user who has proved who they are, from where the current request comes.

    `conn`: under app_service, in the transaction that proved it. `provider_tokens`: sealed already. `session_id`: where
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
    )
    return NewSession(token, session_id, expires_at)


def _address(given: str) -> str | None:
    try:
        return str(ipaddress.ip_address(given.partition("%")[0]))
    except ValueError:
        return None
