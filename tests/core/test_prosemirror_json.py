import json

import pycrdt
import pytest

from collab_server.core.documents import prosemirror_json
from collab_server.errors import UnprocessableContent
from tests.core.test_prosemirror import WRITTEN_BY_Y_PROSEMIRROR, element


def text(words: str, *marks: dict[str, object]) -> dict[str, object]:
    return {"type": "text", "text": words, **({"marks": list(marks)} if marks else {})}


def paragraph(*content: object) -> dict[str, object]:
    return {"type": "paragraph", **({"content": list(content)} if content else {})}


def test_the_nodes_are_as_prosemirror_has_them() -> None:
    document = json.loads(prosemirror_json.render_json(WRITTEN_BY_Y_PROSEMIRROR))
    assert document["type"] == "doc"
    heading, first, ordered, tasks, code, empty, last = document["content"]
    assert heading == {"type": "heading", "attrs": {"level": 2}, "content": [text("Plan")]}
    assert first == paragraph(
        text("bold", {"type": "bold"}),
        text(" both", {"type": "bold"}, {"type": "italic"}),
        {"type": "hardBreak"},
        text("see "),
        text("site", {"type": "link", "attrs": {"href": "https://e.org/", "target": None}}),
        text(" and "),
        {"type": "mention", "attrs": {"id": "7", "label": "Ann"}},
        text(" ok", {"type": "comment", "attrs": {"id": 1}}, {"type": "comment", "attrs": {"id": 2}}),
    )
    [item] = ordered["content"]
    assert (ordered["attrs"], item["content"][0]) == ({"start": 3}, paragraph(text("three")))
    assert [task["attrs"] for task in tasks["content"]] == [{"checked": True}, {"checked": False}]
    assert code == {"type": "codeBlock", "attrs": {"language": "js"}, "content": [text("let x = 1\n")]}
    assert empty == paragraph()
    assert last == paragraph({"type": "image", "attrs": {"src": "a.png", "alt": "A"}})


def test_every_value_becomes_json() -> None:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get("prosemirror", type=pycrdt.XmlFragment)
    fragment.children.append(element("paragraph", 'a\0"\u2028🙂', wide=float("inf"), deep={"a": [1, None]}, bits=b"\0"))
    [node] = json.loads(prosemirror_json.render_json(doc.get_update()))["content"]
    assert node["content"] == [text('a\0"\u2028🙂')]
    assert node["attrs"] == {"wide": None, "deep": {"a": [1, None]}, "bits": "AA=="}


def test_an_emptied_fragment_is_an_empty_document() -> None:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get("default", type=pycrdt.XmlFragment)
    fragment.children.append(element("paragraph", "a"))
    del fragment.children[0]
    assert json.loads(prosemirror_json.render_json(doc.get_update())) == {"type": "doc"}


def test_documents_of_other_types_and_nodes_beyond_all_depth_are_refused() -> None:
    plain: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    plain.get("content", type=pycrdt.Text).insert(0, "# Plan")
    deep: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    node = element("paragraph", "a")
    for _ in range(150):
        node = element("blockquote", node)
    deep.get("default", type=pycrdt.XmlFragment).children.append(node)
    for update in (plain.get_update(), deep.get_update(), b"\0\0"):
        with pytest.raises(UnprocessableContent):
            prosemirror_json.render_json(update)
