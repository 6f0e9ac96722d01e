"""Finds where the characters of anchors are now.

An anchor is from its first surviving character to its last one: text typed at its edges is outside, text typed inside
is inside. Where characters are missing, the whole quote is looked for in text that is newer than the anchor: words that
were deleted and inserted anew, by an editor that splits a paragraph, by undo, by a restore, or by a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collab_server.core.anchors.anchor import Anchor, decode_anchor, merge_ids
from collab_server.core.anchors.content_units import ContentUnits, UnitRun, read_content_units
from collab_server.core.anchors.relative_position import RelativePosition
from collab_server.core.anchors.visible_text import VisibleText, agreement
from collab_server.core.yjs import updates, utf16
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import Range
from collab_server.errors import Malformed

MAX_CANDIDATES: Final = 20_000
"""Occurrences of a quote that are looked at for one anchor. Quotes that occur more often are not found again."""
MAX_ALL_CANDIDATES: Final = 200_000
"""The same for all anchors of a call."""
CERTAIN: Final = 16
"""A restore compares texts letter by letter: it may insert only most of the words, and use letters of the text behind
them. Such words are the anchor's if so many units of its context are there too, or all of it.
"""


@dataclass(frozen=True, slots=True)
class Located:
    """anchor: as it is to be stored now; changed: it is another than before. start, end: UTF-16 units of the content,
    None for an orphan. relative_start, relative_end: of its first and behind its last character, as Yjs encodes them.
    """

    anchor: bytes
    changed: bool = False
    start: int | None = None
    end: int | None = None
    relative_start: bytes | None = None
    relative_end: bytes | None = None

    @property
    def orphaned(self) -> bool:
        return self.start is None


def locate(update: bytes, anchors: Sequence[bytes]) -> list[Located]:
    """Find anchors in a document, given as its whole validated encoding. An anchor that cannot be read is an orphan.

    Raises Malformed (the document), UnprocessableContent (its content is JSON).
    """
    finder = Finder(read_content_units(update), update)
    return [finder.locate(anchor) for anchor in anchors]


def make_located(anchor: bytes, places: Sequence[UnitRun], *, changed: bool = False) -> Located:
    """What is told of an anchor whose characters are at these places."""
    first, last = places[0], places[-1]
    end = last.start + last.length
    return Located(
        anchor,
        changed,
        first.start,
        end,
        RelativePosition(item=(first.client, first.clock)).encode(),
        RelativePosition(item=(last.client, last.clock + last.length - 1), behind=True).encode(),
    )


def put_on(units: ContentUnits, visible: VisibleText, known: Mapping[int, int], start: int, end: int) -> Anchor:
    """An anchor on visible characters `start` to `end`, and on the white space between them."""
    ids = units.ids(visible.place(start), visible.place(end - 1) + 1)
    return make_anchor(units, visible, known, ids, visible.text[start:end], start, end)


def make_anchor(
    units: ContentUnits,
    visible: VisibleText,
    known: Mapping[int, int],
    ids: Sequence[Range],
    quote: str,
    start: int,
    end: int,
) -> Anchor:
    """An anchor on these characters, with the context of visible characters `start` to `end`."""
    prefix, suffix = utf16.from_units(visible.before(start)), utf16.from_units(visible.behind(end))
    return Anchor(units.root or "", merge_ids(ids), utf16.from_units(quote), prefix, suffix, known)


class Finder:
    """Finds anchors in one content."""

    def __init__(self, units: ContentUnits, update: bytes) -> None:
        self.units = units
        self._update = update
        self._visible: VisibleText | None = None
        self._known: dict[int, int] | None = None
        self._left = MAX_ALL_CANDIDATES

    @property
    def visible(self) -> VisibleText:
        if self._visible is None:
            self._visible = VisibleText(self.units)
        return self._visible

    @property
    def known(self) -> dict[int, int]:
        """The document's state vector."""
        if self._known is None:
            self._known = updates.decode_state_vector(updates.state_vector(self._update))
        return self._known

    def locate(self, encoded: bytes) -> Located:
        """Find one anchor."""
        try:
            anchor = decode_anchor(encoded)
        except Malformed:
            return Located(encoded)
        places = self.units.places(anchor.ids)
        if anchor.ids and sum(run.length for run in places) == sum(end - start for _, start, end in anchor.ids):
            return make_located(encoded, places)
        span = self._find_again(anchor, places)
        if span is not None:
            renewed = put_on(self.units, self.visible, self.known, *span)
            return make_located(renewed.encode(), self.units.places(renewed.ids), changed=True)
        return make_located(encoded, places) if places else Located(encoded)

    def _find_again(self, anchor: Anchor, places: Sequence[UnitRun]) -> tuple[int, int] | None:
        """Where the whole quote is among the visible characters, in text that is newer than the anchor or its own."""
        quote = utf16.to_units(anchor.quote)
        size = len(quote)
        if not size or size > len(self.visible):
            return None
        visible = self.visible
        start, end = 0, len(visible)
        if places:
            first, last = visible.index(places[0].start), visible.index(places[-1].start + places[-1].length)
            start, end = max(0, first - size), min(end, last + size)
        prefix, suffix = utf16.to_units(anchor.prefix), utf16.to_units(anchor.suffix)
        own = DeleteSet(anchor.ids)
        best, best_agreement, is_tie = None, -1, False
        for number, at in enumerate(visible.occurrences(quote, start, end)):
            if number >= MAX_CANDIDATES or not self._left:
                return None
            self._left -= 1
            new = self._count_new(anchor, own, at, at + size)
            if 2 * new < size:
                continue
            agreed = agreement(prefix, visible.before(at), suffix, visible.behind(at + size))
            if new < size and agreed < min(CERTAIN, len(prefix) + len(suffix)):
                continue
            if agreed > best_agreement:
                best, best_agreement, is_tie = at, agreed, False
            elif agreed == best_agreement:
                is_tie = True
        return None if best is None or is_tie else (best, best + size)

    def _count_new(self, anchor: Anchor, own: DeleteSet, start: int, end: int) -> int:
        """How many of the characters are newer than the anchor, or its own."""
        new = 0
        for client, first, stop in self.visible.ids(start, end):
            known = max(first, min(stop, anchor.known.get(client, 0)))
            old = own.outside([(client, first, known)])
            new += stop - first - sum(until - begin for _, begin, until in old)
        return new
