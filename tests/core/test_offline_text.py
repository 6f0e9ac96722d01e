"""A text that is edited without a connection."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from collab_server.core.documents.new_text import new_rich_document
from collab_server.core.documents.offline_text import OfflineText
from collab_server.core.text.diff import apply_changes, diff_texts, insert_whole_lines
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge

TEXTS = st.text(alphabet="ab \n😀é", max_size=40)


@given(TEXTS, TEXTS)
def test_replacing_leads_to_the_text_that_is_wanted(old: str, new: str) -> None:
    here = OfflineText(1, EMPTY_UPDATE)
    first = here.append(old)
    update = here.replace(new)
    assert here.text == new
    assert (update == EMPTY_UPDATE) == (old == new)
    assert OfflineText(2, merge([first, update])).text == new


@given(st.lists(st.tuples(st.integers(0, 2), TEXTS), max_size=12), st.randoms(use_true_random=False))
def test_texts_that_have_each_others_edits_are_the_same(edits: list[tuple[int, str]], chance: random.Random) -> None:
    peers = [OfflineText(number + 1, EMPTY_UPDATE) for number in range(3)]
    updates = []
    for author, wanted in edits:
        updates.append((author, peers[author].replace(wanted)))
    for number, peer in enumerate(peers):
        others = [update for author, update in updates if author != number and update != EMPTY_UPDATE]
        peer.apply(merge(others))
    assert len({peer.text for peer in peers}) == 1


def test_unchanged_text_keeps_its_items() -> None:
    here = OfflineText(1, EMPTY_UPDATE)
    base = here.append("The quick brown fox\njumps over\nthe lazy dog\n")
    there = OfflineText(2, base)
    update = here.replace("The slow brown vixen\njumps over\nthe lazy dog\n")
    there.replace("The quick red fox\njumps high over\nthe lazy dog and sleeps\n")
    there.apply(update)
    assert there.text == "The slow red vixen\njumps high over\nthe lazy dog and sleeps\n"


def test_lines_that_two_add_at_the_same_place_stay_whole() -> None:
    for first, second in ((1, 2), (2, 1)):
        here = OfflineText(first, EMPTY_UPDATE)
        there = OfflineText(second, here.append("The quick brown fox\n"))
        update = here.replace("The very quick brown fox\nfrom here\n")
        there.replace("The quick brown vixen\nfrom there\n")
        there.apply(update)
        assert sorted(there.text.splitlines()) == ["The very quick brown vixen", "from here", "from there"]


def test_positions_count_characters_and_stay_within_the_text() -> None:
    here = OfflineText(1, EMPTY_UPDATE)
    here.append("a😀b")
    here.splice(2, 1, "c")
    assert here.text == "a😀c"
    for position, deleted in ((4, 0), (0, 4), (-1, 0)):
        with pytest.raises(ValueError, match="3 characters"):
            here.splice(position, deleted, "x")


def test_a_word_replaced_offline_keeps_its_formats_and_an_added_line_is_plain() -> None:
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    for part, formats in (("see ", {}), ("here", {"bold": True}), ("\n", {"list": "bullet"})):
        text.insert(len(text), part, formats)
    here = OfflineText(1, doc.get_update())
    for update in (here.replace("see this page\n"), here.append("end\n"), here.splice(4, 4, "that")):
        doc.apply_update(update)
    assert str(text) == here.text == "see that page\nend\n"
    assert text.diff() == [
        ("see ", None),
        ("that page", {"bold": True}),
        ("\n", {"list": "bullet"}),
        ("end\n", None),
    ]


def test_rich_text_is_edited_as_its_markdown() -> None:
    here = OfflineText(1, new_rich_document("# Plan\n\nSome *words*", 7).snapshot)
    there = OfflineText(2, new_rich_document("# Plan\n\nSome *words*", 7).snapshot)
    assert here.text == "# Plan\n\nSome *words*"
    updates = [here.append(" and more\n\n- one"), here.splice(2, 4, "Plans"), there.replace("# Plan\n\nNo *words*")]
    here.apply(updates[2])
    assert here.text == here.content == "# Plans\n\nNo *words* and more\n\n- one"
    for update in updates[:2]:
        there.apply(update)
    assert there.text == here.text
    emptied = OfflineText(3, new_rich_document("", 7).snapshot)
    emptied.append("first")
    assert emptied.content == "first"


@given(st.text(st.sampled_from("ab \n"), max_size=30), st.text(st.sampled_from("ab \n"), max_size=30))
def test_whole_lines_are_inserted_without_a_change_of_the_result(old: str, new: str) -> None:
    changes = diff_texts(old, new)
    assert apply_changes(old, insert_whole_lines(old, changes)) == new
