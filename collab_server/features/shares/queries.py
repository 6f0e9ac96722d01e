"""SQL of shares, under the row-level security of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Share:
    id: UUID
    workspace_id: UUID
    document_id: UUID | None
    tag_id: UUID | None
    category_id: UUID | None
    is_link: bool
    permission: str
    name: str | None
    grantee_id: UUID | None
    grantee_name: str | None
    grantee_avatar: str | None
    email: str | None
    has_password: bool
    expires_at: datetime | None
    expired: bool
    max_uses: int | None
    access_count: int
    last_accessed_at: datetime | None
    created_by: UUID | None
    creator_name: str | None
    created_at: datetime


_SHARES = """
    SELECT s.id, s.workspace_id, s.document_id, s.tag_id, s.category_id,
      s.grantee_id IS NULL AND s.email IS NULL AS is_link, s.permission::text, s.name,
      s.grantee_id, coalesce(g.display_name, g.username, g.email) AS grantee_name, g.avatar_url AS grantee_avatar,
      s.email, s.has_password, s.expires_at, coalesce(s.expires_at <= now(), false) AS expired, s.max_uses,
      s.access_count, s.last_accessed_at, s.created_by,
      coalesce(c.display_name, c.username, c.email) AS creator_name, s.created_at
    FROM shares s LEFT JOIN users g ON g.id = s.grantee_id LEFT JOIN users c ON c.id = s.created_by
"""


async def list_shares(conn: Conn, document_id: UUID, limit: int, after: tuple[datetime, UUID] | None) -> list[Share]:
    """List shares of a document that are not revoked, the oldest first. `after`: (created_at, id) of the last one."""
    rows = await conn.fetch(
        _SHARES
        + """
        WHERE s.document_id = $1 AND s.revoked_at IS NULL
          AND ($3::timestamptz IS NULL OR (s.created_at, s.id) > ($3, $4::uuid))
        ORDER BY s.created_at, s.id LIMIT $2
        """,
        document_id,
        limit,
        *(after or (None, None)),
    )
    return [Share(**row) for row in rows]


async def list_workspace_shares(
    conn: Conn, workspace_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[Share]:
    """List the links of a workspace to more than one document, like `list_shares`."""
    rows = await conn.fetch(
        _SHARES
        + """
        WHERE s.workspace_id = $1 AND s.document_id IS NULL AND s.revoked_at IS NULL
          AND ($3::timestamptz IS NULL OR (s.created_at, s.id) > ($3, $4::uuid))
        ORDER BY s.created_at, s.id LIMIT $2
        """,
        workspace_id,
        limit,
        *(after or (None, None)),
    )
    return [Share(**row) for row in rows]


async def count_workspace_shares(conn: Conn, workspace_id: UUID) -> int:
    """Count the links of a workspace to more than one document, and keep others from adding one meanwhile."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('links of ' || $1::text, 0))", str(workspace_id))
    count: int = await conn.fetchval(
        "SELECT count(*) FROM shares WHERE workspace_id = $1 AND document_id IS NULL AND revoked_at IS NULL",
        workspace_id,
    )
    return count


async def insert_workspace_share(
    conn: Conn, workspace_id: UUID, columns: Mapping[str, Any], token_hash: bytes, password_hash: str | None
) -> UUID:
    """Make a link to documents of a workspace."""
    made: UUID = await conn.fetchval(
        """
        INSERT INTO shares (workspace_id, tag_id, category_id, token_hash, name, password_hash, permission, expires_at,
                            max_uses)
        VALUES ($1, $2, $3, $4, $5, $6, 'read', $7, $8) RETURNING id
        """,
        workspace_id,
        columns["tag_id"],
        columns["category_id"],
        token_hash,
        columns["name"],
        password_hash,
        columns["expires_at"],
        columns["max_uses"],
    )
    return made


async def find_share(conn: Conn, share_id: UUID) -> Share | None:
    """Find a share that is not revoked."""
    row = await conn.fetchrow(_SHARES + "WHERE s.id = $1 AND s.revoked_at IS NULL", share_id)
    return Share(**row) if row else None


async def find_own_share(conn: Conn, document_id: UUID) -> Share | None:
    """Find the share of a document with the transaction's user that gives access now."""
    row = await conn.fetchrow(
        _SHARES
        + """
        WHERE s.document_id = $1 AND s.grantee_id = (SELECT app.user_id()) AND s.revoked_at IS NULL
          AND coalesce(s.expires_at > now(), true)
        """,
        document_id,
    )
    return Share(**row) if row else None


