"""New documents: a text, or nodes."""

import pycrdt
import pytest

from collab_server.core.documents.new_text import new_rich_document, new_text_document
from collab_server.core.documents.projection import project
from collab_server.core.yjs import tree, updates


@pytest.mark.parametrize("text", ["", "# A\r\n\r\nb"])
def test_a_text_is_in_the_text_root(text: str) -> None:
    made = new_text_document(text, 7)
    assert project(made.snapshot).content == text.replace("\r\n", "\n")
    assert "default" not in tree.read_tree(made.snapshot).roots


@pytest.mark.parametrize(("markdown", "content"), [("", ""), ("# A\r\n\r\n- b\n", "# A\n\n- b")])
def test_rich_text_is_in_the_root_for_nodes(markdown: str, content: str) -> None:
    made = new_rich_document(markdown, 7)
    updates.validate(made.snapshot)
    assert made.projection == project(made.snapshot)
    assert made.projection.content == content
    assert set(tree.read_tree(made.snapshot).roots) == {"default"}
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    doc.apply_update(made.snapshot)
    assert doc.get_state() == made.state_vector
