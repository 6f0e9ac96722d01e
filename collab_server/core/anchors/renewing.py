"""Carries anchors over to a fresh copy of a document."""

from collections.abc import Sequence
from dataclasses import replace

from collab_server.core.anchors.anchor import decode_anchor, merge_ids
from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.anchors.locating import Finder, Located, make_located
from collab_server.core.yjs import updates
from collab_server.errors import Malformed


def renew(former: bytes, copy: bytes, anchors: Sequence[bytes]) -> list[Located]:
    """Carry anchors over to a copy of a document, which has the same content and other ids.

    An orphan keeps its quote and context, and is found again in what is typed into the copy. An anchor that cannot be
    read stays as it is. Raises Malformed, and UnprocessableContent for JSON.
    """
    if not anchors:
        return []
    finder = Finder(read_content_units(former), former)
    units = read_content_units(copy)
    known = updates.decode_state_vector(updates.state_vector(copy))
    is_same = units.content == finder.units.content
    renewed: list[Located] = []
    for encoded in anchors:
        located = finder.locate(encoded)
        try:
            anchor = decode_anchor(located.anchor)
        except Malformed:
            renewed.append(located)
            continue
        places = finder.units.places(anchor.ids) if is_same else []
        ids = [one for run in places for one in units.ids(run.start, run.start + run.length)]
        carried = replace(anchor, ids=merge_ids(ids), known=known).encode()
        places = units.places(ids)
        renewed.append(make_located(carried, places, changed=True) if places else Located(carried, changed=True))
    return renewed
