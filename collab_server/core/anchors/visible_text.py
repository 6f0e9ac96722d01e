"""The visible characters of a content without its white space: what a person can quote of it."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from collab_server.core.anchors.anchor import CONTEXT
from collab_server.core.anchors.content_units import ContentUnits
from collab_server.core.yjs import utf16
from collab_server.core.yjs.inspection import Range

_SOLID: Final = re.compile(r"\S+")
_BREAK: Final = "<br>"
"""A line's end in a cell of a table."""


class VisibleText:
    """`text`: in UTF-16 units, see utf16.to_units.

    with_signs: also the signs that Markdown adds; then the characters have no ids.
    """

    def __init__(self, units: ContentUnits, *, with_signs: bool = False) -> None:
        self.with_signs = with_signs
        texts: list[str] = []
        self._places: list[int] = []
        """The unit of the content at which each piece begins."""
        self._starts: list[int] = []
        self._ids: list[tuple[int, int]] = []
        size = 0
        spans = (
            [(0, len(units), 0, 0)] if with_signs else [(run[0], run[0] + run[3], run[1], run[2]) for run in units.runs]
        )
        for start, end, client, clock in spans:
            for match in _SOLID.finditer(units.units, start, end):
                self._places.append(match.start())
                self._starts.append(size)
                self._ids.append((client, clock + match.start() - start))
                texts.append(match[0])
                size += match.end() - match.start()
        self.text = "".join(texts)

    def __len__(self) -> int:
        return len(self.text)

    def place(self, index: int) -> int:
        """The unit of the content that shows a character."""
        piece = bisect_right(self._starts, index) - 1
        return self._places[piece] + index - self._starts[piece]

    def index(self, place: int) -> int:
        """The number of characters before a unit of the content."""
        piece = bisect_right(self._places, place) - 1
        if piece < 0:
            return 0
        end = self._starts[piece + 1] if piece + 1 < len(self._starts) else len(self.text)
        return min(end, self._starts[piece] + place - self._places[piece])

    def ids(self, start: int, end: int) -> Iterator[Range]:
        """The ids of characters `start` to `end`, in their order."""
        piece = max(0, bisect_right(self._starts, start) - 1)
        while piece < len(self._starts) and self._starts[piece] < end:
            first = self._starts[piece]
            stop = self._starts[piece + 1] if piece + 1 < len(self._starts) else len(self.text)
            client, clock = self._ids[piece]
            begin = max(first, start)
            yield client, clock + begin - first, clock + min(stop, end) - first
            piece += 1

    def occurrences(self, quote: str, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Where a quote (UTF-16 units, without white space) begins, between `start` and `end`."""
        at = self.text.find(quote, start, end)
        while at >= 0:
            yield at
            at = self.text.find(quote, at + 1, end)

    def before(self, start: int) -> str:
        """The CONTEXT units before a character."""
        return self.text[max(0, start - CONTEXT) : start]

    def behind(self, end: int) -> str:
        """The CONTEXT units from a character on."""
        return self.text[end : end + CONTEXT]


def agreement(prefix: str, before: str, suffix: str, behind: str) -> int:
    """The number of units by which two contexts agree, counted from the quote."""
    return _common(prefix[::-1], before[::-1]) + _common(suffix, behind)


def _common(one: str, other: str) -> int:
    length = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        length += 1
    return length


def squeeze(text: str) -> str:
    """A text in UTF-16 units without white space."""
    return utf16.to_units("".join(text.split()))


def read_visible(units: ContentUnits, start: int, end: int) -> str:
    """The text that a person sees from unit `start` to `end`: a line feed between blocks, no signs of Markdown."""
    parts: list[str] = []
    position: int | None = None
    for first, _, _, length in units.runs_between(start, end):
        if position is not None and position < first:
            gap = units.units[position:first]
            if "\n" in gap or _BREAK in gap:
                parts.append("\n")
            elif any(map(str.isspace, gap)):
                parts.append(" ")
        parts.append(units.units[first : first + length])
        position = first + length
    return utf16.from_units("".join(parts))
