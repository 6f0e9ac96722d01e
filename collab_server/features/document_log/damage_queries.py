"""SQL of unreadable documents. Needs app_service."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Damage:
    document_id: UUID
    reason: str
    noticed_at: datetime


async def save_damage(conn: Conn, document_id: UUID, reason: str) -> bool:
    """Store a note about an unreadable document. Return whether the note is new."""
    new: bool | None = await conn.fetchval(
        "INSERT INTO damaged_documents AS d (document_id, reason) VALUES ($1, $2)"
        " ON CONFLICT (document_id) DO UPDATE SET reason = EXCLUDED.reason WHERE d.reason <> EXCLUDED.reason"
        " RETURNING true",
        document_id,
        reason,
    )
    return bool(new)


async def delete_damage(conn: Conn, document_id: UUID) -> None:
    """The document can be read."""
    await conn.execute("DELETE FROM damaged_documents WHERE document_id = $1", document_id)


async def list_damage(conn: Conn, limit: int) -> list[Damage]:
    """List notes of existing documents, the newest first."""
    rows = await conn.fetch(
        "SELECT x.document_id, x.reason, x.noticed_at FROM damaged_documents x"
        " JOIN documents d ON d.id = x.document_id ORDER BY x.noticed_at DESC, x.document_id LIMIT $1",
        limit,
    )
    return [Damage(*row) for row in rows]


async def count_damage(conn: Conn) -> int:
    """Count the documents of `list_damage`."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM damaged_documents x JOIN documents d ON d.id = x.document_id"
    )
    return count


async def list_documents(conn: Conn, after: UUID, limit: int) -> list[UUID]:
    """List ids of documents outside the trash in order, after `after`."""
    rows = await conn.fetch(
        "SELECT id FROM documents WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2", after, limit
    )
    return [row[0] for row in rows]
