"""Very large updates are cut into pieces that are the same document together."""

from typing import Any

import pycrdt
import pytest

from collab_server.core.documents import compaction, loading
from collab_server.core.documents.projection import project_document
from collab_server.core.yjs import inspection, updates
from collab_server.core.yjs.split_update import split_incoming, split_update
from collab_server.errors import TooLarge
from tests.core.strategies import anything, binary, deleted, encode_update, skip, string


def whole(parts: list[bytes]) -> bytes:
    return updates.merge(parts)


def edited_document() -> bytes:
    first, second = pycrdt.Doc[Any](client_id=3456789012), pycrdt.Doc[Any](client_id=7)
    for turn in range(200):
        for doc, other in ((first, second), (second, first)):
            text = doc.get("content", type=pycrdt.Text)
            text.insert(len(str(text).encode()) * turn % 7 // 7, f"\u00e9 {turn} \U0001f600")
            if turn % 3 == 0:
                del text[0:2]
            doc.get("map", type=pycrdt.Map)[str(turn % 5)] = {"z": [1, None, "zeta"]}
            other.apply_update(doc.get_update(other.get_state()))
    return first.get_update()


@pytest.mark.parametrize("size", [40, 333, 5_000])
def test_the_pieces_are_the_document_and_each_is_an_update(size: int) -> None:
    update = edited_document()
    parts = split_update(update, size)
    assert len(parts) > 2
    summaries = [updates.validate(part) for part in parts]
    assert [summary.deletes for summary in summaries[:-1]] == [()] * (len(parts) - 1)
    assert summaries[-1].deletes == inspection.inspect(update).deletes
    assert max(map(len, parts[:-1])) < 2 * size + 200
    one, other = compaction.merge_log(None, [update]), compaction.merge_log(None, parts)
    assert not other.pending
    assert one.state_vector == other.state_vector
    assert project_document(one.document) == project_document(other.document)


def test_a_long_text_is_cut_and_says_the_same() -> None:
    text = "zeile \u00e9 \U0001f600\n" * 5_000
    structs = [string("before"), string(text), string("after")]
    update = encode_update([(7, 0, structs), (5, 0, [deleted(2)])], [(7, [(0, 3)])])
    parts = split_update(update, 1_000)
    assert max(map(len, parts)) < 3_000
    assert all(updates.validate(part).structs for part in parts)
    merged = whole(parts)
    assert sorted(inspection.inspect(merged).structs) == sorted(inspection.inspect(update).structs)
    assert inspection.inspect(merged).deletes == ((7, 0, 3),)
    assert text in project_document(loading.load(merged)).content


def test_gaps_stay_gaps() -> None:
    update = encode_update([(7, 0, [*[string("abc")] * 30, skip(5), *[string("def")] * 30])], [])
    parts = split_update(update, 100)
    assert len(parts) > 3
    assert sorted(inspection.inspect(whole(parts)).structs) == [(7, 0, 90), (7, 95, 185)]


def test_of_what_is_known_nothing_is_taken_and_one_value_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collab_server.core.yjs.split_update.MAX_PIECE_BYTES", 2_000)
    update = encode_update([(7, 0, [anything(b"\x7d\x40", b"\x7d\x01")] * 200)], [])
    parts = split_incoming(update, {7: 100}, 500)
    assert len(parts) > 2
    assert parts[0][1].structs[0][:2] == (7, 100)
    assert parts[-1][1].structs[-1][2] == 400
    assert all(updates.validate(part).marked is None for part, _ in parts)
    [(nothing, summary)] = split_incoming(update, {7: 400}, 500)
    assert nothing == updates.EMPTY_UPDATE and not summary.structs
    with pytest.raises(TooLarge):
        split_incoming(encode_update([(7, 0, [binary(bytes(3_000))])], []), {})
