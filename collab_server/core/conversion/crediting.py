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
    oldest text in it. Nobody is credited with nodes without text. head, at: the row and the time of what is of nobody.
    """
    texts = Credits.of(_credit_texts(units, Alignment(utf16.to_units(source), units.units), runs))
    walk = _Walk(texts, Credit(UNKNOWN, head, at))
    for branch in written.roots.values():
        walk.credit(branch)
    return Credits.of(walk.found)


def _credit_texts(units: ContentUnits, alignment: Alignment, runs: Sequence[Run]) -> Iterator[_Credited]:
    ends = list(accumulate(utf16.length(run.text) for run in runs))
    # From each of these units of the new text on, up to the next, the author is the same.
    breaks = list(alignment.split_new(ends[:-1]))
    firsts = [new for new, _ in breaks]
    authors = [runs[bisect_right(ends, old)].credit if runs else None for _, old in breaks]
    for start, client, clock, length in units.runs:
        position, end = start, start + length
        index = bisect_right(firsts, start) - 1
        while position < end:
            stop = min(end, firsts[index + 1]) if index + 1 < len(firsts) else end
            if (credit := authors[index]) is not None:
                yield (client, clock + position - start, clock + stop - start), credit
            position, index = stop, index + 1


class _Walk:
    """Credits items in the order of the document."""

    def __init__(self, texts: Credits, nobody: Credit) -> None:
        self.found: list[_Credited] = []
        self._texts = texts
        self._last = nobody

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
                self._add(item, inner or self._nobody())
                if inner is not None and (oldest is None or inner.seq < oldest.seq):
                    oldest = inner
            else:
                formats.append(item)
            item = item.right
        for format_ in formats:
            self._add(format_, oldest or self._nobody())
        for entry in branch.starts.values():
            self._credit_entry(entry, oldest or self._nobody())
        return oldest

    def _credit_text(self, item: Item) -> Iterator[Credit]:
        position = item.clock
        for end, credit in self._texts.split(item.client, item.clock, item.clock + item.length):
            if credit is None:
                credit = self._nobody()
            self.found.append(((item.client, position, end), credit))
            self._last = credit
            position = end
            yield credit

    def _credit_entry(self, item: Item | None, credit: Credit) -> None:
        while item is not None:
            if item.kind == TYPE:
                credit = self.credit(item.content) or credit
            self._add(item, credit)
            item = item.right

    def _add(self, item: Item, credit: Credit) -> None:
        self.found.append(((item.client, item.clock, item.clock + item.length), credit))

    def _nobody(self) -> Credit:
        """The credit of what has no author: at the time of the text before it."""
        return self._last._replace(author=UNKNOWN)
