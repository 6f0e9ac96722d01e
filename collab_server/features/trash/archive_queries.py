"""SQL of the archive of permanently deleted documents. Needs app_service."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Archived:
    """A purged document. `pending`: updates after `snapshot`, in order."""

    id: UUID
    workspace_id: UUID
    name: str | None
    title: str
    content: str
    snapshot: bytes | None
    pending: list[bytes]
    tags: list[str]


async def find_archived(conn: Conn, document_id: UUID) -> Archived | None:
    row = await conn.fetchrow(
        """
        SELECT document_id, workspace_id, name, title, content, yjs_state, pending, tags FROM document_archive
        WHERE document_id = $1
        """,
        document_id,
    )
    return Archived(*row) if row else None


async def find_place(conn: Conn, workspace_id: UUID) -> tuple[str, bool] | None:
    """(the workspace's slug, whether it is deleted)"""
    row = await conn.fetchrow(
        "SELECT coalesce(slug, id::text), deleted_at IS NOT NULL FROM workspaces WHERE id = $1", workspace_id
    )
    return (row[0], row[1]) if row else None


async def find_deleted(conn: Conn, document_id: UUID) -> bool | None:
    """Return whether the document is in the trash; None if it does not exist."""
    found: bool | None = await conn.fetchval("SELECT deleted_at IS NOT NULL FROM documents WHERE id = $1", document_id)
    return found


async def list_taken_names(conn: Conn, workspace_id: UUID, names: list[str]) -> set[str]:
    rows = await conn.fetch(
        "SELECT name FROM documents WHERE workspace_id = $1 AND name = ANY ($2::text[]) AND deleted_at IS NULL",
        workspace_id,
        names,
    )
    return {row[0] for row in rows}


async def insert_archived(conn: Conn, document_id: UUID, workspace_id: UUID, name: str | None) -> None:
    """The document's row again, without content. Raises UniqueViolation where the id or the name is taken."""
    await conn.execute(
        """
        INSERT INTO documents (id, workspace_id, name, title, description, type, content_encrypted, encryption,
                               metadata, settings, created_by, created_at)
        SELECT a.document_id, $2, $3, a.title, a.description, a.type::document_type, a.content_encrypted, a.encryption,
               a.metadata, a.settings, (SELECT u.id FROM users u WHERE u.id = a.created_by), a.created_at
        FROM document_archive a WHERE a.document_id = $1
        """,
        document_id,
        workspace_id,
        name,
    )


async def delete_archived(conn: Conn, document_id: UUID) -> bool:
    """Delete an archived document. False if it does not exist."""
    done: bool | None = await conn.fetchval(
        "DELETE FROM document_archive WHERE document_id = $1 RETURNING true", document_id
    )
    return bool(done)
