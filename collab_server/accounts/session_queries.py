"""SQL of passwords, sessions, one-time links and attempts. Under app_service, unless it says otherwise."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from uuid import UUID

from collab_server.backends.db import Conn

# ---- attempts


async def count_attempt(conn: Conn, key: bytes, free: int, longest: int, memory: int) -> int | None:
    """Count one attempt. None: it may go on; else the seconds to wait, and it is not counted.

    After `free` attempts each is followed by a pause of 1, 2, 4... seconds, at most `longest`. `memory`: seconds after
    the last attempt when counting starts anew.
    """
    counted = await conn.fetchval(
        """
        INSERT INTO sign_in_attempts AS a (key) VALUES ($1)
        ON CONFLICT (key) DO UPDATE SET last_at = now(),
          attempts = CASE WHEN a.last_at < now() - make_interval(secs => $4) THEN 1 ELSE a.attempts + 1 END,
          blocked_until = CASE
            WHEN a.last_at < now() - make_interval(secs => $4) OR a.attempts + 1 < $2 THEN '-infinity'
            ELSE now() + make_interval(secs => least($3, 2 ^ least(a.attempts + 1 - $2, 30))) END
        WHERE a.blocked_until <= now()
        RETURNING attempts
        """,
        key,
        free,
        longest,
        memory,
    )
    if counted is not None:
        return None
    wait: int | None = await conn.fetchval(
        "SELECT ceil(extract(epoch FROM blocked_until - now()))::integer FROM sign_in_attempts WHERE key = $1", key
    )
    return max(1, wait or 1)


async def delete_attempts(conn: Conn, key: bytes) -> None:
    await conn.execute("DELETE FROM sign_in_attempts WHERE key = $1", key)


async def give_back_attempt(conn: Conn, key: bytes) -> None:
    await conn.execute("UPDATE sign_in_attempts SET attempts = greatest(attempts - 1, 0) WHERE key = $1", key)


async def delete_outdated(conn: Conn) -> None:
    """What has expired: sessions, links, attempts of more than two days ago; days of activity older than 400."""
    await conn.execute("DELETE FROM sessions WHERE expires_at < now()")
    await conn.execute("DELETE FROM sign_in_links WHERE expires_at < now()")
    await conn.execute("DELETE FROM sign_in_attempts WHERE last_at < now() - interval '2 days'")
    await conn.execute("DELETE FROM user_activity_days WHERE day < current_date - 400")


# ---- passwords


@dataclass(frozen=True, slots=True)
class Credentials:
    """`password_hash`: None where the user has no password."""

    user_id: UUID
    email: str
    password_hash: str | None


async def find_credentials(conn: Conn, email: str) -> Credentials | None:
    """Of an active user."""
    row = await conn.fetchrow(
        """
        SELECT u.id, u.email, c.password_hash FROM users u LEFT JOIN user_credentials c ON c.user_id = u.id
        WHERE lower(u.email) = lower($1) AND u.is_active AND u.deleted_at IS NULL
        """,
        email,
    )
    return Credentials(*row) if row else None


async def find_credentials_of(conn: Conn, user_id: UUID) -> Credentials | None:
    """Of an active user."""
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
    """Set the password where it is still what the caller was shown (None: none); False otherwise."""
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
) -> datetime:
    """When it expires. Notes the sign-in with the user and the device."""
    expires_at: datetime = await conn.fetchval(
        """
        WITH u AS (UPDATE users SET last_login_at = now() WHERE id = $2),
        d AS (INSERT INTO devices (user_id, id) SELECT $2, $7::text WHERE $7::text IS NOT NULL
              ON CONFLICT (user_id, id) DO UPDATE SET last_seen_at = now()),
        a AS (INSERT INTO user_activity_days (user_id) VALUES ($2)
              ON CONFLICT (user_id, day) DO UPDATE SET last_seen_at = now())
        INSERT INTO sessions (id, user_id, token_hash, expires_at, user_agent, ip_address, device_id, provider_tokens)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6::text::inet, $7, $8) RETURNING expires_at
        """,
        session_id,
        user_id,
        token_hash,
        seconds,
        user_agent,
        ip_address,
        device_id,
        provider_tokens,
    )
    return expires_at


async def note_version(conn: Conn, user_id: UUID, device_id: str, client_version: str) -> None:
    """What runs on a device now. Written when it is news, and otherwise once an hour."""
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
               coalesce(d.name, s.device_id)
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


async def delete_sessions_of(conn: Conn, user_id: UUID, *, keep: UUID | None = None) -> None:
    await conn.execute("DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2", user_id, keep)


async def delete_session_by_token(conn: Conn, token_hash: bytes) -> None:
    await conn.execute("DELETE FROM sessions WHERE token_hash = $1", token_hash)


# ---- links


@dataclass(frozen=True, slots=True)
class Link:
    purpose: str
    user_id: UUID | None
    email: str | None
    display_name: str | None
    password_hash: str | None
    mailed: bool


async def insert_link(
    conn: Conn,
    token_hash: bytes,
    purpose: str,
    seconds: float,
    *,
    user_id: UUID | None = None,
    email: str | None = None,
    display_name: str | None = None,
    password_hash: str | None = None,
    mailed: bool = False,
) -> None:
    await conn.execute(
        """
        INSERT INTO sign_in_links (token_hash, purpose, expires_at, user_id, email, display_name, password_hash, mailed)
        VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5, $6, $7, $8)
        """,
        token_hash,
        purpose,
        seconds,
        user_id,
        email,
        display_name,
        password_hash,
        mailed,
    )


async def take_link(conn: Conn, token_hash: bytes, purposes: list[str]) -> Link | None:
    """Use a link up: of all who try, one gets it. None where it is used, expired, unknown, or its user inactive."""
    row = await conn.fetchrow(
        """
        DELETE FROM sign_in_links l WHERE l.token_hash = $1 AND l.purpose = ANY ($2) AND l.expires_at > now()
          AND (l.user_id IS NULL
               OR EXISTS (SELECT FROM users u WHERE u.id = l.user_id AND u.is_active AND u.deleted_at IS NULL))
        RETURNING l.purpose, l.user_id, l.email, l.display_name, l.password_hash, l.mailed
        """,
        token_hash,
        purposes,
    )
    return Link(*row) if row else None


async def is_link_open(conn: Conn, token_hash: bytes, purpose: str) -> bool:
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM sign_in_links WHERE token_hash = $1 AND purpose = $2 AND expires_at > now())",
        token_hash,
        purpose,
    )
    return found


async def delete_links_of(conn: Conn, user_id: UUID) -> None:
    await conn.execute("DELETE FROM sign_in_links WHERE user_id = $1", user_id)


# ---- invitations


async def find_invitation(conn: Conn, token_hash: bytes, email: str) -> bool | None:
    """None where no open invitation to this address has the token; else whether it was mailed, which proves it."""
    mailed: bool | None = await conn.fetchval(
        """
        SELECT mailed FROM invitations
        WHERE token_hash = $1 AND status = 'pending' AND expires_at > now() AND lower(email) = lower($2)
        """,
        token_hash,
        email,
    )
    return mailed
