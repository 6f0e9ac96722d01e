"""Markdown read as ProseMirror's nodes: what was written from nodes is read as these, and what is read stays."""

import pytest
from hypothesis import given, settings

from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node
from collab_server.errors import UnprocessableContent
from tests.core.test_markdown_writer import DOCUMENTS
from tests.features.exports.examples import examples, specification
from tests.seeds import count_examples

TIPTAP = detect_schema(Node(DOCUMENT))


def again(text: str) -> str:
    return write_markdown(Node(DOCUMENT, content=read_markdown(text, TIPTAP)))


def said(text: str) -> list[Node]:
    return read_markdown(text, TIPTAP)


def paragraph(*content: Node | str) -> Node:
    return Node("paragraph", content=[Node(TEXT, text=part) if isinstance(part, str) else part for part in content])


def test_the_second_trip_of_every_example_of_commonmark_is_the_first() -> None:
    texts = [*examples(), specification()]
    assert len(texts) > 600
    for text in texts:
        once = again(text)
        assert again(once) == once, text


@settings(max_examples=count_examples(300), deadline=None)
@given(DOCUMENTS)
def test_written_nodes_are_read_with_the_same_markdown(document: Node) -> None:
    written = write_markdown(document)
    read = read_markdown(written, detect_schema(document))
    assert write_markdown(Node(DOCUMENT, content=read)) == written


def test_blocks_have_the_names_and_attributes_of_tiptap() -> None:
    assert said('## Plan\n\n> a\n\n```js x\nlet\n```\n\n3. b\n\n---\n\n![A](a.png "T")') == [
        Node("heading", {"level": 2}, [Node(TEXT, text="Plan")]),
        Node("blockquote", content=[paragraph("a")]),
        Node("codeBlock", {"language": "js"}, [Node(TEXT, text="let")]),
        Node("orderedList", {"start": 3}, [Node("listItem", content=[paragraph("b")])]),
        Node("horizontalRule"),
        Node("image", {"src": "a.png", "alt": "A", "title": "T"}),
    ]


def test_marks_are_those_that_the_editor_has() -> None:
    assert said("**a** *b* ~~c~~ `d` [e](https://e.org) <strong>f</strong>") == [
        paragraph(
            Node(TEXT, text="a", marks=[Mark("bold")]),
            " ",
            Node(TEXT, text="b", marks=[Mark("italic")]),
            " ",
            Node(TEXT, text="c", marks=[Mark("strike")]),
            " ",
            Node(TEXT, text="d", marks=[Mark("code")]),
            " ",
            Node(TEXT, text="e", marks=[Mark("link", {"href": "https://e.org"})]),
            " ",
            Node(TEXT, text="f", marks=[Mark("bold")]),
        )
    ]


def test_a_mark_that_the_document_does_not_have_stays_text() -> None:
    assert said("H<sub>2</sub>O") == [paragraph("H<sub>2</sub>O")]
    document = Node(DOCUMENT, content=[paragraph(Node(TEXT, text="x", marks=[Mark("subscript")]))])
    two = read_markdown("H<sub>2</sub>O", detect_schema(document))[0].content[1]
    assert two == Node(TEXT, text="2", marks=[Mark("subscript")])


def test_tasks_are_lists_of_their_own() -> None:
    tasks, bullets = said("- [ ] a\n- [x] b\n- c")
    assert [(item.type, item.attributes) for item in tasks.content] == [
        ("taskItem", {"checked": False}),
        ("taskItem", {"checked": True}),
    ]
    assert (tasks.type, bullets.type, bullets.content[0].type) == ("taskList", "bulletList", "listItem")


def test_tables_have_header_cells_unless_their_header_is_empty() -> None:
    (table,) = said("| a | b |\n| - | - |\n| c<br>d |")
    assert [[cell.type for cell in row.content] for row in table.content] == [
        ["tableHeader", "tableHeader"],
        ["tableCell", "tableCell"],
    ]
    assert table.content[1].content == [
        Node("tableCell", content=[paragraph("c", Node("hardBreak"), "d")]),
        Node("tableCell", content=[paragraph()]),
    ]
    (plain,) = said("|  |\n| - |\n| c |")
    assert [[cell.type for cell in row.content] for row in plain.content] == [["tableCell"]]


def test_nodes_are_such_as_an_editor_keeps() -> None:
    assert said("- # a\n-") == [
        Node(
            "bulletList",
            content=[
                Node("listItem", content=[paragraph(), Node("heading", {"level": 1}, [Node(TEXT, text="a")])]),
                Node("listItem", content=[paragraph()]),
            ],
        )
    ]
    assert said(">") == [Node("blockquote", content=[paragraph()])]
    image = Node("image", {"src": "x", "alt": "i"})
    assert said("a ![i](x) b") == [paragraph("a"), image, paragraph("b")]
    assert said("**`a`** [`b`](c)") == [
        paragraph(
            Node(TEXT, text="a", marks=[Mark("code")]),
            " ",
            Node(TEXT, text="b", marks=[Mark("link", {"href": "c"})]),
        )
    ]


def test_addresses_stay_as_they_are_and_dangerous_ones_stay_text() -> None:
    address = said("[a](https://e.org/ä?q=<>%20&amp;x)")[0].content[0].marks[0].attributes["href"]
    assert address == "https://e.org/ä?q=<>%20&x"
    assert said("[a](java&#9;script:x)") == [paragraph("[a](java\tscript:x)")]


def test_html_is_text() -> None:
    assert said("<div onclick=x>\n*a*\n</div>")[0].content[0].text == "<div onclick=x> "


@pytest.mark.parametrize("sign", ["> ", "- ", "1. "])
def test_what_is_nested_too_deeply_is_refused(sign: str) -> None:
    assert said(sign * 40 + "x")
    with pytest.raises(UnprocessableContent):
        said(sign * 2000 + "x")


def test_hostile_markdown_is_read_in_time_and_without_an_error() -> None:
    for text in (
        "[" * 20_000,
        "*a " * 20_000,
        "`" * 20_000,
        "<u>" * 20_000,
        "![" * 5_000,
        "|a" * 500 + "\n" + "|-" * 500,
    ):
        assert again(again(text)) == again(text)


@pytest.mark.parametrize("kind", ["tiptap", "prosemirror"])
def test_front_matter_is_a_code_block_that_is_written_as_front_matter(kind: str) -> None:
    text = "---\ntitle: a\ntags:\n  - b\n---\n\n# c"
    language = {"tiptap": "language", "prosemirror": "params"}[kind]
    element = {"tiptap": "codeBlock", "prosemirror": "code_block"}[kind]
    present = Node(DOCUMENT, content=[Node(element, {language: "py"}, [Node(TEXT, text="x")])])
    nodes = read_markdown(text, detect_schema(present))
    assert [node.type for node in nodes] == [element, "heading"]
    assert nodes[0].attributes == {language: "frontmatter"}
    assert write_markdown(Node(DOCUMENT, content=nodes)) == text


def test_a_code_block_elsewhere_is_not_written_as_front_matter() -> None:
    block = read_markdown("```frontmatter\nno front matter\n```", TIPTAP)
    assert write_markdown(Node(DOCUMENT, content=block)) == "```frontmatter\nno front matter\n```"
    behind = read_markdown("a\n\n```frontmatter\nb: c\n```", TIPTAP)
    assert write_markdown(Node(DOCUMENT, content=behind)) == "a\n\n```frontmatter\nb: c\n```"
