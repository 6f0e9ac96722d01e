"""A fresh copy has the content and the authors of its document. Edits of a former generation are carried over to it."""

from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.generations.carrying_over import Seam, carry_over
from collab_server.core.generations.fresh_copy import FreshCopy, copy_fresh
from collab_server.core.history.blame import Credits, credited_text, join_authors
from collab_server.core.history.folding import RowHeader
from collab_server.core.history.segment import HistoryAuthor, decode_segment
from collab_server.core.history.stored_history import History, StoredHistory, list_inserted, open_history
from collab_server.core.yjs import tree, updates
from collab_server.errors import Malformed, StaleGeneration
from tests.core.test_history import Authors, shown, text_of

FRESH, CARRIED = 77, 88


def history_of(peers: Authors, stop: int | None = None) -> StoredHistory:
    headers = [
        RowHeader(number, 1_000 * number, HistoryAuthor("user", str(author)))
        for number, author in enumerate(peers.authors[:stop], start=1)
    ]
    return StoredHistory([], headers, peers.log[:stop])


def seam_of(peers: Authors, stop: int) -> tuple[Seam, FreshCopy]:
    made = copy_fresh(history_of(peers, stop), FRESH, stop, 9_000_000)
    return Seam(updates.merge(peers.log[:stop]), made.update, made.state_vector), made


def written_by(history: History) -> list[tuple[str, HistoryAuthor | None]]:
    branch = tree.read_tree(history.update).roots.get("content")
    if branch is None:
        return []
    runs = join_authors(credited_text(branch, Credits(list_inserted(history))))
    return [(run.text, run.credit.author if run.credit is not None else None) for run in runs]


@pytest.mark.parametrize("seed", range(15))
def test_a_fresh_copy_shows_the_same_by_the_same_authors(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(80)
    made = copy_fresh(history_of(peers), FRESH, 80, 9_000_000)
    assert shown(made.update) == shown(updates.merge(peers.log))
    summary = updates.validate(made.update)
    assert summary.deletes == ()
    assert {client for client, _, _ in summary.structs}.isdisjoint(peers.authors)
    pycrdt.Doc[Any]().apply_update(made.update)
    assert written_by(open_history(StoredHistory([made.segment.payload], [], []))) == written_by(
        open_history(history_of(peers))
    )
    rows = decode_segment(made.segment.payload).rows
    known = {(header.author, header.at) for header in history_of(peers).headers}
    assert {(row.author, row.at) for row in rows} <= known
    assert [row.seq for row in rows] == list(range(81, 81 + len(rows)))
    assert (made.segment.first_seq, made.segment.last_seq) == (81, 80 + len(rows))


@pytest.mark.parametrize("seed", range(5))
def test_formatted_text_is_copied_with_its_formats(seed: int) -> None:
    peers = Authors(Random(seed))
    for _ in range(60):
        peers.text_only()
    made = copy_fresh(history_of(peers), FRESH, 60, 9_000_000)
    assert shown(made.update) == shown(updates.merge(peers.log))


def test_an_empty_document_is_copied_as_one_row_by_nobody() -> None:
    doc = pycrdt.Doc[Any]()
    text = doc.get("content", type=pycrdt.Text)
    text += "gone"
    del text[0:4]
    stored = StoredHistory([], [RowHeader(1, 5, HistoryAuthor("user", "ada"))], [doc.get_update()])
    made = copy_fresh(stored, FRESH, 1, 9)
    assert made.update == updates.EMPTY_UPDATE
    [row] = decode_segment(made.segment.payload).rows
    assert (row.seq, row.at, row.inserted, row.author.kind) == (2, 9, (), "unknown")


@pytest.mark.parametrize("seed", range(15))
def test_edits_of_the_former_generation_are_carried_over_once(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(80)
    seam, made = seam_of(peers, 50)
    carried = carry_over(seam, updates.merge(peers.log[50:]), CARRIED)
    next_ = updates.merge([made.update, carried.update])
    assert shown(next_) == shown(updates.merge(peers.log))
    again = carry_over(carried.seam, updates.merge(peers.log), CARRIED + 1)
    assert again.seam is carried.seam
    assert again.update == carried.update


@pytest.mark.parametrize("seed", range(10))
def test_what_was_typed_since_stays_beside_what_is_carried_over(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    for _ in range(60):
        peers.text_only()
    seam, made = seam_of(peers, 40)
    doc = pycrdt.Doc[Any]()
    doc.apply_update(made.update)
    text = doc.get("content", type=pycrdt.Text)
    text.insert(random.randint(0, len(str(text))) if str(text).isascii() else 0, "SINCE")
    carried = carry_over(seam, updates.merge(peers.log[40:]), CARRIED)
    both = text_of(updates.merge([doc.get_update(), carried.update]))
    assert both.count("SINCE") == 1
    assert both.replace("SINCE", "") == text_of(updates.merge(peers.log))


def test_one_paragraph_is_changed_and_the_others_keep_their_items() -> None:
    doc = pycrdt.Doc[Any]()
    fragment = doc.get("prosemirror", type=pycrdt.XmlFragment)
    for words in ("one", "two", "three"):
        fragment.children.append(pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText(words)]))
    before = doc.get_update()
    vector = doc.get_state()
    author = HistoryAuthor("user", "ada")
    made = copy_fresh(StoredHistory([], [RowHeader(1, 5, author)], [before]), FRESH, 1, 9)
    fragment.children[1].children[0].insert(3, " and a half")
    carried = carry_over(Seam(before, made.update, made.state_vector), doc.get_update(vector), CARRIED)
    assert shown(updates.merge([made.update, carried.update])) == shown(doc.get_update())
    summary = updates.validate(carried.update)
    assert summary.structs == ((CARRIED, 0, len(" and a half")),)
    assert summary.deletes == ()


def test_edits_after_missing_ones_are_refused() -> None:
    doc = pycrdt.Doc[Any]()
    text = doc.get("content", type=pycrdt.Text)
    text += "known"
    before = doc.get_update()
    made = copy_fresh(StoredHistory([], [RowHeader(1, 5, HistoryAuthor("user", "ada"))], [before]), FRESH, 1, 9)
    text += " missing"
    vector = doc.get_state()
    text += " later"
    with pytest.raises(Malformed, match="does not have"):
        carry_over(Seam(before, made.update, made.state_vector), doc.get_update(vector), CARRIED)


def test_an_update_of_another_generation_than_it_says_is_refused() -> None:
    peers = Authors(Random(3))
    peers.edit(40)
    seam, _ = seam_of(peers, 30)
    with pytest.raises(StaleGeneration):
        carry_over(seam, updates.merge(peers.log), CARRIED, foreign=frozenset(peers.authors))
