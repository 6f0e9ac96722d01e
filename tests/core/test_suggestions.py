"""Suggested changes tied to characters: applied exactly there, or stale."""

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.documents.apply_edit import Put
from collab_server.core.documents.edit_requests import Patch, Splice
from collab_server.core.documents.projection import project
from collab_server.core.suggestions.hunks import decode_hunk, encode_hunk, join_within_words
from collab_server.core.suggestions.proposing import accept_hunks, carry_over, find_places, propose
from collab_server.core.text.diff import Change
from collab_server.core.yjs import updates
from collab_server.errors import CollabError, UnprocessableContent
from tests.core.fragments import Fragment, element, p

PROGRAM = 4711
TEXT = st.text("ab \n🙂", min_size=1, max_size=30)
TYPED = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4), st.text("XY🙃", max_size=3)), min_size=0, max_size=8)


class Typist:
    """A document of Yjs that people type in. Each character is known by a mark of its own."""

    def __init__(self, text: str) -> None:
        self.doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=5)
        self.text = self.doc.get("content", type=pycrdt.Text)
        self.text.insert(0, text)
        self.characters = [(character, number) for number, character in enumerate(text)]
        self._number = len(text)

    @property
    def update(self) -> bytes:
        return self.doc.get_update()

    def type(self, at: int, delete: int, insert: str) -> None:
        """Edit at a character, as an editor does."""
        at = min(at, len(self.characters))
        delete = min(delete, len(self.characters) - at)
        start = len("".join(character for character, _ in self.characters[:at]).encode())
        end = start + len("".join(character for character, _ in self.characters[at : at + delete]).encode())
        if end > start:
            del self.text[start:end]
        if insert:
            self.text.insert(start, insert)
        marks = list(range(self._number, self._number + len(insert)))
        self._number += len(insert)
        self.characters[at : at + delete] = list(zip(insert, marks, strict=True))

    @property
    def content(self) -> str:
        return "".join(character for character, _ in self.characters)


def accept(update: bytes, hunks: list[dict[str, object]]) -> tuple[str, tuple[int, ...]]:
    """(the content afterwards, the stale hunks)"""
    made = accept_hunks([update], PROGRAM, hunks)
    if made.update != updates.EMPTY_UPDATE:
        updates.validate(made.update)
        update = updates.merge([update, made.update])
    return project(update).content, made.result.stale


def expected(before: str, hunk: dict[str, object], typist: Typist) -> set[str] | None:
    """What may come of one hunk, found by the marks of the characters alone; None: it is stale."""
    read = decode_hunk(hunk)
    start = len(before.encode("utf-16-le")[: read.start * 2].decode("utf-16-le"))
    deleted = list(range(start, start + len(read.deleted)))
    marks = [mark for _, mark in typist.characters]
    if deleted:
        at = marks.index(deleted[0]) if deleted[0] in marks else 0
        if marks[at : at + len(deleted)] != deleted:
            beside = [start - 1] * (start > 0) + [deleted[-1] + 1] * (deleted[-1] + 1 < len(before))
            if not beside or not all(mark in marks for mark in beside):
                return None
            # Typed again between the same characters.
            at = marks.index(start - 1) + 1 if start else 0
            last = deleted[-1] + 1
            end = marks.index(last) if last < len(before) else len(marks)
            if typist.content[at:end] != read.deleted:
                return None
        end = at + len(deleted)
    else:
        left, right = start - 1 if start else None, start if start < len(before) else None
        if left is not None and left in marks:
            at = marks.index(left) + 1
        elif right is not None and right in marks:
            at = marks.index(right)
        else:
            return None
        end = at
    return {typist.content[:at] + read.inserted + typist.content[end:]}


@given(before=TEXT, after=TEXT, typed=TYPED)
def test_each_hunk_is_applied_at_its_characters_or_stale(
    before: str, after: str, typed: list[tuple[int, int, str]]
) -> None:
    typist = Typist(before)
    try:
        hunks = propose(typist.update, Put(after), None)
    except UnprocessableContent:
        assert before == after
        return
    assert accept(typist.update, hunks) == (after, ())
    for edit in typed:
        typist.type(*edit)
    assert project(typist.update).content == typist.content
    places = find_places(typist.update, [hunks])[0]
    for hunk, place in zip(hunks, places, strict=True):
        wanted = expected(before, hunk, typist)
        content, stale = accept(typist.update, [hunk])
        if wanted is None:
            assert (content, stale, place) == (typist.content, (0,), None)
        else:
            assert stale == () and place is not None
            assert content in wanted
            units = typist.content.encode("utf-16-le")
            assert units[place.start * 2 : place.end * 2].decode("utf-16-le") == hunk["deleted"]


@given(before=TEXT, after=TEXT, typed=TYPED)
def test_all_hunks_are_applied_or_none(before: str, after: str, typed: list[tuple[int, int, str]]) -> None:
    typist = Typist(before)
    try:
        hunks = propose(typist.update, Put(after), None)
    except UnprocessableContent:
        return
    for edit in typed:
        typist.type(*edit)
    content, stale = accept(typist.update, hunks)
    if stale:
        assert content == typist.content
        return
    # One after the other, from the last on, comes to the same.
    update = typist.update
    for number, hunk in enumerate(reversed(hunks)):
        made = accept_hunks([update], PROGRAM + number, [hunk])
        assert made.result.stale == ()
        update = updates.merge([update, made.update])
    assert project(update).content == content


