"""Who wrote which part of a document's content: its text as runs, each with the row of the log that added it."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, compress, islice, repeat
from operator import ne, sub
from typing import Final, NamedTuple, Self

from collab_server.core.history.owners import Owners, find_authors
from collab_server.core.history.parts import Parts, Rows
from collab_server.core.history.plain_text import PlainText
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import RowPart
from collab_server.core.yjs import utf16
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.structs import STRING, TYPE, Branch, Item

MAX_DEPTH: Final = 500
"""Depth of nested types up to which texts are read."""


class Credit(NamedTuple):
    """Who added something. seq, at: of the row of the log that added it; at in milliseconds since 1970."""

    author: HistoryAuthor
    seq: int
    at: int


class Run(NamedTuple):
    """Consecutive text that one row of the log added. credit: None where no row is known."""

    text: str
    credit: Credit | None


class Credits:
    """The author of each clock, and the first row that added it. inserted: see list_inserted."""

    def __init__(self, inserted: Iterable[RowPart]) -> None:
        self._ranges: dict[int, tuple[list[int], list[int], list[Credit]]] = {}
        """The starts, ends and credits of ranges by client, sorted."""
        owners = Owners()
        find_author = owners.find_author
        for columns, number, (client, start, end) in inserted:
            if client not in self._ranges:
                self._ranges[client] = ([], [], [])
            starts, ends, credits = self._ranges[client]
            author = find_author(columns.authors[columns.numbers[number]], client)
            credit = Credit(author, columns.first_seq + number, columns.times[number])
            if not starts or start > starts[-1]:
                starts.append(start)
                ends.append(end)
                credits.append(credit)
            else:
                index = bisect_right(starts, start)
                starts.insert(index, start)
                ends.insert(index, end)
                credits.insert(index, credit)

    @classmethod
    def of(cls, ranges: Iterable[tuple[Range, Credit]]) -> Self:
        """The credits of disjoint ranges of clocks."""
        made = cls(())
        for (client, start, end), credit in sorted(ranges, key=_range_of):
            starts, ends, credits = made._ranges.setdefault(client, ([], [], []))
            starts.append(start)
            ends.append(end)
            credits.append(credit)
        return made

    def split(self, client: int, start: int, end: int) -> Iterator[tuple[int, Credit | None]]:
        """The parts of a range of clocks that were added together, in order: (end of the part, its credit)."""
        starts, ends, credits = self._ranges.get(client, ([], [], []))
        index = bisect_right(starts, start) - 1
        while start < end:
            if index >= 0 and start < ends[index]:
                start = min(end, ends[index])
                yield start, credits[index]
            if start < end and (index + 1 == len(starts) or start < starts[index + 1]):
                start = min(end, starts[index + 1]) if index + 1 < len(starts) else end
                yield start, None
            index += 1

    def split_by_author(self, client: int, start: int, end: int) -> Iterator[tuple[int, Credit | None]]:
        """The parts of a range of clocks by one author, in order: (end of the part, its newest credit)."""
        newest: Credit | None = None
        position = start
        for stop, credit in self.split(client, start, end):
            if position > start and _author(newest) is not _author(credit) and _author(newest) != _author(credit):
                yield position, newest
                start, newest = position, None
            if newest is None or (credit is not None and credit.seq > newest.seq):
                newest = credit
            position = stop
        if position > start:
            yield position, newest


def _range_of(credited: tuple[Range, Credit]) -> Range:
    return credited[0]


def credit_text(plain: PlainText, rows: Rows, inserted: Parts) -> list[Run] | None:
    """Return the runs of a plain text by author. None: the halves of a character are of different rows.

    inserted: what rows up to this state of the document were the first to insert.
    """
    # Parts count from 1, and 0 stands for text of no known row. A newer part has a greater number.
    parts = array("I", list(map(_parts_of_units(plain, inserted).__getitem__, plain.shown)))
    authors: dict[HistoryAuthor, str] = {}
    letters = ["\0"]
    for start, stop, author in find_authors(rows, inserted):
        letters.append(authors.setdefault(author, chr(len(authors) + 1)) * (stop - start))
    writers = "".join(map("".join(letters).__getitem__, parts))
    firsts = [0, *compress(range(1, len(writers)), map(ne, islice(writers, 1, None), writers))]
    stretches = list(map(slice, firsts, [*firsts[1:], len(writers)]))
    try:
        texts = _split_text(plain.text, len(parts), stretches)
    except UnicodeDecodeError:
        return None
    by_letter = {letter: author for author, letter in authors.items()}
    newest = map(max, map(parts.__getitem__, stretches))
    runs: list[Run] = []
    for text, letter, part in zip(texts, map(writers.__getitem__, firsts), newest, strict=True):
        if not part:
            runs.append(Run(text, None))
            continue
        row = inserted.rows[part - 1]
        runs.append(Run(text, Credit(by_letter[letter], rows.seq(row), rows.times[row])))
    return runs


def _split_text(text: str, units: int, stretches: Iterable[slice]) -> list[str]:
    """Return the text of each stretch of units. Raises UnicodeDecodeError for a part that begins or ends in a pair."""
    if len(text) == units:
        return list(map(text.__getitem__, stretches))
    encoded = text.encode("utf-16-le")
    return [encoded[2 * one.start : 2 * one.stop].decode("utf-16-le") for one in stretches]


def _parts_of_units(plain: PlainText, inserted: Parts) -> "array[int]":
    """Return the part of each unit of a document."""
    found = array("I", bytes(4 * plain.units))
    starts, ends = inserted.starts, inserted.ends
    joined_starts, joined_ends = inserted.joined
    numbers = array("I", range(1, len(starts) + 1))
    if sum(joined_ends) - sum(joined_starts) > len(starts):
        numbers = array("I", list(chain.from_iterable(map(repeat, numbers, map(sub, ends, starts)))))
    position = 0
    for start, end in zip(joined_starts, joined_ends, strict=True):
        client, clock = inserted.clock(start)
        base = plain.bases[client] + clock
        found[base : base + end - start] = numbers[position : position + end - start]
        position += end - start
    return found


def credited_text(branch: Branch, credits: Credits, *, by_author: bool = False) -> Iterator[Run]:
    """The visible texts of a type and of the types in it, in the order of the document.

    by_author: join what one author wrote, within an item.
    """
    stack = [branch.start]
    while stack:
        item = stack.pop()
        while item is not None:
            if not item.deleted and item.kind == STRING:
                yield from credited_text_of(item, credits, by_author=by_author)
            elif not item.deleted and item.kind == TYPE and len(stack) < MAX_DEPTH:
                stack.append(item.right)
                item = item.content.start
                continue
            item = item.right


def credited_text_of(item: Item, credits: Credits, *, by_author: bool = False) -> Iterator[Run]:
    """The text of one item, by the rows that added it."""
    text, clock = item.content, item.clock
    split = credits.split_by_author if by_author else credits.split
    is_ascii = text.isascii()
    first = clock
    for end, credit in split(item.client, clock, clock + item.length):
        if is_ascii:
            part = text[clock - first : end - first]
        else:
            part, text = utf16.split(text, end - clock)
        clock = end
        yield Run(part, credit)


def join_authors(runs: Iterable[Run]) -> list[Run]:
    """Join neighbours of one author. A joined run has the newest row of its parts."""
    joined: list[Run] = []
    texts: list[str] = []
    credit: Credit | None = None
    for run in runs:
        if not run.text:
            continue
        if texts and _author(credit) is not _author(run.credit) and _author(credit) != _author(run.credit):
            joined.append(Run("".join(texts), credit))
            texts, credit = [], None
        texts.append(run.text)
        if credit is None or (run.credit is not None and run.credit.seq > credit.seq):
            credit = run.credit
    return [*joined, Run("".join(texts), credit)] if texts else joined


def _author(credit: Credit | None) -> HistoryAuthor | None:
    return credit.author if credit is not None else None
