"""SQL of users, their settings and personal workspaces. Needs app_service, except as noted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class User:
    """`features`: JSON, differences from the defaults."""

    id: UUID
    email: str
    email_verified: bool
    username: str | None
    display_name: str | None
    avatar_url: str | None
    bio: str | None
    role: str
    features: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    has_password: bool


SELECT_USER = """
    SELECT u.id, u.email, u.email_verified, u.username, u.display_name, u.avatar_url, u.bio, u.role, u.features,
           u.is_active, u.created_at, u.updated_at, u.last_login_at, c.user_id IS NOT NULL AS has_password
    FROM users u LEFT JOIN user_credentials c ON c.user_id = u.id
    WHERE u.deleted_at IS NULL AND u.id <> '00000000-0000-0000-0000-000000000001'
"""


async def insert_user(
    conn: Conn,
    email: str,
    name: str | None,
    role: str = "user",
    *,
    email_verified: bool = False,
    user_id: UUID | None = None,
) -> UUID:
    """Insert a user. `user_id`: an id chosen by the caller.

    Raises UniqueViolation for a used address, DatabaseError (a check) for an invalid one.
    """
    created: UUID = await conn.fetchval(
        "INSERT INTO users (email, display_name, role, email_verified, id) "
        "VALUES ($1, $2, $3, $4, coalesce($5, gen_random_uuid())) RETURNING id",
        email,
        name,
        role,
        email_verified,
        user_id,
    )
    return created


async def find_user(conn: Conn, email: str) -> User | None:
    row = await conn.fetchrow(SELECT_USER + "AND lower(u.email) = lower($1)", email)
    return User(*row) if row else None


async def find_user_by_id(conn: Conn, user_id: UUID) -> User | None:
    row = await conn.fetchrow(SELECT_USER + "AND u.id = $1", user_id)
    return User(*row) if row else None


async def list_users(conn: Conn) -> list[User]:
    rows = await conn.fetch(SELECT_USER + "ORDER BY u.created_at, u.id")
    return [User(*row) for row in rows]


async def update_active(conn: Conn, user_id: UUID, *, is_active: bool) -> None:
    await conn.execute("UPDATE users SET is_active = $2 WHERE id = $1", user_id, is_active)


async def update_email_verified(conn: Conn, user_id: UUID) -> None:
    await conn.execute("UPDATE users SET email_verified = true WHERE id = $1 AND NOT email_verified", user_id)


# ---- administrators


async def lock_administrators(conn: Conn) -> None:
    """Lock the set of administrators until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('collab_server/administrators', 0))")


async def has_administrator_who_came(conn: Conn) -> bool:
    """Whether an active administrator has ever signed in, or can do so without our help."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (
          SELECT FROM users u WHERE u.role = 'admin' AND u.is_active AND u.deleted_at IS NULL
            AND (u.last_login_at IS NOT NULL OR EXISTS (SELECT FROM user_credentials c WHERE c.user_id = u.id)
                 OR EXISTS (SELECT FROM user_identities i WHERE i.user_id = u.id)))
        """
    )
    return found


async def find_first_administrator(conn: Conn) -> UUID | None:
    """Find the earliest active administrator."""
    found: UUID | None = await conn.fetchval(
        "SELECT id FROM users WHERE role = 'admin' AND is_active AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1"
    )
    return found


async def update_role(conn: Conn, user_id: UUID, role: str) -> None:
    await conn.execute("UPDATE users SET role = $2 WHERE id = $1", user_id, role)


# ---- workspaces


@dataclass(frozen=True, slots=True)
class DefaultWorkspace:
    id: UUID
    slug: str
    name: str
    can_create: bool


async def find_default_workspace(conn: Conn, slug: str) -> DefaultWorkspace | None:
    """The workspace of this slug, where the transaction's user may see it (under row-level security)."""
    row = await conn.fetchrow(
        """
        SELECT id, slug, name, id = ANY ((SELECT app.workspace_ids('can_create_documents'))::uuid[])
        FROM workspaces WHERE slug = $1 AND deleted_at IS NULL
        """,
        slug,
    )
    return DefaultWorkspace(*row) if row else None


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
    """Insert the workspace, with a slug made from `slug_from` and the user's id."""
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


@dataclass(frozen=True, slots=True)
class Person:
    """`picture`: its address, if there is one."""

    name: str
    picture: str | None


async def list_people(conn: Conn, users: Collection[UUID]) -> dict[UUID, Person]:
    """List the present names and pictures of users, of those whom the transaction's user may see. Needs no
    app_service.
    """
    rows = await conn.fetch(
        "SELECT id, coalesce(display_name, username, email) AS name, avatar_url FROM users WHERE id = ANY ($1)",
        list(users),
    )
    return {row["id"]: Person(row["name"], row["avatar_url"]) for row in rows}
