"""Requests for single edits of a text: find and replace, at a position, at the end, under a heading.

Line ends of new text become line feeds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from collab_server.core.markdown.sections import find_section
from collab_server.core.text.diff import Change, diff_texts
from collab_server.core.text.line_ends import normalize_line_ends
from collab_server.core.yjs import utf16
from collab_server.errors import Conflict, UnprocessableContent

Unit = Literal["code_point", "utf-16"]
Between = Literal["none", "line", "paragraph"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Replace `find` by `replace`. `find` must occur exactly once, unless `every` is set."""

    find: str
    replace: str
    every: bool


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace `delete` characters at position `at` by `insert`."""

    at: int
    delete: int
    insert: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Several edits of the same text. `unit`: the unit of positions."""

    edits: Sequence[Replacement | Splice]
    unit: Unit

    def changes(self, text: str) -> list[Change]:
        changes: list[Change] = []
        for edit in self.edits:
            changes += (
                _replacement_changes(edit, text)
                if isinstance(edit, Replacement)
                else [_splice_change(edit, text, self.unit)]
            )
        changes.sort(key=lambda change: (change.start, change.end))
        for one, other in pairwise(changes):
            if other.start < one.end or (other.start == one.start and other.end == one.end):
                raise UnprocessableContent("two of the edits overlap")
        # What an edit takes out and puts back has not changed: cursors in it stay.
        return [
            Change(change.start + part.start, change.start + part.end, part.text, part.near)
            for change in changes
            for part in diff_texts(text[change.start : change.end], change.text)
        ]


def _replacement_changes(edit: Replacement, text: str) -> list[Change]:
    places = _find_occurrences(edit.find, text)
    label = edit.find if len(edit.find) <= 60 else edit.find[:57] + "..."
    if not places:
        raise Conflict(f"{label!r} is not in the text")
    if len(places) > 1 and not edit.every:
        raise Conflict(f"{label!r} is in the text {len(places)} times: say more of it, or all")
    return [Change(start, end, normalize_line_ends(edit.replace)) for start, end in places]


def _find_occurrences(wanted: str, text: str) -> list[tuple[int, int]]:
    """(start, end) of each occurrence; line ends of all kinds are equal."""
    if "\r" in wanted or "\r" in text:
        lines = re.split("\r\n?|\n", wanted)
        pattern = "(?:\r\n?|\n)".join(map(re.escape, lines))
        return [match.span() for match in re.finditer(pattern, text)]
    places: list[tuple[int, int]] = []
    start = text.find(wanted)
    while start >= 0:
        places.append((start, start + len(wanted)))
        start = text.find(wanted, start + len(wanted))
    return places


def _splice_change(edit: Splice, text: str, unit: Unit) -> Change:
    start, end = edit.at, edit.at + edit.delete
    try:
        if unit == "utf-16":
            end, start = utf16.to_code_points(text, end), utf16.to_code_points(text, start)
    except UnicodeDecodeError:
        raise UnprocessableContent("an edit cuts a character in two") from None
    except IndexError:
        end = len(text) + 1
    if end > len(text):
        raise UnprocessableContent("an edit reaches beyond the end of the text")
    return Change(start, end, normalize_line_ends(edit.insert))


@dataclass(frozen=True, slots=True)
class Append:
    """Append to the text; a final line feed stays at the end."""

    content: str
    between: Between

    def changes(self, text: str) -> list[Change]:
        return [_insertion(text, len(text), self.content, self.between)]


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert at the start or the end of the section under a heading.

    `heading`: the heading's text, after any number of texts of the headings above it.
    """

    content: str
    heading: tuple[str, ...]
    position: Literal["start", "end"]
    between: Between

    def changes(self, text: str) -> list[Change]:
        start, end = find_section(text, self.heading)
        return [_insertion(text, start if self.position == "start" else end, self.content, self.between)]


def _insertion(text: str, place: int, content: str, between: Between) -> Change:
    """An insertion between lines, with line feeds around it."""
    content = normalize_line_ends(content)
    content = content.strip("\n") if between != "none" else content
    if between == "none" or not content:
        return Change(place, place, content)
    feeds = 2 if between == "paragraph" else 1
    before, after = text[:place], text[place:]
    lead = "" if not before.strip("\n") else "\n" * max(0, feeds - _count_final_feeds(before))
    if after.strip("\n"):
        tail = "\n" * max(0, feeds - (len(after) - len(after.lstrip("\n"))))
        if place == 0 or lead or before.endswith("\n"):
            tail = tail or "\n" * (0 if after.startswith("\n") else 1)
    else:
        # A text that ends with a line feed still does.
        tail = "\n" if before.endswith("\n") and not after else ""
    return Change(place, place, f"{lead}{content}{tail}")


def _count_final_feeds(text: str) -> int:
    return min(2, len(text) - len(text.rstrip("\n")))
