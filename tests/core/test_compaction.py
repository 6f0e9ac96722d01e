"""Compaction loses nothing, in whatever order and portions the updates come."""

import base64
import time
import zlib
from random import Random
from typing import Any

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.documents.compaction import CompactedDocument, compact
from collab_server.core.documents.loading import cuts_surrogate_pairs
from collab_server.core.documents.projection import read_text
from collab_server.core.yjs import inspection, tree, updates
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.core.yjs.updates import EMPTY_UPDATE, decode_state_vector, merge
from tests.core.strategies import History, Struct, deleted, encode_update, gc, histories, string
from tests.core.test_tree import CUT, Peers
from tests.seeds import count_examples


def text_and_clocks(update: bytes) -> tuple[str, dict[int, int]]:
    """The root `content` as another peer would see it."""
    document = tree.read_tree(update)
    content = document.roots.get("content")
    return read_text(content) if content else "", document.clocks


def folded_in_portions(log: list[bytes], random: Random) -> CompactedDocument:
    """Each portion of one to eight updates folded onto the snapshot of the last."""
    snapshot: bytes | None = None
    while True:
        portion, log = log[: (count := random.randint(1, 8))], log[count:]
        folded = compact(snapshot, portion)
        if not log:
            return folded
        snapshot = folded.snapshot


@settings(max_examples=count_examples(200), deadline=None)
@given(histories(alphabet="abc é日😀"), st.randoms(use_true_random=False))
def test_a_fold_in_any_order_and_portions_is_the_document(history: History, random: Random) -> None:
    log = [*history.updates, *(random.choice(history.updates) for _ in history.updates[:3])]
    random.shuffle(log)
    folded = folded_in_portions(log, random)
    assert (folded.projection.content, folded.pending) == (history.text, False)
    assert text_and_clocks(folded.snapshot) == (history.text, decode_state_vector(folded.state_vector))


@pytest.mark.parametrize("seed", range(100))
def test_a_fold_of_every_shared_type_is_the_document(seed: int) -> None:
    random = Random(seed)
    peers = Peers(random)
    peers.edit(60)
    wanted = pycrdt.Doc[Any]()
    for update in peers.log:
        wanted.apply_update(update)
    shuffled = random.sample(peers.log, len(peers.log))
    folded = folded_in_portions(shuffled, random)
    doc = pycrdt.Doc[Any]()
    doc.apply_update(folded.snapshot)
    assert not folded.pending
    assert decode_state_vector(folded.state_vector) == decode_state_vector(wanted.get_state())
    assert str(doc.get("content", type=pycrdt.Text)) == str(wanted.get("content", type=pycrdt.Text))
    assert doc.get("map", type=pycrdt.Map).to_py() == wanted.get("map", type=pycrdt.Map).to_py()
    assert doc.get("array", type=pycrdt.Array).to_py() == wanted.get("array", type=pycrdt.Array).to_py()
    assert str(doc.get("default", type=pycrdt.XmlFragment)) == str(wanted.get("default", type=pycrdt.XmlFragment))


@settings(max_examples=count_examples(200), deadline=None)
@given(histories(), st.data())
def test_pending_structs_are_kept_until_their_dependencies_arrive(history: History, data: st.DataObject) -> None:
    late = data.draw(st.lists(st.sampled_from(range(len(history.updates))), max_size=3)) if history.updates else []
    early = [update for index, update in enumerate(history.updates) if index not in late]
    first = compact(None, early)
    again = compact(first.snapshot, [])
    assert (again.snapshot, again.state_vector, again.pending) == (first.snapshot, first.state_vector, first.pending)
    last = compact(first.snapshot, [history.updates[index] for index in late])
    assert (last.projection.content, last.pending) == (history.text, False)


def test_nothing_is_an_empty_document() -> None:
    folded = compact(None, [])
    assert (folded.snapshot, folded.state_vector, folded.pending) == (EMPTY_UPDATE, b"\0", False)
    assert (folded.projection.content, folded.projection.words) == ("", 0)
    assert compact(EMPTY_UPDATE, [EMPTY_UPDATE, EMPTY_UPDATE]) == folded


