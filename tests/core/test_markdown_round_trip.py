"""Markdown is read as what it was written from, whatever the text says; so who changes one line changes no other."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collab_server.core.documents.apply_edit import Put
from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node
from tests.core.fragments import Fragment, element, p
from tests.core.test_markdown_writer import DOCUMENTS
from tests.seeds import count_examples

SIGNS = "#*_-+>|`~[]()!\\<&;:=./\"'$ \t19aébrxX\u3000\u00a0\u2003\x0c\x1c\x85\u2028"
SNIPPETS = [
    *(
        "[ ] ",
        "[x]",
        "[x] a",
        "- ",
        "1. ",
        "2) ",
        "# ",
        "> ",
        "```",
        "~~~",
        "---",
        "***",
        "===",
        "| a |",
        "|-|",
        "<br>",
    ),
    *("<b>", "</b>", "&amp;", "&#x3000;", "[a](b)", "![a](b)", "[a]: b", "**", "__", "\\", "\\\\", "http://a.b", "  "),
    *("    ", "\t", "<!--", "<a@b.c>", "[^1]", "a_b_", "\u3000\u3000", ":--", "snake_case_", "~a~", "`", "\ufeff"),
    *(
        "$",
        "$$",
        "$x$",
        "$$x$$",
        "5$",
        "$5",
        "[!NOTE]",
        "[^1]: ",
        "^",
        "<details>",
        "</details>",
        "<summary>a</summary>",
    ),
]
TEXTS = st.one_of(
    st.text(st.sampled_from(SIGNS), max_size=10),
    st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(st.sampled_from(SIGNS), max_size=3)), max_size=4).map(
        "".join
    ),
)
MARKS = ["bold", "italic", "strike", "code"]


def paragraph(text: str) -> Node:
    return p(text) if text else p()


def tasks(text: str, checked: bool) -> Node:
    return element("taskList", element("taskItem", paragraph(text), checked=checked))


def cells(text: str, other: str) -> Node:
    if not f"{text}{other}".strip(" \t"):
        # An empty header stands for none.
        other = "x"
    rows = [
        element("tableRow", *(element(kind, paragraph(one)) for one in (text, other)))
        for kind in ("tableHeader", "tableCell")
    ]
    return element("table", *rows)


def code(text: str) -> Node:
    return element("codeBlock", text) if text else element("codeBlock")


def toggle(text: str, other: str) -> Node:
    return element("details", Node("detailsSummary", {}, paragraph(text).content), element("detailsContent", p(other)))


FORMULAS = ["x", "\\frac{a}{b}", "a_1 * b_2", "a | b", "[c](d) `e`", "\\$9", "9"]

BLOCKS = st.one_of(
    TEXTS.map(paragraph),
    TEXTS.map(lambda text: element("callout", paragraph(text), type="tip")),
    st.builds(toggle, TEXTS, st.just("inner")),
    TEXTS.map(lambda text: Node("footnoteDefinition", {"label": "1"}, paragraph(text).content)),
    st.sampled_from(FORMULAS).map(lambda latex: element("blockMath", latex=latex)),
    st.builds(lambda text, level: Node("heading", {"level": level}, paragraph(text).content), TEXTS, st.integers(1, 6)),
    TEXTS.map(lambda text: element("blockquote", paragraph(text))),
    st.lists(TEXTS, min_size=1, max_size=3).map(
        lambda texts: element("bulletList", *(element("listItem", paragraph(text)) for text in texts))
    ),
    st.lists(TEXTS, min_size=1, max_size=2).map(
        lambda texts: element("orderedList", *(element("listItem", paragraph(text)) for text in texts), start=1)
    ),
    st.builds(tasks, TEXTS, st.booleans()),
    st.builds(cells, TEXTS, TEXTS),
    TEXTS.map(code),
)


def trimmed(node: Node) -> Node:
    """Without what Markdown has no sign for: spaces and tabs around a line."""
    if node.type == "codeBlock":
        return Node(node.type, {}, node.content)
    content = [trimmed(child) for child in node.content if child.type != TEXT]
    text = "".join(child.text for child in node.content if child.type == TEXT).strip(" \t")
    return Node(node.type, node.attributes, [Node(TEXT, text=text)] if text else content)


def shown(nodes: list[Node]) -> list[Node]:
    """The blocks that Markdown shows."""
    empty = (p(), element("blockquote", p()))
    return [block for node in nodes if (block := trimmed(node)) not in empty]


def read(nodes: list[Node]) -> list[Node]:
    document = Node(DOCUMENT, content=nodes)
    return read_markdown(write_markdown(document), detect_schema(document))


@settings(max_examples=count_examples(300), deadline=None)
@given(st.lists(BLOCKS, max_size=4))
@example([element("bulletList", element("listItem", p("[ ] text")))])
@example([element("bulletList", element("listItem", p("[x]")))])
@example([p("\u3000a\u3000")])
@example([p("\u00a0")])
@example([element("blockquote", p("\u3000a")), element("heading", "\u3000a", level=1), cells("\u3000a", "\u2003")])
@example([tasks("[ ] a", checked=True), tasks("", checked=False)])
def test_written_blocks_are_read_as_the_same_blocks(nodes: list[Node]) -> None:
    assert read(nodes) == shown(nodes), write_markdown(Node(DOCUMENT, content=nodes))


@settings(max_examples=count_examples(300), deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(MARKS))
def test_a_written_marked_text_is_read_as_the_same_text(before: str, marked: str, behind: str, mark: str) -> None:
    # What has a mark has no space at its ends.
    if not (marked := re.sub(r"\A\s+|\s+\Z", "", marked)):
        return
    said = [Node(TEXT, text=before), Node(TEXT, text=marked, marks=[Mark(mark)]), Node(TEXT, text=behind)]
    said[0].text, said[2].text = before.lstrip(" \t"), behind.rstrip(" \t")
    assert read([Node("paragraph", content=said)]) == [Node("paragraph", content=[run for run in said if run.text])]


@settings(max_examples=count_examples(300), deadline=None)
@given(TEXTS, TEXTS)
def test_written_lines_of_a_paragraph_are_read_as_the_same_lines(one: str, other: str) -> None:
    one, other = one.strip(" \t") or "x", other.strip(" \t") or "y"
    block = element("paragraph", one, element("hardBreak"), other)
    assert read([block]) == [block], write_markdown(Node(DOCUMENT, content=[block]))


@settings(max_examples=count_examples(300), deadline=None)
@given(TEXTS, st.lists(st.sampled_from(FORMULAS), min_size=1, max_size=2), TEXTS)
def test_a_written_formula_is_read_as_the_same_formula(before: str, formulas: list[str], behind: str) -> None:
    said = [
        p(before.lstrip(" \t")),
        *(element("inlineMath", latex=latex) for latex in formulas),
        p(behind.rstrip(" \t")),
    ]
    block = element(
        "paragraph", *(part for one in said for part in (_texts(one) if one.type == "paragraph" else [one]))
    )
    assert read([block]) == [block], write_markdown(Node(DOCUMENT, content=[block]))


def _texts(node: Node) -> list[Node]:
    return [child for child in node.content if child.text]


@settings(max_examples=count_examples(300), deadline=None)
@given(st.lists(BLOCKS, min_size=1, max_size=4), TEXTS, st.data())
def test_a_program_that_changes_one_block_changes_no_other(nodes: list[Node], text: str, data: st.DataObject) -> None:
    document = Fragment(p("first"), *nodes, p("last"))
    before, ids = document.node.content, document.ids()
    at = data.draw(st.sampled_from([0, len(nodes) + 1]))
    changed = [*before]
    changed[at] = p(f"new {text}")
    document.edit(Put(write_markdown(Node(DOCUMENT, content=changed))))
    after = document.node.content
    assert len(after) == len(before)
    assert [*after[:at], *after[at + 1 :]] == [*before[:at], *before[at + 1 :]]
    now = document.ids()
    assert all(now[said] == id_ for said, id_ in ids.items() if said in now and not said.startswith(("first", "last")))
    assert trimmed(after[at]) == trimmed(p(f"new {text}"))


@settings(max_examples=count_examples(300), deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4), TEXTS, st.data())
@example(["[ ] text", "b"], "c", None)
def test_a_program_that_changes_one_item_changes_no_other(
    texts: list[str], text: str, data: st.DataObject | None
) -> None:
    document = Fragment(element("bulletList", *(element("listItem", paragraph(one)) for one in texts)))
    at = data.draw(st.integers(0, len(texts) - 1)) if data is not None else 1
    before = document.node
    wanted = document.node
    wanted.content[0].content[at] = element("listItem", p(f"new {text}"))
    document.edit(Put(write_markdown(wanted)))
    [items] = document.node.content
    assert items.type == "bulletList"
    assert [trimmed(item) for item in items.content] == [trimmed(item) for item in wanted.content[0].content]
    for index, item in enumerate(before.content[0].content):
        assert index == at or items.content[index] == item


@pytest.mark.parametrize("wanted", ["111`1111# 1|`", "111`1111# 1|", "111`1111# 1|111 "])
def test_a_text_whose_end_is_cut_off_has_no_break(wanted: str) -> None:
    for marks in ([Mark("code")], [Mark("bold"), Mark("code")]):
        for said in ("1111#\n1|111 ", "1111# 1|111\n", "1111# 1|\n111 "):
            document = Fragment(p("111", Node(TEXT, text=said, marks=marks)))
            document.edit(Put(wanted))
            [block] = document.node.content
            assert [child.type for child in block.content if child.type != TEXT] == []
            assert document.markdown == document.normal(wanted)


@settings(max_examples=count_examples(200), deadline=None)
@given(DOCUMENTS)
def test_a_change_of_the_first_line_changes_no_other_block(nodes: Node) -> None:
    document = Fragment(p("first"), *nodes.content)
    before, ids = document.node.content[1:], document.ids()
    document.edit(Put(document.markdown.replace("first", "changed", 1)))
    assert document.node.content[1:] == before
    now = document.ids()
    assert all(now[said] == id_ for said, id_ in ids.items() if not said.startswith("first"))
    assert document.node.content[0] == p("changed")
