"""SQL of the anchors of comments. Needs app_service; the caller checks rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.core.anchors.locating import Located


@dataclass(frozen=True, slots=True)
class DocumentState:
    """seq: the last committed row of the document's log. has_text: it is not encrypted."""

    generation: int
    seq: int
    has_text: bool


@dataclass(frozen=True, slots=True)
class CommentAnchor:
    comment_id: UUID
    anchor: bytes


async def find_state(conn: Conn, document_id: UUID) -> DocumentState | None:
    """Find the present state of a document. None: it is absent."""
    row = await conn.fetchrow(
        """
        SELECT d.generation, coalesce(h.head_seq, 0) AS seq, d.type <> 'password' AS has_text
        FROM documents d LEFT JOIN document_heads h ON h.document_id = d.id WHERE d.id = $1
        """,
        document_id,
    )
    return DocumentState(**row) if row else None


async def lock_anchors(conn: Conn, document_id: UUID) -> list[CommentAnchor]:
    """List the anchors of a document's comments, and lock these until the end of the transaction."""
    rows = await conn.fetch(
        "SELECT id, yjs_anchor FROM comments WHERE document_id = $1 AND yjs_anchor IS NOT NULL "
        "ORDER BY id FOR NO KEY UPDATE",
        document_id,
    )
    return [CommentAnchor(row["id"], row["yjs_anchor"]) for row in rows]


async def save_anchors(
    conn: Conn,
    document_id: UUID,
    former: Sequence[CommentAnchor],
    located: Sequence[Located],
    generation: int,
    seq: int,
) -> None:
    """Save where anchors are after row `seq`. Those that were saved after a newer row, or put elsewhere, stay.

    former: the anchors that were looked for.
    """
    await conn.execute(
        """
        WITH locked AS (
          SELECT id FROM comments WHERE document_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR NO KEY UPDATE)
        UPDATE comments c SET yjs_anchor = n.renewed, anchor_generation = $7, anchor_seq = $8,
          position = CASE WHEN n.first IS NOT NULL THEN jsonb_build_object('start', n.first, 'end', n.stop) END
        FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[])
               AS n (id, former, renewed, first, stop)
        JOIN locked USING (id)
        WHERE c.id = n.id AND c.yjs_anchor = n.former AND (c.anchor_generation, c.anchor_seq) < ($7, $8)
        """,
        document_id,
        [each.comment_id for each in former],
        [each.anchor for each in former],
        [each.anchor for each in located],
        [each.start for each in located],
        [each.end for each in located],
        generation,
        seq,
    )


async def find_replaced(conn: Conn, document_id: UUID, generation: int) -> tuple[bytes, bytes] | None:
    """Find a document at the end of a generation, and at the beginning of the next one. None: it is not kept."""
    row = await conn.fetchrow(
        "SELECT state, next_state FROM document_generations "
        "WHERE document_id = $1 AND generation = $2 AND state IS NOT NULL",
        document_id,
        generation,
    )
    return (row["state"], row["next_state"]) if row else None