def test_a_gap_is_pending_and_its_text_not_shown() -> None:
    first, second, third = (encode_update([(1, clock, [piece])]) for clock, piece in enumerate(typed("abc")))
    folded = compact(first, [third])
    assert (folded.projection.content, folded.state_vector, folded.pending) == ("a", b"\x01\x01\x01", True)
    folded = compact(folded.snapshot, [second])
    assert (folded.projection.content, folded.state_vector, folded.pending) == ("abc", b"\x01\x01\x03", False)


def typed(text: str, client: int = 1) -> list[Struct]:
    """Structs of one clock each, of which each follows the one before."""
    origins = (b"\x84" + write_var_uint(client) + write_var_uint(clock) for clock in range(len(text) - 1))
    rest = (Struct(origin + write_var_string(text[at]), 1) for at, origin in enumerate(origins, start=1))
    return [string(text[0]), *rest]


def test_a_delete_of_a_missing_struct_is_pending_until_the_struct_arrives() -> None:
    typing = encode_update([(1, 0, [string("abc")])])
    deleting = encode_update([], [(1, [(1, 1)])])
    folded = compact(None, [deleting])
    assert (folded.projection.content, folded.pending) == ("", True)
    folded = compact(folded.snapshot, [typing])
    assert (folded.projection.content, folded.pending) == ("ac", False)


def test_deleted_content_leaves_the_snapshot() -> None:
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    log: list[bytes] = []
    subscription = doc.observe(lambda event: log.append(event.update))
    for _ in range(50):
        text.insert(0, "secret " * 20)
        del text[0 : len(text)]
    text.insert(0, "kept")
    doc.unobserve(subscription)
    folded = compact(None, log)
    assert folded.projection.content == "kept"
    assert b"secret" not in folded.snapshot
    assert len(folded.snapshot) < 100


def test_deleted_structs_are_kept_while_structs_are_pending() -> None:
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=7)
    text = doc.get("content", type=pycrdt.Text)
    text.insert(0, "deleted")
    del text[0:7]
    waiting = encode_update([(9, 5, [string("waits")])])
    folded = compact(doc.get_update(), [waiting])
    assert folded.pending
    assert {(9, 5, 10)} <= set(inspection.inspect(folded.snapshot).structs)


@pytest.mark.parametrize(("update", "text"), CUT)
def test_characters_cut_in_two_stay_as_yjs_has_them(update: str, text: str) -> None:
    encoded = zlib.decompress(base64.b64decode(update))
    assert cuts_surrogate_pairs(encoded)
    folded = compact(None, [encoded])
    assert (folded.projection.content, folded.pending) == (text, False)
    for _ in range(3):
        folded = compact(folded.snapshot, [encoded])
        assert folded.projection.content == text
        updates.validate(folded.snapshot)


def test_whole_characters_are_not_taken_for_cut_ones() -> None:
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    text.insert(0, "a😀b😀")
    text.insert(5, "é")
    del text[0:5]
    assert not cuts_surrogate_pairs(doc.get_update())
    assert str(text) == "éb😀"


@pytest.mark.parametrize("seed", range(20))
def test_updates_that_were_collected_elsewhere_merge_with_those_that_were_not(seed: int) -> None:
    """pycrdt panics on these from 21 at once on: a client that collects and reconnects sends them."""
    random = Random(seed)
    kinds = [encode_update([(1, 0, [struct])]) for struct in (string("abc"), gc(3), deleted(3))]
    merged = merge(random.choices(kinds, k=random.randint(2, 400)))
    assert inspection.inspect(merged).structs == ((1, 0, 3),)


def test_an_item_whose_parent_is_no_shared_type_does_not_stop_the_fold() -> None:
    child = b"\x04\x00\x01\x00\x01z"
    log = [encode_update([(1, 0, [string("text")])]), b"\x01\x01\x02\x00" + child + b"\x00"]
    with pytest.raises(RuntimeError):
        pycrdt.Doc[Any]().apply_update(merge(log))
    folded = compact(None, log)
    assert (folded.projection.content, folded.pending) == ("text", False)
    assert decode_state_vector(folded.state_vector) == {1: 4, 2: 1}


def test_thirty_thousand_updates_are_folded_within_seconds() -> None:
    log = [
        encode_update([(client, clock, [struct])])
        for client in range(1, 31)
        for clock, struct in enumerate(typed("ab " * 333, client))
    ]
    random = Random(1)
    random.shuffle(log)
    started = time.perf_counter()
    folded = compact(None, log)
    assert time.perf_counter() - started < 10
    assert folded.projection.content == "ab " * 333 * 30
