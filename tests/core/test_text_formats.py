"""Changes of a Y.Text that an editor such as Quill has formatted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.documents.apply_edit import Put
from collab_server.core.documents.edit_requests import Append, Insert, Patch, Replacement, Splice
from tests.core.test_apply_edit import Document

Runs = list[tuple[str, dict[str, Any]]]

BULLET, NUMBER, TITLE, CODE = {"list": "bullet"}, {"list": "ordered"}, {"header": 1}, {"code-block": "plain"}
BOLD, LINK, RED = {"bold": True}, {"link": "https://e.org"}, {"color": "#f00"}
COMMENT = {"comment": {"id": 7}}


def made(*runs: tuple[str, dict[str, Any]]) -> Document:
    document = Document()
    for text, formats in runs:
        document.text.insert(len(document.text), text, formats)
    return document


def runs(document: Document) -> Runs:
    return [(text, formats or {}) for text, formats in document.text.diff()]


def replaced(document: Document, find: str, by: str) -> Runs:
    document.edit(Patch([Replacement(find, by, every=False)], "code_point"))
    return runs(document)


@pytest.mark.parametrize("formats", [BOLD, LINK, RED, COMMENT, BOLD | RED])
@pytest.mark.parametrize("by", ["this page", "there", "where", "x", "hear", "heres", "sphere"])
def test_a_replaced_word_keeps_its_formats(formats: dict[str, Any], by: str) -> None:
    assert replaced(made(("see ", {}), ("here", formats), (" now\n", {})), "here", by) == [
        ("see ", {}),
        (by, formats),
        (" now\n", {}),
    ]
    document = made(("here", formats), ("\n", {}))
    document.edit(Put(f"{by}\n"))
    assert runs(document) == [(by, formats), ("\n", {})]


def test_a_plain_word_beside_a_formatted_one_stays_plain() -> None:
    assert replaced(made(("a ", {}), ("bold", BOLD), (" word", {})), "word", "one") == [
        ("a ", {}),
        ("bold", BOLD),
        (" one", {}),
    ]
    assert replaced(made(("one", {}), ("two", BOLD), ("\n", {})), "one", "x") == [("x", {}), ("two", BOLD), ("\n", {})]


def test_text_inserted_within_formats_has_them_and_beside_them_has_none() -> None:
    document = made(("see ", {}), ("the bold word", BOLD), (" now\n", {}))
    assert replaced(document, "the bold", "the very bold") == [
        ("see ", {}),
        ("the very bold word", BOLD),
        (" now\n", {}),
    ]
    assert replaced(document, "word", "word, too") == [
        ("see ", {}),
        ("the very bold word", BOLD),
        (", too now\n", {}),
    ]
    assert replaced(document, "see ", "see all ")[0] == ("see all ", {})
    document = made(("here", LINK), ("\n", {}))
    assert replaced(document, "here", "here and there") == [("here", LINK), (" and there\n", {})]


def test_a_position_that_is_replaced_keeps_its_formats() -> None:
    document = made(("see ", {}), ("here", LINK), ("\n", {}))
    document.edit(Patch([Splice(4, 4, "yonder 🙂")], "code_point"))
    assert runs(document) == [("see ", {}), ("yonder 🙂", LINK), ("\n", {})]


@pytest.mark.parametrize("line", [BULLET, TITLE, CODE, {"blockquote": True}])
def test_a_line_that_is_added_behind_another_is_a_plain_one(line: dict[str, Any]) -> None:
    wanted = [("milk", {}), ("\n", line), ("eggs\n", {})]
    for request in (
        Append("eggs", "line"),
        Append("eggs\n", "none"),
        Put("milk\neggs\n"),
        Patch([Replacement("milk", "milk\neggs", every=False)], "code_point"),
        Patch([Replacement("milk\n", "milk\neggs\n", every=False)], "code_point"),
        Patch([Splice(4, 0, "\neggs")], "code_point"),
    ):
        document = made(("milk", {}), ("\n", line))
        document.edit(request)
        assert runs(document) == wanted, request


def test_a_line_below_a_heading_is_no_heading() -> None:
    document = made(("# Plan", {}), ("\n", TITLE), ("body\n", {}))
    document.edit(Insert("new", ("Plan",), "start", "line"))
    assert runs(document) == [("# Plan", {}), ("\n", TITLE), ("new\nbody\n", {})]
    document = made(("One", {}), ("\n", TITLE), ("Two", {}), ("\n", TITLE))
    document.edit(Put("One\nbetween\nTwo\n"))
    assert runs(document) == [("One", {}), ("\n", TITLE), ("between\nTwo", {}), ("\n", TITLE)]


def test_a_line_between_two_of_a_kind_is_of_that_kind() -> None:
    for line in (BULLET, CODE):
        document = made(("a", {}), ("\n", line), ("c", {}), ("\n", line))
        document.edit(Put("a\nb\nc\n"))
        assert runs(document) == [("a", {}), ("\n", line), ("b", {}), ("\n", line), ("c", {}), ("\n", line)]
    document = made(("a", {}), ("\n", BULLET), ("c", {}), ("\n", NUMBER))
    document.edit(Put("a\nb\nc\n"))
    assert runs(document) == [("a", {}), ("\n", BULLET), ("b\nc", {}), ("\n", NUMBER)]


def test_a_line_that_is_cut_in_two_is_two_of_its_kind() -> None:
    document = made(("one two", BOLD), ("\n", BULLET))
    assert replaced(document, "one two", "one\ntwo") == [("one", BOLD), ("\n", BULLET), ("two", BOLD), ("\n", BULLET)]


def test_lines_that_are_replaced_keep_their_kinds() -> None:
    document = made(("milk", BOLD), ("\n", BULLET), ("eggs", {}), ("\n", NUMBER))
    document.edit(Patch([Replacement("milk\neggs", "tea\ncake", every=False)], "code_point"))
    assert runs(document) == [("tea", BOLD), ("\n", BULLET), ("cake", {}), ("\n", NUMBER)]


def test_a_new_line_carries_no_style_of_the_text_before_it() -> None:
    document = made(("all bold", BOLD))
    document.edit(Append("more", "line"))
    assert runs(document) == [("all bold", BOLD), ("\nmore", {})]


FORMATTED = st.lists(
    st.tuples(
        st.text(st.sampled_from("ab \n🙂"), min_size=1, max_size=5),
        st.dictionaries(st.sampled_from(["bold", "link", "list"]), st.sampled_from([True, "x"]), max_size=2),
    ),
    max_size=6,
)


@given(FORMATTED, st.lists(st.text(st.sampled_from("ab \n🙂c"), max_size=12), min_size=1, max_size=4))
def test_put_sets_the_content_of_a_formatted_text(given_: Runs, bodies: list[str]) -> None:
    document = made(*given_)
    for body in bodies:
        assert document.edit(Put(body)).content == str(document.text) == body


@given(FORMATTED, FORMATTED, st.text(st.sampled_from("ab c"), min_size=1, max_size=6))
def test_a_replacement_changes_the_formats_of_nothing_else(before: Runs, behind: Runs, by: str) -> None:
    document = made(*before, ("WORD", RED), *behind)
    assert replaced(document, "WORD", by) == runs(made(*before, (by, RED), *behind))
