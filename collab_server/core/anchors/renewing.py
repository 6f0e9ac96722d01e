"""Carries anchors over to a fresh copy of a document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from collab_server.core.anchors.anchor import Anchor, decode_anchor, merge_ids
from collab_server.core.anchors.content_units import ContentUnits, UnitRun, read_content_units
from collab_server.core.anchors.locating import Finder, Located, make_anchor, make_located
from collab_server.core.anchors.visible_text import VisibleText, squeeze
from collab_server.core.text.alignment import Alignment
from collab_server.core.yjs import updates
from collab_server.core.yjs.inspection import Range
from collab_server.errors import Malformed


def renew(former: bytes, copy: bytes, anchors: Sequence[bytes]) -> list[Located]:
    """Carry anchors over to a copy of a document, which has the same content and other ids, or to the same text as
    Markdown or rich text.

    An orphan keeps its quote and context, and is found again in what is typed into the copy. An anchor that cannot be
    read stays as it is. Raises Malformed, and UnprocessableContent for JSON.
    """
    if not anchors:
        return []
    finder = Finder(read_content_units(former), former)
    units = read_content_units(copy)
    known = updates.decode_state_vector(updates.state_vector(copy)) if copy != updates.EMPTY_UPDATE else {}
    renewing = _Renewing(finder.units, units, known)
    renewed: list[Located] = []
    for encoded in anchors:
        located = finder.locate(encoded)
        try:
            anchor = decode_anchor(located.anchor)
        except Malformed:
            renewed.append(located)
            continue
        ids = renewing.find(finder.units.places(anchor.ids))
        places = units.places(ids)
        if not places:
            renewed.append(Located(replace(anchor, ids=(), known=known).encode(), changed=True))
            continue
        carried = replace(anchor, ids=merge_ids(ids), known=known)
        if not renewing.is_same:
            carried = renewing.put_on(ids, places)
        renewed.append(make_located(carried.encode(), places, changed=True))
    return renewed


class _Renewing:
    """Finds the characters of a former content in a copy. `is_same`: both have the same content in the same form."""

    def __init__(self, former: ContentUnits, copy: ContentUnits, known: Mapping[int, int]) -> None:
        self.is_same = former.content == copy.content and former.format == copy.format
        self._copy = copy
        self._known = known
        self._alignment = Alignment(former.units, copy.units)
        self._visible: VisibleText | None = None

    def find(self, places: Sequence[UnitRun]) -> list[Range]:
        """The characters of the copy at these places of the former content. Where it has only signs there, such as an
        address, the word beside them on its line.
        """
        found = [
            one
            for place in places
            for start, end in self._alignment.find_new(place.start, place.start + place.length)
            for one in self._copy.ids(start, end)
        ]
        if found or self.is_same or not places:
            return found
        signs = list(self._alignment.find_new(places[0].start, places[-1].start + places[-1].length))
        return self._find_beside(signs[0][0], signs[-1][1]) if signs else []

    def _find_beside(self, start: int, end: int) -> list[Range]:
        units = self._copy
        left, right = units.visible_left(start), units.visible_right(end)
        if left is not None and "\n" not in units.units[left:start]:
            first = left
            while first and units.id_at(first - 1) is not None and not units.units[first - 1].isspace():
                first -= 1
            return units.ids(first, left + 1)
        if right is not None and "\n" not in units.units[end:right]:
            last = right + 1
            while last < len(units) and units.id_at(last) is not None and not units.units[last].isspace():
                last += 1
            return units.ids(right, last)
        return []

    def put_on(self, ids: Sequence[Range], places: Sequence[UnitRun]) -> Anchor:
        """The anchor on these characters, whose quote is of the copy: Markdown has signs that rich text has not."""
        if self._visible is None:
            self._visible = VisibleText(self._copy)
        quote = squeeze("".join(self._copy.text(run.start, run.start + run.length) for run in places))
        first = self._visible.index(places[0].start)
        last = self._visible.index(places[-1].start + places[-1].length)
        return make_anchor(self._copy, self._visible, self._known, ids, quote, first, last)
