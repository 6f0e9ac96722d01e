"""Sets of deleted clocks, and the delete sets of updates."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Self

from collab_server.core.yjs.inspection import Range, inspect
from collab_server.core.yjs.updates import diff, state_vector

ClientRanges = tuple[int, int, Sequence[int], Sequence[int]]
"""A client id, the number that stands for its clock 0, and the starts and the ends of ranges."""

BULK: Final = 64
"""Number of added ranges above which a client's ranges are sorted again."""


def _insert(boundaries: list[int], start: int, end: int) -> None:
    if not boundaries or boundaries[-1] < start:
        boundaries += (start, end)
        return
    low = bisect_left(boundaries, start)
    high = bisect_right(boundaries, end)
    boundaries[low:high] = ([] if low & 1 else [start]) + ([] if high & 1 else [end])


class DeleteSet:
    """A set of deleted clocks by client. The ranges of a client are sorted, disjoint and not adjacent."""

    __slots__ = ("_boundaries",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        # Per client [start, end, start, end, ...], strictly increasing: an odd index means "inside".
        self._boundaries: dict[int, list[int]] = {}
        self.add(ranges)

    @classmethod
    def from_update(cls, update: bytes) -> Self:
        """The deletes of a validated update."""
        # pycrdt drops the structs much faster than they are walked here.
        return cls(inspect(diff(update, state_vector(update))).deletes)

    def add(self, ranges: Iterable[Range]) -> None:
        """Add (client id, start, end) ranges in any order, also overlapping ones."""
        by_client: dict[int, list[tuple[int, int]]] = {}
        for client, start, end in ranges:
            if start < end:
                by_client.setdefault(client, []).append((start, end))
        for client, added in by_client.items():
            boundaries = self._boundaries.setdefault(client, [])
            if len(added) > BULK:
                # Inserting one by one would be quadratic.
                added += zip(boundaries[::2], boundaries[1::2], strict=True)
                added.sort()
                boundaries.clear()
            for start, end in added:
                _insert(boundaries, start, end)

    def add_sorted(self, client: int, starts: Iterable[int], ends: Iterable[int]) -> None:
        """Add ranges of a client that is not in the set: sorted, disjoint and not adjacent."""
        boundaries = list(chain.from_iterable(zip(starts, ends, strict=True)))
        if boundaries:
            self._boundaries[client] = boundaries

    def covers(self, ranges: Iterable[Range]) -> bool:
        """Whether all of `ranges` are deleted already."""
        for client, start, end in ranges:
            if start >= end:
                continue
            boundaries = self._boundaries.get(client, ())
            index = bisect_right(boundaries, start)
            if not index & 1 or boundaries[index] < end:
                return False
        return True

    def outside(self, ranges: Iterable[Range]) -> list[Range]:
        """The parts of `ranges` that are not in the set."""
        found: list[Range] = []
        for client, start, end in ranges:
            boundaries = self._boundaries.get(client, [])
            index = bisect_right(boundaries, start)
            while start < end:
                border = min(boundaries[index], end) if index < len(boundaries) else end
                if not index & 1 and start < border:
                    found.append((client, start, border))
                start, index = border, index + 1
        return found

    def contains(self, client: int, clock: int) -> bool:
        """Whether this clock is in the set."""
        boundaries = self._boundaries.get(client)
        return boundaries is not None and bisect_right(boundaries, clock) & 1 == 1

    def by_client(self) -> Iterator[ClientRanges]:
        """All ranges by client."""
        for client, boundaries in self._boundaries.items():
            yield client, 0, boundaries[::2], boundaries[1::2]

    def ranges(self) -> list[Range]:
        """All ranges, sorted by client id and clock."""
        return [
            (client, boundaries[index], boundaries[index + 1])
            for client, boundaries in sorted(self._boundaries.items())
            for index in range(0, len(boundaries), 2)
        ]


def merge_deletes(updates: Iterable[bytes]) -> DeleteSet:
    """The deletes of all these validated updates as one set."""
    deletes = DeleteSet()
    for update in updates:
        deletes.add(DeleteSet.from_update(update).ranges())
    return deletes
