"""Ranges of clocks that rows of a log have inserted or deleted, in columns.

An object for each range of a million rows takes seconds to make. Here functions of C work on whole columns. A clock
stands in them as one number: its client's index in the upper 32 bits, its clock in the lower ones.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, compress, islice, pairwise, repeat
from operator import add, le, lt, ne, sub
from typing import Final

from collab_server.core.history.segment import Columns, HistoryAuthor, RangeColumns
from collab_server.core.yjs.delete_set import ClientRanges, DeleteSet
from collab_server.errors import Malformed

CLIENT: Final = 2**32
"""The distance of two clients in packed clocks."""
_FEW: Final = 4
"""Stretches with fewer ranges than this on average are read one range at a time."""
_ONE: Final = array("I", (1,)).tobytes()


class Parts:
    """Ranges, in the order of the log.

    clients: their ids. rows: of each range, the number of its row, counted from the first kept row. starts, ends:
    packed clocks, see above.
    """

    def __init__(self, clients: list[int]) -> None:
        self.clients = clients
        self.rows = array("I")
        self.starts = array("Q")
        self.ends = array("Q")

    def clock(self, packed: int) -> tuple[int, int]:
        """Return (client id, clock) of a packed clock."""
        return self.clients[packed >> 32], packed & (CLIENT - 1)

    @property
    def owners(self) -> "array[int]":
        """The number of each range's client in `clients`."""
        return array("I", self.starts.tobytes())[sys.byteorder == "little" :: 2]

    @cached_property
    def joined(self) -> tuple["array[int]", "array[int]"]:
        """The starts and the ends of ranges that are joined with those directly before them in the log."""
        starts, ends = self.starts, self.ends
        apart = bytes(map(ne, islice(starts, 1, None), ends))
        if 0 not in apart:
            return starts, ends
        return (
            starts[:1] + array("Q", list(compress(islice(starts, 1, None), apart))),
            array("Q", list(compress(ends, apart))) + ends[-1:],
        )

    @cached_property
    def limits(self) -> dict[int, int]:
        """The clock after the last one of all ranges, by client id, sorted. Raises Malformed."""
        found: dict[int, int] = {}
        for end in self.joined[1]:
            # An end may be the beginning of the next client's clocks.
            index = (end - 1) >> 32
            if index >= len(self.clients):
                raise Malformed("a range of the history ends behind the last clock")
            found[index] = max(end - index * CLIENT, found.get(index, 0))
        return dict(sorted((self.clients[index], end) for index, end in found.items()))

    def by_client(self) -> Iterator[ClientRanges]:
        """Return the ranges by client, in the order of the log. A client can come several times."""
        owners = self.owners
        for first, stop in find_changes(owners):
            owner = owners[first]
            yield self.clients[owner], owner * CLIENT, self.starts[first:stop], self.ends[first:stop]

    @cached_property
    def bounds(self) -> tuple[list[int], list[int]]:
        """The starts and the ends, each sorted."""
        return sorted(self.joined[0]), sorted(self.joined[1])


class Rows:
    """Rows without their ranges. times: milliseconds since 1970. deliverers: numbers of `authors`, which differ."""

    def __init__(self, all_columns: Iterable[Columns]) -> None:
        self.times = array("Q")
        self.deliverers = array("I")
        self._first_rows: list[int] = []
        self._first_seqs: list[int] = []
        known: dict[HistoryAuthor, int] = {}
        for columns in all_columns:
            self._first_rows.append(len(self.times))
            self._first_seqs.append(columns.first_seq)
            self.times.extend(columns.times)
            numbers = [known.setdefault(author, len(known)) for author in columns.authors]
            is_same = numbers == list(range(len(numbers)))
            self.deliverers.extend(
                columns.numbers if is_same else array("I", [numbers[one] for one in columns.numbers])
            )
        self.authors = list(known)

    def seq(self, row: int) -> int:
        """Return the number of a row in the log."""
        index = bisect_right(self._first_rows, row) - 1
        return self._first_seqs[index] + row - self._first_rows[index]

    def count(self, seq: int) -> int:
        """Return how many rows have at most this number in the log."""
        index = bisect_right(self._first_seqs, seq) - 1
        if index < 0:
            return 0
        stop = self._first_rows[index + 1] if index + 1 < len(self._first_rows) else len(self.times)
        return min(stop, self._first_rows[index] + seq - self._first_seqs[index] + 1)


def read_parts(all_columns: Iterable[tuple[Columns, RangeColumns]], seq: int | None = None) -> Parts:
    """Read all ranges up to a row, also those that a row before has too. Raises Malformed for impossible clocks."""
    indexes: dict[int, int] = {}
    parts = Parts([])
    joined: tuple[array[int], array[int]] | None = array("Q"), array("Q")
    first_row = 0
    for columns, ranges in all_columns:
        stop = len(columns.times) if seq is None else max(0, min(len(columns.times), seq - columns.first_seq + 1))
        counts = ranges.counts[:stop]
        rows = range(first_row, first_row + stop)
        is_single = max(counts, default=0) < 2
        repeated = compress(rows, counts) if is_single else chain.from_iterable(map(repeat, rows, counts))
        parts.rows.extend(array("I", list(repeated)))
        clients = [indexes.setdefault(client, len(indexes)) for client in columns.clients]
        count = len(parts.rows) - len(parts.starts)
        try:
            if not _read_runs(ranges, count, clients, parts, joined):
                joined = None
                _read_ends(ranges, count, clients, parts)
        except OverflowError:
            raise Malformed("a range of the history begins before the first clock") from None
        first_row += len(columns.times)
    parts.clients.extend(indexes)
    if joined is not None:
        parts.joined = joined
    return parts


