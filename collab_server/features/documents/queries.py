"""SQL of addresses and of the stored text."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Found:
    """A visible document of the transaction's user. `permission`: read, comment, write or admin."""

    id: UUID
    permission: str


async def find_by_name(conn: Conn, slug: str, name: str) -> Found | None:
    row = await conn.fetchrow(
        """
        SELECT d.id, app.document_permission(d.id)::text AS permission
        FROM documents d JOIN workspaces w ON w.id = d.workspace_id
        WHERE w.slug = $1 AND w.deleted_at IS NULL AND d.name = $2 AND d.deleted_at IS NULL
        """,
        slug,
        name,
    )
    return Found(row["id"], row["permission"]) if row and row["permission"] else None


async def find_shared_permission(conn: Conn, document_id: UUID) -> str | None:
    """The permission of the transaction's user in a document that is shared with them; None: it is not."""
    found: str | None = await conn.fetchval(
        "SELECT app.document_permission($1)::text WHERE $1 = ANY (app.shared_documents('read'))", document_id
    )
    return found


async def find_workspace_by_slug(conn: Conn, slug: str) -> UUID | None:
    """Find a visible workspace of the transaction's user."""
    found: UUID | None = await conn.fetchval("SELECT id FROM workspaces WHERE slug = $1 AND deleted_at IS NULL", slug)
    return found


async def is_workspace_slug(conn: Conn, slug: str) -> bool:
    """Return whether a workspace has or had this slug, including invisible workspaces."""
    found: bool = await conn.fetchval("SELECT app.is_workspace_slug($1)", slug)
    return found


async def is_slug_of(conn: Conn, slug: str, workspace_id: UUID) -> bool:
    """Return whether this is the slug of that workspace, visible to the transaction's user."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM workspaces WHERE id = $1 AND slug = $2 AND deleted_at IS NULL)", workspace_id, slug
    )
    return found


@dataclass(frozen=True, slots=True)
class Content:
    content: str
    content_hash: str
    truncated: bool
    clock: int


async def find_content(conn: Conn, document_id: UUID) -> Content | None:
    row = await conn.fetchrow(
        """
        SELECT content, content_hash, content_truncated, yjs_clock FROM documents
        WHERE id = $1 AND deleted_at IS NULL
        """,
        document_id,
    )
    return Content(*row) if row else None


async def find_by_name_in(conn: Conn, workspace_id: UUID, name: str) -> Found | None:
    row = await conn.fetchrow(
        """
        SELECT id, app.document_permission(id)::text AS permission FROM documents
        WHERE workspace_id = $1 AND name = $2 AND deleted_at IS NULL
        """,
        workspace_id,
        name,
    )
    return Found(row["id"], row["permission"]) if row and row["permission"] else None


async def find_by_name_unchecked(conn: Conn, slug: str, name: str) -> UUID | None:
    """Find a document for the server's own use: permissions are not checked."""
    found: UUID | None = await conn.fetchval(
        """
        SELECT d.id FROM documents d JOIN workspaces w ON w.id = d.workspace_id
        WHERE w.slug = $1 AND w.deleted_at IS NULL AND d.name = $2 AND d.deleted_at IS NULL
        """,
        slug,
        name,
    )
    return found
