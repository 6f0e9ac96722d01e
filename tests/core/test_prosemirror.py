import base64
from collections.abc import Sequence

import pycrdt
import pytest

from collab_server.core.documents.projection import Projection, project
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node, read_nodes
from collab_server.core.yjs import tree

# What y-prosemirror 1.3 wrote for a document with most of Tiptap's nodes.
WRITTEN_BY_Y_PROSEMIRROR = base64.b64decode(
    "AT0FAAcBB2RlZmF1bHQDB2hlYWRpbmcHAAUABgQABQEEUGxhbigABQAFbGV2ZWwBfQKHBQADCXBhcmFncmFwaAcABQcGBgAFCARib2xkAnt9hAUJ"
    "BGJvbGSGBQ0EYm9sZARudWxshgUOBGJvbGQCe32GBQ8GaXRhbGljAnt9hAUQBSBib3RohgUVBGJvbGQEbnVsbIYFFgZpdGFsaWMEbnVsbIcFCAMJ"
    "aGFyZEJyZWFrhwUYBgQABRkEc2VlIIYFHQRsaW5rJ3siaHJlZiI6Imh0dHBzOi8vZS5vcmcvIiwidGFyZ2V0IjpudWxsfYQFHgRzaXRlhgUiBGxp"
    "bmsEbnVsbIQFIwUgYW5kIIcFGQMHbWVudGlvbigABSkCaWQBdwE3KAAFKQVsYWJlbAF3A0FubocFKQYGAAUsEWNvbW1lbnQtLVVDclZXNldXCHsi"
    "aWQiOjF9hgUtEWNvbW1lbnQtLXdleU05KzZFCHsiaWQiOjJ9hAUuAyBva4YFMRFjb21tZW50LS1VQ3JWVzZXVwRudWxshgUyEWNvbW1lbnQtLXdl"
    "eU05KzZFBG51bGyHBQcDC29yZGVyZWRMaXN0BwAFNAMIbGlzdEl0ZW0HAAU1AwlwYXJhZ3JhcGgHAAU2BgQABTcFdGhyZWWHBTYDCmJ1bGxldExp"
    "c3QHAAU9AwhsaXN0SXRlbQcABT4DCXBhcmFncmFwaAcABT8GBAAFQARkZWVwKAAFNAVzdGFydAF9A4cFNAMIdGFza0xpc3QHAAVGAwh0YXNrSXRl"
    "bQcABUcDCXBhcmFncmFwaAcABUgGBAAFSQRkb25lKAAFRwdjaGVja2VkAXiHBUcDCHRhc2tJdGVtBwAFTwMJcGFyYWdyYXBoBwAFUAYEAAVRBHRv"
    "ZG8oAAVPB2NoZWNrZWQBeYcFRgMJY29kZUJsb2NrBwAFVwYEAAVYCmxldCB4ID0gMQooAAVXCGxhbmd1YWdlAXcCanOHBVcDCXBhcmFncmFwaIcF"
    "ZAMJcGFyYWdyYXBoBwAFZQMFaW1hZ2UoAAVmA3NyYwF3BWEucG5nKAAFZgNhbHQBdwFBAA=="
)

Child = str | pycrdt.XmlElement | pycrdt.XmlText


def element(tag: str, *children: Child, **attributes: object) -> pycrdt.XmlElement:
    contents = [pycrdt.XmlText(child) if isinstance(child, str) else child for child in children]
    return pycrdt.XmlElement(tag, {key: value for key, value in attributes.items()}, contents)  # type: ignore[arg-type]


def p(*children: Child) -> pycrdt.XmlElement:
    return element("paragraph", *children)


def projection(*nodes: pycrdt.XmlElement | pycrdt.XmlText, root: str = "default") -> Projection:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get(root, type=pycrdt.XmlFragment)
    for node in nodes:
        fragment.children.append(node)
    return project(doc.get_update())


def markdown(*nodes: pycrdt.XmlElement | pycrdt.XmlText) -> str:
    return projection(*nodes).content


