"""Groups the rows of a log into sessions of editing: who edited when, and how much."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, compress, islice, pairwise
from operator import sub
from typing import Final

from collab_server.core.history.owners import find_authors
from collab_server.core.history.parts import Parts, Rows, find_changes
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import History, find_deleted, find_inserted, identity_of

PAUSE: Final = 300_000
"""Milliseconds without an edit of an author that end a session."""


@dataclass(slots=True)
class Session:
    """Edits of one author without a long pause. Times are milliseconds since 1970.

    inserted, deleted: UTF-16 code units of text, and one for each other thing: a format, a block, a value.
    """

    author: HistoryAuthor
    first_at: int
    last_at: int
    from_seq: int
    to_seq: int
    inserted: int = 0
    deleted: int = 0


def group_sessions(history: History, since: int = 0, pause: int = PAUSE, *, upto: int | None = None) -> list[Session]:
    """Group the rows after row `since`, up to row `upto`, into sessions. Returns the sessions by their last row, the
    newest first.

    A row with structs of several authors belongs to a session of each. Whoever deletes is whoever delivered the row.
    What was inserted or deleted before does not count again.
    """
    rows = Rows(history.columns)
    inserted, deleted = find_inserted(history, upto), find_deleted(history, upto)
    first = rows.count(since)
    edits: dict[tuple[str, str | None, str | None], tuple[_Edits, _Edits]] = {}
    for kind, parts, credits in (
        (0, inserted, find_authors(rows, inserted)),
        (1, deleted, _find_deliverers(rows, deleted)),
    ):
        begin = bisect_left(parts.rows, first)
        for index, stop, author in credits:
            start = max(index, begin)
            if start < stop:
                both = edits.setdefault(identity_of(author), (_Edits(), _Edits()))
                both[kind].add(author, start, parts.rows[start:stop], parts.starts[start:stop], parts.ends[start:stop])
    found = [one for pair in edits.values() for one in _split(rows, *pair, pause)]
    return [session for _, session in sorted(found, key=lambda one: (-one[1].to_seq, one[1].from_seq, one[0]))]


class _Edits:
    """What one person inserted, or deleted. numbers: of the ranges in all parts."""

    def __init__(self) -> None:
        self.rows = array("I")
        self.totals = array("Q", (0,))
        self._starts: list[int] = []
        self._first_numbers: list[int] = []
        self._authors: list[HistoryAuthor] = []

    def add(
        self, author: HistoryAuthor, number: int, rows: "array[int]", starts: "array[int]", ends: "array[int]"
    ) -> None:
        self._starts.append(len(self.rows))
        self._first_numbers.append(number)
        self._authors.append(author)
        self.rows.extend(rows)
        self.totals.extend(islice(accumulate(map(sub, ends, starts), initial=self.totals[-1]), 1, None))

    def find(self, index: int) -> tuple[int, HistoryAuthor]:
        """Return the number of the range at an index, and its author."""
        stretch = bisect_right(self._starts, index) - 1
        return self._first_numbers[stretch] + index - self._starts[stretch], self._authors[stretch]


def _split(rows: Rows, inserted: _Edits, deleted: _Edits, pause: int) -> Iterator[tuple[tuple[int, int], Session]]:
    """Split one person's edits at pauses. With each session: (0: it begins with an insertion, or 1; the number of the
    inserted or deleted range).
    """
    edited = sorted(chain(inserted.rows, deleted.rows))
    times = list(map(rows.times.__getitem__, edited))
    latest = list(accumulate(times, max))
    breaks = compress(range(1, len(edited)), map(pause.__lt__, map(sub, islice(times, 1, None), latest)))
    for start, stop in pairwise([0, *breaks, len(edited)]):
        first, last = edited[start], edited[stop - 1]
        sums = []
        for edits in (inserted, deleted):
            bounds = bisect_left(edits.rows, first), bisect_right(edits.rows, last)
            sums.append((bounds[0], edits.totals[bounds[1]] - edits.totals[bounds[0]]))
        index = sums[0][0]
        is_inserted = index < len(inserted.rows) and inserted.rows[index] == first
        number, author = inserted.find(index) if is_inserted else deleted.find(sums[1][0])
        session = Session(
            author, times[start], latest[stop - 1], rows.seq(first), rows.seq(last), sums[0][1], sums[1][1]
        )
        yield (0 if is_inserted else 1, number), session


def _find_deliverers(rows: Rows, parts: Parts) -> Iterator[tuple[int, int, HistoryAuthor]]:
    """Find who delivered the ranges: (first index, index after the last, author)."""
    deliverers = list(map(rows.deliverers.__getitem__, parts.rows))
    for start, stop in find_changes(deliverers):
        yield start, stop, rows.authors[deliverers[start]]
