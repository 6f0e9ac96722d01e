"""Hunks: single changes of a content, tied to the characters that they delete or stand between.

Offsets count UTF-16 units of the content. Signs that Markdown adds show no character: between two characters they are
compared as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab_server.core.anchors.content_units import ContentUnits
from collab_server.core.text.diff import Change
from collab_server.core.yjs import utf16
from collab_server.core.yjs.structs import Id

MAX_HUNKS: Final = 1000
_CONTEXT: Final = 32
"""Units of content on each side by which a hunk is known when its characters are gone."""
_LEAST_CONTEXT: Final = 12
_WORD: Final = 40
"""Characters between two changes of one word. Some scripts are written without spaces."""


@dataclass(frozen=True, slots=True)
class IdRun:
    """Consecutive characters of a client that a hunk deletes. offset: of the first one in the deleted text."""

    offset: int
    client: int
    clock: int
    length: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """Replace `deleted` by `inserted`.

    start: where it was when it was made. ids: the deleted characters. left, right: the nearest visible characters
    beside it; None: there was none. before, behind: the signs of Markdown between these and the deleted text. prefix,
    suffix: the content around it when it was made.
    """

    start: int
    deleted: str
    inserted: str
    ids: tuple[IdRun, ...]
    left: Id | None
    right: Id | None
    before: str
    behind: str
    prefix: str
    suffix: str

    @property
    def end(self) -> int:
        return self.start + utf16.length(self.deleted)


def join_within_words(text: str, changes: Sequence[Change]) -> list[Change]:
    """Join ascending changes that are within one word, and have replacements replace whole words: people read them."""
    joined: list[Change] = []
    for change in changes:
        if joined:
            last = joined[-1]
            between = text[last.end : change.start]
            if len(between) <= _WORD and not any(character.isspace() for character in between):
                joined[-1] = Change(last.start, change.end, last.text + between + change.text, last.near)
                continue
        joined.append(change)
    limits = [*(change.start for change in joined[1:]), len(text)]
    widened: list[Change] = []
    for change, limit in zip(joined, limits, strict=True):
        reached = widened[-1].end if widened else 0
        widened.append(_widen(text, change, reached, limit) if change.text and change.end > change.start else change)
    return widened


def _widen(text: str, change: Change, first: int, last: int) -> Change:
    start, end = change.start, change.end
    while start > max(first, change.start - _WORD) and text[start - 1].isalnum():
        start -= 1
    while end < min(last, change.end + _WORD) and text[end].isalnum():
        end += 1
    return Change(start, end, text[start : change.start] + change.text + text[change.end : end], change.near)


def make_hunk(units: ContentUnits, start: int, end: int, inserted: str) -> Hunk:
    """Return the hunk that replaces the content from unit `start` to `end`, which are at borders of characters."""
    left, right = units.visible_left(start), units.visible_right(end)
    return Hunk(
        start,
        units.text(start, end),
        inserted,
        tuple(_runs(units, start, end)),
        units.id_at(left) if left is not None else None,
        units.id_at(right) if right is not None else None,
        units.text(left + 1 if left is not None else 0, start),
        units.text(end, right if right is not None else len(units)),
        units.text(_at_border(units, max(0, start - _CONTEXT)), start),
        units.text(end, _at_border(units, min(len(units), end + _CONTEXT))),
    )


def _at_border(units: ContentUnits, offset: int) -> int:
    return offset + units.cuts_pair(offset)


def find_hunk(hunk: Hunk, units: ContentUnits) -> tuple[int, int] | None:
    """Find the place of a hunk in a content: (start, end). None: it does not fit any more.

    The deleted text must be there in one piece, of the same characters, or again between the same characters beside it,
    or, where all of them are new, as after a restore, once in the content with the same text around it. An insertion
    goes behind the character on its left, or, if that is gone, before the one on its right.
    """
    deleted, before, behind = map(utf16.to_units, (hunk.deleted, hunk.before, hunk.behind))
    if hunk.ids:
        found = _find_deleted(hunk, units, deleted, before, behind)
        return found or _find_again(hunk, units, deleted, before, behind) or _find_quote(hunk, units)
    whole = before + deleted + behind
    if hunk.left is None and hunk.right is None:
        if units.units == whole:
            return len(before), len(before) + len(deleted)
        return None if before or deleted else (0, 0)
    left = units.find(*hunk.left) if hunk.left is not None else None
    if left is not None:
        signs = _signs_from(units, left + 1)
        if signs in (whole, before + deleted) or not (before or deleted):
            start = left + 1 + len(before)
            return start, start + len(deleted)
    right = units.find(*hunk.right) if hunk.right is not None else None
    if right is not None:
        signs = _signs_until(units, right)
        if signs in (whole, deleted + behind) or not (behind or deleted):
            end = right - len(behind)
            return end - len(deleted), end
    return _find_quote(hunk, units) if left is None and right is None else None


def _find_quote(hunk: Hunk, units: ContentUnits) -> tuple[int, int] | None:
    """Find the only place with the text and its surroundings, after all characters were written anew."""
    prefix, deleted, suffix = map(utf16.to_units, (hunk.prefix, hunk.deleted, hunk.suffix))
    if len(prefix) + len(suffix) < _LEAST_CONTEXT:
        return None
    if units.places((run.client, run.clock, run.clock + run.length) for run in hunk.ids):
        return None
    quote = prefix + deleted + suffix
    found = units.units.find(quote)
    if found < 0 or units.units.find(quote, found + 1) >= 0:
        return None
    return found + len(prefix), found + len(prefix) + len(deleted)


def _find_deleted(hunk: Hunk, units: ContentUnits, deleted: str, before: str, behind: str) -> tuple[int, int] | None:
    first, last = hunk.ids[0], hunk.ids[-1]
    found = units.find(first.client, first.clock)
    if found is None or found < first.offset:
        return None
    start = found - first.offset
    end = start + len(deleted)
    if units.units[start:end] != deleted or tuple(_runs(units, start, end)) != hunk.ids:
        return None
    # Signs at the ends belong to the deleted text only if no others of their kind have come beside them.
    lead, tail = deleted[: first.offset], deleted[last.offset + last.length :]
    if lead and _signs_until(units, found) not in (lead, before + lead):
        return None
    if tail and _signs_from(units, end - len(tail)) not in (tail, tail + behind):
        return None
    return start, end


def _find_again(hunk: Hunk, units: ContentUnits, deleted: str, before: str, behind: str) -> tuple[int, int] | None:
    left = units.find(*hunk.left) if hunk.left is not None else -1
    right = units.find(*hunk.right) if hunk.right is not None else len(units)
    if left is None or right is None or (hunk.left is None and hunk.right is None):
        return None
    if units.units[left + 1 : right] != before + deleted + behind:
        return None
    return left + 1 + len(before), right - len(behind)


def _runs(units: ContentUnits, start: int, end: int) -> list[IdRun]:
    return [IdRun(at - start, client, clock, length) for at, client, clock, length in units.runs_between(start, end)]


def _signs_from(units: ContentUnits, offset: int) -> str:
    """The signs of Markdown from an offset to the next character."""
    following = units.visible_right(offset)
    return units.units[offset : following if following is not None else len(units)]


def _signs_until(units: ContentUnits, offset: int) -> str:
    """The signs of Markdown from the character before an offset to it."""
    last = units.visible_left(offset)
    return units.units[last + 1 if last is not None else 0 : offset]


def encode_hunk(hunk: Hunk) -> dict[str, Any]:
    """Return a hunk as JSON."""
    return {
        "start": hunk.start,
        "deleted": hunk.deleted,
        "inserted": hunk.inserted,
        "ids": [[run.offset, run.client, run.clock, run.length] for run in hunk.ids],
        "left": hunk.left,
        "right": hunk.right,
        "before": hunk.before,
        "behind": hunk.behind,
        "prefix": hunk.prefix,
        "suffix": hunk.suffix,
    }


def decode_hunk(value: dict[str, Any]) -> Hunk:
    """Read what `encode_hunk` returns. Raises KeyError or TypeError for other JSON."""
    left, right = value["left"], value["right"]
    return Hunk(
        value["start"],
        value["deleted"],
        value["inserted"],
        tuple(IdRun(*run) for run in value["ids"]),
        (left[0], left[1]) if left else None,
        (right[0], right[1]) if right else None,
        value["before"],
        value["behind"],
        value["prefix"],
        value["suffix"],
    )
