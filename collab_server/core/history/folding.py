"""Packs the rows that a fold takes out of the log into a segment, together with small segments before them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from collab_server.core.documents.compaction import CompactedDocument, compact
from collab_server.core.history.segment import (
    HistoryAuthor,
    HistoryRow,
    build_row,
    build_segment,
    decode_segment,
    encode_segment,
    join_segments,
)
from collab_server.core.text.removals import LARGE_REMOVAL

GROWTH: Final = 2
"""A segment is joined with later rows unless it has more than this many times their rows."""
MAX_JOINED_ROWS: Final = 50_000
MAX_JOINED_BYTES: Final = 1_048_576
"""A segment beyond these sizes is never read again by a fold."""
MAX_JOINED_MILLISECONDS: Final = 24 * 3600 * 1000
"""Retention ends whole segments. A row stays at most so much longer than those after it."""
PERHAPS_LARGE: Final = 4
"""A removal above the length of the text divided by this is looked at later: clocks are not quite characters."""


@dataclass(frozen=True, slots=True)
class RowHeader:
    """A row of the log without its update. at: milliseconds since 1970."""

    seq: int
    at: int
    author: HistoryAuthor


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """What decides about joining a segment: its number of rows, its compressed bytes, and the time of its first row in
    milliseconds since 1970.
    """

    rows: int
    bytes: int
    first_at: int


@dataclass(frozen=True, slots=True)
class Past:
    """What a segment is built of besides the updates of the rows.

    headers: of the folded rows. base: the snapshot's content as one row, where no segment has it. earlier: the segments
    to join, oldest first; the last of them ends before the first row. length: characters of the text after the rows;
    None: unknown.
    """

    headers: Sequence[RowHeader]
    base: RowHeader | None = None
    earlier: Sequence[bytes] = ()
    length: int | None = None


@dataclass(frozen=True, slots=True)
class PackedSegment:
    """An encoded segment, with the number and the time of its first and its last row. removals: the numbers of folded
    rows that perhaps removed much of the text.
    """

    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    rows: int
    payload: bytes
    removals: tuple[int, ...] = ()


def count_joined(sizes: Sequence[SegmentSize], rows: int, last_at: int) -> int:
    """Return how many of the last segments to join with this many later rows. sizes: oldest first. last_at: time of the
    last row.

    A row is so packed again about log2(rows) times, and a document of n rows has about log2(n) small segments.
    """
    joined = 0
    for size in reversed(sizes):
        if size.rows > GROWTH * rows or size.rows + rows > MAX_JOINED_ROWS or size.bytes > MAX_JOINED_BYTES:
            break
        if last_at - size.first_at > MAX_JOINED_MILLISECONDS:
            break
        joined += 1
        rows += size.rows
    return joined


def pack_history(past: Past, snapshot: bytes | None, updates: Sequence[bytes]) -> PackedSegment:
    """Pack rows into a segment. snapshot: the document before them. Raises Malformed for unreadable bytes."""
    headers, parts = list(past.headers), list(updates)
    if past.base is not None and snapshot is not None:
        headers.insert(0, past.base)
        parts.insert(0, snapshot)
    rows = [build_row(header.seq, header.at, header.author, part) for header, part in zip(headers, parts, strict=True)]
    removals = find_removals(rows[len(rows) - len(updates) :], past.length) if past.length is not None else ()
    segment = build_segment(rows, parts)
    for earlier in reversed(past.earlier):
        segment = join_segments(decode_segment(earlier), segment)
    payload = encode_segment(segment)
    first, last = segment.rows[0], segment.rows[-1]
    return PackedSegment(first.seq, last.seq, first.at, last.at, len(segment.rows), payload, removals)


def find_removals(rows: Sequence[HistoryRow], length: int) -> tuple[int, ...]:
    """Find the rows that perhaps removed much of a text. length: of the text after all rows. Return their numbers."""
    found = []
    for row in reversed(rows):
        removed = sum(end - start for _, start, end in row.deleted)
        length = max(0, length - sum(end - start for _, start, end in row.inserted)) + removed
        if removed >= LARGE_REMOVAL and removed * PERHAPS_LARGE > length:
            found.append(row.seq)
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a document: validated updates after a snapshot, and the history before them. `past` has no base and no
    length.
    """

    snapshot: bytes | None
    updates: Sequence[bytes]
    past: Past


@dataclass(frozen=True, slots=True)
class FoldedLog:
    """A document without its log, and the segment that keeps its rows."""

    document: CompactedDocument
    segment: PackedSegment


def fold_logs(logs: Sequence[Log]) -> list[FoldedLog | None]:
    """Fold each log. None for a log that cannot be folded; the others are folded all the same."""
    return [_fold(log) for log in logs]


def _fold(log: Log) -> FoldedLog | None:
    try:
        document = compact(log.snapshot, log.updates)
        past = replace(log.past, length=len(document.projection.content))
        return FoldedLog(document, pack_history(past, None, log.updates))
    except Exception:
        # Whoever folds this document alone finds out what is wrong with it.
        return None
