"""The content of a document at an earlier moment: the part of all its updates that was there after a row of the log."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from collab_server.core.history.segment import HistoryRow
from collab_server.core.yjs import utf16
from collab_server.core.yjs.contents import leading_number, walk_structs
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.lib0 import read_var_uint, skip_any, skip_string, write_var_string, write_var_uint
from collab_server.core.yjs.structs import ANY, DELETED, GC, JSON, SKIP, STRING


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


def cut_to_moment(update: bytes, moment: Moment) -> bytes:
    """The part of a merged, uncollected update whose clocks are in `moment`, with the deletions of `moment`.

    The clocks of `moment` must be ranges from 0 on, or begin where a Skip of `update` ends: that is the case for the
    rows of a log up to one of them.
    """
    limits = {client: end for client, _, end in moment.inserted.ranges()}
    deletes: dict[int, list[tuple[int, int]]] = {}
    for client, start, end in moment.deleted.ranges():
        deletes.setdefault(client, []).append((start, end))
    written = [*_cut_structs(update, limits), write_var_uint(len(deletes))]
    for client in sorted(deletes, reverse=True):
        written += (write_var_uint(client), write_var_uint(len(deletes[client])))
        for start, end in deletes[client]:
            written += (write_var_uint(start), write_var_uint(end - start))
    return b"".join(written)


def _cut_structs(update: bytes, limits: Mapping[int, int]) -> list[bytes]:
    """The encoded sections of structs below each client's limit, after their number."""
    sections, position = read_var_uint(update, 0)
    written: list[bytes] = []
    kept_sections = 0
    for _ in range(sections):
        count, position = read_var_uint(update, position)
        client, position = read_var_uint(update, position)
        clock, position = read_var_uint(update, position)
        limit = limits.get(client, 0)
        header = (client, clock)
        first = kept_end = position
        kept = 0
        last = b""
        for kind, start, content, end, length, _ in walk_structs(update, position, count):
            position = end
            if clock + length <= limit:
                kept, kept_end = kept + 1, position
            elif clock < limit and kind != SKIP:
                last = update[start:content] + _cut_content(update, kind, content, limit - clock)
            clock += length
        if kept or last:
            kept_sections += 1
            total = kept + bool(last)
            written += (*map(write_var_uint, (total, *header)), update[first:kept_end], last)
    return [write_var_uint(kept_sections), *written]


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
