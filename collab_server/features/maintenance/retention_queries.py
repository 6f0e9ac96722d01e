"""SQL of the retention of histories, under app_service."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn

MAX_BYTES = 64 * 1024 * 1024
"""Compressed bytes that are collapsed at once, or two segments. The rest follows in the next batch."""


@dataclass(frozen=True, slots=True)
class OldSegment:
    """A segment that is to be collapsed. created_at: tells it from a later one of the same rows."""

    created_at: datetime
    payload: bytes


@dataclass(frozen=True, slots=True)
class Due:
    """A document whose history up to a row is to be collapsed."""

    document_id: UUID
    upto: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A workspace above its limit, and by how many bytes."""

    workspace_id: UUID
    bytes: int


async def forget_generations(conn: Conn, days: int, document_bytes: int) -> int:
    """Forget up to 1,000 ends of former generations that are older than `days`, and as many segments of them: older
    ones, and those of documents with more history than `document_bytes` (0: none). Return their number. The Yjs client
    ids stay: by them a copy of a former generation is known.
    """
    count: int = await conn.fetchval(
        """
        WITH ends AS (
          UPDATE document_generations SET state = NULL, next_state = NULL WHERE (document_id, generation) IN (
            SELECT document_id, generation FROM document_generations
            WHERE state IS NOT NULL AND $1 > 0 AND replaced_at < now() - make_interval(days => $1)
            LIMIT 1000 FOR UPDATE SKIP LOCKED)
          RETURNING 1),
        segments AS (
          DELETE FROM history_segments WHERE (document_id, last_seq) IN (
            SELECT s.document_id, s.last_seq FROM document_generations g
            JOIN history_segments s ON s.document_id = g.document_id AND s.generation = g.generation
            JOIN documents d ON d.id = g.document_id
            WHERE ($1 > 0 AND s.last_at < now() - make_interval(days => $1))
              OR ($2 > 0 AND d.history_bytes > $2) LIMIT 1000)
          RETURNING 1)
        SELECT (SELECT count(*) FROM ends)::integer + (SELECT count(*) FROM segments)::integer
        """,
        days,
        document_bytes,
    )
    return count


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


async def find_old(conn: Conn, days: int, after: UUID) -> Due | None:
    """Find the next document after this id whose first segments are old."""
    row = await conn.fetchrow(
        """
        SELECT s.document_id, s.last_seq FROM history_segments s JOIN documents d ON d.id = s.document_id
        WHERE s.document_id > $2 AND s.payload IS NOT NULL AND NOT s.is_collapsed AND s.generation = d.generation
          AND s.last_at < now() - make_interval(days => $1)
          AND NOT EXISTS (
            SELECT FROM history_segments o WHERE o.document_id = s.document_id AND o.last_seq < s.last_seq
              AND o.generation = d.generation AND o.payload IS NOT NULL
              AND o.last_at >= now() - make_interval(days => $1))
        ORDER BY s.document_id, s.last_seq DESC LIMIT 1
        """,
        days,
        after,
    )
    return Due(*row) if row else None


async def list_large(conn: Conn, size: int) -> list[UUID]:
    """List documents with more bytes of history than `size`, without what is collapsed."""
    rows = await conn.fetch(
        """
        SELECT s.document_id FROM history_segments s JOIN documents d ON d.id = s.document_id
        WHERE NOT s.is_collapsed AND s.generation = d.generation
        GROUP BY s.document_id HAVING sum(s.stored_bytes) > $1
        """,
        size,
    )
    return [row[0] for row in rows]


async def find_excess(conn: Conn, document_id: UUID, size: int) -> Due | None:
    """Find the first segments of a document before the last ones, which together have at most `size` bytes. The newest
    one stays whatever it has.
    """
    upto: int | None = await conn.fetchval(
        """
        SELECT max(last_seq) FROM (
          SELECT s.last_seq, s.is_collapsed, sum(s.stored_bytes) OVER w AS bytes, row_number() OVER w AS place
          FROM history_segments s JOIN documents d ON d.id = s.document_id
          WHERE s.document_id = $1 AND s.generation = d.generation AND s.payload IS NOT NULL
          WINDOW w AS (ORDER BY s.last_seq DESC)) z
        WHERE bytes > $2 AND place > 1 AND NOT is_collapsed
        """,
        document_id,
        size,
    )
    return Due(document_id, upto) if upto is not None else None


