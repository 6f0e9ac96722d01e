"""Differences of two texts for people: a unified diff, counts of lines, and words with what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from collab_server.core.text.diff import diff_by_words
from collab_server.core.text.sequence_diff import Hunk, diff_sequences

CONTEXT: Final = 3
"""Equal lines around a change."""
NO_LINE_END: Final = "\n\\ No newline at end of file\n"

Operation = Literal["equal", "insert", "delete"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of both texts (equal), of the new one (insert) or of the old one (delete)."""

    operation: Operation
    text: str


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Numbers of lines. modified: lines that replace others."""

    added: int
    removed: int
    modified: int


def split_lines(text: str) -> list[str]:
    """Split a text into lines with their ends, as diff tools do: line feeds alone end a line."""
    lines = text.split("\n")
    ended = [line + "\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def count_lines(old: str, new: str) -> LineCounts:
    """Count the lines that differ."""
    added = removed = modified = 0
    for a, b, c, d in diff_sequences(split_lines(old), split_lines(new)):
        both = min(b - a, d - c)
        modified += both
        removed += b - a - both
        added += d - c - both
    return LineCounts(added, removed, modified)


def write_unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """Write a unified diff, as `patch` reads it; empty for equal texts."""
    before, after = split_lines(old), split_lines(new)
    hunks = list(diff_sequences(before, after))
    if not hunks:
        return ""
    written = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for group in _grouped(hunks):
        start, end = max(group[0][0] - CONTEXT, 0), min(group[-1][1] + CONTEXT, len(before))
        other_start, other_end = max(group[0][2] - CONTEXT, 0), min(group[-1][3] + CONTEXT, len(after))
        written.append(f"@@ -{_range(start, end)} +{_range(other_start, other_end)} @@\n")
        position = start
        for a, b, c, d in group:
            written += (_line(" ", line) for line in before[position:a])
            written += (_line("-", line) for line in before[a:b])
            written += (_line("+", line) for line in after[c:d])
            position = b
        written += (_line(" ", line) for line in before[position:end])
    return "".join(written)


def _grouped(hunks: list[Hunk]) -> Iterator[list[Hunk]]:
    group: list[Hunk] = []
    for hunk in hunks:
        if group and hunk[0] - group[-1][1] > 2 * CONTEXT:
            yield group
            group = []
        group.append(hunk)
    yield group


def _range(start: int, end: int) -> str:
    length = end - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else sign + line + NO_LINE_END


def diff_words(old: str, new: str) -> list[Piece]:
    """Compare two texts by words. The pieces but the inserted ones joined are the old text, but the deleted ones the
    new one.
    """
    pieces: list[Piece] = []
    position = 0
    for change in diff_by_words(old, new):
        pieces += (
            Piece("equal", old[position : change.start]),
            Piece("delete", old[change.start : change.end]),
            Piece("insert", change.text),
        )
        position = change.end
    pieces.append(Piece("equal", old[position:]))
    return [piece for piece in pieces if piece.text]
