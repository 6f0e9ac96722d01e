"""SQL of the retention of histories, under app_service."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.core.history.folding import PackedSegment
from collab_server.features.document_log.history_queries import to_datetime

MAX_BYTES = 64 * 1024 * 1024
"""Compressed bytes that are collapsed at once, or two segments. The rest follows in the next batch."""


@dataclass(frozen=True, slots=True)
class OldSegment:
    """A segment that is to be collapsed. created_at: tells it from a later one of the same rows."""

    created_at: datetime
    payload: bytes


async def forget_authors(conn: Conn, days: int) -> int:
    """Forget the authors of old rows that are still the snapshots of their documents. Return the number of rows."""
    count: int = await conn.fetchval(
        """
        WITH gone AS (
          UPDATE history_segments SET author = '{"kind": "unknown"}', is_collapsed = true
          WHERE (document_id, last_seq) IN (
            SELECT document_id, last_seq FROM history_segments
            WHERE payload IS NULL AND NOT is_collapsed AND last_at < now() - make_interval(days => $1)
            LIMIT 1000 FOR UPDATE SKIP LOCKED)
          RETURNING 1)
        SELECT count(*)::integer FROM gone
        """,
        days,
    )
    return count


async def find_old(conn: Conn, days: int, after: UUID) -> UUID | None:
    """Find the next document after this id that has segments to collapse."""
    document_id: UUID | None = await conn.fetchval(
        """
        SELECT s.document_id FROM history_segments s JOIN documents d ON d.id = s.document_id
        WHERE s.document_id > $2 AND s.payload IS NOT NULL AND NOT s.is_collapsed AND s.generation = d.generation
          AND s.last_at < now() - make_interval(days => $1)
        ORDER BY s.document_id LIMIT 1
        """,
        days,
        after,
    )
    return document_id


async def list_old(conn: Conn, document_id: UUID, days: int) -> list[OldSegment]:
    """List the first segments of a document that are old, oldest first, up to MAX_BYTES."""
    rows = await conn.fetch(
        """
        WITH sized AS (
          SELECT s.last_seq, s.created_at, row_number() OVER w AS place,
            sum(octet_length(s.payload)) OVER w AS bytes,
            bool_and(s.last_at < now() - make_interval(days => $2)) OVER w AS old
          FROM history_segments s JOIN documents d ON d.id = s.document_id
          WHERE s.document_id = $1 AND s.generation = d.generation AND s.payload IS NOT NULL
          WINDOW w AS (ORDER BY s.last_seq))
        SELECT z.created_at, s.payload FROM sized z
        JOIN history_segments s ON s.document_id = $1 AND s.last_seq = z.last_seq AND s.created_at = z.created_at
        WHERE z.old AND (z.place <= 2 OR z.bytes <= $3) ORDER BY z.last_seq
        """,
        document_id,
        days,
        MAX_BYTES,
    )
    return [OldSegment(row["created_at"], row["payload"]) for row in rows]


async def replace_old(conn: Conn, document_id: UUID, old: list[OldSegment], new: PackedSegment) -> bool:
    """Replace old segments by one. False: a fold has replaced one of them meanwhile."""
    done: bool = await conn.fetchval(
        "SELECT app.collapse_history($1, $2, $3, $4, $5)",
        document_id,
        [segment.created_at for segment in old],
        new.last_seq,
        to_datetime(new.last_at),
        new.payload,
    )
    return done
