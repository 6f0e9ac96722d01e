"""Who wrote the characters of a converted text: whoever wrote them in the former one."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from collab_server.core.anchors.content_units import ContentUnits
from collab_server.core.history.blame import Credit, Credits, Run
from collab_server.core.history.segment import UNKNOWN
from collab_server.core.text.alignment import Alignment
from collab_server.core.yjs import utf16
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.structs import STRING, TYPE, Branch, Item

_Credited = tuple[Range, Credit]


def credit_items(
    written: Integration, units: ContentUnits, source: str, runs: Sequence[Run], head: int, at: int
) -> Credits:
    """Credit the items of a converted document.

    units: of its text. source, runs: the Markdown of the former text, and who wrote it. A node has the author of the
    oldest text in it; one without text, such as a picture, whoever wrote all of the source between the texts beside it.
    Nobody is credited with the rest. head, at: the row and the time of what is of nobody.
    """
    texts = _Texts(units, Alignment(utf16.to_units(source), units.units), runs)
    walk = _Walk(texts, Credit(UNKNOWN, head, at))
    for name, branch in written.roots.items():
        walk.credit(branch)
        walk.settle(len(units), is_text=name == units.root)
    return Credits.of(walk.found)


class _Texts:
    """Who wrote the visible characters of the converted text."""

    def __init__(self, units: ContentUnits, alignment: Alignment, runs: Sequence[Run]) -> None:
        self.units = units
        self._alignment = alignment
        self._runs = runs
        self._ends = list(accumulate(utf16.length(run.text) for run in runs))
        self.credits = Credits.of(self._list())

    def _list(self) -> Iterator[_Credited]:
        runs, ends = self._runs, self._ends
        # From each of these units of the new text on, up to the next, the author is the same.
        breaks = list(self._alignment.split_new(ends[:-1]))
        firsts = [new for new, _ in breaks]
        authors = [runs[bisect_right(ends, old)].credit if runs else None for _, old in breaks]
        for start, client, clock, length in self.units.runs:
            position, end = start, start + length
            index = bisect_right(firsts, start) - 1
            while position < end:
                stop = min(end, firsts[index + 1]) if index + 1 < len(firsts) else end
                if (credit := authors[index]) is not None:
                    yield (client, clock + position - start, clock + stop - start), credit
                position, index = stop, index + 1

    def find_between(self, start: int, end: int) -> Credit | None:
        """Find who wrote all of the source between two places of the new text. None: nobody or several."""
        first = self._alignment.find_old(start - 1) + 1 if start else 0
        last = self._alignment.find_old(end) if end < len(self.units) else self._ends[-1] if self._ends else 0
        found: Credit | None = None
        for index in range(bisect_right(self._ends, first), len(self._runs)):
            begin = self._ends[index - 1] if index else 0
            if begin >= last:
                break
            text = utf16.to_units(self._runs[index].text)[max(0, first - begin) : last - begin]
            credit = self._runs[index].credit
            if text.isspace() or not text:
                continue
            if credit is None or (found is not None and found.author != credit.author):
                return None
            found = credit
        return found


class _Walk:
    """Credits items in the order of the document."""

    def __init__(self, texts: _Texts, nobody: Credit) -> None:
        self.found: list[_Credited] = []
        self._texts = texts
        self._last = nobody
        self._waiting: list[Item] = []
        """Nodes without text since the last text."""
        self._end = 0
        """The unit behind the last text."""

    def credit(self, branch: Branch) -> Credit | None:
        """Credit what is in a type. Return the oldest credit of a text in it."""
        oldest: Credit | None = None
        formats: list[Item] = []
        item = branch.start
        while item is not None:
            if item.kind == STRING:
                for credit in self._credit_text(item):
                    for format_ in formats:
                        self._add(format_, credit)
                    formats = []
                    oldest = credit if oldest is None or credit.seq < oldest.seq else oldest
            elif item.kind == TYPE:
                inner = self.credit(item.content)
                if inner is None:
                    self._waiting.append(item)
                else:
                    self._add(item, inner)
                if inner is not None and (oldest is None or inner.seq < oldest.seq):
                    oldest = inner
            else:
                formats.append(item)
            item = item.right
        for format_ in formats:
            self._add(format_, oldest or self._nobody())
        for entry in branch.starts.values():
            self._credit_entry(entry, oldest)
        return oldest

    def settle(self, place: int, *, is_text: bool) -> None:
        """Credit the nodes without text that are before a place of the text."""
        credit = self._texts.find_between(self._end, place) if self._waiting and is_text else None
        for item in self._waiting:
            self._add(item, credit or self._nobody())
        self._waiting = []

    def _credit_text(self, item: Item) -> Iterator[Credit]:
        place = self._texts.units.find(item.client, item.clock)
        if place is not None:
            self.settle(place, is_text=True)
            self._end = place + item.length
        position = item.clock
        for end, credit in self._texts.credits.split(item.client, item.clock, item.clock + item.length):
            if credit is None:
                credit = self._nobody()
            self.found.append(((item.client, position, end), credit))
            self._last = credit
            position = end
            yield credit

    def _credit_entry(self, item: Item | None, credit: Credit | None) -> None:
        while item is not None:
            if item.kind == TYPE:
                credit = self.credit(item.content) or credit
            if credit is None:
                self._waiting.append(item)
            else:
                self._add(item, credit)
            item = item.right

    def _add(self, item: Item, credit: Credit) -> None:
        self.found.append(((item.client, item.clock, item.clock + item.length), credit))

    def _nobody(self) -> Credit:
        """The credit of what has no author: at the time of the text before it."""
        return self._last._replace(author=UNKNOWN)
