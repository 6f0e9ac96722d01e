"""SQL of passwords and sessions. Needs app_service, except as noted."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from uuid import UUID

from collab_server.adapters.postgres import Conn

# ---- passwords


@dataclass(frozen=True, slots=True)
class Credentials:
    """`password_hash`: None for a user without a password."""

    user_id: UUID
    email: str
    password_hash: str | None


async def find_credentials(conn: Conn, email: str) -> Credentials | None:
    """Find the credentials of an active user by address."""
    row = await conn.fetchrow(
        """
        SELECT u.id, u.email, c.password_hash FROM users u LEFT JOIN user_credentials c ON c.user_id = u.id
        WHERE lower(u.email) = lower($1) AND u.is_active AND u.deleted_at IS NULL
        """,
        email,
    )
    return Credentials(*row) if row else None


async def find_credentials_of(conn: Conn, user_id: UUID) -> Credentials | None:
    """Find the credentials of an active user by id."""
    row = await conn.fetchrow(
        """
        SELECT u.id, u.email, c.password_hash FROM users u LEFT JOIN user_credentials c ON c.user_id = u.id
        WHERE u.id = $1 AND u.is_active AND u.deleted_at IS NULL
        """,
        user_id,
    )
    return Credentials(*row) if row else None


async def upsert_password(conn: Conn, user_id: UUID, password_hash: str) -> None:
    await conn.execute(
        """
        INSERT INTO user_credentials (user_id, password_hash) VALUES ($1, $2)
        ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash
        """,
        user_id,
        password_hash,
    )


async def update_password_if(conn: Conn, user_id: UUID, was: str | None, password_hash: str) -> bool:
    """Set the password if it is still the one read before (None: none); False otherwise."""
    if was is None:
        done = await conn.fetchval(
            "INSERT INTO user_credentials (user_id, password_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING "
            "RETURNING true",
            user_id,
            password_hash,
        )
    else:
        done = await conn.fetchval(
            "UPDATE user_credentials SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2 RETURNING true",
            user_id,
            was,
            password_hash,
        )
    return bool(done)


# ---- sessions


@dataclass(frozen=True, slots=True)
class Session:
    id: UUID
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip_address: IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | None
    device: str | None
    signed_in_by: str | None


async def insert_session(
    conn: Conn,
    session_id: UUID,
    user_id: UUID,
    token_hash: bytes,
    *,
    seconds: float,
    user_agent: str | None,
    ip_address: str | None,
    device_id: str | None,
    provider_tokens: bytes | None,
    signed_in_by: str | None,
    link_made_by: UUID | None,
) -> datetime:
    """When it expires. Notes the sign-in with the user and the device."""
    expires_at: datetime = await conn.fetchval(
        """
        WITH u AS (UPDATE users SET last_login_at = now() WHERE id = $2),
        d AS (INSERT INTO devices (user_id, id) SELECT $2, $7::text WHERE $7::text IS NOT NULL
              ON CONFLICT (user_id, id) DO UPDATE SET last_seen_at = now()),
        a AS (INSERT INTO user_activity_days (user_id) VALUES ($2)
              ON CONFLICT (user_id, day) DO UPDATE SET last_seen_at = now())
        INSERT INTO sessions (id, user_id, token_hash, expires_at, user_agent, ip_address, device_id, provider_tokens,
                              signed_in_by, link_made_by)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6::text::inet, $7, $8, $9, $10)
        RETURNING expires_at
        """,
        session_id,
        user_id,
        token_hash,
        seconds,
        user_agent,
        ip_address,
        device_id,
        provider_tokens,
        signed_in_by,
        link_made_by,
    )
    return expires_at


async def note_version(conn: Conn, user_id: UUID, device_id: str, client_version: str) -> None:
    """Store the client version of a device: at once if it is new, otherwise once an hour."""
    await conn.execute(
        """
        INSERT INTO devices AS d (user_id, id, client_version) SELECT id, $2, $3 FROM users WHERE id = $1
        ON CONFLICT (user_id, id) DO UPDATE SET client_version = EXCLUDED.client_version, last_seen_at = now()
        WHERE d.client_version IS DISTINCT FROM EXCLUDED.client_version
           OR d.last_seen_at < now() - interval '1 hour'
        """,
        user_id,
        device_id,
        client_version,
    )


async def list_sessions(conn: Conn) -> list[Session]:
    """The transaction's user's own, the last used first (under row-level security)."""
    rows = await conn.fetch(
        """
        SELECT s.id, s.created_at, s.last_activity_at, s.expires_at, s.user_agent, s.ip_address,
               coalesce(d.name, s.device_id), s.signed_in_by
        FROM sessions s LEFT JOIN devices d ON d.user_id = s.user_id AND d.id = s.device_id
        WHERE s.user_id = app.user_id() AND s.expires_at > now() ORDER BY s.last_activity_at DESC, s.id LIMIT 500
        """
    )
    return [Session(*row) for row in rows]


async def delete_session(conn: Conn, session_id: UUID) -> bool:
    """False where it is not the transaction's user's own, or has ended (under row-level security)."""
    done = await conn.fetchval(
        "DELETE FROM sessions WHERE id = $1 AND user_id = app.user_id() RETURNING true", session_id
    )
    return bool(done)


async def delete_sessions_of(conn: Conn, user_id: UUID, *, keep: UUID | None = None) -> list[UUID]:
    """Delete the user's sessions. Return the ended ones."""
    rows = await conn.fetch(
        "DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2 RETURNING id", user_id, keep
    )
    return [row["id"] for row in rows]


async def delete_session_by_token(conn: Conn, token_hash: bytes) -> None:
    await conn.execute("DELETE FROM sessions WHERE token_hash = $1", token_hash)
