"""The text of a document has line feeds alone, whoever writes it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from collab_server.core.documents import edit_requests as ask
from collab_server.core.documents import line_end_repair
from collab_server.core.documents.apply_edit import MergeBase, Put, content_hash
from collab_server.core.documents.edit_requests import Append, Insert, Patch, Replacement, Splice
from collab_server.core.documents.new_text import new_text_document
from collab_server.core.documents.offline_text import OfflineText
from collab_server.core.text import line_ends
from collab_server.core.text.diff import apply_changes
from collab_server.core.yjs import updates
from tests.core.test_apply_edit import Document

TEXTS = st.text(st.sampled_from("a🙂\r\n"), max_size=20)
WINDOWS = "one\r\ntwo\rthree\r\n"
LINES = "one\ntwo\nthree\n"


@given(TEXTS)
def test_a_repair_leaves_line_feeds_alone(text: str) -> None:
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert line_ends.normalize_line_ends(text) == wanted
    assert apply_changes(text, line_ends.line_end_changes(text)) == wanted


@pytest.mark.parametrize(
    "request_",
    [
        Put(WINDOWS),
        Append(WINDOWS, "none"),
        Patch([Splice(0, 0, WINDOWS)], "code_point"),
        Patch([Replacement("# H\n", WINDOWS, every=False)], "code_point"),
        Insert(WINDOWS, ("H",), "start", "paragraph"),
    ],
)
def test_a_request_writes_line_feeds(request_: ask.Patch | Append | Insert | Put) -> None:
    document = Document("# H\n")
    document.edit(request_)
    assert "\r" not in str(document.text)
    assert LINES.strip() in str(document.text)


def test_a_search_text_is_found_with_any_line_ends() -> None:
    for text, find in (("a\nb", "a\r\nb"), ("a\r\nb", "a\nb"), ("a\rb", "a\r\nb"), ("a\r\nb", "a\r\nb")):
        document = Document(text)
        document.edit(Patch([Replacement(find, "x\r\ny", every=False)], "code_point"))
        assert str(document.text) == "x\ny"


def test_new_texts_and_offline_edits_have_line_feeds() -> None:
    assert new_text_document(WINDOWS, 1).projection.content == LINES
    text = OfflineText(1, updates.EMPTY_UPDATE)
    text.append(WINDOWS)
    text.splice(0, 0, "0\r\n")
    assert text.text == f"0\n{LINES}"
    text.replace("zero\r\none\rTWO")
    assert text.text == "zero\none\nTWO"


def test_a_document_with_carriage_returns_is_repaired_once() -> None:
    document = Document()
    document.text.insert(0, WINDOWS)
    document.text.insert(4, "🙂")
    whole = document.doc.get_update()
    made = line_end_repair.repair([whole], 77)
    document.doc.apply_update(made.update)
    assert (str(document.text), made.result) == ("one\n🙂\ntwo\nthree\n", 3)
    assert line_end_repair.repair([document.doc.get_update()], 77).update == updates.EMPTY_UPDATE


def test_a_text_of_many_lines_is_repaired_by_a_bounded_number_of_changes() -> None:
    for end in ("\r\n", "\r"):
        document = Document()
        document.text.insert(0, f"🙂 line{end}" * (3 * line_end_repair.MAX_CHANGES + 1))
        made = line_end_repair.repair([document.doc.get_update()], 77)
        summary = updates.validate(made.update)
        assert len(summary.deletes) <= line_end_repair.MAX_CHANGES
        document.doc.apply_update(made.update)
        assert str(document.text) == "🙂 line\n" * made.result


def test_two_servers_that_repair_at_once_make_one_edit() -> None:
    document = Document()
    document.text.insert(0, "old\rmac\r")
    whole = document.doc.get_update()
    for client in (77, 78):
        document.doc.apply_update(line_end_repair.repair([whole], client).update)
    assert str(document.text) == "old\nmac\n"


@given(TEXTS, st.integers(0, 2**31))
def test_text_typed_during_a_repair_stays(text: str, seed: int) -> None:
    document = Document(text)
    whole = document.doc.get_update()
    at = random.Random(seed).randint(0, len(text.encode())) if text.isascii() else 0
    document.text.insert(at, "<typed>")
    document.doc.apply_update(line_end_repair.repair([whole], 77).update)
    said = str(document.text).replace("<typed>", "")
    assert said == line_ends.normalize_line_ends(text)


def test_documents_of_other_kinds_are_left_alone() -> None:
    doc: Doc[Text] = Doc()
    doc.get("one", type=Text).insert(0, "a\r\n")
    doc.get("two", type=Text).insert(0, "b\r\n")
    assert line_end_repair.repair([doc.get_update()], 77).update == updates.EMPTY_UPDATE
    assert line_end_repair.repair([updates.EMPTY_UPDATE], 77).update == updates.EMPTY_UPDATE


def test_a_request_that_speaks_of_a_text_with_carriage_returns_is_placed_in_the_repaired_one() -> None:
    document = Document("one\r\ntwo\r\nthree\r\n")
    base, state = str(document.text), document.doc.get_state()
    document.doc.apply_update(line_end_repair.repair([document.doc.get_update()], 77).update)
    known = MergeBase(content_hash(base), base, only=False, state_vector=state)
    document.edit(Patch([Splice(base.index("three"), 5, "3")], "code_point"), known)
    assert str(document.text) == "one\ntwo\n3\n"
    document.edit(Put("one\r\nTWO\r\nthree\r\n"), known)
    assert str(document.text) == "one\nTWO\n3\n"