def test_a_document_of_tiptap_is_markdown() -> None:
    assert project(WRITTEN_BY_Y_PROSEMIRROR) == Projection(
        "## Plan\n\n"
        "**bold *both***\\\n"
        "see [site](https://e.org/) and @Ann ok\n\n"
        "3. three\n   - deep\n\n"
        "- [x] done\n- [ ] todo\n\n"
        "```js\nlet x = 1\n\n```\n\n"
        "![A](a.png)",
        words=13,
        format="markdown",
        root="default",
    )


def test_marks_that_may_overlap_lose_the_hash_in_their_name() -> None:
    document = read_nodes(tree.read_tree(WRITTEN_BY_Y_PROSEMIRROR).roots["default"])
    text = document.content[1].content[-1]
    assert (text.text, text.marks) == (" ok", [Mark("comment", {"id": 1}), Mark("comment", {"id": 2})])


def test_names_in_snake_case_are_the_same_nodes() -> None:
    assert (
        markdown(
            element("bullet_list", element("list_item", p("one")), element("list_item", p("two"))),
            element("ordered_list", element("list_item", p("three")), order=7),
            element("code_block", "x = 1", params="python"),
            element("horizontal_rule"),
            p("a", element("hard_break"), "b"),
        )
        == "- one\n- two\n\n7. three\n\n```python\nx = 1\n```\n\n***\n\na\\\nb"
    )


def test_the_blocks_of_blocknote_stand_in_containers_and_nest_by_groups() -> None:
    def block(content: pycrdt.XmlElement, *nested: pycrdt.XmlElement) -> pycrdt.XmlElement:
        return element("blockContainer", content, *([element("blockGroup", *nested)] if nested else []), id="1")

    document = element(
        "blockGroup",
        block(element("heading", "Title", level=1)),
        block(p("intro"), block(p("indented"))),
        block(element("bulletListItem", "one"), block(element("bulletListItem", "inner"))),
        block(element("bulletListItem", "two")),
        block(element("numberedListItem", "first", start=4)),
        block(element("numberedListItem", "second")),
        block(element("checkListItem", "done", checked=True)),
        block(element("checkListItem", "todo", checked=False)),
        block(element("codeBlock", "x", language="js")),
        block(element("image", url="a.png", caption="A picture")),
        block(element("table", element("tableRow", element("tableCell", element("tableParagraph", "cell"))))),
    )
    assert projection(document, root="document-store").content == (
        "# Title\n\nintro\n\nindented\n\n- one\n  - inner\n- two\n\n4. first\n5. second\n\n- [x] done\n- [ ] todo\n\n"
        "```js\nx\n```\n\n![A picture](a.png)\n\n|  |\n| --- |\n| cell |"
    )


def test_a_document_of_lexical_is_read_by_the_types_of_its_texts() -> None:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get("root", type=pycrdt.XmlFragment)
    heading, paragraph = pycrdt.XmlText("Title"), pycrdt.XmlText("")
    fragment.children.append(heading)
    fragment.children.append(paragraph)
    heading.attributes["__type"] = "heading"
    heading.attributes["__tag"] = "h2"
    paragraph.attributes["__type"] = "paragraph"
    paragraph.insert_embed(0, pycrdt.Map({"__type": "text", "__format": 1}))
    paragraph.insert(1, "bold")
    paragraph.insert_embed(5, pycrdt.Map({"__type": "linebreak"}))
    paragraph.insert_embed(6, pycrdt.Map({"__type": "text", "__format": 0}))
    paragraph.insert(7, "plain")
    assert project(doc.get_update()).content == "## Title\n\n**bold**\\\nplain"


@pytest.mark.parametrize(
    ("marks", "written"),
    [
        ([Mark("bold")], "a **b** c"),
        ([Mark("strong")], "a **b** c"),
        ([Mark("em")], "a *b* c"),
        ([Mark("italic"), Mark("bold")], "a ***b*** c"),
        ([Mark("strike")], "a ~~b~~ c"),
        ([Mark("code")], "a `b` c"),
        ([Mark("underline")], "a <u>b</u> c"),
        ([Mark("highlight", {"color": "red"})], "a <mark>b</mark> c"),
        ([Mark("subscript")], "a <sub>b</sub> c"),
        ([Mark("superscript")], "a <sup>b</sup> c"),
        ([Mark("textStyle", {"color": "red"})], "a b c"),
        ([Mark("comment", {"id": 1})], "a b c"),
        ([Mark("link", {"href": "https://e.org", "title": "E"})], 'a [b](https://e.org "E") c'),
        ([Mark("link", {"href": "java\nscript:alert(1)"})], "a b c"),
        ([Mark("link", {"href": None})], "a b c"),
    ],
)
def test_marks_are_signs_or_html_or_left_out(marks: list[Mark], written: str) -> None:
    nodes = [Node(TEXT, text="a "), Node(TEXT, text="b", marks=marks), Node(TEXT, text=" c")]
    assert write_markdown(Node(DOCUMENT, content=[Node("paragraph", content=nodes)])) == written


