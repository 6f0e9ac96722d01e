"""SQL of history segments. The function that writes them is in migrations/objects."""

import json
from collections.abc import Sequence
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
    rows = await conn.fetch(
        """
        SELECT seq, created_at, actor_id, device_id, author FROM document_updates
        WHERE document_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq
        """,
        document_id,
        after,
        upto,
    )
    found = await conn.fetch(
        """
        SELECT coalesce(d.last_edited_at, d.created_at) AS edited_at, s.first_seq, s.last_seq, s.first_at, s.row_count,
               octet_length(s.payload) AS bytes, s.author, s.created_at
        FROM documents d LEFT JOIN history_segments s
          ON s.document_id = d.id AND s.generation = d.generation AND s.last_seq <= $2
        WHERE d.id = $1 ORDER BY s.last_seq DESC LIMIT $3
        """,
        document_id,
        after,
        MOST_JOINED,
    )
    headers = [
        RowHeader(
            row["seq"],
            to_milliseconds(row["created_at"]),
            decode_author(row["actor_id"], row["device_id"], row["author"]),
        )
        for row in rows
    ]
    segments = [_to_segment(row) for row in reversed(found) if row["last_seq"] is not None]
    return StoredPast(headers, segments, to_milliseconds(found[0]["edited_at"]) if found else 0)


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
    rows = await conn.fetch(
        "SELECT payload FROM history_segments WHERE document_id = $1 AND last_seq = ANY ($2) AND payload IS NOT NULL "
        "ORDER BY last_seq",
        document_id,
        [segment.last_seq for segment in segments],
    )
    return [row["payload"] for row in rows]
