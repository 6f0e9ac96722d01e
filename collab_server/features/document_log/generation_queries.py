"""SQL of the generations of documents. The function that begins one is in migrations/objects."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.core.documents.text_kind import TextKind
from collab_server.core.generations.carrying_over import Seam
from collab_server.core.generations.fresh_copy import FreshCopy
from collab_server.core.room.entries import Stored
from collab_server.features.document_log.checksums import compute_snapshot_checksum
from collab_server.features.document_log.history_queries import to_datetime


async def lock_document(conn: Conn, document_id: UUID) -> int | None:
    """Lock a document's row and log until the end of the transaction. Return its generation; None: it is deleted."""
    generation: int | None = await conn.fetchval(
        "SELECT generation FROM documents WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", document_id
    )
    if generation is not None:
        await conn.execute("SELECT FROM document_heads WHERE document_id = $1 FOR UPDATE", document_id)
    return generation


async def replace_document(
    conn: Conn,
    document_id: UUID,
    generation: int,
    former: Stored,
    copy: FreshCopy,
    clients: Sequence[int],
    user_id: UUID | None,
) -> bool:
    """Let a copy take the place of a document. former: its folded state. clients: its Yjs client ids. False if it was
    edited, folded or replaced meanwhile.
    """
    segment = copy.segment
    done: bool = await conn.fetchval(
        "SELECT app.replace_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        document_id,
        generation,
        former.seq,
        copy.update,
        copy.state_vector,
        compute_snapshot_checksum(copy.update, copy.state_vector),
        former.snapshot,
        list(clients),
        user_id,
        segment.first_seq,
        segment.last_seq,
        to_datetime(segment.first_at),
        to_datetime(segment.last_at),
        segment.rows,
        segment.payload,
    )
    return done


async def find_seam(conn: Conn, document_id: UUID, generation: int) -> Seam | None:
    """Find where a generation ended, and lock it until the end of the transaction. None: it is not kept."""
    row = await conn.fetchrow(
        "SELECT state, next_state, next_vector, converted_to FROM document_generations "
        "WHERE document_id = $1 AND generation = $2 AND state IS NOT NULL FOR UPDATE",
        document_id,
        generation,
    )
    return Seam(*row) if row is not None else None


async def find_conversion(conn: Conn, document_id: UUID, generation: int) -> bytes | None:
    """Find the end of a generation that a conversion has ended. None: it is not kept, or nothing was converted."""
    state: bytes | None = await conn.fetchval(
        "SELECT state FROM document_generations "
        "WHERE document_id = $1 AND generation = $2 AND converted_to IS NOT NULL",
        document_id,
        generation,
    )
    return state


async def note_conversion(conn: Conn, document_id: UUID, generation: int, to: TextKind, user_id: UUID | None) -> None:
    """Note that a document was converted when `generation` ended, and let its setting `editor_mode` agree."""
    await conn.execute(
        "UPDATE document_generations SET converted_to = $3 WHERE document_id = $1 AND generation = $2",
        document_id,
        generation,
        to,
    )
    # Whoever shows Markdown with a preview goes on to.
    await conn.execute(
        """
        UPDATE documents SET updated_by = coalesce((SELECT id FROM users WHERE id = $3), updated_by),
          settings = CASE WHEN $2 = 'rich_text' THEN settings || '{"editor_mode": "wysiwyg"}'
                          WHEN settings ->> 'editor_mode' = 'wysiwyg' THEN settings || '{"editor_mode": "edit"}'
                          ELSE settings END
        WHERE id = $1
        """,
        document_id,
        to,
        user_id,
    )


async def save_seam(conn: Conn, document_id: UUID, generation: int, seam: Seam) -> None:
    """Save what was carried over from a generation to the next one."""
    await conn.execute(
        "UPDATE document_generations SET state = $3, next_state = $4 WHERE document_id = $1 AND generation = $2",
        document_id,
        generation,
        seam.former,
        seam.next,
    )


async def find_clients(conn: Conn, document_id: UUID) -> dict[int, frozenset[int]]:
    """Find the Yjs client ids of each former generation of a document."""
    rows = await conn.fetch("SELECT generation, clients FROM document_generations WHERE document_id = $1", document_id)
    return {row["generation"]: frozenset(row["clients"]) for row in rows}
