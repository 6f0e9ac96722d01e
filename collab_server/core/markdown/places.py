"""Finds where positions of a Markdown text are in its parsed form: in a text, or at the nearest edge of a construct.

A position within an address, an escape or inline code has no place in the text that people see: the beginning of a
range moves before the construct, and its end behind it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

MARKS: Final = re.compile("[\ufdd0\ufdd1]([\ufde0-\ufde9]+)\ufdd2")
"""The mark of a place: noncharacters of Unicode, which no text has."""
RESERVED: Final = re.compile("[\ufdd0-\ufdef]")
_LINE: Final = re.compile(r"\r\n?|\n")
_BOX: Final = re.compile(r"\[[ xX]\][ \t]+")
_ENV: Final = "places"


def make_mark(number: int, *, end: bool) -> str:
    """The mark of the beginning or the end of range `number`."""
    return ("\ufdd1" if end else "\ufdd0") + "".join(chr(0xFDE0 + int(digit)) for digit in str(number)) + "\ufdd2"


def read_mark(mark: str) -> tuple[int, bool]:
    """(number of the range, whether it is its end)"""
    return int("".join(str(ord(digit) - 0xFDE0) for digit in mark[1:-1])), mark[0] == "\ufdd1"


def clear(text: str) -> str:
    """The text without noncharacters that look like marks; of the same length."""
    return RESERVED.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Range:
    """Code points of a source."""

    start: int
    end: int


@dataclass(slots=True)
class Leaf:
    """A token with text. `pieces`: (where in the source, where in the token's content, length), in order."""

    token: Token
    pieces: list[tuple[int, int, int]]

    @property
    def is_code(self) -> bool:
        return self.token.type != "inline"

    def to_source(self, offset: int) -> int:
        """The position in the source of an offset in the content."""
        source, start, length = next((piece for piece in reversed(self.pieces) if piece[1] <= offset), self.pieces[0])
        return source + min(max(0, offset - start), length)


def find_lines(source: str) -> list[int]:
    """The beginnings of the lines of a source, and its length."""
    return [0, *(found.end() for found in _LINE.finditer(source)), len(source)]


def find_leaves(source: str, tokens: Sequence[Token]) -> list[Leaf]:
    """The inline tokens and blocks of code of a parsed source, in order."""
    lines = find_lines(source)
    found: list[Leaf] = []
    line, column = -1, 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        is_cell = before is not None and before.type in ("th_open", "td_open")
        if token.type not in ("inline", "fence", "code_block") or not token.map or not token.content:
            continue
        first = token.map[0] + (token.type == "fence")
        if first != line:
            line, column = first, 0
        pieces: list[tuple[int, int, int]] = []
        offset = 0
        for number, text in enumerate(token.content.split("\n"), first):
            if number + 1 >= len(lines):
                break
            shown = text.strip(" \t") if token.type == "inline" else text
            begin, stop = lines[number], lines[number + 1]
            inner = offset + (len(text) - len(text.lstrip(" \t")) if token.type == "inline" else 0)
            offset += len(text) + 1
            if not shown:
                continue
            at = _find_shown(source[begin:stop], shown, column, is_cell=is_cell)
            if at is None:
                continue
            pieces.append((begin + at[0], inner, len(shown)))
            column = at[1]
        if pieces:
            found.append(Leaf(token, pieces))
    return found


def _find_shown(line: str, shown: str, column: int, *, is_cell: bool) -> tuple[int, int] | None:
    """(first column, column behind it) of a line of a token's content in its source line. `column`: behind the cell
    before it.
    """
    if is_cell:
        for written in (shown, shown.replace("|", "\\|")):
            if (at := line.find(written, column)) >= 0:
                return at, at + len(written)
        return None
    # What stands before are signs of blocks. A tab that is partly indentation became spaces.
    for written in (shown, shown.lstrip(" \t")):
        if written and (at := line.rstrip("\r\n").rfind(written)) >= 0:
            return at, at + len(written)
    return None


class Leaves:
    """The leaves of a source by their places."""

    def __init__(self, source: str, tokens: Sequence[Token]) -> None:
        self.leaves = find_leaves(source, tokens)
        self._pieces = [(number, *piece) for number, leaf in enumerate(self.leaves) for piece in leaf.pieces]
        self._starts = [piece[1] for piece in self._pieces]

    def find_start(self, position: int) -> tuple[int, int] | None:
        """(leaf, offset in its content) of the first character from `position` on."""
        index = max(0, bisect_right(self._starts, position) - 1)
        for number, source, offset, length in self._pieces[index : index + 2]:
            if source + length > position:
                return number, offset + max(0, position - source)
        return None

    def find_end(self, position: int) -> tuple[int, int] | None:
        """(leaf, offset in its content) behind the last character before `position`."""
        index = bisect_left(self._starts, position) - 1
        if index < 0:
            return None
        number, source, offset, length = self._pieces[index]
        return number, offset + min(length, position - source)


@dataclass(slots=True)
class _Walk:
    """One parsing of an inline content. `wanted`: where the text is cut. `marks`: texts to be put in, by place.
    `edges`: places between tokens: (place, whether it is within a link).
    """

    source: str
    wanted: list[int]
    marks: Mapping[int, str]
    edges: list[tuple[int, bool]] = field(default_factory=list)


def add_place_rules(parser: MarkdownIt) -> None:
    """Have the parser report its places and put marks into texts."""
    inline = parser.inline.ruler
    text = next(rule.fn for rule in inline.__rules__ if rule.name == "text")
    inline.before("text", "places", _note_place)
    inline.at("text", _cut_text(text))


def _note_place(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    walk: _Walk | None = state.env.get(_ENV)
    # The description of a picture is parsed by itself.
    if silent or walk is None or len(state.src) != len(walk.source):
        return False
    if not walk.edges or walk.edges[-1][0] != state.pos:
        walk.edges.append((state.pos, state.linkLevel > 0))
        if mark := walk.marks.get(state.pos):
            state.append_pending(mark)
    return False


def _cut_text(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    def cut(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
        walk: _Walk | None = state.env.get(_ENV)
        if silent or walk is None or len(state.src) != len(walk.source):
            return rule(state, silent)
        begin = state.pos
        index = bisect_right(walk.wanted, begin)
        found = state.md.inline.terminator_re.search(state.src, begin)
        end = found.start() if found else state.posMax
        if index < len(walk.wanted):
            end = min(end, walk.wanted[index])
        end = min(end, state.posMax)
        if end == begin:
            return False
        state.append_pending(state.src[begin:end])
        state.pos = end
        return True

    return cut


def find_edges(parser: MarkdownIt, content: str, wanted: Iterable[int]) -> list[tuple[int, bool]]:
    """Places between the tokens of an inline content, also at those of `wanted` that are in its text: (place, whether
    it is within a link), in order. The parser has the rules of `add_place_rules`.
    """
    walk = _Walk(content, sorted(set(wanted)), {})
    parser.inline.parse(content, parser, {_ENV: walk}, [])
    return [*walk.edges, (len(content), False)]


def mark_ranges(parser: MarkdownIt, ranges: Sequence[Range]) -> None:
    """Have the parser, which has the rules of `add_place_rules`, put the marks of ranges of its source into its
    tokens, without another effect. A range without visible text gets no marks.
    """

    def run(state: StateCore) -> None:
        found = Leaves(state.src, state.tokens)
        wanted: dict[int, list[tuple[int, int, bool]]] = {}
        for number, each in enumerate(ranges):
            start, end = found.find_start(each.start), found.find_end(each.end)
            if start is not None and end is not None and start < end:
                wanted.setdefault(start[0], []).append((start[1], number, False))
                wanted.setdefault(end[0], []).append((end[1], number, True))
        marked = {}
        for index, places in wanted.items():
            leaf = found.leaves[index]
            if leaf.is_code:
                leaf.token.content = _insert(leaf.token.content, places)
            else:
                marked[id(leaf.token)] = places
        for token in state.tokens:
            if token.type == "inline":
                token.children = token.children or []
                _parse(state, token, marked.get(id(token), []))

    parser.core.ruler.at("inline", run)


def _insert(text: str, places: list[tuple[int, int, bool]]) -> str:
    for offset, marks in sorted(_gather(places).items(), reverse=True):
        text = text[:offset] + marks + text[offset:]
    return text


def _gather(places: Iterable[tuple[int, int, bool]]) -> dict[int, str]:
    """The marks of each place: ends before beginnings."""
    marks: dict[int, str] = {}
    for offset, number, end in sorted(places, key=lambda place: (place[0], not place[2], place[1])):
        marks[offset] = marks.get(offset, "") + make_mark(number, end=end)
    return marks


def _parse(state: StateCore, token: Token, places: list[tuple[int, int, bool]]) -> None:
    assert token.children is not None
    if not places:
        state.env.pop(_ENV, None)
        state.md.inline.parse(token.content, state.md, state.env, token.children)
        return
    content = token.content
    box = _BOX.match(content)
    first = box.end() if box else 0
    offsets = [max(first, leave_line_end(content, offset)) for offset, _, _ in places]
    walk = _Walk(content, sorted({*offsets, first}), {})
    state.env[_ENV] = walk
    state.md.inline.parse(content, state.md, state.env, [])
    edges = [*(place for place, _ in walk.edges), len(content)]
    moved = [
        (_edge(edges, offset, end=end), number, end) for offset, (_, number, end) in zip(offsets, places, strict=True)
    ]
    marks = _gather(moved)
    state.env[_ENV] = _Walk(content, walk.wanted, marks)
    state.md.inline.parse(content, state.md, state.env, token.children)
    del state.env[_ENV]
    if last := marks.get(len(content)):
        token.children.append(Token("text", "", 0, content=last))


def leave_line_end(content: str, offset: int) -> int:
    """The offset, or if it is in the spaces before a line feed, which may be a sign, that of the first of them."""
    if 0 < offset < len(content) and content[offset:].lstrip(" ").startswith("\n"):
        return len(content[:offset].rstrip(" "))
    return offset


def _edge(edges: Sequence[int], offset: int, *, end: bool) -> int:
    if end:
        return edges[min(bisect_left(edges, offset), len(edges) - 1)]
    return edges[max(0, bisect_right(edges, offset) - 1)]
