"""Recorded editing sessions of real people (josephg/editing-traces), as the Yjs updates that typing them makes.

They lie beside the repository, never in it.
"""

import functools
import gzip
import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycrdt import Text

from benchmarks.documents import recorded
from benchmarks.wire import LoadError

TRACES = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "editing-traces"
MARK_EVERY = 20
"""So many updates of a person carry one mark, in a text of its own beside the content."""
MARKS_OF = 1_000_000
"""The second person's marks are numbered from here."""
NOTHING = bytes((0, 0))
"""The update of no change."""


@dataclass(frozen=True, slots=True)
class Step:
    """One update of a person. `after`: so many of the other's marks he has seen before. `mark`: what it carries."""

    person: int
    update: bytes
    after: int
    mark: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """`content`: the text at the end. `edits`: insertions and deletions in all steps."""

    steps: tuple[Step, ...]
    content: str
    edits: int


class _Person:
    """Types with a Yjs client of its own; the concurrent insertions of clients 1 and 2 come in the recorded order."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.text, self._made = recorded(number + 1)
        self._marks = self.text.doc.get("marks", type=Text)
        self.updates: list[bytes] = []
        self.marked: list[int] = []
        """Of each mark: with which of the updates it went."""
        self._taken = 0

    def take(self, other: "_Person", count: int) -> None:
        """Have the first `count` updates of the other."""
        for update in other.updates[self._taken : count]:
            self.text.doc.apply_update(update)
        self._taken = max(self._taken, count)

    def type(self, patches: Iterable[list[Any]], *, marked: bool) -> int | None:
        """Makes one update; the number of its mark, if any."""
        self._made.clear()
        mark = self._number * MARKS_OF + len(self.marked) if marked else None
        with self.text.doc.transaction():
            for position, deleted, inserted, *_ in patches:
                if deleted:
                    del self.text[position : position + deleted]
                if inserted:
                    self.text.insert(position, inserted)
            if mark is not None:
                self._marks += f"$m{mark:07d}"
                self.marked.append(len(self.updates))
        # A transaction that changed nothing tells nobody; one of nothing is what it would have told.
        self.updates.append(self._made[-1] if self._made else NOTHING)
        return mark


def _had(transactions: list[dict[str, Any]]) -> list[int]:
    """Of each transaction, how many of the other person's its author had."""
    counts: list[tuple[int, int]] = []
    had = []
    for each in transactions:
        first, second = (max((counts[parent][who] for parent in each["parents"]), default=0) for who in (0, 1))
        author = each["agent"]
        had.append(second if author == 0 else first)
        counts.append((first + (author == 0), second + (author == 1)))
    return had


@functools.cache
def session(name: str, most: int | None = None, batch: int = 1) -> Session:
    """`most`: transactions, of the beginning; None: all. `batch`: of one person alone, so many make one update.

    Raises LoadError where the sessions are not beside the repository.
    """
    path = TRACES / f"{name}.json.gz"
    if not path.is_file():
        raise LoadError(f"{name} is not in ../shared/data/editing-traces")
    trace = json.loads(gzip.decompress(path.read_bytes()))
    transactions = trace["txns"][:most]
    concurrent = "parents" in transactions[0]
    if concurrent:
        authors = [each["agent"] for each in transactions]
        had = _had(transactions)
        groups = [each["patches"] for each in transactions]
    else:
        groups = [
            [patch for each in transactions[start : start + batch] for patch in each["patches"]]
            for start in range(0, len(transactions), batch)
        ]
        authors, had = [0] * len(groups), [0] * len(groups)
    if not all(inserted.isascii() for patches in groups for _, _, inserted, *_ in patches):
        raise LoadError(f"{name}: pycrdt counts bytes, the session characters")
    waited_for = {(1 - author, count - 1) for author, count in zip(authors, had, strict=True)}
    people = (_Person(0), _Person(1))
    steps = []
    for author, count, patches in zip(authors, had, groups, strict=True):
        person, other = people[author], people[1 - author]
        person.take(other, count)
        number = len(person.updates)
        mark = person.type(patches, marked=number % MARK_EVERY == 0 or (author, number) in waited_for)
        steps.append(Step(author, person.updates[-1], bisect_right(other.marked, count - 1), mark))
    for person, other in (people, people[::-1]):
        person.take(other, len(other.updates))
    content = str(people[0].text)
    if most is None and content != trace["endContent"]:
        raise LoadError(f"{name}: typed again it is another text")
    return Session(tuple(steps), content, sum(map(len, groups)))
