"""SQL of conversions. Needs app_service; the caller checks rights."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Convertible:
    type: str
    editor_mode: str | None


async def find_document(conn: Conn, document_id: UUID) -> Convertible | None:
    """Find the type of a document, and how an empty one is edited."""
    row = await conn.fetchrow(
        "SELECT type::text, settings ->> 'editor_mode' AS editor_mode FROM documents "
        "WHERE id = $1 AND deleted_at IS NULL",
        document_id,
    )
    return Convertible(**row) if row else None
