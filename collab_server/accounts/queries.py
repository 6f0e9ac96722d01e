"""SQL of users, API tokens and personal workspaces, for the command line (under app_service)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.backends.db import Conn


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    name: str | None
    is_active: bool
    created_at: datetime


_USER = "id, email, display_name, is_active, created_at"


async def insert_user(conn: Conn, email: str, name: str | None) -> UUID:
    """Raises UniqueViolation where the address is taken, DatabaseError (a check) where it is none."""
    created: UUID = await conn.fetchval(
        "INSERT INTO users (email, display_name) VALUES ($1, $2) RETURNING id", email, name
    )
    return created


async def find_user(conn: Conn, email: str) -> User | None:
    row = await conn.fetchrow(
        f"SELECT {_USER} FROM users WHERE lower(email) = lower($1) AND deleted_at IS NULL",  # noqa: S608
        email,
    )
    return User(*row) if row else None


async def list_users(conn: Conn) -> list[User]:
    rows = await conn.fetch(
        f"SELECT {_USER} FROM users WHERE deleted_at IS NULL ORDER BY created_at, id"  # noqa: S608
    )
    return [User(*row) for row in rows]


async def update_active(conn: Conn, user_id: UUID, *, is_active: bool) -> None:
    await conn.execute("UPDATE users SET is_active = $2 WHERE id = $1", user_id, is_active)


async def insert_workspace(conn: Conn, owner_id: UUID, name: str, slug: str, kind: str) -> UUID:
    """Raises UniqueViolation where the slug is taken, or the user has a personal workspace already."""
    created: UUID = await conn.fetchval(
        "INSERT INTO workspaces (owner_id, name, slug, kind) VALUES ($1, $2, $3, $4) RETURNING id",
        owner_id,
        name,
        slug,
        kind,
    )
    return created


async def insert_personal_workspace(conn: Conn, owner_id: UUID, name: str, slug_from: str) -> UUID:
    """A slug is made from `slug_from` and the user's id."""
    created: UUID = await conn.fetchval(
        """
        INSERT INTO workspaces (owner_id, name, slug, kind)
        VALUES ($1, $2, app.slugify(left($3, 60) || '-' || left($1::uuid::text, 8)), 'personal') RETURNING id
        """,
        owner_id,
        name[:255],
        slug_from,
    )
    return created


async def list_workspaces(conn: Conn) -> list[tuple[str, str, str, str]]:
    """(slug, name, kind, owner's e-mail)"""
    rows = await conn.fetch(
        """
        SELECT coalesce(w.slug, ''), w.name, w.kind, u.email FROM workspaces w JOIN users u ON u.id = w.owner_id
        WHERE w.deleted_at IS NULL ORDER BY w.created_at, w.id
        """
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def insert_token(
    conn: Conn, user_id: UUID, name: str, token_hash: bytes, scopes: list[str], days: int | None
) -> UUID:
    created: UUID = await conn.fetchval(
        """
        INSERT INTO access_tokens (user_id, name, token_hash, scopes, expires_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING id
        """,
        user_id,
        name,
        token_hash,
        scopes,
        days,
    )
    return created


async def revoke_token(conn: Conn, token_id: UUID) -> bool:
    """False where there is no such token, or it was revoked before."""
    done: bool | None = await conn.fetchval(
        "UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING true", token_id
    )
    return bool(done)