def _read_runs(
    ranges: RangeColumns,
    count: int,
    clients: Sequence[int],
    parts: Parts,
    joined: tuple["array[int]", "array[int]"] | None,
) -> bool:
    """Read ranges of which most begin where the client's last one ends, as those of typed text do. False: they are
    others.
    """
    owners = ranges.owners[:count]
    jumps = list(compress(range(count), ranges.offsets[:count]))
    if len(jumps) * _FEW > count:
        return False
    changes = compress(range(1, count), map(ne, islice(owners, 1, None), owners))
    firsts = sorted({0, *jumps, *changes}) if count else []
    if len(firsts) * _FEW > count:
        return False
    lengths = ranges.lengths[:count]
    are_single = lengths.tobytes() == _ONE * count
    known = [client * CLIENT for client in clients]
    for first, stop in pairwise([*firsts, count]):
        owner, offset = owners[first], ranges.offsets[first]
        start = known[owner] + offset - (offset >> 31 << 32)
        end = start + stop - first
        bounds = array("Q", range(start, end + 1) if are_single else accumulate(lengths[first:stop], initial=start))
        known[owner] = bounds[-1]
        parts.starts += bounds[:-1]
        parts.ends += bounds[1:]
        if joined is not None and joined[1] and joined[1][-1] == start:
            joined[1][-1] = bounds[-1]
        elif joined is not None:
            joined[0].append(start)
            joined[1].append(bounds[-1])
    return True


def _read_ends(ranges: RangeColumns, count: int, clients: Sequence[int], parts: Parts) -> None:
    owners, lengths = ranges.owners[:count], ranges.lengths[:count]
    # Offsets are modulo 2**32: those of half of it and more go back.
    offsets = array("i", ranges.offsets[:count].tobytes())
    known = [client * CLIENT for client in clients]
    ends: list[int] = []
    changes = list(compress(range(1, count), map(ne, islice(owners, 1, None), owners)))
    if len(changes) * _FEW < count:
        steps = list(map(add, offsets, lengths))
        for start, stop in pairwise([0, *changes, count]):
            owner = owners[start]
            steps[start] += known[owner]
            ends += accumulate(steps[start:stop])
            known[owner] = ends[-1]
    else:
        push = ends.append
        for owner, offset, length in zip(owners, offsets, lengths, strict=True):
            end = known[owner] = known[owner] + offset + length
            push(end)
    parts.ends.extend(array("Q", ends))
    parts.starts.extend(array("Q", list(map(sub, ends, lengths))))


def only_first(parts: Parts) -> Parts:
    """Leave out what a row before has inserted, or deleted, already."""
    starts, ends = parts.bounds
    if all(map(le, ends, islice(starts, 1, None))):
        return parts
    found = Parts(parts.clients)
    # Nearly all ranges are behind those before them. These wait in `unseen`, because they need no search.
    seen = DeleteSet()
    unseen: list[tuple[int, int, int]] = []
    furthest: dict[int, int] = {}
    for row, start, end in zip(parts.rows, parts.starts, parts.ends, strict=True):
        client = start >> 32
        outside = [(client, start, end)]
        if start < furthest.get(client, 0):
            seen.add(unseen)
            unseen.clear()
            outside = seen.outside(outside)
        unseen.append((client, start, end))
        furthest[client] = max(end, furthest.get(client, 0))
        for _, first, stop in outside:
            found.rows.append(row)
            found.starts.append(first)
            found.ends.append(stop)
    return found


def join_ranges(parts: Parts) -> DeleteSet:
    """Return the clocks of all ranges."""
    starts, ends = parts.bounds
    # A gap follows where as many ranges have ended as have begun.
    gaps = list(map(lt, ends, islice(starts, 1, None)))
    starts = [*starts[:1], *compress(islice(starts, 1, None), gaps)]
    ends = [*compress(ends, gaps), *ends[-1:]]
    found = DeleteSet()
    for index, client in enumerate(parts.clients):
        first, stop = bisect_left(starts, index * CLIENT), bisect_left(starts, (index + 1) * CLIENT)
        found.add_sorted(client, map(_clock, starts[first:stop]), map(_clock, ends[first:stop]))
    return found


_clock: Final = (CLIENT - 1).__and__


def find_changes(column: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Find the stretches in which a column does not change: (first index, index after the last)."""
    count = len(column)
    changes = compress(range(1, count), map(ne, islice(column, 1, None), column))
    return pairwise([0, *changes, count]) if count else iter(())
