"""SQL of rendered documents. Needs app_service; the caller checks permissions."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Render:
    """`body`: None if rendering exceeded the limits."""

    body: str | None


async def find_render(conn: Conn, document_id: UUID, kind: str, content_hash: str, renderer: int) -> Render | None:
    row = await conn.fetchrow(
        """
        SELECT convert_from(body, 'UTF8') FROM document_renders
        WHERE document_id = $1 AND format = $2 AND content_hash = $3 AND renderer = $4
        """,
        document_id,
        kind,
        content_hash,
        renderer,
    )
    return Render(row[0]) if row else None


async def save_render(
    conn: Conn, document_id: UUID, kind: str, content_hash: str, renderer: int, body: str | None
) -> None:
    """Save a render, one for each document and format. Does nothing if the document is deleted."""
    await conn.execute(
        """
        INSERT INTO document_renders AS r (document_id, format, content_hash, renderer, body)
        SELECT d.id, $2, $3, $4, convert_to($5, 'UTF8') FROM documents d WHERE d.id = $1 FOR KEY SHARE
        ON CONFLICT (document_id, format) DO UPDATE SET content_hash = EXCLUDED.content_hash,
          renderer = EXCLUDED.renderer, body = EXCLUDED.body, rendered_at = now()
        """,
        document_id,
        kind,
        content_hash,
        renderer,
        body,
    )
