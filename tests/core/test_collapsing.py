"""A history of random documents whose first part is collapsed: later moments stay as they were."""

from itertools import pairwise
from random import Random

import pytest

from collab_server.core.history.blame import Credits, credited_text
from collab_server.core.history.collapsing import collapse
from collab_server.core.history.segment import UNKNOWN, build_segment, decode_segment, encode_segment
from collab_server.core.history.stored_history import (
    History,
    StoredHistory,
    cut,
    find_position,
    list_inserted,
    open_history,
)
from collab_server.core.yjs import tree
from collab_server.core.yjs.structs import Branch
from tests.core.test_history import Authors, segment_of, shown


def credits_of(history: History, seq: int, first: int) -> list[tuple[str, str | None]]:
    """The characters of the text after a row with their authors; nobody for those of rows up to `first`."""
    content = tree.read_tree(cut(history, seq)).roots.get("content", Branch(None))
    found = []
    for run in credited_text(content, Credits(list_inserted(history, seq))):
        assert run.credit is not None
        author = run.credit.author.id if run.credit.seq > first else None
        found += [(character, author) for character in run.text]
    return found


@pytest.mark.parametrize("seed", range(30))
def test_later_moments_are_as_they_were(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    peers.edit(70)
    whole = segment_of(peers)
    cuts = [0, *sorted(random.sample(range(5, 60), 3)), 70]
    parts = [
        encode_segment(build_segment(whole.rows[start:end], peers.log[start:end])) for start, end in pairwise(cuts)
    ]
    history = open_history(StoredHistory(parts, (), ()))
    collapsed = parts
    for count in (2, 2):  # the second time, the first of them is the collapsed one
        packed = collapse(collapsed[:count])
        collapsed = [packed.payload, *collapsed[count:]]
        first = packed.last_seq
        rows = decode_segment(packed.payload).rows
        assert [(row.seq, row.at, row.author) for row in rows] == [(first, 1_000 * first, UNKNOWN)]
        later = open_history(StoredHistory(collapsed, (), ()))
        for seq in range(first, 71):
            assert shown(cut(later, seq)) == shown(cut(history, seq))
            assert credits_of(later, seq, first) == credits_of(history, seq, first)
        assert find_position(later, seq=1).seq == find_position(later, at=1).seq == first
    assert first == cuts[3]
