"""Puts an anchor on the text that a client names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collab_server.core.anchors.anchor import MAX_BYTES, MAX_CHARACTERS
from collab_server.core.anchors.content_units import ContentUnits, read_content_units
from collab_server.core.anchors.locating import make_anchor
from collab_server.core.anchors.node_positions import find_between
from collab_server.core.anchors.quotes import find_quote
from collab_server.core.anchors.relative_places import find_relative
from collab_server.core.anchors.visible_text import VisibleText, read_visible, squeeze
from collab_server.core.anchors.wishes import KnownText, OffsetWish, QuoteWish, Wish
from collab_server.core.documents.apply_edit import CHANGED, content_hash
from collab_server.core.text.diff import Change, diff_texts, rebase_changes
from collab_server.core.yjs import tree, updates, utf16
from collab_server.core.yjs.inspection import Range
from collab_server.errors import BaseUnknown, PreconditionFailed, UnprocessableContent

_NO_TEXT: Final = "there is no visible text between these positions"


@dataclass(frozen=True, slots=True)
class Placed:
    """anchor: to be stored. text: that it is on, as a person sees it. start, end: UTF-16 units of the content."""

    anchor: bytes
    text: str
    start: int
    end: int


def place(update: bytes, wanted: Wish, base: KnownText | None = None) -> Placed:
    """Put an anchor on what is wanted, in a document given as its whole validated encoding.

    base: the content that the wish's hash names, where it is not the present one. Raises UnprocessableContent (absent,
    ambiguous, no text, JSON), PreconditionFailed (the words are others now), BaseUnknown (there is no base), Malformed.
    """
    present = read_content_units(update)
    known = updates.decode_state_vector(updates.state_vector(update))
    if isinstance(wanted, QuoteWish):
        start, end = find_quote(present, wanted)
        ids = present.ids(start, end)
    elif isinstance(wanted, OffsetWish):
        ids = _find_offsets(update, present, known, wanted, base)
    else:
        ids = find_relative(tree.read_tree(update), present.root, wanted)
    return _put_on(present, known, ids)


def place_all(update: bytes, wanted: Sequence[QuoteWish | OffsetWish | None]) -> list[Placed | None]:
    """Put anchors on what is wanted in a document, given as its whole validated encoding: offsets in its present
    content only, whatever hash they name. None for what cannot be placed. Raises Malformed.
    """
    try:
        present = read_content_units(update)
    except UnprocessableContent:
        return [None] * len(wanted)
    known = updates.decode_state_vector(updates.state_vector(update))
    visible = VisibleText(present)
    placed: list[Placed | None] = []
    for each in wanted:
        try:
            if each is None:
                placed.append(None)
            elif isinstance(each, QuoteWish):
                placed.append(_put_on(present, known, present.ids(*find_quote(present, each)), visible))
            else:
                placed.append(_put_on(present, known, _find_in_state(update, present, known, each), visible))
        except (UnprocessableContent, PreconditionFailed):
            placed.append(None)
    return placed


def _put_on(
    present: ContentUnits, known: dict[int, int], ids: Sequence[Range], visible: VisibleText | None = None
) -> Placed:
    places = present.places(ids)
    if not places:
        raise UnprocessableContent(_NO_TEXT)
    start, end = places[0].start, places[-1].start + places[-1].length
    if sum(run.length for run in places) > MAX_CHARACTERS:
        raise UnprocessableContent(f"an anchor may cover at most {MAX_CHARACTERS} characters")
    visible = visible or VisibleText(present)
    quote = squeeze("".join(present.text(run.start, run.start + run.length) for run in places))
    first, last = visible.index(start), visible.index(end)
    ids = [(run.client, run.clock, run.clock + run.length) for run in places]
    anchor = make_anchor(present, visible, known, ids, quote, first, last).encode()
    if len(anchor) > MAX_BYTES:
        raise UnprocessableContent("the text has been edited at too many places for an anchor on so much of it")
    return Placed(anchor, read_visible(present, start, end), start, end)


def _find_offsets(
    update: bytes, present: ContentUnits, known: dict[int, int], wanted: OffsetWish, base: KnownText | None
) -> list[Range]:
    """The characters at these positions of a former or the present content."""
    if wanted.start >= wanted.end:
        raise UnprocessableContent("an anchor must begin before it ends")
    if wanted.state_vector is not None:
        clocks = updates.decode_state_vector(wanted.state_vector)
        if any(clock > known.get(client, 0) for client, clock in clocks.items()):
            raise PreconditionFailed("the state vector knows edits that the server does not have yet: send them first")
        return _find_in_state(update, present, clocks, wanted)
    if wanted.content_hash == content_hash(present.content):
        return _find_in_state(update, present, known, wanted)
    if base is None:
        raise BaseUnknown(f"{CHANGED}, and the server does not remember that text any more: read it again")
    clocks = updates.decode_state_vector(base.state_vector)
    former = read_content_units(update, clocks)
    if former.content == base.text:
        ids = _find_in_state(update, present, clocks, wanted)
        was = _visible_of(former, ids)
    elif wanted.is_nodes:
        raise PreconditionFailed(f"{CHANGED}; read it again")
    else:
        ids, was = _carry_over(former, wanted, base.text)
        _check_quote(wanted, was)
    if _visible_of(present, ids) != was:
        raise PreconditionFailed("the words at these positions have changed since you read them")
    return ids


def _find_in_state(update: bytes, present: ContentUnits, clocks: dict[int, int], wanted: OffsetWish) -> list[Range]:
    """The characters at these positions of the content that a state vector knows."""
    hidden = [
        (client, clocks.get(client, 0), end)
        for client, end in updates.decode_state_vector(updates.state_vector(update)).items()
        if clocks.get(client, 0) < end
    ]
    units = read_content_units(update, clocks) if hidden else present
    if wanted.is_nodes:
        if units.format != "markdown" or units.root is None:
            raise UnprocessableContent("the content is no fragment of nodes: it has no positions of ProseMirror")
        ids = find_between(tree.read_tree(update, hidden).roots[units.root], wanted.start, wanted.end)
    else:
        _check_offsets(units, wanted)
        ids = units.ids(wanted.start, wanted.end)
    _check_quote(wanted, _visible_of(units, ids), units.text(wanted.start, wanted.end))
    if not ids:
        raise UnprocessableContent(_NO_TEXT)
    return ids


def _check_offsets(units: ContentUnits, wanted: OffsetWish) -> None:
    if wanted.end > len(units):
        raise UnprocessableContent(f"`end` is beyond the end of the content, which is at {len(units)}")
    if units.cuts_pair(wanted.start) or units.cuts_pair(wanted.end):
        raise UnprocessableContent("an offset is within a character of two UTF-16 units")


def _carry_over(former: ContentUnits, wanted: OffsetWish, text: str) -> tuple[list[Range], str]:
    """The characters of the remembered text at these positions, and how they read. former: what is left of that text.

    Raises PreconditionFailed where some of them are gone.
    """
    units = utf16.to_units(text)
    if wanted.end > len(units):
        raise UnprocessableContent(f"`end` is beyond the end of the content, which is at {len(units)}")
    try:
        start, end = utf16.to_code_points(text, wanted.start), utf16.to_code_points(text, wanted.end)
    except UnicodeDecodeError:
        raise UnprocessableContent("an offset is within a character of two UTF-16 units") from None
    moved = rebase_changes([Change(start, end, "")], diff_texts(text, former.content))
    kept = [change for change in moved if change.start < change.end]
    if not kept or former.content[kept[0].start : kept[-1].end] != text[start:end]:
        raise PreconditionFailed("the words at these positions have changed since you read them")
    first = utf16.length(former.content[: kept[0].start])
    ids = former.ids(first, first + wanted.end - wanted.start)
    if not ids:
        raise UnprocessableContent(_NO_TEXT)
    return ids, _visible_of(former, ids)


def _visible_of(units: ContentUnits, ids: Sequence[Range]) -> str:
    places = units.places(ids)
    return read_visible(units, places[0].start, places[-1].start + places[-1].length) if places else ""


def _check_quote(wanted: OffsetWish, *texts: str) -> None:
    if wanted.quote is not None and all(squeeze(wanted.quote) != squeeze(text) for text in texts):
        raise PreconditionFailed("the text at these positions is not the quote")
