"""SQL of API tokens. Needs app_service, except as noted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Token:
    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    parent_kind: Literal["session", "token"] | None
    parent_id: UUID | None
    parent_name: str | None


_SELECT = """
    SELECT t.id, t.name, t.scopes, t.created_at, t.last_used_at, t.expires_at,
           CASE WHEN t.parent_token_id IS NOT NULL THEN 'token' WHEN t.parent_session_id IS NOT NULL THEN 'session' END,
           coalesce(t.parent_token_id, t.parent_session_id), coalesce(p.name, s.user_agent)
    FROM access_tokens t LEFT JOIN access_tokens p ON p.id = t.parent_token_id
    LEFT JOIN sessions s ON s.id = t.parent_session_id
"""


async def lock_parent(conn: Conn, kind: Literal["session", "token"], parent_id: UUID) -> bool:
    """Return whether a session or token is valid, and lock it against revocation until the transaction ends."""
    good: bool | None = await conn.fetchval(
        "SELECT true FROM sessions WHERE id = $1 AND expires_at > now() FOR SHARE"
        if kind == "session"
        else "SELECT true FROM access_tokens WHERE id = $1 AND revoked_at IS NULL FOR SHARE",
        parent_id,
    )
    return bool(good)


async def insert_token(
    conn: Conn,
    user_id: UUID,
    name: str,
    token_hash: bytes,
    scopes: list[str],
    days: int | None,
    *,
    parent_token: UUID | None = None,
    parent_session: UUID | None = None,
) -> Token:
    made: UUID = await conn.fetchval(
        """
        INSERT INTO access_tokens (user_id, name, token_hash, scopes, expires_at, parent_token_id, parent_session_id)
        VALUES ($1, $2, $3, $4, now() + make_interval(days => $5), $6, $7) RETURNING id
        """,
        user_id,
        name,
        token_hash,
        scopes,
        days,
        parent_token,
        parent_session,
    )
    row = await conn.fetchrow(_SELECT + "WHERE t.id = $1", made)
    assert row is not None
    return Token(*row)


async def count_tokens(conn: Conn, user_id: UUID) -> int:
    """Count valid tokens of the user. Locks the user, so the number is exact until the transaction ends."""
    await conn.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
    found: int = await conn.fetchval(
        "SELECT count(*) FROM access_tokens WHERE user_id = $1 AND revoked_at IS NULL", user_id
    )
    return found


async def list_tokens(conn: Conn, limit: int) -> list[Token]:
    """List the valid tokens of the transaction's user, the newest first (under row-level security)."""
    rows = await conn.fetch(
        _SELECT + "WHERE t.user_id = app.user_id() AND t.revoked_at IS NULL ORDER BY t.created_at DESC, t.id LIMIT $1",
        limit,
    )
    return [Token(*row) for row in rows]


async def revoke_own_token(conn: Conn, token_id: UUID) -> bool:
    """Revoke a token and its descendants. False if it does not belong to the transaction's user or is already revoked
    (under row-level security).
    """
    done: bool | None = await conn.fetchval(
        "UPDATE access_tokens SET revoked_at = now() "
        "WHERE id = $1 AND user_id = app.user_id() AND revoked_at IS NULL RETURNING true",
        token_id,
    )
    return bool(done)


async def revoke_token(conn: Conn, token_id: UUID) -> bool:
    """Revoke a token and its descendants. False if it does not exist or is already revoked."""
    done: bool | None = await conn.fetchval(
        "UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING true", token_id
    )
    return bool(done)


async def revoke_tokens_of(conn: Conn, user_id: UUID) -> None:
    await conn.execute("UPDATE access_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL", user_id)


async def revoke_tokens_made_in(conn: Conn, session_ids: list[UUID]) -> None:
    """Revoke the tokens of these sessions and their descendants. Needs the transaction of the ended sessions."""
    await conn.execute(
        "UPDATE access_tokens SET revoked_at = now() WHERE parent_session_id = ANY ($1) AND revoked_at IS NULL",
        session_ids,
    )


@dataclass(frozen=True, slots=True)
class Revoked:
    sessions: int
    tokens: int
    links: int


async def revoke_everything(conn: Conn) -> Revoked:
    """Revoke the credentials of all users: sessions, API tokens, one-time links and connect tokens."""
    sessions = await conn.fetch("DELETE FROM sessions RETURNING 1")
    tokens = await conn.fetch("UPDATE access_tokens SET revoked_at = now() WHERE revoked_at IS NULL RETURNING 1")
    links = await conn.fetch("DELETE FROM sign_in_links RETURNING 1")
    await conn.execute("DELETE FROM connect_epochs")
    await conn.execute("INSERT INTO connect_epochs DEFAULT VALUES")
    return Revoked(len(sessions), len(tokens), len(links))