async def find_full(conn: Conn, first: UUID) -> Excess | None:
    """Find the next workspace from this id on that has a history and is above its limit."""
    row = await conn.fetchrow(
        """
        SELECT w.id, u.storage_used_bytes + u.history_bytes - w.storage_limit_bytes
        FROM workspaces w JOIN workspace_usage u ON u.workspace_id = w.id
        WHERE w.id >= $1 AND u.history_bytes > 0 AND u.storage_used_bytes + u.history_bytes > w.storage_limit_bytes
        ORDER BY w.id LIMIT 1
        """,
        first,
    )
    return Excess(*row) if row else None


async def find_time_of_excess(conn: Conn, excess: Excess, but: list[UUID]) -> datetime | None:
    """Find the time up to which segments and versions have the excess. Versions that somebody has named or pinned do
    not count, nor do segments of the documents `but`. None: nothing can go.
    """
    until: datetime | None = await conn.fetchval(
        """
        SELECT max(at) FROM (
          SELECT at, sum(bytes) OVER (ORDER BY at ROWS UNBOUNDED PRECEDING) - bytes AS before FROM (
            SELECT s.last_at AS at, s.stored_bytes AS bytes
            FROM documents d JOIN history_segments s ON s.document_id = d.id AND s.generation = d.generation
            WHERE d.workspace_id = $1 AND NOT s.is_collapsed AND s.payload IS NOT NULL AND d.id <> ALL ($3)
            UNION ALL
            SELECT v.created_at, v.stored_bytes FROM documents d JOIN document_versions v ON v.document_id = d.id
            WHERE d.workspace_id = $1 AND v.label IS NULL AND NOT v.pinned) one) z
        WHERE before < $2
        """,
        excess.workspace_id,
        excess.bytes,
        but,
    )
    return until


async def delete_versions(conn: Conn, workspace_id: UUID, until: datetime) -> int:
    """Delete a batch of versions up to a time, the oldest first, that nobody has named or pinned. Return how many."""
    count: int = await conn.fetchval(
        """
        WITH gone AS (
          DELETE FROM document_versions WHERE id IN (
            SELECT v.id FROM documents d JOIN document_versions v ON v.document_id = d.id
            WHERE d.workspace_id = $1 AND v.created_at <= $2 AND v.label IS NULL AND NOT v.pinned
            ORDER BY v.created_at LIMIT 1000)
            AND label IS NULL AND NOT pinned
          RETURNING 1)
        SELECT count(*)::integer FROM gone
        """,
        workspace_id,
        until,
    )
    return count


async def find_old_in(conn: Conn, workspace_id: UUID, until: datetime, but: list[UUID]) -> Due | None:
    """Find the document with the oldest segments in a workspace, except `but`, and its last one up to a time."""
    row = await conn.fetchrow(
        """
        SELECT s.document_id, max(s.last_seq)
        FROM documents d JOIN history_segments s ON s.document_id = d.id AND s.generation = d.generation
        WHERE d.workspace_id = $1 AND s.last_at <= $2 AND NOT s.is_collapsed AND s.payload IS NOT NULL
          AND d.id <> ALL ($3)
        GROUP BY s.document_id ORDER BY min(s.last_at), s.document_id LIMIT 1
        """,
        workspace_id,
        until,
        but,
    )
    return Due(*row) if row else None


async def list_first(conn: Conn, due: Due) -> list[OldSegment]:
    """List the first segments of a document up to a row, oldest first, up to MAX_BYTES."""
    rows = await conn.fetch(
        """
        WITH sized AS (
          SELECT s.last_seq, s.created_at, row_number() OVER w AS place, sum(s.stored_bytes) OVER w AS bytes
          FROM history_segments s JOIN documents d ON d.id = s.document_id
          WHERE s.document_id = $1 AND s.last_seq <= $2 AND s.generation = d.generation AND s.payload IS NOT NULL
          WINDOW w AS (ORDER BY s.last_seq))
        SELECT z.created_at, s.payload FROM sized z
        JOIN history_segments s ON s.document_id = $1 AND s.last_seq = z.last_seq AND s.created_at = z.created_at
        WHERE z.place <= 2 OR z.bytes <= $3 ORDER BY z.last_seq
        """,
        due.document_id,
        due.upto,
        MAX_BYTES,
    )
    return [OldSegment(*row) for row in rows]