@pytest.mark.parametrize(
    ("runs", "written"),
    [
        ([("a", ""), ("(b)", "bold"), ("c", "")], "a<strong>(b)</strong>c"),
        ([("a", "bold"), ("b", "italic")], "**a**<em>b</em>"),
        ([("a ", "bold"), ("b", "")], "**a** b"),
        ([(" ", "bold")], ""),
        ([("1. x", "")], "1\\. x"),
        ([("2024", "")], "2024"),
        ([("# x", "")], "\\# x"),
        ([("a *b* snake_case _c_", "")], "a \\*b\\* snake_case \\_c\\_"),
        ([("a < b & c &amp; <d>", "")], "a < b & c \\&amp; \\<d>"),
        ([("`", "code")], "`` ` ``"),
    ],
)
def test_text_is_escaped_where_it_would_be_read_otherwise(runs: Sequence[tuple[str, str]], written: str) -> None:
    nodes = [Node(TEXT, text=text, marks=[Mark(mark)] if mark else []) for text, mark in runs]
    assert write_markdown(Node(DOCUMENT, content=[Node("paragraph", content=nodes)])) == written


def test_formats_of_a_text_are_marks() -> None:
    text = pycrdt.XmlText("bold and linked")
    paragraph = p(text)
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    doc.get("prosemirror", type=pycrdt.XmlFragment).children.append(paragraph)
    text.format(0, 4, {"strong": {}})
    text.format(9, 15, {"link": {"href": "https://e.org/"}})
    text.format(0, 15, {"ychange": {"user": "x"}})
    assert project(doc.get_update()).content == "**bold** and [linked](https://e.org/)"


def test_nodes_that_are_not_known_keep_their_text() -> None:
    assert (
        markdown(
            element("card", p("inside"), p("again")),
            element("panel", element("panelTitle", "more"), element("panelContent", p("hidden"))),
            p("x ", element("mention", id="7", label="Ann"), " ", element("inlineMath", latex="e=mc^2")),
            element("youtube", src="https://y.example/1"),
            element("spacer"),
        )
        == "inside\n\nagain\n\nmore\n\nhidden\n\nx @Ann $e=mc^2$\n\n[https://y.example/1](https://y.example/1)"
    )


def test_images_within_the_document_lose_their_bytes() -> None:
    assert markdown(element("image", src="data:image/png;base64,AAAA", alt="A")) == "![A](<>)"


def test_a_table_has_a_header_and_its_cells_one_line() -> None:
    assert (
        markdown(
            element(
                "table",
                element("tableRow", element("tableHeader", p("a|b")), element("tableHeader", p("c"))),
                element("tableRow", element("tableCell", p("x"), p("y"), colspan=2)),
                element("tableRow"),
            )
        )
        == "| a\\|b | c |\n| --- | --- |\n| x<br>y |  |"
    )


def test_text_beside_blocks_is_a_paragraph() -> None:
    assert markdown(pycrdt.XmlText("loose"), p("x"), element("listItem", p("y"))) == "loose\n\nx\n\n- y"


def test_deeply_nested_nodes_are_cut_and_the_document_is_marked_as_truncated() -> None:
    assert (quotes(90).content.count(">"), quotes(90).truncated) == (90, False)
    assert (quotes(3000).content, quotes(3000).truncated) == ("before\n\nafter", True)


def quotes(levels: int) -> Projection:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    fragment = doc.get("default", type=pycrdt.XmlFragment)
    fragment.children.append(p("before"))
    quote = fragment.children.append(element("blockquote"))
    for _ in range(levels - 1):
        quote = quote.children.append(element("blockquote"))
    quote.children.append(p("deep"))
    fragment.children.append(p("after"))
    return project(doc.get_update())
