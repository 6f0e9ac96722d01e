"""Single edits that a program may ask for in a text: find and replace, at a position, at the end, under a heading.

Line ends of what they add become line feeds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from markdown_it import MarkdownIt

from collab_server.crdt import front_matter, text_diff
from collab_server.crdt.line_ends import with_line_feeds
from collab_server.crdt.text_diff import Change
from collab_server.errors import Conflict, UnprocessableContent

Unit = Literal["code_point", "utf-16"]
Between = Literal["none", "line", "paragraph"]

_MAX_HEADINGS: Final = 100_000
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_BLANK: Final = re.compile(r"(?:[ \t]*\n)*[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Replacement:
    """`find` becomes `replace`. It must be there exactly once, unless `every`."""

    find: str
    replace: str
    every: bool


@dataclass(frozen=True, slots=True)
class Splice:
    """From `at`, `delete` characters become `insert`."""

    at: int
    delete: int
    insert: str


@dataclass(frozen=True, slots=True)
class Patch:
    """All edits speak of the same text, none of what another leaves. `unit`: what positions count."""

    edits: Sequence[Replacement | Splice]
    unit: Unit

    def changes(self, text: str) -> list[Change]:
        found: list[Change] = []
        for edit in self.edits:
            found += _replaced(edit, text) if isinstance(edit, Replacement) else [_spliced(edit, text, self.unit)]
        found.sort(key=lambda change: (change.start, change.end))
        for one, other in pairwise(found):
            if other.start < one.end or (other.start == one.start and other.end == one.end):
                raise UnprocessableContent("two of the edits overlap")
        # What an edit takes out and puts back has not changed: cursors in it stay.
        return [
            Change(change.start + part.start, change.start + part.end, part.text, part.near)
            for change in found
            for part in text_diff.changes(text[change.start : change.end], change.text)
        ]


def _replaced(edit: Replacement, text: str) -> list[Change]:
    places = _places(edit.find, text)
    shown = edit.find if len(edit.find) <= 60 else edit.find[:57] + "..."
    if not places:
        raise Conflict(f"{shown!r} is not in the text")
    if len(places) > 1 and not edit.every:
        raise Conflict(f"{shown!r} is in the text {len(places)} times: say more of it, or all")
    return [Change(start, end, with_line_feeds(edit.replace)) for start, end in places]


def _places(wanted: str, text: str) -> list[tuple[int, int]]:
    """(start, end) of each place of a text, whichever line ends the two have."""
    if "\r" in wanted or "\r" in text:
        lines = re.split("\r\n?|\n", wanted)
        pattern = "(?:\r\n?|\n)".join(map(re.escape, lines))
        return [found.span() for found in re.finditer(pattern, text)]
    places: list[tuple[int, int]] = []
    start = text.find(wanted)
    while start >= 0:
        places.append((start, start + len(wanted)))
        start = text.find(wanted, start + len(wanted))
    return places


def _spliced(edit: Splice, text: str, unit: Unit) -> Change:
    start, end = edit.at, edit.at + edit.delete
    if unit == "utf-16" and not text.isascii():
        encoded = text.encode("utf-16-le")
        if end * 2 > len(encoded):
            raise UnprocessableContent("an edit reaches beyond the end of the text")
        try:
            start, end = len(encoded[: start * 2].decode("utf-16-le")), len(encoded[: end * 2].decode("utf-16-le"))
        except UnicodeDecodeError:
            raise UnprocessableContent("an edit cuts a character in two") from None
    if end > len(text):
        raise UnprocessableContent("an edit reaches beyond the end of the text")
    return Change(start, end, with_line_feeds(edit.insert))


@dataclass(frozen=True, slots=True)
class Append:
    """At the end of the text. A line feed at its end stays there."""

    content: str
    between: Between

    def changes(self, text: str) -> list[Change]:
        return [_added(text, len(text), self.content, self.between)]


@dataclass(frozen=True, slots=True)
class Insert:
    """At the start or the end of what stands under a heading, named by its text, or by those of the headings above it
    and its own.
    """

    content: str
    heading: tuple[str, ...]
    position: Literal["start", "end"]
    between: Between

    def changes(self, text: str) -> list[Change]:
        start, end = section(text, self.heading)
        return [_added(text, start if self.position == "start" else end, self.content, self.between)]


def _added(text: str, place: int, content: str, between: Between) -> Change:
    """The content at a place between lines, with the line feeds around it that keep it apart."""
    content = with_line_feeds(content)
    content = content.strip("\n") if between != "none" else content
    if between == "none" or not content:
        return Change(place, place, content)
    feeds = 2 if between == "paragraph" else 1
    before, after = text[:place], text[place:]
    lead = "" if not before.strip("\n") else "\n" * max(0, feeds - _feeds_at_end(before))
    if after.strip("\n"):
        tail = "\n" * max(0, feeds - (len(after) - len(after.lstrip("\n"))))
        if place == 0 or lead or before.endswith("\n"):
            tail = tail or "\n" * (0 if after.startswith("\n") else 1)
    else:
        # A text that ends with a line feed still does.
        tail = "\n" if before.endswith("\n") and not after else ""
    return Change(place, place, f"{lead}{content}{tail}")


def _feeds_at_end(text: str) -> int:
    return min(2, len(text) - len(text.rstrip("\n")))


def section(text: str, path: Sequence[str]) -> tuple[int, int]:
    """(where what stands under a heading starts, where its last line of text ends). Raises Conflict."""
    # Lines as Markdown counts them: U+2028 and form feeds end none.
    lines = _LINE.findall(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    headings = _headings(text)
    matches = [index for index in range(len(headings)) if _is_at(headings, index, path)]
    named = " > ".join(path)[:200]
    if not matches:
        raise Conflict(f"there is no heading {named!r}")
    if len(matches) > 1:
        raise Conflict(f"there are {len(matches)} headings {named!r}: name those above it, too")
    level, _, _, behind = headings[matches[0]]
    following = (start for other, _, start, _ in headings[matches[0] + 1 :] if other <= level)
    start = starts[min(behind, len(lines))]
    end = starts[min(next(following, len(lines)), len(lines))]
    body = text[start:end]
    kept = _BLANK.search(body)
    return start, start + (kept.start() if kept is not None else len(body))


def _headings(text: str) -> list[tuple[int, str, int, int]]:
    """(level, text without marks, first line, line after it) of the headings that stand in no other block."""
    found: list[tuple[int, str, int, int]] = []
    header, rest = front_matter.split(text)
    text = "\n" * header.count("\n") + rest  # Its last line would underline a heading.
    tokens = MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table"]).parse(text)
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            plain = "".join(part.content for part in content.children or ())
            found.append((int(token.tag[1]), " ".join(plain.split()), token.map[0], token.map[1]))
    return found[:_MAX_HEADINGS]


def _is_at(headings: Sequence[tuple[int, str, int, int]], index: int, path: Sequence[str]) -> bool:
    """Whether the heading's text, and those of the ones above it, are the end of the path."""
    level, text, _, _ = headings[index]
    if text != " ".join(path[-1].split()):
        return False
    for wanted in reversed(path[:-1]):
        index -= 1
        while index >= 0 and headings[index][0] >= level:
            index -= 1
        if index < 0 or headings[index][1] != " ".join(wanted.split()):
            return False
        level = headings[index][0]
    return True
