"""The content of a document at an earlier moment: the part of all its updates that was there after a row of the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from collab_server.core.history.segment import HistoryRow
from collab_server.core.yjs import utf16
from collab_server.core.yjs.contents import leading_number, walk_structs
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.lib0 import read_var_uint, skip_any, skip_string, write_var_string, write_var_uint
from collab_server.core.yjs.structs import ANY, DELETED, GC, JSON, SKIP, STRING
from collab_server.core.yjs.unit_order import KeptStructs


@dataclass(slots=True)
class Moment:
    """What rows of the log have added and deleted so far. `inserted` covers the clocks of all structs."""

    inserted: DeleteSet = field(default_factory=DeleteSet)
    deleted: DeleteSet = field(default_factory=DeleteSet)

    def add(self, rows: Iterable[HistoryRow]) -> None:
        """Add the next rows of the log."""
        rows = list(rows)
        self.inserted.add([one for row in rows for one in row.inserted])
        self.deleted.add([one for row in rows for one in row.deleted])


def without_rows(rows: Iterable[HistoryRow], is_left_out: Callable[[HistoryRow], bool]) -> Moment:
    """What all rows show except those left out. A clock counts for the first row that added or deleted it."""
    seen, shown = Moment(), Moment()
    for row in rows:
        if not is_left_out(row):
            shown.inserted.add(seen.inserted.outside(row.inserted))
            shown.deleted.add(seen.deleted.outside(row.deleted))
        seen.inserted.add(row.inserted)
        seen.deleted.add(row.deleted)
    return shown


def cut_to_moment(update: bytes, moment: Moment, kept: Iterable[KeptStructs] | None = None) -> bytes:
    """The part of a merged, uncollected update whose clocks are in `moment`, with the deletions of `moment`.

    kept: the structs to keep, where they are known; see unit_order.py.

    The clocks of `moment` must be ranges from 0 on, or begin where a Skip of `update` ends: that is the case for the
    rows of a log up to one of them.
    """
    if kept is None:
        kept = _find_kept(update, {client: end for client, _, end in moment.inserted.ranges()})
    deletes: dict[int, list[tuple[int, int]]] = {}
    for client, start, end in moment.deleted.ranges():
        deletes.setdefault(client, []).append((start, end))
    written = [*_write_kept(update, kept), write_var_uint(len(deletes))]
    for client in sorted(deletes, reverse=True):
        written += (write_var_uint(client), write_var_uint(len(deletes[client])))
        for start, end in deletes[client]:
            written += (write_var_uint(start), write_var_uint(end - start))
    return b"".join(written)


def _find_kept(update: bytes, limits: Mapping[int, int]) -> Iterator[KeptStructs]:
    """Find the structs below each client's limit."""
    sections, position = read_var_uint(update, 0)
    for _ in range(sections):
        count, position = read_var_uint(update, position)
        client, position = read_var_uint(update, position)
        first_clock, position = read_var_uint(update, position)
        limit, clock = limits.get(client, 0), first_clock
        first = kept_end = position
        whole = 0
        cut = None
        for kind, start, content, end, length, _ in walk_structs(update, position, count):
            position = end
            if clock + length <= limit:
                whole, kept_end = whole + 1, position
            elif clock < limit and kind != SKIP:
                cut = (start, content, kind, limit - clock)
            clock += length
        yield KeptStructs(client, first_clock, whole, first, kept_end, cut)


def _write_kept(update: bytes, kept: Iterable[KeptStructs]) -> list[bytes]:
    """The encoded sections of structs, after their number."""
    written: list[bytes] = []
    sections = 0
    for client, clock, whole, first, end, cut in kept:
        if not whole and cut is None:
            continue
        sections += 1
        last = b""
        if cut is not None:
            start, content, kind, length = cut
            last = update[start:content] + _cut_content(update, kind, content, length)
        written += (*map(write_var_uint, (whole + bool(last), client, clock)), update[first:end], last)
    return [write_var_uint(sections), *written]


def _cut_content(update: bytes, kind: int, first: int, length: int) -> bytes:
    """The first `length` clocks of a content that has more."""
    if kind in (GC, DELETED):
        return write_var_uint(length)
    if kind == STRING:
        size, position = read_var_uint(update, first)
        return write_var_string(utf16.split(update[position : position + size].decode(), length)[0])
    if kind not in (ANY, JSON):
        raise ValueError(f"contents of kind {kind} have one clock")
    _, position = leading_number(update, first)
    begin = position
    for _ in range(length):
        position = skip_any(update, position) if kind == ANY else skip_string(update, position)
    return write_var_uint(length) + update[begin:position]
