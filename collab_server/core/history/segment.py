"""Segments: consecutive rows of a document's log, packed for keeping.

A segment has the merged updates of its rows, with all deleted content, and a table with one line per row: its time, its
author, the clocks that it added and those that it deleted. The update of a single row is not kept. Content at a row is
cut out of the merged update (see moment.py).

Format, compressed with zstd. Columns are arrays of little-endian integers, because Python reads these at once.
    version (1 byte)
    varUints: number of the first row, milliseconds of the first row since 1970, rows, inserted ranges, deleted ranges,
        clients, bytes of the authors
    the authors as JSON
    for each client: its id (u64)
    for each row: milliseconds since the row before it (u64), number of its author (u32), number of inserted ranges
        (u32), number of deleted ranges (u32); each is a column
    for each inserted range, those of one row after another: number of its client (u32), its first clock (u32) less the
        end of the client's last inserted range (modulo 2**32), its length (u32); each is a column
    for each deleted range: the same
    the merged update, up to the end
"""

import json
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise
from typing import Any, Final, NamedTuple

from collab_server.core.documents.compression import compress, decompress
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import Range, inspect
from collab_server.core.yjs.join_runs import join_runs
from collab_server.core.yjs.lib0 import read_var_uint, write_var_uint
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge
from collab_server.errors import Malformed

VERSION: Final = 1
_MASK: Final = 2**32 - 1
MAX_SEGMENT_BYTES: Final = 256 * 1024 * 1024
"""The largest decompressed segment."""


@dataclass(frozen=True, slots=True)
class HistoryAuthor:
    """The author of a row. kind: user, api_client, guest, app_user or unknown.

    id: of a user, or of the user whose API token it is. name: of whoever has no account, or of an API token.
    is_relayed: the row was delivered by this author, and its real author is not known. others: the authors of structs
    of these clients, which this author only delivered.
    """

    kind: str
    id: str | None = None
    name: str | None = None
    device: str | None = None
    is_relayed: bool = False
    others: tuple[tuple[int, "HistoryAuthor"], ...] = ()


UNKNOWN: Final = HistoryAuthor("unknown")


class HistoryRow(NamedTuple):
    """One row of the log without its update. at: milliseconds since 1970. inserted, deleted: its ranges of clocks."""

    seq: int
    at: int
    author: HistoryAuthor
    inserted: tuple[Range, ...]
    deleted: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class RangeColumns:
    """Ranges of clocks, those of one row after another. counts: for each row. The others: for each range, see above."""

    counts: "array[int]" = field(default_factory=lambda: array("I"))
    owners: "array[int]" = field(default_factory=lambda: array("I"))
    offsets: "array[int]" = field(default_factory=lambda: array("I"))
    lengths: "array[int]" = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows with consecutive numbers in columns: an object for each of a million rows takes seconds to make.

    times: milliseconds since 1970. numbers: of the authors. clients: their ids.
    """

    first_seq: int
    times: "array[int]"
    authors: list[HistoryAuthor]
    numbers: "array[int]"
    clients: list[int]
    inserted: RangeColumns
    deleted: RangeColumns


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows with consecutive numbers, and their merged updates."""

    rows: tuple[HistoryRow, ...]
    update: bytes

    @property
    def first_seq(self) -> int:
        return self.rows[0].seq

    @property
    def last_seq(self) -> int:
        return self.rows[-1].seq


def build_row(seq: int, at: int, author: HistoryAuthor, update: bytes) -> HistoryRow:
    """Build the row of a validated update. Raises Malformed."""
    summary = inspect(update)
    return HistoryRow(seq, at, author, summary.structs, tuple(DeleteSet(summary.deletes).ranges()))


def build_segment(rows: Sequence[HistoryRow], updates: Sequence[bytes]) -> Segment:
    """Build a segment of rows and their updates, both in the order of the log. Raises Malformed."""
    return Segment(tuple(rows), join_runs(merge(updates)))


def join_segments(first: Segment, second: Segment) -> Segment:
    """Join a segment and the one after it. Raises Malformed where rows between them are missing."""
    if second.first_seq != first.last_seq + 1:
        raise Malformed(f"rows of the history are missing between {first.last_seq} and {second.first_seq}")
    return Segment(first.rows + second.rows, join_runs(merge([first.update, second.update])))


def encode_segment(segment: Segment) -> bytes:
    """Encode and compress a segment."""
    columns = to_columns(segment.rows)
    names = json.dumps([author_to_json(author) for author in columns.authors], ensure_ascii=False).encode()
    pauses = array("Q", [after - before for before, after in pairwise([columns.times[0], *columns.times])])
    header = (
        columns.first_seq,
        columns.times[0],
        len(columns.times),
        len(columns.inserted.owners),
        len(columns.deleted.owners),
        len(columns.clients),
        len(names),
    )
    written = (array("Q", columns.clients), pauses, columns.numbers, columns.inserted.counts, columns.deleted.counts)
    ranges = [
        column for one in (columns.inserted, columns.deleted) for column in (one.owners, one.offsets, one.lengths)
    ]
    parts = [
        bytes((VERSION,)),
        *map(write_var_uint, header),
        names,
        *map(_to_bytes, (*written, *ranges)),
        segment.update,
    ]
    return compress(b"".join(parts))


