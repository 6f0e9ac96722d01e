"""Links to attachments in copied documents, also where the characters of a link come from several edits."""

from uuid import UUID, uuid4

import pycrdt
import pytest

from collab_server.core.documents.attachment_links import find_links, replace_links, rewrite_update
from collab_server.core.documents.projection import project
from collab_server.core.yjs.updates import merge

OLD, NEW, OTHER, THIRD = uuid4(), uuid4(), uuid4(), uuid4()
TEXT = (
    f"![a](/api/v1/attachments/{OLD}/content) {OLD} [b](https://x.org/api/v1/attachments/{OTHER}/thumbnail?width=160)\n"
)


def _copied(doc: "pycrdt.Doc[pycrdt.Text]", ids: dict[UUID, UUID]) -> str:
    return project(merge(list(rewrite_update(doc.get_update(), ids, 7)))).content


def test_links_are_found_and_replaced() -> None:
    assert find_links(TEXT) == {OLD, OTHER}
    assert replace_links(TEXT, {OLD: NEW}) == TEXT.replace(f"{OLD}/", f"{NEW}/")
    assert replace_links(TEXT.replace(str(OLD), str(OLD).upper()), {OLD: NEW}).startswith(
        f"![a](/api/v1/attachments/{NEW}/"
    )


@pytest.mark.parametrize("pieces", [1, 2, 40])
def test_a_link_that_was_typed_in_pieces_is_rewritten(pieces: int) -> None:
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    for number in range(pieces):
        part = TEXT[number * len(TEXT) // pieces : (number + 1) * len(TEXT) // pieces]
        other: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
        other.apply_update(doc.get_update())
        other.get("content", type=pycrdt.Text).insert(len(str(text)), part)
        doc.apply_update(other.get_update())
    assert str(text) == TEXT
    assert _copied(doc, {OLD: NEW}) == replace_links(TEXT, {OLD: NEW})


def test_links_in_elements_and_marks_are_rewritten() -> None:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get("default", type=pycrdt.XmlFragment)
    paragraph = fragment.children.append(pycrdt.XmlElement("paragraph"))
    words = paragraph.children.append(pycrdt.XmlText())
    words.insert(0, "word", {"link": {"href": f"/api/v1/attachments/{OLD}/content"}})
    image = paragraph.children.append(pycrdt.XmlElement("image"))
    image.attributes["src"] = f"/api/v1/attachments/{OTHER}/content"
    shown = project(doc.get_update()).content
    assert {OLD, OTHER} == find_links(shown)
    copied = _copied(doc, {OLD: NEW, OTHER: THIRD})  # type: ignore[arg-type]
    assert copied == replace_links(shown, {OLD: NEW, OTHER: THIRD})


def test_a_document_that_is_no_text_is_copied_as_it_is() -> None:
    doc: pycrdt.Doc[pycrdt.Map[str]] = pycrdt.Doc()
    doc.get("board", type=pycrdt.Map)["pic"] = f"/api/v1/attachments/{OLD}/content"
    assert str(NEW) in _copied(doc, {OLD: NEW})  # type: ignore[arg-type]
