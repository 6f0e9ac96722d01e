"""SQL of one-time links and of invitations used for registration. Needs app_service."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn

MadeFor = Literal["administrator", "operator", "first_start"]


@dataclass(frozen=True, slots=True)
class Link:
    """`made_for`: the requester of a sign-in link; `made_by`: the administrator."""

    purpose: str
    user_id: UUID | None
    email: str | None
    made_for: MadeFor | None
    made_by: UUID | None


async def insert_link(
    conn: Conn,
    token_hash: bytes,
    purpose: str,
    seconds: float,
    *,
    user_id: UUID | None = None,
    email: str | None = None,
    mailed: bool = False,
    made_for: MadeFor | None = None,
    made_by: UUID | None = None,
) -> None:
    await conn.execute(
        """
        INSERT INTO sign_in_links (token_hash, purpose, expires_at, user_id, email, mailed, made_for, made_by)
        VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5, $6, $7, $8)
        """,
        token_hash,
        purpose,
        seconds,
        user_id,
        email,
        mailed,
        made_for,
        made_by,
    )


async def take_link(conn: Conn, token_hash: bytes, purpose: str) -> Link | None:
    """Use a link up. Of concurrent calls one gets it. None if the link is used, expired or unknown, or its user is
    inactive.
    """
    row = await conn.fetchrow(
        """
        DELETE FROM sign_in_links l WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > now()
          AND (l.user_id IS NULL
               OR EXISTS (SELECT FROM users u WHERE u.id = l.user_id AND u.is_active AND u.deleted_at IS NULL))
        RETURNING l.purpose, l.user_id, l.email, l.made_for, l.made_by
        """,
        token_hash,
        purpose,
    )
    return Link(*row) if row else None


async def is_link_open(conn: Conn, token_hash: bytes, purpose: str) -> bool:
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM sign_in_links WHERE token_hash = $1 AND purpose = $2 AND expires_at > now())",
        token_hash,
        purpose,
    )
    return found


async def find_email(conn: Conn, token_hash: bytes) -> str | None:
    """Find the address of an open registration link."""
    found: str | None = await conn.fetchval(
        "SELECT email FROM sign_in_links WHERE token_hash = $1 AND purpose = 'verify' AND expires_at > now()",
        token_hash,
    )
    return found


async def delete_links_of(conn: Conn, user_id: UUID) -> None:
    await conn.execute("DELETE FROM sign_in_links WHERE user_id = $1", user_id)


async def delete_links_to(conn: Conn, email: str) -> None:
    """Delete unfinished registrations of this address."""
    await conn.execute("DELETE FROM sign_in_links WHERE lower(email) = lower($1)", email)


# ---- invitations


async def find_invitation(conn: Conn, token_hash: bytes, email: str) -> bool | None:
    """None if no open invitation to this address has the token. Otherwise True if the token was only mailed, so its
    bearer has opened the mail.
    """
    mailed: bool | None = await conn.fetchval(
        """
        SELECT mailed FROM invitations
        WHERE token_hash = $1 AND status = 'pending' AND expires_at > now() AND lower(email) = lower($2)
        """,
        token_hash,
        email,
    )
    return mailed
