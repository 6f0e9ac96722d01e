"""SQL of invitations. Functions for a person run under that person's row-level security."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row

LIFETIME_DAYS = 7


@dataclass(frozen=True, slots=True)
class Invitation:
    """`status`: also `expired` before the database notes it."""

    id: UUID
    email: str
    role: str
    status: Literal["pending", "accepted", "declined", "expired", "revoked"]
    message: str | None
    inviter_id: UUID | None
    inviter_name: str | None
    created_at: datetime
    sent_at: datetime
    expires_at: datetime


_INVITATION = """
    SELECT i.id, i.email, i.role::text,
           CASE WHEN i.status = 'pending' AND i.expires_at <= now() THEN 'expired' ELSE i.status::text END AS status,
           i.message, i.invited_by AS inviter_id, coalesce(u.display_name, u.username, u.email) AS inviter_name,
           i.created_at, i.sent_at, i.expires_at
    FROM invitations i LEFT JOIN users u ON u.id = i.invited_by
"""


async def list_invitations(
    conn: Conn, workspace_id: UUID, limit: int, before: tuple[datetime, UUID] | None, status: str | None
) -> list[Invitation]:
    """A workspace's, the newest first. `before`: (created_at, id) of the last one of the page before."""
    rows = await conn.fetch(
        f"""
        SELECT * FROM ({_INVITATION} WHERE i.workspace_id = $1) i
        WHERE ($5::text IS NULL OR status = $5) AND ($3::uuid IS NULL OR (created_at, id) < ($4::timestamptz, $3))
        ORDER BY created_at DESC, id DESC LIMIT $2
        """,  # noqa: S608
        workspace_id,
        limit,
        before[1] if before else None,
        before[0] if before else None,
        status,
    )
    return [Invitation(**row) for row in rows]


async def find_invitation(conn: Conn, workspace_id: UUID, invitation_id: UUID) -> Invitation | None:
    row = await conn.fetchrow(_INVITATION + "WHERE i.workspace_id = $1 AND i.id = $2", workspace_id, invitation_id)
    return Invitation(**row) if row else None


async def is_member(conn: Conn, workspace_id: UUID, email: str) -> bool:
    """Whether an account of this address is an active member."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM workspace_members m JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
                       WHERE m.workspace_id = $1 AND m.is_active AND lower(u.email) = lower($2))
        """,
        workspace_id,
        email,
    )
    return found


async def insert_invitation(
    conn: Conn, workspace_id: UUID, email: str, role: str, message: str | None, token_hash: bytes, *, mailed: bool
) -> UUID:
    """Insert an invitation by the transaction's user. Raises UniqueViolation for an address with an open invitation,
    InsufficientPrivilege for a role above the inviter's rights, CheckViolation (`invitation_limit`, `invitation_rate`).
    """
    created: UUID = await conn.fetchval(
        """
        INSERT INTO invitations (workspace_id, invited_by, email, role, message, token_hash, mailed)
        VALUES ($1, app.user_id(), $2, $3::workspace_role, $4, $5, $6) RETURNING id
        """,
        workspace_id,
        email,
        role,
        message,
        token_hash,
        mailed,
    )
    return created


async def renew_token(conn: Conn, invitation_id: UUID, token_hash: bytes, *, mailed: bool) -> bool:
    """A new token and a new term; the old token is dead. False where the invitation is no longer open.

    Raises InsufficientPrivilege where its role is above the transaction's user's rights.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE invitations
        SET token_hash = $2, mailed = $3, sent_at = now(), expires_at = now() + make_interval(days => $4)
        WHERE id = $1 AND status = 'pending' AND expires_at > now() RETURNING true
        """,
        invitation_id,
        token_hash,
        mailed,
        LIFETIME_DAYS,
    )
    return bool(done)


async def mark_handed_over(conn: Conn, invitation_id: UUID) -> bool:
    """Note that the inviter got the token, so that it does not confirm the address. False if the invitation is not
    open.
    """
    done: bool | None = await conn.fetchval(
        "UPDATE invitations SET mailed = false WHERE id = $1 AND status = 'pending' RETURNING true", invitation_id
    )
    return bool(done)


async def revoke_invitation(conn: Conn, invitation_id: UUID) -> bool:
    """False where the invitation is no longer open."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE invitations SET status = 'revoked', responded_at = now()
        WHERE id = $1 AND status = 'pending' AND expires_at > now() RETURNING true
        """,
        invitation_id,
    )
    return bool(done)


@dataclass(frozen=True, slots=True)
class OwnInvitation:
    """An open invitation to the transaction's user."""

    id: UUID
    workspace_id: UUID
    workspace_name: str
    icon: str | None
    color: str | None
    role: str
    message: str | None
    inviter_id: UUID | None
    inviter_name: str | None
    created_at: datetime
    expires_at: datetime


async def list_own_invitations(conn: Conn, limit: int, before: tuple[datetime, UUID] | None) -> list[OwnInvitation]:
    rows = await conn.fetch(
        """
        SELECT id, workspace_id, workspace_name, icon, color, role::text, message, inviter_id, inviter_name, created_at,
               expires_at
        FROM app.own_invitations()
        WHERE $2::uuid IS NULL OR (created_at, id) < ($3::timestamptz, $2)
        ORDER BY created_at DESC, id DESC LIMIT $1
        """,
        limit,
        before[1] if before else None,
        before[0] if before else None,
    )
    return [OwnInvitation(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Answer:
    """`outcome`: done, absent (not open, or not for this user) or another (of another address)."""

    outcome: str
    workspace_id: UUID | None


def _row_to_answer(row: Row | None) -> Answer:
    assert row is not None
    return Answer(row["outcome"], row["workspace"])


async def accept_by_id(conn: Conn, invitation_id: UUID) -> Answer:
    """Raises CheckViolation at the member limit."""
    return _row_to_answer(await conn.fetchrow("SELECT * FROM app.accept_invitation($1, NULL)", invitation_id))


async def accept_by_token(conn: Conn, token_hash: bytes) -> Answer:
    """Raises CheckViolation at the member limit."""
    return _row_to_answer(await conn.fetchrow("SELECT * FROM app.accept_invitation(NULL, $1)", token_hash))


async def decline_by_id(conn: Conn, invitation_id: UUID) -> bool:
    """False where it is not open, or not for the transaction's user."""
    done: bool = await conn.fetchval("SELECT app.decline_invitation($1, NULL)", invitation_id)
    return done


async def decline_by_token(conn: Conn, token_hash: bytes) -> bool:
    """False where no open invitation has the token."""
    done: bool = await conn.fetchval("SELECT app.decline_invitation(NULL, $1)", token_hash)
    return done


@dataclass(frozen=True, slots=True)
class TokenInvitation:
    workspace_name: str
    email: str
    role: str
    invited_by: str | None
    message: str | None
    expires_at: datetime
    has_account: bool


async def find_by_token(conn: Conn, token_hash: bytes) -> TokenInvitation | None:
    """Find the open invitation with the token, for the server's own use."""
    row = await conn.fetchrow(
        """
        SELECT w.name AS workspace_name, i.email, i.role::text,
               coalesce(u.display_name, u.username, u.email) AS invited_by, i.message, i.expires_at,
               EXISTS (SELECT FROM users WHERE lower(email) = lower(i.email) AND deleted_at IS NULL) AS has_account
        FROM invitations i JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
        LEFT JOIN users u ON u.id = i.invited_by
        WHERE i.token_hash = $1 AND i.status = 'pending' AND i.expires_at > now()
        """,
        token_hash,
    )
    return TokenInvitation(**row) if row else None
