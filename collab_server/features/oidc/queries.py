"""SQL of identities at OpenID Connect providers. Needs app_service."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def lock_identity(conn: Conn, issuer: str, subject: str) -> None:
    """Lock a person's sign-in until the transaction ends, so that concurrent first sign-ins create one user."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{issuer}\n{subject}")


@dataclass(frozen=True, slots=True)
class Known:
    user_id: UUID
    is_active: bool


async def find_identity(conn: Conn, issuer: str, subject: str) -> Known | None:
    """Find the user of an identity, active or not. The identity of a deleted user is deleted."""
    row = await conn.fetchrow(
        """
        SELECT u.id, u.is_active, u.deleted_at IS NOT NULL
        FROM user_identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2
        """,
        issuer,
        subject,
    )
    if row is None:
        return None
    if row[2]:
        await conn.execute("DELETE FROM user_identities WHERE issuer = $1 AND subject = $2", issuer, subject)
        return None
    return Known(row[0], row[1])


async def upsert_identity(conn: Conn, issuer: str, subject: str, user_id: UUID, claims: str) -> None:
    """Link, or note the use and the newest claims (JSON)."""
    await conn.execute(
        """
        INSERT INTO user_identities (issuer, subject, user_id, claims, last_used_at) VALUES ($1, $2, $3, $4, now())
        ON CONFLICT (issuer, subject) DO UPDATE SET claims = excluded.claims, last_used_at = now()
        """,
        issuer,
        subject,
        user_id,
        claims,
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """The owner of an e-mail address. `is_claimed`: a password or an identity at a provider exists."""

    user_id: UUID
    is_active: bool
    email_verified: bool
    is_claimed: bool


async def lock_holder(conn: Conn, email: str) -> Holder | None:
    """Return the user with this address, locked until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT u.id, u.is_active, u.email_verified,
               EXISTS (SELECT FROM user_credentials c WHERE c.user_id = u.id)
               OR EXISTS (SELECT FROM user_identities i WHERE i.user_id = u.id)
        FROM users u WHERE lower(u.email) = lower($1) AND u.deleted_at IS NULL FOR UPDATE OF u
        """,
        email,
    )
    return Holder(*row) if row else None


@dataclass(frozen=True, slots=True)
class Bearer:
    user_id: UUID
    name: str
    is_admin: bool


async def find_bearer(conn: Conn, issuer: str, subject: str) -> Bearer | None:
    """The active user behind an identity."""
    row = await conn.fetchrow(
        """
        SELECT u.id, coalesce(u.display_name, u.username, u.email), u.role = 'admin'
        FROM user_identities i JOIN users u ON u.id = i.user_id
        WHERE i.issuer = $1 AND i.subject = $2 AND u.is_active AND u.deleted_at IS NULL
        """,
        issuer,
        subject,
    )
    return Bearer(*row) if row else None


async def find_provider_tokens(conn: Conn, session_id: UUID) -> bytes | None:
    """Sealed."""
    sealed: bytes | None = await conn.fetchval("SELECT provider_tokens FROM sessions WHERE id = $1", session_id)
    return sealed
