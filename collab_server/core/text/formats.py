"""Chooses the formats of API clients' changes in a Y.Text, as an editor would.

A replacement has the formats of the replaced text. A line feed has the formats of its line, as in Quill: a list, a
heading, a quote.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collab_server.core.text.diff import BEFORE, BEHIND, Change
from collab_server.core.text.text_steps import Formats, change_format
from collab_server.core.yjs.structs import FORMAT, STRING, Branch

_NOT_BETWEEN: Final = frozenset({"header"})
"""Formats of lines that are not copied to a new line between two such lines."""
_PIECE: Final = re.compile(r"\n|[^\n]+")
_LINE_END: Final = re.compile("\r\n?|\n")


@dataclass(slots=True)
class Run:
    text: str
    formats: Formats


class FormattedText:
    """The visible text of a shared type, and the formats of each character."""

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
                formats = change_format(formats, *item.content)
            elif item.kind == STRING and item.content:
                self._starts.append(position)
                self._formats.append(formats)
                parts.append(item.content)
                position += len(item.content)
            item = item.right
        self.text = "".join(parts)

    def at(self, position: int) -> Formats:
        """The formats of the character at a position; empty beyond the ends."""
        if not 0 <= position < len(self.text):
            return {}
        return self._formats[bisect_right(self._starts, position) - 1]

    def line_by_line(self, changes: Sequence[Change]) -> Iterator[Change]:
        """Move insertions of whole lines after the line feed of the line before, because a line feed has its line's
        formats.
        """
        for index, change in enumerate(changes):
            is_last = index + 1 == len(changes) or changes[index + 1].start > change.start
            if is_last and change.start == change.end and change.text[:1] == "\n" == self.text[change.start :][:1]:
                yield replace(change, start=change.start + 1, end=change.start + 1, text=f"{change.text[1:]}\n")
            else:
                yield change

    def runs(self, change: Change) -> list[Run]:
        """Split a non-empty insertion into runs by format."""
        beside = _common_formats(self._of_text(change.start - 1), self._of_text(change.end))
        replaced_lines = self._lines(change.start, change.end)
        runs: list[Run] = []
        line = 0
        for piece in _PIECE.findall(change.text):
            if piece == "\n":
                if line + 1 < len(replaced_lines):
                    formats = self.at(replaced_lines[line][1])
                else:
                    formats = self._of_new_line(
                        change, first=line == 0, replaces=replaced_lines[0][1] > replaced_lines[0][0]
                    )
                line += 1
            elif line < len(replaced_lines) and replaced_lines[line][1] > replaced_lines[line][0]:
                formats = self.at(replaced_lines[line][0])
            elif line == 0 and change.near == BEFORE:
                formats = self._of_text(change.start - 1)
            elif line == 0 and change.near == BEHIND:
                formats = self._of_text(change.end)
            else:
                formats = beside
            if runs and runs[-1].formats == formats:
                runs[-1].text += piece
            else:
                runs.append(Run(piece, formats))
        return runs

    def _lines(self, start: int, end: int) -> list[tuple[int, int]]:
        """Split a section into lines: (start, end without line end)."""
        lines: list[tuple[int, int]] = []
        for match in _LINE_END.finditer(self.text, start, end):
            lines.append((start, match.start()))
            start = match.end()
        return [*lines, (start, end)]

    def _of_text(self, position: int) -> Formats:
        """The formats of the character at a position; empty for line ends."""
        return self.at(position) if self.text[position : position + 1] not in ("", "\r", "\n") else {}

    def _of_new_line(self, change: Change, *, first: bool, replaces: bool) -> Formats:
        end = self.text.find("\n", change.end)
        own = self.at(end) if end >= 0 else {}
        begins = not replaces and (change.start == 0 or self.text[change.start - 1] in "\r\n")
        if first and not begins:
            # As of a line that an editor cuts in two.
            return own
        around = _common_formats(self.at(change.start - 1), own) if begins else own
        return {name: value for name, value in around.items() if name not in _NOT_BETWEEN}


def _common_formats(one: Formats, other: Formats) -> Formats:
    return {name: value for name, value in one.items() if name in other and other[name] == value}
