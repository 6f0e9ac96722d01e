"""Which formats a program's changes of a Y.Text take: those of what they replace, and of their place only those that an
editor would give them.

A line feed carries the formats of its line, as in Quill: a list, a heading, a quote.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collab_server.crdt.fragment_text import Formats, changed
from collab_server.crdt.structs import FORMAT, STRING, Branch
from collab_server.crdt.text_diff import BEFORE, BEHIND, Change

_NOT_BETWEEN: Final = frozenset({"header"})
"""Formats of lines that a line between two that have them does not take."""
_PIECE: Final = re.compile(r"\n|[^\n]+")
_LINE_END: Final = re.compile("\r\n?|\n")


@dataclass(slots=True)
class Run:
    text: str
    formats: Formats


class FormattedText:
    """The visible strings of a text, and the formats of each character."""

    def __init__(self, branch: Branch) -> None:
        parts: list[str] = []
        self._starts: list[int] = []
        self._formats: list[Formats] = []
        position = 0
        formats: Formats = {}
        item = branch.start
        while item is not None:
            if item.deleted:
                pass
            elif item.kind == FORMAT:
                formats = changed(formats, *item.content)
            elif item.kind == STRING and item.content:
                self._starts.append(position)
                self._formats.append(formats)
                parts.append(item.content)
                position += len(item.content)
            item = item.right
        self.text = "".join(parts)

    def at(self, position: int) -> Formats:
        """Of the character there; none beyond the ends."""
        if not 0 <= position < len(self.text):
            return {}
        return self._formats[bisect_right(self._starts, position) - 1]

    def line_by_line(self, changes: Sequence[Change]) -> Iterator[Change]:
        """The changes, with what is added as a line behind another one after that one's line feed, not before it: the
        line feed keeps its line.
        """
        for index, change in enumerate(changes):
            is_last = index + 1 == len(changes) or changes[index + 1].start > change.start
            if is_last and change.start == change.end and change.text[:1] == "\n" == self.text[change.start :][:1]:
                yield replace(change, start=change.start + 1, end=change.start + 1, text=f"{change.text[1:]}\n")
            else:
                yield change

    def runs(self, change: Change) -> list[Run]:
        """What a change inserts, which is something, by its formats."""
        beside = _common(self._of_text(change.start - 1), self._of_text(change.end))
        gone = self._lines(change.start, change.end)
        found: list[Run] = []
        line = 0
        for piece in _PIECE.findall(change.text):
            if piece == "\n":
                if line + 1 < len(gone):
                    formats = self.at(gone[line][1])
                else:
                    formats = self._of_new_line(change, first=line == 0, replaces=gone[0][1] > gone[0][0])
                line += 1
            elif line < len(gone) and gone[line][1] > gone[line][0]:
                formats = self.at(gone[line][0])
            elif line == 0 and change.near == BEFORE:
                formats = self._of_text(change.start - 1)
            elif line == 0 and change.near == BEHIND:
                formats = self._of_text(change.end)
            else:
                formats = beside
            if found and found[-1].formats == formats:
                found[-1].text += piece
            else:
                found.append(Run(piece, formats))
        return found

    def _lines(self, start: int, end: int) -> list[tuple[int, int]]:
        """(start, end without its line end) of each line of a stretch."""
        lines: list[tuple[int, int]] = []
        for found in _LINE_END.finditer(self.text, start, end):
            lines.append((start, found.start()))
            start = found.end()
        return [*lines, (start, end)]

    def _of_text(self, position: int) -> Formats:
        """Of a character that is no line end; none of one that is."""
        return self.at(position) if self.text[position : position + 1] not in ("", "\r", "\n") else {}

    def _of_new_line(self, change: Change, *, first: bool, replaces: bool) -> Formats:
        end = self.text.find("\n", change.end)
        own = self.at(end) if end >= 0 else {}
        begins = not replaces and (change.start == 0 or self.text[change.start - 1] in "\r\n")
        if first and not begins:
            # As of a line that an editor cuts in two.
            return own
        around = _common(self.at(change.start - 1), own) if begins else own
        return {name: value for name, value in around.items() if name not in _NOT_BETWEEN}


def _common(one: Formats, other: Formats) -> Formats:
    return {name: value for name, value in one.items() if name in other and other[name] == value}
