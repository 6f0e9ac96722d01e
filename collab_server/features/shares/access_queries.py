"""SQL of who may open a document, and of requests for access."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn

MAX_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class Member:
    id: UUID
    name: str
    avatar_url: str | None
    role: str
    permission: str


async def list_members(conn: Conn, document_id: UUID) -> tuple[list[Member], int]:
    """List members of the document's workspace who may read it, the most powerful first, and count all of them; for the
    server itself.
    """
    rows = await conn.fetch(
        """
        WITH readers AS (
          SELECT u.id, coalesce(u.display_name, u.username, u.email) AS name, u.avatar_url, m.role::text AS role,
            app.permission_among(app.effective_permissions(m.role, m.permissions)) AS permission
          FROM documents d JOIN workspace_members m ON m.workspace_id = d.workspace_id AND m.is_active
            JOIN users u ON u.id = m.user_id AND u.is_active AND u.deleted_at IS NULL
          WHERE d.id = $1 AND 'can_read' = ANY (app.effective_permissions(m.role, m.permissions)))
        SELECT *, count(*) OVER () AS total FROM readers
        ORDER BY permission::share_permission DESC, lower(name), id LIMIT $2
        """,
        document_id,
        MAX_MEMBERS,
    )
    members = [Member(row["id"], row["name"], row["avatar_url"], row["role"], row["permission"]) for row in rows]
    return members, rows[0]["total"] if rows else 0


async def find_openness(conn: Conn, document_id: UUID) -> tuple[bool, bool]:
    """(whether the document is public, whether it is in the playground); for the server itself."""
    row = await conn.fetchrow(
        """
        SELECT d.is_public, w.kind = 'playground' FROM documents d JOIN workspaces w ON w.id = d.workspace_id
        WHERE d.id = $1
        """,
        document_id,
    )
    return (row[0], row[1]) if row else (False, False)


async def is_member(conn: Conn, document_id: UUID) -> bool:
    """Whether the transaction's user reads the workspace of the document."""
    found: bool = await conn.fetchval(
        "SELECT workspace_id = ANY (app.workspace_ids('can_read')) FROM documents WHERE id = $1", document_id
    )
    return found


@dataclass(frozen=True, slots=True)
class AccessRequest:
    id: UUID
    document_id: UUID
    user_id: UUID
    user_name: str
    email: str
    avatar_url: str | None
    permission: str
    message: str | None
    created_at: datetime


_REQUESTS = """
    SELECT r.id, r.document_id, r.user_id, coalesce(u.display_name, u.username, u.email) AS user_name, u.email,
      u.avatar_url, r.permission::text, r.message, r.created_at
    FROM access_requests r JOIN users u ON u.id = r.user_id AND u.is_active AND u.deleted_at IS NULL
    WHERE r.decided_at IS NULL AND
"""


async def insert_request(conn: Conn, document_id: UUID, permission: str, message: str | None) -> None:
    """Ask for a document. Nothing tells whether it is there."""
    await conn.execute(
        "SELECT app.request_access($1, $2::text::share_permission, $3)", document_id, permission, message
    )


async def list_requests(
    conn: Conn, document_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[AccessRequest]:
    """List open requests, the oldest first; for the server itself. `after`: (created_at, id) of the last one."""
    rows = await conn.fetch(
        _REQUESTS
        + """
        r.document_id = $1 AND ($3::timestamptz IS NULL OR (r.created_at, r.id) > ($3, $4::uuid))
        ORDER BY r.created_at, r.id LIMIT $2
        """,
        document_id,
        limit,
        *(after or (None, None)),
    )
    return [AccessRequest(**row) for row in rows]


async def find_request_document(conn: Conn, request_id: UUID) -> UUID | None:
    """The document of an open request that the transaction's user may read."""
    found: UUID | None = await conn.fetchval(
        "SELECT document_id FROM access_requests WHERE id = $1 AND decided_at IS NULL", request_id
    )
    return found


async def decide(conn: Conn, request_id: UUID, permission: str | None, *, by: UUID, deny: bool) -> bool:
    """End an open request, and share the document with who asked unless it is denied; for the server itself, in a
    transaction. `permission`: None gives what was asked for. Returns whether the request was open.
    """
    row = await conn.fetchrow(
        """
        UPDATE access_requests SET decided_at = now(), decided_by = $2,
          granted = CASE WHEN NOT $4 THEN coalesce($3::text::share_permission, permission) END
        WHERE id = $1 AND decided_at IS NULL RETURNING document_id, workspace_id, user_id, granted
        """,
        request_id,
        by,
        permission,
        deny,
    )
    if row is None:
        return False
    await conn.execute(
        "SELECT app.record_change($1, 'access_request', $2, $3, 'delete')",
        row["workspace_id"],
        request_id,
        row["document_id"],
    )
    if row["granted"] is not None:
        await conn.execute(
            """
            INSERT INTO shares AS s (document_id, workspace_id, grantee_id, permission)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (grantee_id, document_id) WHERE revoked_at IS NULL AND grantee_id IS NOT NULL
            DO UPDATE SET permission = greatest(s.permission, EXCLUDED.permission), expires_at = NULL
            """,
            row["document_id"],
            row["workspace_id"],
            row["user_id"],
            row["granted"],
        )
    return True