def to_columns(rows: Sequence[HistoryRow]) -> Columns:
    """Return rows with consecutive numbers as columns."""
    authors: dict[HistoryAuthor, int] = {}
    clients: dict[int, int] = {}
    times, numbers = array("Q"), array("I")
    all_ranges = (RangeColumns(), RangeColumns())
    ends: tuple[dict[int, int], dict[int, int]] = ({}, {})
    previous = 0
    for row in rows:
        # A clock that was set back must not make a negative difference; the order of rows is that of the log.
        previous = max(row.at, previous)
        times.append(previous)
        numbers.append(authors.setdefault(row.author, len(authors)))
        for own, columns, known in zip((row.inserted, row.deleted), all_ranges, ends, strict=True):
            columns.counts.append(len(own))
            for client, start, end in own:
                columns.owners.append(clients.setdefault(client, len(clients)))
                columns.offsets.append((start - known.get(client, 0)) & _MASK)
                columns.lengths.append(end - start)
                known[client] = end
    return Columns(rows[0].seq if rows else 0, times, list(authors), numbers, list(clients), *all_ranges)


def to_rows(columns: Columns) -> tuple[HistoryRow, ...]:
    """Return columns as rows."""
    inserted, deleted = _read_ranges(columns, columns.inserted), _read_ranges(columns, columns.deleted)
    return tuple(
        HistoryRow(
            columns.first_seq + index,
            columns.times[index],
            columns.authors[columns.numbers[index]],
            tuple(islice(inserted, columns.inserted.counts[index])),
            tuple(islice(deleted, columns.deleted.counts[index])),
        )
        for index in range(len(columns.times))
    )


def _read_ranges(columns: Columns, ranges: RangeColumns) -> Iterator[Range]:
    clients = columns.clients
    known = [0] * len(clients)
    for owner, offset, length in zip(ranges.owners, ranges.offsets, ranges.lengths, strict=True):
        start = (known[owner] + offset) & _MASK
        end = known[owner] = start + length
        yield clients[owner], start, end


def decode_segment(encoded: bytes) -> Segment:
    """Decode a segment. Raises Malformed for other bytes, or for more than MAX_SEGMENT_BYTES."""
    columns, update = decode_columns(encoded)
    return Segment(to_rows(columns), update)


def decode_columns(encoded: bytes) -> tuple[Columns, bytes]:
    """Decode the rows of a segment as columns, and its update. Raises Malformed as decode_segment."""
    try:
        return _decode(decompress(encoded, MAX_SEGMENT_BYTES))
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"a segment of the history cannot be read: {error}") from None


def _decode(data: bytes) -> tuple[Columns, bytes]:
    if data[0] != VERSION:
        raise Malformed(f"version {data[0]} of a segment of the history does not exist")
    position = 1
    header = []
    for _ in range(7):
        number, position = read_var_uint(data, position)
        header.append(number)
    first_seq, at, rows, inserted, deleted, clients, size = header
    authors = [author_from_json(author) for author in json.loads(data[position : position + size])]
    position += size

    def read(kind: str, count: int) -> "array[int]":
        nonlocal position
        column = array(kind)
        end = position + count * column.itemsize
        column.frombytes(data[position:end])
        if len(column) != count:
            raise IndexError("it is cut off")
        position = end
        return _in_order(column)

    ids, pauses, numbers, added, removed = read("Q", clients), read("Q", rows), *(read("I", rows) for _ in range(3))
    if sum(added) != inserted or sum(removed) != deleted or max(numbers, default=0) >= len(authors):
        raise ValueError("its rows do not fit its ranges or authors")
    pauses[0] += at
    columns = Columns(
        first_seq,
        array("Q", list(accumulate(pauses))),
        authors,
        numbers,
        list(ids),
        RangeColumns(added, *(read("I", inserted) for _ in range(3))),
        RangeColumns(removed, *(read("I", deleted) for _ in range(3))),
    )
    if max(columns.inserted.owners, default=-1) >= clients or max(columns.deleted.owners, default=-1) >= clients:
        raise ValueError("its ranges do not fit its clients")
    return columns, data[position:] or EMPTY_UPDATE


def _to_bytes(column: "array[int]") -> bytes:
    return _in_order(column).tobytes()


def _in_order(column: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column


def author_to_json(author: HistoryAuthor) -> dict[str, object]:
    """Return an author as a JSON object."""
    values = (("kind", author.kind), ("id", author.id), ("name", author.name), ("device", author.device))
    named: dict[str, object] = {name: value for name, value in values if value is not None}
    if author.is_relayed:
        named["relayed"] = True
    if author.others:
        named["others"] = [[client, author_to_json(other)] for client, other in author.others]
    return named


def author_from_json(value: dict[str, Any]) -> HistoryAuthor:
    """Return the author of a JSON object. Raises KeyError, TypeError or ValueError for other objects."""
    others = tuple((client, author_from_json(other)) for client, other in value.get("others", ()))
    return HistoryAuthor(
        value["kind"], value.get("id"), value.get("name"), value.get("device"), bool(value.get("relayed")), others
    )
