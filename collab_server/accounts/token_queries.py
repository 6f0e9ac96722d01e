"""SQL of API tokens. Under app_service, unless it says otherwise."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.backends.db import Conn


@dataclass(frozen=True, slots=True)
class Token:
    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


async def insert_token(
    conn: Conn, user_id: UUID, name: str, token_hash: bytes, scopes: list[str], days: int | None
) -> Token:
    row = await conn.fetchrow(
        """
        INSERT INTO access_tokens (user_id, name, token_hash, scopes, expires_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(days => $5))
        RETURNING id, name, scopes, created_at, last_used_at, expires_at
        """,
        user_id,
        name,
        token_hash,
        scopes,
        days,
    )
    assert row is not None
    return Token(*row)


async def count_tokens(conn: Conn, user_id: UUID) -> int:
    """Those that are not revoked; nobody else counts or makes this user's until the transaction ends."""
    await conn.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
    found: int = await conn.fetchval(
        "SELECT count(*) FROM access_tokens WHERE user_id = $1 AND revoked_at IS NULL", user_id
    )
    return found


async def list_tokens(conn: Conn, limit: int) -> list[Token]:
    """The transaction's user's own that are not revoked, the newest first (under row-level security)."""
    rows = await conn.fetch(
        """
        SELECT id, name, scopes, created_at, last_used_at, expires_at FROM access_tokens
        WHERE user_id = app.user_id() AND revoked_at IS NULL ORDER BY created_at DESC, id LIMIT $1
        """,
        limit,
    )
    return [Token(*row) for row in rows]


async def revoke_own_token(conn: Conn, token_id: UUID) -> bool:
    """False where it is not the transaction's user's own, or was revoked before (under row-level security)."""
    done: bool | None = await conn.fetchval(
        "UPDATE access_tokens SET revoked_at = now() "
        "WHERE id = $1 AND user_id = app.user_id() AND revoked_at IS NULL RETURNING true",
        token_id,
    )
    return bool(done)


async def revoke_token(conn: Conn, token_id: UUID) -> bool:
    """False where there is no such token, or it was revoked before."""
    done: bool | None = await conn.fetchval(
        "UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING true", token_id
    )
    return bool(done)
