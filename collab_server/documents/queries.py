"""SQL of documents, apart from their log. All of it runs under the caller's row-level security."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.backends.db import Conn, Row


@dataclass(frozen=True, slots=True)
class Found:
    """A document that the transaction's user may see. `permission`: read, comment, write or admin."""

    id: UUID
    permission: str


@dataclass(frozen=True, slots=True)
class Workspace:
    id: UUID
    slug: str | None
    name: str
    kind: str
    role: str
    can_create: bool


@dataclass(frozen=True, slots=True)
class Document:
    id: UUID
    workspace_id: UUID
    workspace_slug: str | None
    name: str | None
    title: str
    type: str
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None
    content_bytes: int
    word_count: int | None
    excerpt: str
    permission: str
    row_version: int


_DOCUMENT = """
    SELECT d.id, d.workspace_id, w.slug AS workspace_slug, d.name, d.title, d.type::text, d.created_at, d.updated_at,
           d.last_edited_at, d.content_bytes, d.word_count, left(d.content, 400) AS excerpt,
           app.document_permission(d.id)::text AS permission, d.row_version
    FROM documents d JOIN workspaces w ON w.id = d.workspace_id
"""


def _document(row: Row) -> Document:
    return Document(*row)


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


async def find_workspace_by_slug(conn: Conn, slug: str) -> UUID | None:
    """A workspace that the transaction's user may see."""
    found: UUID | None = await conn.fetchval("SELECT id FROM workspaces WHERE slug = $1 AND deleted_at IS NULL", slug)
    return found


async def insert_document(conn: Conn, workspace_id: UUID, name: str | None, title: str, kind: str) -> UUID | None:
    """The new document's id; None where the name is taken (the other creation won).

    Row-level security raises InsufficientPrivilege where the user may not create here.
    """
    created: UUID | None = await conn.fetchval(
        """
        INSERT INTO documents (workspace_id, name, title, type, created_by)
        VALUES ($1, $2, $3, $4::document_type, app.user_id())
        ON CONFLICT (workspace_id, name) WHERE name IS NOT NULL AND deleted_at IS NULL DO NOTHING
        RETURNING id
        """,
        workspace_id,
        name,
        title,
        kind,
    )
    return created


async def find_document(conn: Conn, document_id: UUID) -> Document | None:
    row = await conn.fetchrow(_DOCUMENT + "WHERE d.id = $1 AND d.deleted_at IS NULL", document_id)
    return _document(row) if row and row["permission"] else None


async def find_document_by_name(conn: Conn, slug: str, name: str) -> Document | None:
    row = await conn.fetchrow(
        _DOCUMENT + "WHERE w.slug = $1 AND w.deleted_at IS NULL AND d.name = $2 AND d.deleted_at IS NULL", slug, name
    )
    return _document(row) if row and row["permission"] else None


async def list_documents(
    conn: Conn, workspace_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[Document]:
    """Newest change first; `after`: (updated_at, id) of the last one of the page before."""
    rows = await conn.fetch(
        _DOCUMENT
        + """
        WHERE d.workspace_id = $1 AND d.deleted_at IS NULL
          AND ($3::timestamptz IS NULL OR d.updated_at < $3 OR (d.updated_at = $3 AND d.id > $4))
        ORDER BY d.updated_at DESC, d.id LIMIT $2
        """,
        workspace_id,
        limit,
        after[0] if after else None,
        after[1] if after else None,
    )
    return [_document(row) for row in rows]


async def update_title(conn: Conn, document_id: UUID, title: str) -> bool:
    """False where row-level security hides the document from writing, or it is gone."""
    done: bool | None = await conn.fetchval(
        "UPDATE documents SET title = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING true", document_id, title
    )
    return bool(done)


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


_WORKSPACE = """
    SELECT w.id, w.slug, w.name, w.kind, coalesce(m.role::text, app.setting('guest_role'), 'viewer') AS role,
           w.id = ANY ((SELECT app.workspace_ids('can_create_documents'))::uuid[]) AS can_create
    FROM workspaces w
    LEFT JOIN workspace_members m ON m.workspace_id = w.id AND m.user_id = app.user_id() AND m.is_active
"""


async def list_workspaces(conn: Conn) -> list[Workspace]:
    rows = await conn.fetch(_WORKSPACE + "WHERE w.deleted_at IS NULL ORDER BY w.created_at, w.id LIMIT 200")
    return [Workspace(*row) for row in rows]


async def find_workspace(conn: Conn, workspace_id: UUID) -> Workspace | None:
    row = await conn.fetchrow(_WORKSPACE + "WHERE w.id = $1 AND w.deleted_at IS NULL", workspace_id)
    return Workspace(*row) if row else None


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
    """For the server's own use: no permission is looked at."""
    found: UUID | None = await conn.fetchval(
        """
        SELECT d.id FROM documents d JOIN workspaces w ON w.id = d.workspace_id
        WHERE w.slug = $1 AND w.deleted_at IS NULL AND d.name = $2 AND d.deleted_at IS NULL
        """,
        slug,
        name,
    )
    return found


async def find_document_unchecked(conn: Conn, document_id: UUID) -> Document | None:
    """For the bearer of a connect token, whose right to the document is in the token."""
    row = await conn.fetchrow(
        _DOCUMENT.replace("app.document_permission(d.id)::text", "'read'") + "WHERE d.id = $1 AND d.deleted_at IS NULL",
        document_id,
    )
    return _document(row) if row else None