@dataclass(frozen=True, slots=True)
class Rights:
    """`permission`: in the document; None: it is not there for the caller. `may_share`: decides who may open it."""

    permission: str | None
    may_share: bool


async def find_rights(conn: Conn, document_id: UUID) -> Rights:
    row = await conn.fetchrow("SELECT app.document_permission($1)::text, app.may_share($1)", document_id)
    assert row is not None
    return Rights(row[0], row[1])


async def insert_share(
    conn: Conn, document_id: UUID, columns: Mapping[str, Any], token_hash: bytes | None, password_hash: str | None
) -> UUID | None:
    """Share a document; None: it is not there."""
    made: UUID | None = await conn.fetchval(
        """
        INSERT INTO shares (document_id, workspace_id, grantee_id, email, token_hash, name, password_hash, permission,
                            expires_at, max_uses)
        SELECT d.id, d.workspace_id, $2, $3, $4, $5, $6, $7::text::share_permission, $8, $9
        FROM documents d WHERE d.id = $1 AND d.deleted_at IS NULL RETURNING id
        """,
        document_id,
        columns["user_id"],
        columns["email"],
        token_hash,
        columns["name"],
        password_hash,
        columns["permission"],
        columns["expires_at"],
        columns["max_uses"],
    )
    return made


_CHANGEABLE = {
    "permission": "$%d::text::share_permission",
    "name": "$%d",
    "password_hash": "$%d",
    "expires_at": "$%d::timestamptz",
    "max_uses": "$%d::integer",
}


async def update_share(conn: Conn, share_id: UUID, columns: Mapping[str, Any]) -> bool:
    """Set these columns. Return whether the share is there."""
    # The values that a column has now may not be read: nobody sees the hash of a password.
    sets = ", ".join(f"{name} = {_CHANGEABLE[name] % number}" for number, name in enumerate(columns, 2))
    done = await conn.fetchval(
        f"UPDATE shares SET {sets or 'name = name'} WHERE id = $1 AND revoked_at IS NULL RETURNING true",  # noqa: S608
        share_id,
        *columns.values(),
    )
    return done is not None


async def revoke_share(conn: Conn, share_id: UUID) -> bool:
    """End a share. Return whether it was there."""
    done = await conn.fetchval(
        "UPDATE shares SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING true", share_id
    )
    return done is not None


async def give_back_share(conn: Conn, share_id: UUID) -> bool:
    """End a share with the transaction's user. Return whether it was there."""
    done: bool = await conn.fetchval("SELECT app.give_back_share($1)", share_id)
    return done


async def count_shares(conn: Conn, document_id: UUID) -> int:
    """Count those that are not revoked, and keep others from adding one meanwhile."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('shares of ' || $1::text, 0))", str(document_id))
    count: int = await conn.fetchval(
        "SELECT count(*) FROM shares WHERE document_id = $1 AND revoked_at IS NULL", document_id
    )
    return count


async def find_title(conn: Conn, document_id: UUID) -> str:
    title: str = await conn.fetchval("SELECT title FROM documents WHERE id = $1", document_id)
    return title


async def find_scope_name(conn: Conn, share_id: UUID) -> tuple[str, str] | None:
    """(`document`, `workspace`, `tag` or `category`; its title or name) of what a link opens, for the server itself."""
    row = await conn.fetchrow(
        """
        SELECT CASE WHEN d.id IS NOT NULL THEN 'document' WHEN t.id IS NOT NULL THEN 'tag'
               WHEN c.id IS NOT NULL THEN 'category' ELSE 'workspace' END, coalesce(d.title, t.name, c.name, w.name)
        FROM shares s JOIN workspaces w ON w.id = s.workspace_id AND w.deleted_at IS NULL
          LEFT JOIN documents d ON d.id = s.document_id LEFT JOIN tags t ON t.id = s.tag_id
          LEFT JOIN categories c ON c.id = s.category_id
        WHERE s.id = $1 AND (s.document_id IS NULL OR d.deleted_at IS NULL)
        """,
        share_id,
    )
    return (row[0], row[1]) if row else None


async def find_password(conn: Conn, share_id: UUID) -> str | None:
    """The argon2id string of a link, for the server itself."""
    stored: str | None = await conn.fetchval("SELECT password_hash FROM shares WHERE id = $1", share_id)
    return stored
