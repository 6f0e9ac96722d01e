"""Collapses old segments: of all their rows, one is left with the content after the last of them."""

from collections.abc import Sequence

from collab_server.core.documents.compaction import remove_deleted
from collab_server.core.history.folding import PackedSegment
from collab_server.core.history.moment import Moment, cut_to_moment
from collab_server.core.history.segment import UNKNOWN, Segment, build_row, decode_segment, encode_segment
from collab_server.core.yjs.updates import merge


def collapse(segments: Sequence[bytes]) -> PackedSegment:
    """Collapse the first segments of a history, oldest first, into one row by nobody. It has the number and the time of
    their last row, and no content that was deleted by then. Raises Malformed for unreadable bytes.
    """
    decoded = [decode_segment(segment) for segment in segments]
    moment = Moment()
    for segment in decoded:
        moment.add(segment.rows)
    update = cut_to_moment(merge([segment.update for segment in decoded]), moment)
    collected = remove_deleted(update)
    last = decoded[-1].rows[-1]
    row = build_row(last.seq, last.at, UNKNOWN, collected)
    payload = encode_segment(Segment((row,), collected))
    return PackedSegment(last.seq, last.seq, last.at, last.at, 1, payload)
