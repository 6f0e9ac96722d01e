"""Differences between two texts, and their transfer to a third text.

Positions count code points. Time and memory are bounded: if two texts have little in common, a whole section is
replaced.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from collab_server.core.text.sequence_diff import Hunk, common_prefix, common_suffix, diff_sequences, shortest_edit

MAX_CHARACTERS: Final = 2_000
"""Sections up to this length are compared character by character."""
CERTAIN: Final = 4
"""Two people rarely insert the same text of this length at the same place by chance."""

BEFORE: Final = -1
BESIDE: Final = 0
BEHIND: Final = 1

_TOKEN: Final = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")
_WORD: Final = re.compile(
    # Scripts that are written without spaces: each character is a word.
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
    r"|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+|[^\S\n]+|\n|[^\w\s]"
)
_FIRST_MARK: Final = "\u0300"
"""The first combining mark of Unicode."""


@dataclass(frozen=True, slots=True)
class Change:
    """Replacement of `start` to `end` by `text`.

    near: side of the word around an insertion: BEFORE, BEHIND, or BESIDE for none.
    """

    start: int
    end: int
    text: str
    near: int = field(default=BESIDE, compare=False)


def diff_texts(old: str, new: str) -> list[Change]:
    """The changes from `old` to `new`, ascending and disjoint."""
    changes: list[Change] = []
    for a, b, c, d in _in_units(old, new, lambda text: text.splitlines(keepends=True)):
        for e, f, g, h in _in_units(old[a:b], new[c:d], _TOKEN.findall):
            changes.extend(_in_characters(old[a + e : a + f], new[c + g : c + h], a + e))
    return changes


def diff_by_words(old: str, new: str) -> list[Change]:
    """Like `diff_texts`, but of whole words."""
    return [
        Change(a + e, a + f, new[c + g : c + h])
        for a, b, c, d in _in_units(old, new, lambda text: text.splitlines(keepends=True))
        for e, f, g, h in _in_units(old[a:b], new[c:d], split_words)
    ]


def split_words(text: str) -> list[str]:
    """Split a text into words, runs of spaces, line feeds and other characters. Combining marks belong to the word
    before them.
    """
    tokens: list[str] = _WORD.findall(text)
    if text.isascii() or max(text) < _FIRST_MARK:
        return tokens
    found: list[str] = []
    is_open = False
    for token in tokens:
        is_mark = len(token) == 1 and unicodedata.category(token).startswith("M")
        if found and (is_mark or (is_open and (token[0].isalnum() or token[0] == "_"))):
            found[-1] += token
        else:
            found.append(token)
        is_open = is_mark
    return found


def apply_changes(text: str, edits: Sequence[Change]) -> str:
    """The text after ascending changes."""
    parts: list[str] = []
    position = 0
    for edit in edits:
        parts += (text[position : edit.start], edit.text)
        position = edit.end
    return "".join((*parts, text[position:]))


def rebase_changes(ours: Sequence[Change], theirs: Sequence[Change]) -> list[Change]:
    """Transfer changes of a text to the text after others' changes of it.

    Others' insertions stay, also within deleted sections, and precede insertions at the same place. Equal changes of
    both sides are made once, so a repeated request has no effect.
    """
    rebased: list[Change] = []
    equal = {(change.start, change.end): change.text for change in theirs}
    shift, index = 0, 0
    for change in ours:
        if _is_done(change, equal.get((change.start, change.end))):
            continue
        while index < len(theirs) and theirs[index].end <= change.start:
            shift += len(theirs[index].text) - (theirs[index].end - theirs[index].start)
            index += 1
        for moved in _moved(change, theirs, index, shift):
            if rebased and rebased[-1].end == moved.start:
                last = rebased.pop()
                moved = Change(last.start, moved.end, last.text + moved.text, last.near)
            rebased.append(moved)
    return rebased


def insert_whole_lines(old: str, changes: Sequence[Change]) -> list[Change]:
    """Equivalent changes with new lines after a line feed, not before it.

    Lines of several people at the same place then stay whole.
    """
    split: list[Change] = []
    for index, change in enumerate(changes):
        line, feed, added = change.text.partition("\n")
        next_start = changes[index + 1].start if index + 1 < len(changes) else len(old) + 1
        if not feed or old[change.end : change.end + 1] != "\n" or next_start <= change.end + 1:
            split.append(change)
            continue
        if line or change.end > change.start:
            split.append(Change(change.start, change.end, line, change.near))
        split.append(Change(change.end + 1, change.end + 1, added + "\n"))
    return split


def _is_done(change: Change, theirs: str | None) -> bool:
    if theirs is None:
        return False
    if theirs == change.text:
        return True
    certain = change.end > change.start or len(change.text) >= CERTAIN
    return bool(change.text) and certain and (theirs.startswith(change.text) or theirs.endswith(change.text))


def _moved(change: Change, theirs: Sequence[Change], index: int, shift: int) -> Iterator[Change]:
    """Transfer one change; it deletes the characters that others have not deleted.

    `index`: their first change that ends after its start. `shift`: length difference of all their changes before that.
    """
    pieces: list[tuple[int, int]] = []
    position = change.start
    place: int | None = None
    while position < change.end or place is None:
        other = theirs[index] if index < len(theirs) else None
        if other is not None and other.start <= position and other.end > position:
            shift += len(other.text) - (other.end - other.start)
            position = other.end
            index += 1
            place = position + shift if place is None and position >= change.end else place
            continue
        if place is None:
            place = position + shift
        end = change.end if other is None else min(change.end, max(other.start, position))
        if end > position:
            pieces.append((position + shift, end + shift))
            position = end
        if other is not None and other.start == other.end == position < change.end:
            shift += len(other.text)
            index += 1
    if not pieces or pieces[0][0] != place:
        pieces.insert(0, (place, place))
    yield Change(*pieces[0], change.text, change.near)
    for start, end in pieces[1:]:
        yield Change(start, end, "")


def _in_units(old: str, new: str, split: Callable[[str], list[str]]) -> Iterator[Hunk]:
    """Differing sections of the texts, by whole units."""
    ours, theirs = split(old), split(new)
    starts, other_starts = _offsets(ours), _offsets(theirs)
    for a, b, c, d in diff_sequences(ours, theirs):
        yield starts[a], starts[b], other_starts[c], other_starts[d]


def _offsets(units: list[str]) -> list[int]:
    return list(accumulate(map(len, units), initial=0))


def _in_characters(old: str, new: str, offset: int) -> Iterator[Change]:
    """Changes between two short texts; words with little in common are replaced as a whole."""
    whole, first = old, offset
    start = common_prefix(old, new)
    end = common_suffix(old[start:], new[start:])
    old, new, offset = old[start : len(old) - end], new[start : len(new) - end], offset + start
    differing = None
    if old and new and len(old) + len(new) <= MAX_CHARACTERS:
        differing = shortest_edit(old, new, (len(old) + len(new)) // 3)
    if differing is None:
        differing = [(0, len(old), 0, len(new))] if old or new else []
    for a, b, c, d in differing:
        near = BESIDE if not whole else BEHIND if offset + a == first else BEFORE
        yield Change(offset + a, offset + b, new[c:d], near)
