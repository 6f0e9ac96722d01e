"""Joined texts mean the same document, to pycrdt and to our own tree, and also together with later edits."""

from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.join_runs import join_runs
from tests.core.test_history import Authors, shown


@pytest.mark.parametrize("seed", range(30))
def test_a_document_is_the_same_with_joined_texts(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(60)
    middle = Random(seed).randint(0, 60)
    early, late = updates.merge(peers.log[:middle]), updates.merge(peers.log[middle:])
    whole = updates.merge(peers.log)
    assert inspect(join_runs(whole)) == inspect(whole)
    for parts in ([join_runs(whole)], [join_runs(early), late], [early, join_runs(late)]):
        updates.validate(parts[-1])
        joined = updates.merge(parts)
        assert shown(joined) == shown(whole)
        doc = pycrdt.Doc[Any]()
        doc.apply_update(joined)
        assert shown(doc.get_update()) == shown(whole)


def test_one_item_holds_what_was_typed_character_by_character() -> None:
    doc = pycrdt.Doc[Any](client_id=7)
    log: list[bytes] = []
    doc.observe(lambda event: log.append(event.update))
    text = doc.get("content", type=pycrdt.Text)
    for character in "typed é 漢 😀 text":
        text += character
    joined = join_runs(updates.merge(log))
    [item] = tree_items(joined)
    assert item == "typed é 漢 😀 text"
    assert join_runs(joined) == joined
    assert len(joined) < len(updates.merge(log)) / 2


def tree_items(update: bytes) -> list[Any]:
    return [content for _, content in tree.visible_contents(tree.read_tree(update).roots["content"])]


def test_what_stands_between_typed_characters_stays_there() -> None:
    first, second = pycrdt.Doc[Any](client_id=1), pycrdt.Doc[Any](client_id=2)
    log: list[bytes] = []
    first.observe(lambda event: log.append(event.update))
    text = first.get("content", type=pycrdt.Text)
    text += "a"
    second.apply_update(first.get_update())
    text += "b"
    before = second.get_state()
    other = second.get("content", type=pycrdt.Text)
    other += "x"
    inserted = second.get_update(before)
    expected = shown(updates.merge([*log, inserted]))
    for parts in ([join_runs(updates.merge(log)), inserted], [inserted, join_runs(updates.merge(log))]):
        assert shown(updates.merge(parts)) == expected
        assert shown(join_runs(updates.merge(parts))) == expected
