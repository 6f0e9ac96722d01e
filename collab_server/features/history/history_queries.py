"""SQL that reads the kept history of a document."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.core.history.folding import RowHeader
from collab_server.core.history.segment import HistoryAuthor
from collab_server.features.document_log.authors import decode_author
from collab_server.features.document_log.history_queries import decode_snapshot_author, to_milliseconds


@dataclass(frozen=True, slots=True)
class LogState:
    """A document as one statement saw it: its snapshot up to row `clock`, and the rows after it.

    edited_at: of the last edit in the snapshot, in milliseconds since 1970.
    """

    generation: int
    clock: int
    head: int
    snapshot: bytes | None
    edited_at: int
    headers: list[RowHeader]
    updates: list[bytes]


@dataclass(frozen=True, slots=True)
class KeptSegment:
    """A stored segment. payload None: its one row is the snapshot, by `author`."""

    last_seq: int
    first_at: int
    payload: bytes | None
    author: HistoryAuthor | None


async def find_log_state(conn: Conn, document_id: UUID) -> LogState | None:
    """Find a document's snapshot and rows. None: the document is deleted."""
    row = await conn.fetchrow(
        """
        SELECT d.generation, d.yjs_clock, h.head_seq, d.yjs_state,
               coalesce(d.last_edited_at, d.created_at) AS edited_at,
               u.seqs, u.times, u.actors, u.devices, u.authors, u.payloads
        FROM documents d JOIN document_heads h ON h.document_id = d.id,
          LATERAL (SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(created_at ORDER BY seq) AS times,
                          array_agg(actor_id ORDER BY seq) AS actors, array_agg(device_id ORDER BY seq) AS devices,
                          array_agg(author ORDER BY seq) AS authors, array_agg(payload ORDER BY seq) AS payloads
                   FROM document_updates WHERE document_id = d.id AND seq > d.yjs_clock) u
        WHERE d.id = $1 AND d.deleted_at IS NULL
        """,
        document_id,
    )
    if row is None:
        return None
    headers = [
        RowHeader(seq, to_milliseconds(at), decode_author(actor, device, author))
        for seq, at, actor, device, author in zip(
            *(row[name] or () for name in ("seqs", "times", "actors", "devices", "authors")), strict=True
        )
    ]
    return LogState(
        row["generation"],
        row["yjs_clock"],
        row["head_seq"],
        row["yjs_state"],
        to_milliseconds(row["edited_at"]),
        headers,
        list(row["payloads"] or ()),
    )


async def find_former_generation(
    conn: Conn, document_id: UUID, seq: int | None, at: datetime | None
) -> tuple[int, int] | None:
    """Find the generation with a row or a time, and its last row. None: it is the present one."""
    row = await conn.fetchrow(
        "SELECT generation, last_seq FROM document_generations "
        "WHERE document_id = $1 AND (last_seq >= $2 OR replaced_at > $3) ORDER BY generation LIMIT 1",
        document_id,
        seq,
        at,
    )
    return (row["generation"], row["last_seq"]) if row is not None else None


async def sum_segment_bytes(conn: Conn, document_id: UUID, generation: int) -> int:
    """Sum up the compressed bytes of a document's segments."""
    total: int = await conn.fetchval(
        "SELECT coalesce(sum(octet_length(payload)), 0)::bigint FROM history_segments "
        "WHERE document_id = $1 AND generation = $2",
        document_id,
        generation,
    )
    return total


async def list_segments(conn: Conn, document_id: UUID, generation: int) -> list[KeptSegment]:
    """List the segments of a document's generation, oldest first."""
    rows = await conn.fetch(
        "SELECT last_seq, first_at, payload, author FROM history_segments "
        "WHERE document_id = $1 AND generation = $2 ORDER BY last_seq",
        document_id,
        generation,
    )
    return [
        KeptSegment(
            row["last_seq"], to_milliseconds(row["first_at"]), row["payload"], decode_snapshot_author(row["author"])
        )
        for row in rows
    ]