@given(before=TEXT, after=TEXT, typed=TYPED)
def test_hunks_are_carried_over_to_a_copy(before: str, after: str, typed: list[tuple[int, int, str]]) -> None:
    typist = Typist(before)
    try:
        hunks = propose(typist.update, Put(after), None)
    except UnprocessableContent:
        return
    for edit in typed:
        typist.type(*edit)
    copy = pycrdt.Doc(client_id=77)  # type: ignore[var-annotated]
    copy.get("content", type=pycrdt.Text).insert(0, typist.content)
    (carried,) = carry_over(typist.update, copy.get_update(), [hunks])
    if not typist.content:
        return
    former = [accept(typist.update, [hunk]) for hunk in hunks]
    assert [accept(copy.get_update(), [hunk]) for hunk in carried] == former


BLOCKS = st.lists(st.sampled_from(["one two", "three", "- item", "# Head", "**bold** words", "> quote"]), max_size=4)


@given(before=BLOCKS, after=BLOCKS, typed=BLOCKS)
def test_in_a_fragment_a_hunk_is_applied_in_the_markdown_or_stale(
    before: list[str], after: list[str], typed: list[str]
) -> None:
    fragment = Fragment(p("end"))
    fragment.edit(Put("\n\n".join([*before, "end"])))
    try:
        hunks = propose(fragment.update, Put("\n\n".join([*after, "end"])), None)
    except CollabError:
        return
    wanted = Fragment(p("end"))
    wanted.update = fragment.update
    normal = wanted.edit(Put("\n\n".join([*after, "end"]))).content
    assert accept(fragment.update, hunks) == (normal, ())
    fragment.edit(Put("\n\n".join([*typed, "end"])))
    text = fragment.markdown
    for hunk, place in zip(hunks, find_places(fragment.update, [hunks])[0], strict=True):
        content, stale = accept(fragment.update, [hunk])
        if place is None:
            assert (content, stale) == (text, (0,))
            continue
        assert text[place.start : place.end] == hunk["deleted"]
        copy = Fragment(p("end"))
        copy.update = fragment.update
        by_patch = copy.edit(Patch([Splice(place.start, place.end - place.start, str(hunk["inserted"]))], "utf-16"))
        assert (content, stale) == (by_patch.content, ())


@pytest.mark.parametrize(
    ("before", "find", "replace", "typed", "after"),
    [
        # The signs of a heading are no characters: they are compared.
        ("# Head\n\nx", "# Head", "## Head", "### Head\n\nx", None),
        ("# Head\n\nx", "# Head", "## Head", "# Head\n\nxy", "## Head\n\nxy"),
        # Bold and italic together are not what was bold.
        ("a **b** c", "**b**", "b", "a ***b*** c", None),
        ("a **b** c", "**b**", "b", "aa **b** cc", "aa b cc"),
        # An item behind another one, behind which others put one.
        ("- a\n- b", "- b", "- x\n- b", "- a\n- y\n- b", "- a\n- x\n- y\n- b"),
    ],
)
def test_signs_of_markdown_are_compared(before: str, find: str, replace: str, typed: str, after: str | None) -> None:
    fragment = Fragment(p("x"))
    fragment.edit(Put(before))
    at = fragment.markdown.index(find)
    hunks = propose(fragment.update, Patch([Splice(at, len(find), replace)], "utf-16"), None)
    fragment.edit(Put(typed))
    assert accept(fragment.update, hunks) == ((typed, (0,)) if after is None else (after, ()))


def test_an_empty_document_takes_a_suggestion() -> None:
    empty = updates.EMPTY_UPDATE
    hunks = propose(empty, Put("Hello"), None)
    assert accept(empty, hunks) == ("Hello", ())
    assert accept(Typist("World").update, hunks) == ("HelloWorld", ())


def test_a_document_that_is_no_text_any_more_makes_all_stale() -> None:
    hunks = propose(Typist("one two").update, Put("one 2"), None)
    doc: pycrdt.Doc[pycrdt.Map[int]] = pycrdt.Doc()
    doc.get("numbers", type=pycrdt.Map)["one"] = 1
    assert find_places(doc.get_update(), [hunks]) == [[None]]
    with pytest.raises(CollabError, match="JSON"):
        accept_hunks([doc.get_update()], PROGRAM, hunks)


def test_changes_within_a_word_are_one_hunk_of_the_whole_word() -> None:
    text = "the quick fox"
    changes = [Change(4, 5, "Q"), Change(8, 9, "K"), Change(10, 10, "red ")]
    assert join_within_words(text, changes) == [Change(4, 9, "QuicK"), Change(10, 10, "red ")]
    assert join_within_words(text, [Change(5, 6, "")]) == [Change(5, 6, "")]


def test_hunks_are_read_as_they_were_written() -> None:
    fragment = Fragment(element("heading", "Plan", level=1), p("one two"))
    for value in propose(fragment.update, Put("# The plan\n\none **2**"), None):
        assert encode_hunk(decode_hunk(value)) == value
