"""Who wrote which part of a document's content, for all kinds of content.

The content of a text root is its text. Markdown and JSON are written from a document and have more characters than it.
The texts of the document are found in the content, in their order. What is between two of them, marks of Markdown for
example, goes to the text after it if it begins a line, and to the text before it otherwise.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from collab_server.core.documents.projection import MAX_CONTENT_BYTES, JsonValues, Projection, project, to_storable
from collab_server.core.history.blame import MAX_DEPTH as MAX_TEXT_DEPTH
from collab_server.core.history.blame import Credit, Credits, Run, credited_text_of, join_authors
from collab_server.core.history.stored_history import RowPart
from collab_server.core.text.diff import Change, diff_texts
from collab_server.core.yjs import tree
from collab_server.core.yjs.structs import ANY, FORMAT, JSON, STRING, TYPE, Branch, Item

MAX_DEPTH: Final = 100
"""Depth of nested values up to which JSON is credited."""
_BREAK: Final = Run("\n", None)
"""Stands between two blocks. Nobody is credited with it."""
_NEAR: Final = 256
"""Characters of content in which the next character of a text is looked for."""
_FAR: Final = 4096
"""The same for a whole run of text."""


def blame(update: bytes, inserted: Iterable[RowPart], limit: int = MAX_CONTENT_BYTES) -> tuple[Projection, list[Run]]:
    """Return the content of a document, and its runs by author: their texts joined are the content.

    inserted: by the rows up to this state of the document, see list_inserted. Raises Malformed.
    """
    projected = project(update, limit)
    roots = tree.read_tree(update).roots
    credits = Credits(inserted)
    if projected.root is not None:
        roots = {projected.root: roots[projected.root]}
    if projected.format == "json":
        pieces: Iterable[Run] = _credited_json(roots, credits, named=projected.root is None)
    else:
        pieces = (run for branch in roots.values() for run in _credited_blocks(branch, credits))
    return projected, join_authors(_align(projected.content, pieces))


def _credited_blocks(branch: Branch, credits: Credits) -> Iterator[Run]:
    """The visible texts of a type, with a break between those of different types."""
    stack = [branch.start]
    is_first = has_break = True
    while stack:
        item = stack.pop()
        while item is not None:
            if not item.deleted and item.kind == STRING:
                if has_break and not is_first:
                    yield _BREAK
                is_first = has_break = False
                yield from credited_text_of(item, credits, by_author=True)
            elif not item.deleted and item.kind == TYPE and len(stack) < MAX_TEXT_DEPTH:
                has_break = True
                stack.append(item.right)
                item = item.content.start
                continue
            item = item.right
        has_break = True


def _align(content: str, pieces: Iterable[Run]) -> Iterator[Run]:
    position = 0
    before: Credit | None = None
    for start, end, credit in _find_places(content, list(pieces)):
        yield from _between(content[position:start], before, credit, is_first=position == 0)
        yield Run(content[start:end], credit)
        position, before = end, credit
    yield Run(content[position:], before)


def _find_places(content: str, pieces: list[Run]) -> Iterator[tuple[int, int, Credit | None]]:
    """The places of the pieces in the content, in order. A piece of which nothing is found has none."""
    texts = [to_storable(piece.text) for piece in pieces]
    ends = list(accumulate(len(text) for text in texts))
    plain = "".join(texts)
    index = position = shift = 0

    def parts(start: int, end: int) -> Iterator[tuple[int, int, Run]]:
        nonlocal index
        while start < end:
            while ends[index] <= start:
                index += 1
            stop = min(end, ends[index])
            yield start, stop, pieces[index]
            start = stop

    for change in [*diff_texts(plain, content), Change(len(plain), len(plain), "")]:
        for start, end, piece in parts(position, change.start):
            if piece is not _BREAK:
                yield start + shift, end + shift, piece.credit
        last = change.start + shift
        limit = last + len(change.text)
        for start, end, piece in parts(change.start, change.end):
            if piece is not _BREAK:
                for place in _find(content, last, plain[start:end], limit):
                    yield *place, piece.credit
                    last = place[1]
        position, shift = change.end, limit - change.end


def _find(content: str, position: int, text: str, limit: int) -> Iterator[tuple[int, int]]:
    """The places of a text in the content, from `position` to `limit`: of all of it, or of its single characters."""
    found = content.find(text, position, min(limit, position + len(text) + _FAR))
    if found >= 0:
        yield found, found + len(text)
        return
    for character in text:
        found = content.find(character, position, min(limit, position + _NEAR))
        if found >= 0:
            position = found + 1
            yield found, position


def _between(text: str, before: Credit | None, after: Credit | None, *, is_first: bool) -> Iterator[Run]:
    """Text that no author typed: a new line and what begins it belongs to what follows."""
    split = 0 if is_first else text.rfind("\n") + 1 or len(text)
    yield Run(text[:split], before)
    yield Run(text[split:], after)


def _credited_json(roots: dict[str, Branch], credits: Credits, *, named: bool) -> Iterator[Run]:
    for name in sorted(roots):
        if named:
            yield Run(_dump(name), None)
        yield from _credited_branch(roots[name], credits, 0)


def _credited_branch(branch: Branch, credits: Credits, depth: int) -> Iterator[Run]:
    if depth > MAX_DEPTH:
        return
    for key in sorted(branch.entries):
        entry = branch.entries[key]
        if not entry.deleted and entry.kind != FORMAT:
            end = entry.clock + entry.length
            _, credit = next(credits.split(entry.client, end - 1, end))
            yield Run(_dump(key), credit)
            yield from _credited_item(entry, credits, depth, only_last=True)
    item: Item | None = branch.start
    while item is not None:
        if not item.deleted:
            yield from _credited_item(item, credits, depth, only_last=False)
        item = item.right


def _credited_item(item: Item, credits: Credits, depth: int, *, only_last: bool) -> Iterator[Run]:
    if item.kind == TYPE:
        yield from _credited_branch(item.content, credits, depth + 1)
    elif item.kind == STRING:
        for run in credited_text_of(item, credits, by_author=True):
            yield Run(_dump(run.text)[1:-1], run.credit)
    elif item.kind in (ANY, JSON):
        for index, value in enumerate(item.content):
            if not only_last or index == len(item.content) - 1:
                clock = item.clock + index
                _, credit = next(credits.split(item.client, clock, clock + 1))
                yield Run(_dump(JsonValues().value(value, 0)), credit)
    elif item.kind != FORMAT:
        for _, credit in credits.split(item.client, item.clock, item.clock + item.length):
            yield Run(_dump(JsonValues().value(item.content, 0)), credit)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
