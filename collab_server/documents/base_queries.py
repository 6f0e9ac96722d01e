"""SQL of the texts that programs have read. For the server's own connection; who may is asked before."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.backends.db import Conn

KEPT: Final = 32
"""Texts per document."""
DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class ReadText:
    """`state_vector`: encoded, of the document when it said this."""

    text: str
    state_vector: bytes


async def find_base(conn: Conn, document_id: UUID, content_hash: str) -> ReadText | None:
    """The text of this hash, if it was read (or is what is stored) and is still known. What is used is kept longer."""
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


async def save_stored(conn: Conn, document_id: UUID, content_hash: str) -> None:
    """Remember the stored text, if it still has this hash; nothing where it is remembered already."""
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
        await _prune(conn, document_id)


async def save_base(conn: Conn, document_id: UUID, content_hash: str, content: str, state_vector: bytes) -> None:
    """Remember a text that the caller is told; nothing where the document has gone meanwhile."""
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
    await _prune(conn, document_id)


async def _prune(conn: Conn, document_id: UUID) -> None:
    await conn.execute(
        """
        DELETE FROM document_bases WHERE document_id = $1 AND served_at < (
          SELECT served_at FROM document_bases WHERE document_id = $1 ORDER BY served_at DESC OFFSET $2 LIMIT 1)
        """,
        document_id,
        KEPT - 1,
    )


async def purge_bases(conn: Conn, limit: int = 1000) -> int:
    """Forget up to `limit` texts that were read longer than DAYS ago; how many."""
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
