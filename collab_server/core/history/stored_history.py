"""The whole kept history of a document: its segments, and the rows of the log that no fold has taken yet."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from collab_server.core.history.folding import RowHeader
from collab_server.core.history.moment import Moment, cut_to_moment
from collab_server.core.history.parts import Parts, join_ranges, only_first, read_parts
from collab_server.core.history.plain_text import PlainText, show_plain_text
from collab_server.core.history.segment import (
    UNKNOWN,
    Columns,
    HistoryAuthor,
    build_row,
    decode_columns,
    to_columns,
)
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """A history as PostgreSQL has it. segments: compressed, oldest first. headers, updates: of the rows after them."""

    segments: Sequence[bytes]
    headers: Sequence[RowHeader]
    updates: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class History:
    """columns: rows in the order of the log, in parts. update: all structs and deletions of the document, with the
    deleted content.
    """

    columns: Sequence[Columns]
    update: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """A row of the log, and its time in milliseconds since 1970. seq 0: before the first row."""

    seq: int
    at: int


class RowPart(NamedTuple):
    """A range of clocks that a row was the first to insert or to delete. number: of the row in its columns."""

    columns: Columns
    number: int
    range: Range

    @property
    def seq(self) -> int:
        """The number of the row."""
        return self.columns.first_seq + self.number

    @property
    def at(self) -> int:
        """The time of the row, in milliseconds since 1970."""
        return self.columns.times[self.number]

    @property
    def author(self) -> HistoryAuthor:
        """Who delivered the row."""
        return self.columns.authors[self.columns.numbers[self.number]]


def open_history(stored: StoredHistory) -> History:
    """Decode a history. Raises Malformed for unreadable bytes."""
    columns, parts = _decode(stored)
    return History(columns, merge(parts) if parts else EMPTY_UPDATE)


def open_rows(stored: StoredHistory) -> History:
    """Decode the rows of a history. Its update is empty. Raises Malformed for unreadable bytes."""
    return History(_decode(stored)[0], EMPTY_UPDATE)


def _decode(stored: StoredHistory) -> tuple[list[Columns], list[bytes]]:
    decoded = [decode_columns(segment) for segment in stored.segments]
    columns = [one for one, _ in decoded]
    if stored.headers:
        pairs = zip(stored.headers, stored.updates, strict=True)
        columns.append(to_columns([build_row(one.seq, one.at, one.author, update) for one, update in pairs]))
    return columns, [*(update for _, update in decoded), *stored.updates]


def find_position(history: History, *, seq: int | None = None, at: int | None = None) -> Position:
    """Find the last row with at most this number, or of at most this time. seq 0: there is none.

    Where the rows before the first one are not kept, nothing is earlier than the first one.
    """
    found = Position(0, 0)
    if history.columns and history.columns[0].first_seq > 1:
        found = Position(history.columns[0].first_seq, history.columns[0].times[0])
    for columns in history.columns:
        count = len(columns.times)
        if seq is not None:
            count = max(0, min(count, seq - columns.first_seq + 1))
        if at is not None:
            count = min(count, bisect_right(columns.times, at))
        if count:
            found = Position(columns.first_seq + count - 1, columns.times[count - 1])
        if count < len(columns.times):
            break
    return found


def find_author(history: History, seq: int) -> HistoryAuthor:
    """Find who delivered a row of the log; UNKNOWN for other rows."""
    for columns in history.columns:
        if 0 <= seq - columns.first_seq < len(columns.times):
            return columns.authors[columns.numbers[seq - columns.first_seq]]
    return UNKNOWN


def cut(history: History, seq: int) -> bytes:
    """Cut out the document as it was after a row of the log."""
    return Extent(history, seq).cut()


class Extent:
    """What rows up to one have inserted and deleted, also what a row before has too. Raises Malformed."""

    def __init__(self, history: History, seq: int) -> None:
        self.inserted = _read_inserted(history, seq)
        self.deleted = _read_deleted(history, seq)
        self._update = history.update

    @cached_property
    def moment(self) -> Moment:
        """What the document showed after the row. Most texts are read without it."""
        return Moment(join_ranges(self.inserted), join_ranges(self.deleted))

    def read_plain_text(self) -> PlainText | None:
        """Read the text of the document after the row; see plain_text.py."""
        return show_plain_text(self._update, self.inserted.limits, self.deleted.by_client())

    def cut(self, plain: PlainText | None = None) -> bytes:
        """Cut out the document as it was after the row. plain: its text, where it is known."""
        return cut_to_moment(self._update, self.moment, None if plain is None else plain.kept)


def find_moment(history: History, seq: int) -> Moment:
    """Find what the document showed after a row of the log."""
    return Extent(history, seq).moment


def _read_inserted(history: History, seq: int | None = None) -> Parts:
    return read_parts(((one, one.inserted) for one in history.columns), seq)


def _read_deleted(history: History, seq: int | None = None) -> Parts:
    return read_parts(((one, one.deleted) for one in history.columns), seq)


def find_inserted(history: History, seq: int | None = None) -> Parts:
    """Find what rows were the first to insert, up to a row."""
    return only_first(_read_inserted(history, seq))


def find_deleted(history: History, seq: int | None = None) -> Parts:
    """Find what rows were the first to delete, up to a row."""
    return only_first(_read_deleted(history, seq))


def list_inserted(history: History, seq: int | None = None) -> Iterator[RowPart]:
    """List what rows were the first to insert, in the order of the log, up to a row."""
    return _list_parts(history, find_inserted(history, seq))


def list_deleted(history: History, seq: int | None = None) -> Iterator[RowPart]:
    """List what rows were the first to delete, in the order of the log, up to a row."""
    return _list_parts(history, find_deleted(history, seq))


def _list_parts(history: History, parts: Parts) -> Iterator[RowPart]:
    firsts = list(accumulate((len(one.times) for one in history.columns), initial=0))
    index = 0
    for row, start, end in zip(parts.rows, parts.starts, parts.ends, strict=True):
        while row >= firsts[index + 1]:
            index += 1
        client, clock = parts.clock(start)
        yield RowPart(history.columns[index], row - firsts[index], (client, clock, clock + end - start))


def identity_of(author: HistoryAuthor) -> tuple[str, str | None, str | None]:
    """Return what tells authors apart: the kind, the id, and a name where there is no id."""
    return author.kind, author.id, author.name if author.id is None else None
