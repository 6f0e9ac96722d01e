"""SQL of merge bases: texts read by programs. Needs app_service; the caller checks permissions."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Conn

KEPT: Final = 32
"""Texts per document."""
DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class ReadText:
    """`state_vector`: encoded, of the document with this text."""

    text: str
    state_vector: bytes


async def find_base(conn: Conn, document_id: UUID, content_hash: str) -> ReadText | None:
    """Find the stored or present text of this hash. A used text is kept longer."""
    row = await conn.fetchrow(
        """
        WITH used AS (UPDATE document_bases SET served_at = now() WHERE document_id = $1 AND content_hash = $2
                      RETURNING content, state_vector)
        SELECT content, state_vector FROM used
        UNION ALL SELECT content, coalesce(yjs_state_vector, '\\x00') FROM documents WHERE id = $1 AND content_hash = $2
        LIMIT 1
        """,
        document_id,
        content_hash,
    )
    return ReadText(*row) if row else None


async def find_generation(conn: Conn, document_id: UUID) -> int | None:
    """Find the present generation of a document."""
    generation: int | None = await conn.fetchval("SELECT generation FROM documents WHERE id = $1", document_id)
    return generation


async def save_stored(conn: Conn, document_id: UUID, content_hash: str) -> None:
    """Save the stored text as a merge base, if it still has this hash and is not saved yet."""
    saved = await conn.fetchval(
        """
        INSERT INTO document_bases AS b (document_id, content_hash, content, state_vector)
        SELECT id, content_hash, content, coalesce(yjs_state_vector, '\\x00') FROM documents
        WHERE id = $1 AND content_hash = $2 FOR KEY SHARE
        ON CONFLICT (document_id, content_hash) DO UPDATE SET state_vector = EXCLUDED.state_vector, served_at = now()
        WHERE b.state_vector <> EXCLUDED.state_vector RETURNING true
        """,
        document_id,
        content_hash,
    )
    if saved:
        await _delete_oldest(conn, document_id)


async def save_base(conn: Conn, document_id: UUID, content_hash: str, content: str, state_vector: bytes) -> None:
    """Store a text sent to the caller. Does nothing if the document is deleted."""
    await conn.execute(
        """
        INSERT INTO document_bases (document_id, content_hash, content, state_vector)
        SELECT id, $2, $3, $4 FROM documents WHERE id = $1 FOR KEY SHARE
        ON CONFLICT (document_id, content_hash)
          DO UPDATE SET state_vector = EXCLUDED.state_vector, served_at = now()
        """,
        document_id,
        content_hash,
        content,
        state_vector,
    )
    await _delete_oldest(conn, document_id)


async def _delete_oldest(conn: Conn, document_id: UUID) -> None:
    await conn.execute(
        """
        DELETE FROM document_bases WHERE document_id = $1 AND served_at < (
          SELECT served_at FROM document_bases WHERE document_id = $1 ORDER BY served_at DESC OFFSET $2 LIMIT 1)
        """,
        document_id,
        KEPT - 1,
    )


async def purge_bases(conn: Conn, limit: int = 1000) -> int:
    """Delete up to `limit` texts older than DAYS. Return their number."""
    count: int = await conn.fetchval(
        """
        WITH old AS (SELECT document_id, content_hash FROM document_bases
                     WHERE served_at < now() - make_interval(days => $1) LIMIT $2),
        gone AS (DELETE FROM document_bases b USING old
                 WHERE (b.document_id, b.content_hash) = (old.document_id, old.content_hash) RETURNING 1)
        SELECT count(*) FROM gone
        """,
        DAYS,
        limit,
    )
    return count
