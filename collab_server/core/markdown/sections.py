"""Sections of Markdown texts, found by their headings."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from collab_server.core.markdown import front_matter
from collab_server.core.markdown.parser import new_heading_parser
from collab_server.errors import Conflict

_MAX_HEADINGS: Final = 100_000
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_BLANK: Final = re.compile(r"(?:[ \t]*\n)*[ \t]*\Z")


def find_section(text: str, path: Sequence[str]) -> tuple[int, int]:
    """(start, end of the last line of text) of the section under a heading.

    `path`: texts of the heading and, before it, of headings above it. Raises Conflict for none or several.
    """
    # Markdown counts lines by line feeds and carriage returns only, unlike str.splitlines.
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
    blank = _BLANK.search(body)
    return start, start + (blank.start() if blank is not None else len(body))


def _headings(text: str) -> list[tuple[int, str, int, int]]:
    """(level, text without marks, first line, line after it) of all headings outside other blocks."""
    headings: list[tuple[int, str, int, int]] = []
    header, rest = front_matter.split_front_matter(text)
    text = "\n" * header.count("\n") + rest  # The parser would read its last line as the underline of a heading.
    tokens = new_heading_parser().parse(text)
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            plain = "".join(part.content for part in content.children or ())
            headings.append((int(token.tag[1]), " ".join(plain.split()), token.map[0], token.map[1]))
    return headings[:_MAX_HEADINGS]


def _is_at(headings: Sequence[tuple[int, str, int, int]], index: int, path: Sequence[str]) -> bool:
    """Whether the texts of the heading and of those above it match the path."""
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
