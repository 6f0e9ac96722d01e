"""Edits of a text by programs: the diff, the merge with what others did, and the Yjs update that carries them."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Assoc, Doc, Text

from collab_server.core.documents import edit_requests as ask
from collab_server.core.documents.apply_edit import EditRequest, EditResult, MergeBase, Put, apply_edit, content_hash
from collab_server.core.documents.edit_requests import Append, Insert, Patch, Replacement, Splice
from collab_server.core.text.diff import Change, apply_changes, diff_texts, rebase_changes
from collab_server.core.yjs import updates
from collab_server.errors import BaseUnknown, Conflict, PreconditionFailed, UnprocessableContent

TEXTS = st.text(st.sampled_from("ab c\nd🙂é"), max_size=40)
CLIENT = 77


@given(TEXTS, TEXTS)
def test_the_changes_of_a_text_make_the_other_of_it(old: str, new: str) -> None:
    found = diff_texts(old, new)
    assert apply_changes(old, found) == new
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert bool(found) == (old != new)


@given(TEXTS, TEXTS, TEXTS)
def test_a_merge_keeps_insertions_of_others_and_applies_own_changes(base: str, mine: str, theirs: str) -> None:
    ours, others = diff_texts(base, mine), diff_texts(base, theirs)
    merged = apply_changes(theirs, rebase_changes(ours, others))
    assert apply_changes(theirs, rebase_changes([], others)) == theirs
    assert apply_changes(base, rebase_changes(ours, [])) == mine
    left = iter(merged)
    assert all(character in left for change in others for character in change.text), merged


@given(TEXTS, TEXTS)
def test_a_request_that_is_sent_again_changes_nothing(base: str, mine: str) -> None:
    assert rebase_changes(diff_texts(base, mine), diff_texts(base, mine)) == []


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ("one two three", "one 2 three", "one two three four", "one 2 three four"),
        ("one two", "one", "one two!", "one!"),
        ("a b c", "a c", "a bXb c", "a Xbc"),
        ("hello", "", "heXllo", "X"),
        ("x", "x\nmine", "x\ntheirs", "x\ntheirs\nmine"),
        ("1\n2\n3\n", "1\n2\n3\n4\n", "0\n1\n2\n3\n", "0\n1\n2\n3\n4\n"),
        ("1\n2\n3\n", "1\n3\n", "1\n2\n3\nnew\n", "1\n3\nnew\n"),
        ("- a\n- b\n", "- a\n- b\n- added\n", "- a\n- b\n- added\n", "- a\n- b\n- added\n"),
        ("same", "same", "other", "other"),
    ],
)
def test_merges_have_the_expected_results(base: str, mine: str, theirs: str, merged: str) -> None:
    assert apply_changes(theirs, rebase_changes(diff_texts(base, mine), diff_texts(base, theirs))) == merged


def test_changes_are_small_and_words_stay_whole() -> None:
    assert diff_texts("the cat sat", "the dog sat") == [Change(4, 7, "dog")]
    assert diff_texts("colour", "colours") == [Change(6, 6, "s")]
    assert diff_texts("a\nb\nc\n", "a\nc\n") == [Change(2, 4, "")]


def test_large_texts_with_little_in_common_take_no_time_to_speak_of() -> None:
    dice = random.Random(1)
    one, other = ("".join(dice.choice("abc \n") for _ in range(200_000)) for _ in range(2))
    assert apply_changes(one, diff_texts(one, other)) == other
    lines = [f"line {dice.random()}\n" for _ in range(20_000)]
    moved = lines[10_000:] + lines[:10_000]
    assert apply_changes("".join(lines), diff_texts("".join(lines), "".join(moved))) == "".join(moved)


class Document:
    """A Yjs document that a program edits while others type in it."""

    def __init__(self, text: str = "") -> None:
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("content", type=Text)
        if text:
            self.text.insert(0, text)

    def edit(
        self, request: EditRequest, base: MergeBase | None = None, parts: Sequence[bytes] | None = None
    ) -> EditResult:
        made = apply_edit(parts or [self.doc.get_update()], CLIENT, request, base)
        if made.update != updates.EMPTY_UPDATE:
            updates.validate(made.update)
            self.doc.apply_update(made.update)
        return made.result


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_put_sets_the_text_of_a_document(bodies: list[str]) -> None:
    document = Document()
    for body in bodies:
        body = body.replace("\0", "")
        written = document.edit(Put(body))
        assert str(document.text) == written.content == body
        assert (written.content_hash, written.merged) == (content_hash(body), False)
    again = document.edit(Put(bodies[-1]))
    assert not again.changed


@given(TEXTS, TEXTS, TEXTS, st.integers(0, 2**31))
def test_text_typed_during_an_edit_is_kept(start: str, typed: str, body: str, seed: int) -> None:
    document = Document(start)
    before = [document.doc.get_update()]
    document.text.insert(random.Random(seed).randint(0, len(document.text)) if start.isascii() else 0, f"<{typed}>")
    document.edit(Put(body), parts=before)
    result = str(document.text)
    assert f"<{typed}>" in result
    assert result.replace(f"<{typed}>", "", 1) == body


def test_cursors_formats_and_neighbours_of_a_change_stay() -> None:
    document = Document("one two three")
    document.text.format(4, 7, {"bold": True})
    sticky = document.text.sticky_index(5, Assoc.AFTER)
    document.edit(Put("ONE two three and"))
    with document.doc.transaction():
        assert sticky.get_index() == 5
    assert [(run, (formats or {}).get("bold")) for run, formats in document.text.diff()] == [
        ("ONE ", None),
        ("two", True),
        (" three and", None),
    ]


def test_a_base_that_is_known_is_merged_and_one_that_is_not_is_refused() -> None:
    document = Document("one\ntwo\n")
    base = content_hash("one\ntwo\n")
    state = document.doc.get_state()
    document.text.insert(8, "typed\n")
    assert document.edit(Put("zero\none\ntwo\n"), MergeBase(base, "one\ntwo\n", False, state)).content == (
        "zero\none\ntwo\ntyped\n"
    )
    with pytest.raises(BaseUnknown):
        document.edit(Put("x"), MergeBase(base, None, only=False))
    with pytest.raises(PreconditionFailed) as refused:
        document.edit(Put("x"), MergeBase(base, "one\ntwo\n", only=True))
    assert refused.value.code == "precondition_failed"
    now = content_hash("zero\none\ntwo\ntyped\n")
    assert document.edit(Put("x"), MergeBase(now, None, only=True)).content == "x"


@given(TEXTS, TEXTS, st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3)), max_size=8))
def test_a_merge_finds_its_place_by_authors_and_their_text(read: str, body: str, typing: list[tuple[int, int]]) -> None:
    read, body = (text.replace("🙂", "x").replace("é", "e") for text in (read, body))
    document = Document(read)
    state = document.doc.get_state()
    for number, (place, deleted) in enumerate(typing):
        place %= len(document.text) + 1
        if deleted and place < len(document.text):
            del document.text[place : min(place + deleted, len(document.text))]
        document.text.insert(min(place, len(document.text)), f"<{number}>")
    typed = str(document.text)
    seen = document.edit(Put(body), MergeBase(content_hash(read), read, False, state)).content
    left = iter(seen)
    inserted = "".join(character for character in typed if character in "<0123456789>")
    assert all(character in left for character in inserted)
    if not typing:
        assert seen == body


def test_lines_of_windows_are_lines() -> None:
    document = Document("one\ntwo\n")
    written = document.edit(Put("one\r\ntwo\r\nthree\r\n"))
    assert (written.content, written.merged) == ("one\ntwo\nthree\n", False)


def test_edits_speak_of_one_text_and_of_the_unit_they_name() -> None:
    document = Document("🙂 one two one")
    assert document.edit(Patch([Splice(2, 3, "1"), Splice(0, 1, "☺")], "code_point")).content == "☺ 1 two one"
    document = Document("🙂 one")
    assert document.edit(Patch([Splice(3, 3, "1")], "utf-16")).content == "🙂 1"
    for cut in (Patch([Splice(1, 1, "")], "utf-16"), Patch([Splice(9, 1, "")], "utf-16")):
        with pytest.raises(UnprocessableContent):
            document.edit(cut)
    with pytest.raises(UnprocessableContent):
        document.edit(Patch([Splice(0, 9, "")], "code_point"))
    with pytest.raises(UnprocessableContent):
        document.edit(Patch([Splice(0, 2, ""), Splice(1, 1, "x")], "code_point"))


def test_a_text_to_replace_must_occur_once_unless_all_are_replaced() -> None:
    document = Document("one two one")
    with pytest.raises(Conflict):
        document.edit(Patch([Replacement("three", "3", every=False)], "code_point"))
    with pytest.raises(Conflict):
        document.edit(Patch([Replacement("one", "1", every=False)], "code_point"))
    assert document.edit(Patch([Replacement("one", "1", every=True)], "code_point")).content == "1 two 1"
    assert document.edit(Patch([Replacement("two", "2", every=False)], "code_point")).content == "1 2 1"


@pytest.mark.parametrize(
    ("text", "between", "after"),
    [
        ("", "paragraph", "x"),
        ("a", "paragraph", "a\n\nx"),
        ("a\n", "paragraph", "a\n\nx\n"),
        ("a\n\n", "paragraph", "a\n\nx\n"),
        ("- a", "line", "- a\nx"),
        ("- a\n", "line", "- a\nx\n"),
        ("a", "none", "ax"),
    ],
)
def test_added_text_has_its_own_lines(text: str, between: ask.Between, after: str) -> None:
    assert Document(text).edit(Append("x", between)).content == after


OUTLINE = "# Plan\n\nIntro\n\n## Today\n\n- a\n\n## Later\n\n```\n## Today\n```\n# *Other*\n## Today\nend"


@pytest.mark.parametrize(
    ("heading", "position", "between", "after"),
    [
        (("Plan", "Today"), "end", "line", OUTLINE.replace("- a\n", "- a\nx\n")),
        (("Plan", "Today"), "start", "paragraph", OUTLINE.replace("## Today\n\n- a", "## Today\n\nx\n\n- a")),
        (("Other", "Today"), "end", "line", OUTLINE + "\nx"),
        (("Plan",), "start", "paragraph", OUTLINE.replace("Intro", "x\n\nIntro")),
        (("Later",), "end", "paragraph", OUTLINE.replace("```\n# *O", "```\n\nx\n\n# *O")),
    ],
)
def test_text_is_added_under_a_heading(heading: tuple[str, ...], position: Any, between: Any, after: str) -> None:
    assert Document(OUTLINE).edit(Insert("x", heading, position, between)).content == after


@pytest.mark.parametrize("heading", [("Nowhere",), ("Today",), ("Later", "Today")])
def test_a_heading_that_is_not_there_or_not_the_only_one_is_a_conflict(heading: tuple[str, ...]) -> None:
    with pytest.raises(Conflict):
        Document(OUTLINE).edit(Insert("x", heading, "end", "line"))


def test_a_document_of_other_types_is_refused() -> None:
    from pycrdt import Map

    doc: Doc[Any] = Doc()
    doc["board"] = Map({"a": 1})
    with pytest.raises(UnprocessableContent):
        apply_edit([doc.get_update()], CLIENT, Put("x"), None)


def test_a_text_with_something_pending_or_a_cut_character_can_be_edited() -> None:
    author: Doc[Any] = Doc(client_id=5)
    root = author.get("content", type=Text)
    root.insert(0, "one")
    first = author.get_update()
    root.insert(3, " lost")
    state = author.get_state()
    root.insert(8, " after")
    late = author.get_update(state)
    made = apply_edit([first, late], CLIENT, Put("ONE"), None)
    merged = updates.merge([first, late, made.update, author.get_update()])
    whole: Doc[Any] = Doc()
    whole.apply_update(merged)
    assert str(whole.get("content", type=Text)) == "ONE lost after"
    assert apply_changes("one", diff_texts("one", "ONE")) == "ONE"
