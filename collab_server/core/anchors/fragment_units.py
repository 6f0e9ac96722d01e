"""Finds the characters of an XmlFragment in the Markdown that is written from it.

The Markdown is written twice, the second time with another letter at the beginning of each word, by which the words are
known again. The signs between two words are few, and are compared.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from collab_server.core.anchors.fragment_source import read_source
from collab_server.core.markdown import front_matter
from collab_server.core.markdown.node_kinds import kind_of
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import TEXT, Node, read_nodes
from collab_server.core.yjs import utf16
from collab_server.core.yjs.structs import Branch, Item
from collab_server.errors import UnprocessableContent

_FIRST: Final = 0x20000
_LETTERS: Final = 42_000
"""Letters of CJK Extension B: Markdown treats them like any other letter, and nearly no text has them."""
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_MARKED: Final = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _LETTERS - 1)}]")
_NEAR: Final = 64
"""Units of content in which a sign is looked for."""

_Run = tuple[int, int, int, int]
"""(unit of the content, client, clock, number of units)"""


def find_fragment_runs(branch: Branch) -> tuple[str, list[_Run]]:
    """The Markdown of a fragment, and which characters its units show. Raises UnprocessableContent."""
    document = read_nodes(branch)
    try:
        content = write_markdown(document)
    except MemoryError:
        raise UnprocessableContent("this document has too many quotes in one another for positions in it") from None
    source = read_source(branch)
    text = "".join(source.texts)
    nodes = list(_text_nodes(document))
    if sum(len(node.text) for node in nodes) != len(text):
        raise UnprocessableContent("the texts of this document cannot be told apart")
    words = _mark(document, nodes, text)
    marked = write_markdown(document)
    aligned = _align(content, marked, text, words, source.blocks)
    return content, list(_to_runs(aligned, source.pieces))


def _text_nodes(document: Node) -> Iterator[Node]:
    stack = [document]
    while stack:
        node = stack.pop()
        if node.type == TEXT:
            yield node
        else:
            stack.extend(reversed(node.content))


def _mark(document: Node, nodes: list[Node], text: str) -> list[int]:
    """Replace the first letter of each word in the nodes. Return where the words begin in the text."""
    words: list[int] = []
    position = 0
    unmarked: set[int] = set()
    if document.content and kind_of(document.content[0]) == "codeblock":
        first = document.content[0]
        if front_matter.LANGUAGE in map(str, first.attributes.values()):
            # Whether it is front matter depends on its words.
            unmarked.update(map(id, _text_nodes(first)))

    def replace(match: re.Match[str]) -> str:
        start = position + match.start()
        if text[start - 1 : start] == "<" or (
            match[0].isdigit() and text.startswith((".", ")"), position + match.end())
        ):
            # A letter behind it makes it a tag, or it is a number as in a list.
            return match[0]
        words.append(start)
        return chr(_FIRST + (len(words) - 1) % _LETTERS) + match[0][1:]

    for node in nodes:
        size = len(node.text)
        if id(node) not in unmarked:
            node.text = _WORD.sub(replace, node.text)
        position += size
    return words


class _Pairs:
    """Converts positions in code points to UTF-16 units."""

    def __init__(self, text: str) -> None:
        is_plain = text.isascii() or max(text, default="") <= "\uffff"
        self._pairs = [] if is_plain else [index for index, sign in enumerate(text) if sign > "\uffff"]

    def unit(self, position: int) -> int:
        return position + bisect_left(self._pairs, position) if self._pairs else position


def _align(content: str, marked: str, text: str, words: list[int], blocks: list[int]) -> Iterator[tuple[int, int, int]]:
    """Where units of the text are in the content: (unit of the content, unit of the text, number)."""
    pairs, text_pairs = _Pairs(content), _Pairs(text)
    gaps = _Gaps(utf16.to_units(content), utf16.to_units(text), blocks)
    found = _find_words(content, marked, text, words)
    found.append((len(content), len(text)))
    last, last_text = 0, 0
    index = single = 0
    while index < len(found):
        stop = index
        if index >= single:
            # Between words of the same shift there are mostly the same signs.
            shift = last - last_text
            while stop < len(found) and found[stop][0] - found[stop][1] == shift:
                stop += 1
            single = stop
        place, position = found[max(index, stop - 1)]
        if stop == index or content[last:place] != text[last_text:position]:
            place, position = found[index]
            stop = index + 1
        first, start = pairs.unit(last), text_pairs.unit(last_text)
        yield from gaps.compare(first, pairs.unit(place), start, text_pairs.unit(position))
        last, last_text, index = place, position, stop


def _find_words(content: str, marked: str, text: str, words: list[int]) -> list[tuple[int, int]]:
    """(place in the content, place in the text) of the words, in order."""
    if len(marked) != len(content):
        return []
    found: list[tuple[int, int]] = []
    index = -1
    for match in _MARKED.finditer(marked):
        place = match.start()
        following = index + 1 + (ord(match[0]) - _FIRST - index - 1) % _LETTERS
        if following < len(words) and content[place] == text[words[following]]:
            index = following
            found.append((place, words[index]))
    return found


class _Gaps:
    """Compares the signs between two words."""

    def __init__(self, content: str, text: str, blocks: list[int]) -> None:
        self._content = content
        self._text = text
        self._blocks = blocks

    def compare(self, first: int, last: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Find units `start` to `end` of the text among the units `first` to `last` of the content."""
        if end - start == last - first and self._text[start:end] == self._content[first:last]:
            if start < end:
                yield first, start, end - start
            return
        # A word at `start` belongs to the block that begins there.
        inner = bisect_left(self._blocks, start + 1 if start else 0)
        borders = self._blocks[inner : bisect_left(self._blocks, end + 1, inner)]
        if not borders:
            yield from self._forward(first, last, start, end)
            return
        # What is before the end of its block stands beside the word before it, what is in the next word's block before
        # that word. Signs of lists, quotes and tables are between them.
        behind = list(self._forward(first, last, start, borders[0], is_line=True))
        if behind:
            first = behind[-1][0] + behind[-1][2]
        before = list(self._backward(first, last, borders[-1], end))
        if before:
            last = before[0][0]
        yield from behind
        yield from self._forward(first, last, borders[0], borders[-1])
        yield from before

    def _forward(
        self, first: int, last: int, start: int, end: int, *, is_line: bool = False
    ) -> Iterator[tuple[int, int, int]]:
        content, text = self._content, self._text
        while start < end:
            length = 0
            while start + length < end and first + length < last and text[start + length] == content[first + length]:
                length += 1
            if length:
                yield first, start, length
                first, start = first + length, start + length
                continue
            found = self._look(text[start], range(first, min(last, first + _NEAR)), is_line=is_line)
            if found is None:
                start += 1
            else:
                first = found

    def _backward(self, first: int, last: int, start: int, end: int) -> list[tuple[int, int, int]]:
        content, text = self._content, self._text
        found: list[tuple[int, int, int]] = []
        while start < end:
            length = 0
            while (
                start + length < end and first + length < last and text[end - length - 1] == content[last - length - 1]
            ):
                length += 1
            if length:
                last, end = last - length, end - length
                found.append((last, end, length))
                continue
            place = self._look(text[end - 1], range(last - 1, max(first, last - _NEAR) - 1, -1), is_line=True)
            if place is None:
                end -= 1
            else:
                last = place + 1
        return found[::-1]

    def _look(self, sign: str, places: range, *, is_line: bool) -> int | None:
        """The next place of a sign. White space is not looked for behind other white space."""
        for place in places:
            other = self._content[place]
            if other == sign:
                return place
            if (is_line and other == "\n") or (sign.isspace() and other.isspace() and sign != "\n"):
                return None
        return None


def _to_runs(aligned: Iterator[tuple[int, int, int]], pieces: list[tuple[int, Item]]) -> Iterator[_Run]:
    """The characters of the items at these units of the text."""
    index = 0
    for place, start, length in aligned:
        end = start + length
        while index < len(pieces) and pieces[index][0] + pieces[index][1].length <= start:
            index += 1
        following = index
        while following < len(pieces) and pieces[following][0] < end:
            first, item = pieces[following]
            begin, stop = max(first, start), min(first + item.length, end)
            if begin < stop:
                yield place + begin - start, item.client, item.clock + begin - first, stop - begin
            following += 1
