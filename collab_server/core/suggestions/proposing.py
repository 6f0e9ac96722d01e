"""Turns an edit request into hunks, accepts hunks as an edit, and says where hunks are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from collab_server.core.anchors.content_units import ContentUnits, read_content_units
from collab_server.core.anchors.relative_position import RelativePosition
from collab_server.core.documents.apply_edit import (
    EditRequest,
    MergeBase,
    compose_changes,
    content_hash,
    find_changes,
    read_current,
)
from collab_server.core.documents.projection import TEXT_ROOT
from collab_server.core.suggestions.hunks import (
    MAX_HUNKS,
    Hunk,
    decode_hunk,
    encode_hunk,
    find_hunk,
    join_within_words,
    make_hunk,
)
from collab_server.core.text.alignment import Alignment
from collab_server.core.text.diff import Change
from collab_server.core.yjs import updates
from collab_server.core.yjs.edit_functions import Edit
from collab_server.errors import Conflict, UnprocessableContent

MAX_CHARACTERS: Final = 200_000
"""Limit of a suggestion: what it deletes and inserts."""
_ANY_CLIENT: Final = 1
"""The least client id of edits that are only tried."""


@dataclass(frozen=True, slots=True)
class FoundHunk:
    """Where a hunk is. relative_start, relative_end: as encoded relative positions of Yjs."""

    start: int
    end: int
    relative_start: bytes
    relative_end: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """stale: the hunks that do not fit; then nothing is changed. content_hash: of the content after the edit."""

    stale: tuple[int, ...]
    content_hash: str
    changed: bool


def propose(update: bytes, request: EditRequest, base: MergeBase | None) -> list[dict[str, Any]]:
    """Return the hunks of a request as JSON. `base`: as of apply_edit.

    Raises PreconditionFailed, BaseUnknown, Conflict, and UnprocessableContent for too much, for an edit that changes
    nothing and for one that this document cannot take.
    """
    present = read_current(update)
    text = present.text
    changes = find_changes(request, base, present)
    if text != present.projection.content:
        raise UnprocessableContent("this document contains characters that cannot be stored; send Yjs updates")
    composer, after = compose_changes(update, present, _free_client(present.tree.clocks), changes)
    if composer.update() == updates.EMPTY_UPDATE or after == text:
        raise UnprocessableContent("the suggestion changes nothing")
    changes = join_within_words(text, changes)
    if len(changes) > MAX_HUNKS:
        raise UnprocessableContent(f"a suggestion may have at most {MAX_HUNKS} changes")
    if sum(change.end - change.start + len(change.text) for change in changes) > MAX_CHARACTERS:
        raise UnprocessableContent(f"a suggestion may change at most {MAX_CHARACTERS} characters")
    units = read_content_units(update)
    unit_of = _unit_offsets(text)
    return [
        encode_hunk(make_hunk(units, unit_of[change.start], unit_of[change.end], change.text)) for change in changes
    ]


def _free_client(clocks: dict[int, int]) -> int:
    client = _ANY_CLIENT
    while client in clocks:
        client += 1
    return client


def accept_hunks(
    parts: Sequence[bytes], client: int, hunks: Sequence[dict[str, Any]], *, is_kept: bool = True
) -> Edit[Accepted]:
    """Make the changes of hunks in the document, all or none. `is_kept`: also large removals.

    Raises Conflict if the document cannot take them any more, RemovesMuch.
    """
    whole = updates.merge(parts)
    try:
        present = read_current(whole)
        units = read_content_units(whole)
    except UnprocessableContent as error:
        raise Conflict(error.detail) from None
    text = present.text
    if units.content != text:
        raise Conflict("the document contains characters that cannot be stored")
    changes, stale = _find_changes(units, [decode_hunk(hunk) for hunk in hunks])
    if stale:
        return Edit(updates.EMPTY_UPDATE, Accepted(stale, content_hash(text), changed=False))
    try:
        composer, after = compose_changes(whole, present, client, changes, is_kept=is_kept)
    except UnprocessableContent as error:
        raise Conflict(error.detail) from None
    update = composer.update()
    # Without a place: whoever accepts has a cursor already, and no program is at work.
    return Edit(update, Accepted((), content_hash(after), changed=update != updates.EMPTY_UPDATE))


def _find_changes(units: ContentUnits, hunks: Sequence[Hunk]) -> tuple[list[Change], tuple[int, ...]]:
    """(ascending and disjoint changes of the content, the hunks that do not fit)"""
    places = [find_hunk(hunk, units) for hunk in hunks]
    stale = {index for index, place in enumerate(places) if place is None}
    offsets = _unit_offsets(units.content)
    character_of = {unit: index for index, unit in enumerate(offsets)}
    changes: list[Change] = []
    reached = 0
    for index, (hunk, place) in enumerate(zip(hunks, places, strict=True)):
        if place is None:
            continue
        start, end = place
        if start < reached or start not in character_of or end not in character_of:
            stale.add(index)
            continue
        reached = end
        change = Change(character_of[start], character_of[end], hunk.inserted)
        if changes and changes[-1].end == change.start:
            # Nothing is left between the two.
            last = changes.pop()
            change = Change(last.start, change.end, last.text + change.text)
        changes.append(change)
    return changes, tuple(sorted(stale))


def find_places(update: bytes, suggestions: Sequence[Sequence[dict[str, Any]]]) -> list[list[FoundHunk | None]]:
    """Find where hunks are in a document; None: it does not fit. In a document that is no text any more, none fits."""
    try:
        units = read_content_units(update)
    except UnprocessableContent:
        return [[None] * len(hunks) for hunks in suggestions]
    return [[_find(units, decode_hunk(hunk)) for hunk in hunks] for hunks in suggestions]


def _find(units: ContentUnits, hunk: Hunk) -> FoundHunk | None:
    found = find_hunk(hunk, units)
    if found is None:
        return None
    start, end = found
    if start == end:
        place = _encode_position(units, start, from_left=True)
        return FoundHunk(start, end, place, place)
    # What is typed at the edges stays outside.
    first = _encode_position(units, start, from_left=False)
    return FoundHunk(start, end, first, _encode_position(units, end, from_left=True))


def _encode_position(units: ContentUnits, offset: int, *, from_left: bool) -> bytes:
    left, right = units.visible_left(offset), units.visible_right(offset)
    if left is not None and (from_left or right is None):
        return RelativePosition(item=units.id_at(left), behind=True).encode()
    if right is not None:
        return RelativePosition(item=units.id_at(right)).encode()
    return RelativePosition(root=units.root or TEXT_ROOT).encode()


def carry_over(
    former: bytes, copy: bytes, suggestions: Sequence[Sequence[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    """Tie hunks to the characters of a copy with the same content, or of the same text as Markdown or rich text. Hunks
    that do not fit stay as they are: their characters are not in the copy.
    """
    try:
        units, others = read_content_units(former), read_content_units(copy)
    except UnprocessableContent:
        return [list(hunks) for hunks in suggestions]
    alignment = Alignment(units.units, others.units)
    return [[_carried(units, others, alignment, hunk) for hunk in hunks] for hunks in suggestions]


def _carried(units: ContentUnits, others: ContentUnits, alignment: Alignment, value: dict[str, Any]) -> dict[str, Any]:
    hunk = decode_hunk(value)
    found = find_hunk(hunk, units)
    if found is None:
        return value
    (start, end), inserted = found, hunk.inserted
    if start < end:
        # What is to be deleted must be there in one piece.
        places = list(alignment.find_new(start, end))
        if len(places) != 1 or others.units[slice(*places[0])] != units.units[start:end]:
            return value
        start, end = places[0]
    elif (place := alignment.find_new_place(start)) is not None:
        start = end = place
    elif units.units or others.units:
        # White space that is not there any more, such as a line feed at the end, comes with what is inserted behind it.
        left = len(units.units[:start].rstrip())
        if left == start or (place := alignment.find_new_place(left)) is None:
            return value
        inserted = units.text(left, start) + inserted
        start = end = place
    return encode_hunk(make_hunk(others, start, end, inserted)) | {"start": hunk.start}


def _unit_offsets(text: str) -> Sequence[int]:
    """The offset in UTF-16 units of each character, and of the end."""
    if text.isascii():
        return range(len(text) + 1)
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))
