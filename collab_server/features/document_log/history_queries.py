"""SQL of history segments. The function that writes them is in migrations/objects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.core.history.folding import PackedSegment, RowHeader, SegmentSize
from collab_server.core.history.segment import HistoryAuthor, author_from_json
from collab_server.features.document_log.authors import decode_author

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_JOINED = 32
"""Segments whose sizes a fold looks at."""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment without its payload. author: given if the rows are still the document's snapshot."""

    first_seq: int
    last_seq: int
    size: SegmentSize
    author: HistoryAuthor | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredPast:
    """headers: of the rows to fold. segments: the last ones before them, oldest first. edited_at: the last edit that a
    fold has read, in milliseconds since 1970.
    """

    headers: list[RowHeader]
    segments: list[StoredSegment]
    edited_at: int


def to_milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(milliseconds: int) -> datetime:
    """Return the time of milliseconds since 1970, in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


async def find_past(conn: Conn, document_id: UUID, after: int, upto: int) -> StoredPast:
    """Find what a fold of the rows from `after` + 1 to `upto` needs besides their updates."""
    return (await list_pasts(conn, {document_id: (after, upto)})).get(document_id, StoredPast([], [], 0))


async def list_pasts(conn: Conn, folds: Mapping[UUID, tuple[int, int]]) -> dict[UUID, StoredPast]:
    """Find the same for several documents. `folds`: (after, upto) by document."""
    ids, bounds = list(folds), list(folds.values())
    afters = [after for after, _ in bounds]
    rows = await conn.fetch(
        """
        SELECT u.document_id, u.seq, u.created_at, u.actor_id, u.device_id, u.author
        FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) f (id, after, upto)
          JOIN document_updates u ON u.document_id = f.id AND u.seq > f.after AND u.seq <= f.upto
        ORDER BY u.document_id, u.seq
        """,
        ids,
        afters,
        [upto for _, upto in bounds],
    )
    found = await conn.fetch(
        """
        SELECT d.id, coalesce(d.last_edited_at, d.created_at) AS edited_at, s.*
        FROM unnest($1::uuid[], $2::bigint[]) f (id, after) JOIN documents d ON d.id = f.id
          LEFT JOIN LATERAL (
            SELECT s.first_seq, s.last_seq, s.first_at, s.row_count, octet_length(s.payload) AS bytes, s.author,
                   s.created_at
            FROM history_segments s
            WHERE s.document_id = d.id AND s.generation = d.generation AND s.last_seq <= f.after
            ORDER BY s.last_seq DESC LIMIT $3) s ON true
        ORDER BY d.id, s.last_seq
        """,
        ids,
        afters,
        MOST_JOINED,
    )
    pasts: dict[UUID, StoredPast] = {}
    for row in found:
        past = pasts.setdefault(row["id"], StoredPast([], [], to_milliseconds(row["edited_at"])))
        if row["last_seq"] is not None:
            past.segments.append(_to_segment(row))
    for row in rows:
        if (past_of := pasts.get(row["document_id"])) is not None:
            author = decode_author(row["actor_id"], row["device_id"], row["author"])
            past_of.headers.append(RowHeader(row["seq"], to_milliseconds(row["created_at"]), author))
    return pasts


def decode_snapshot_author(encoded: str | None) -> HistoryAuthor | None:
    """Decode the author of a row that is still the snapshot; None for other rows."""
    return author_from_json(json.loads(encoded)) if encoded is not None else None


def _to_segment(row: Row) -> StoredSegment:
    author = decode_snapshot_author(row["author"]) if row["bytes"] is None else None
    size = SegmentSize(row["row_count"], row["bytes"] or 0, to_milliseconds(row["first_at"]))
    return StoredSegment(row["first_seq"], row["last_seq"], size, author, row["created_at"])


async def replace_segments(
    conn: Conn, document_id: UUID, created: Sequence[datetime], new: PackedSegment, *, collapsed: bool
) -> bool:
    """Replace segments by one with a single row. created: their `created_at`. collapsed: of all their rows only the
    content is left. False: a fold has replaced one of them meanwhile.
    """
    done: bool = await conn.fetchval(
        "SELECT app.collapse_history($1, $2, $3, $4, $5, $6)",
        document_id,
        list(created),
        new.last_seq,
        to_datetime(new.last_at),
        new.payload,
        collapsed,
    )
    return done


async def list_payloads(conn: Conn, document_id: UUID, segments: Sequence[StoredSegment]) -> list[bytes]:
    """List the compressed segments, oldest first. One that a fold or retention replaced meanwhile is missing."""
    return (await list_payloads_of(conn, {document_id: segments})).get(document_id, [])


async def list_payloads_of(conn: Conn, segments: Mapping[UUID, Sequence[StoredSegment]]) -> dict[UUID, list[bytes]]:
    """List the same for several documents."""
    wanted = [(document_id, one.last_seq) for document_id, these in segments.items() for one in these]
    if not wanted:
        return {}
    rows = await conn.fetch(
        """
        SELECT s.document_id, s.payload FROM unnest($1::uuid[], $2::bigint[]) w (id, last_seq)
          JOIN history_segments s ON s.document_id = w.id AND s.last_seq = w.last_seq
        WHERE s.payload IS NOT NULL ORDER BY s.document_id, s.last_seq
        """,
        [document_id for document_id, _ in wanted],
        [last_seq for _, last_seq in wanted],
    )
    payloads: dict[UUID, list[bytes]] = {}
    for row in rows:
        payloads.setdefault(row["document_id"], []).append(row["payload"])
    return payloads
