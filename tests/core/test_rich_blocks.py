"""Callouts, toggles and formulas as Markdown and as nodes, and edits of them by Markdown."""

import pytest

from collab_server.core.documents.apply_edit import Put
from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.excerpts import plain_text
from collab_server.core.markdown.parser import new_document_parser
from collab_server.core.markdown.parsing_cost import MAX_COST, parsing_cost
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node
from tests.core.fragments import Fragment, element, p
from tests.core.test_prosemirror_edits import replace

TIPTAP = detect_schema(Node(DOCUMENT))
FORMULA = element("inlineMath", latex="x^2")


def toggle(summary: str, *blocks: Node) -> Node:
    return element("details", element("detailsSummary", summary), element("detailsContent", *blocks))


def read(text: str) -> list[Node]:
    return read_markdown(text, TIPTAP)


FORMS = {
    "> [!WARNING]\n> Hot.\n>\n> - a": [
        element("callout", p("Hot."), element("bulletList", element("listItem", p("a"))), type="warning")
    ],
    "> [!NOTE]": [element("callout", p(), type="note")],
    "A $x^2$ b": [p("A ", FORMULA, " b")],
    "$$\n\\frac{a}{b}\nc\n$$": [element("blockMath", latex="\\frac{a}{b}\nc")],
    "<details>\n<summary>More</summary>\n\nHidden.\n\n</details>": [toggle("More", p("Hidden."))],
    "A[^1] b\n\n[^1]: The *note*": [
        p("A", element("footnoteReference", label="1"), " b"),
        element("footnoteDefinition", "The ", Node(TEXT, text="note", marks=[Mark("italic")]), label="1"),
    ],
    "- a\n\n  > [!TIP]\n  > b": [
        element("bulletList", element("listItem", p("a"), element("callout", p("b"), type="tip")))
    ],
    "<details>\n<summary>1</summary>\n\n<details>\n<summary>2</summary>\n\nx\n\n</details>\n\n</details>": [
        toggle("1", toggle("2", p("x")))
    ],
}


@pytest.mark.parametrize("markdown", FORMS)
def test_markdown_and_nodes_are_forms_of_each_other(markdown: str) -> None:
    assert read(markdown) == FORMS[markdown]
    assert write_markdown(Node(DOCUMENT, content=FORMS[markdown])) == markdown


@pytest.mark.parametrize(
    ("markdown", "same"),
    [
        ("> [!caution]\n> x", "> [!CAUTION]\n> x"),
        (
            "<details open><summary>a $b$</summary>\nx\n</details>",
            "<details>\n<summary>a \\$b\\$</summary>\n\nx\n\n</details>",
        ),
        ("$$ x $$", "$$\nx\n$$"),
        ("a $$x$$ b", "a $x$ b"),
    ],
)
def test_other_spellings_are_read(markdown: str, same: str) -> None:
    assert write_markdown(Node(DOCUMENT, content=read(markdown))) == same


@pytest.mark.parametrize(
    "text",
    [
        "> [!NOTE] with a title",
        "> [!OTHER]\n> x",
        "5$ and 6$",
        "$ a$",
        "a$1$2",
        "<details>\n\nx",
        "x\n</details>",
        "- $$\n\nx\n$$",
    ],
)
def test_what_looks_alike_is_text(text: str) -> None:
    kinds = {"callout", "details", "blockMath", "inlineMath"}

    def types(nodes: list[Node]) -> set[str]:
        return {node.type for node in nodes}.union(*(types(node.content) for node in nodes))

    assert not kinds & types(read(text))
    once = write_markdown(Node(DOCUMENT, content=read(text)))
    assert write_markdown(Node(DOCUMENT, content=read(once))) == once


def test_names_of_other_editors_are_understood_and_kept() -> None:
    document = Fragment(p("a"), element("callout", p("b"), type="danger"))
    assert document.markdown == "a\n\n> [!CAUTION]\n> b"
    replace(document, "> b", "> c")
    assert document.node.content[1].attributes == {"type": "danger"}
    replace(document, "CAUTION", "TIP")
    assert document.node.content[1].attributes == {"type": "tip"}
    text = Fragment(p("a"), element("callout", "no paragraph"))
    replace(text, "no", "one")
    assert text.node.content[1] == element("callout", "one paragraph")


def test_an_editor_without_these_nodes_gets_text() -> None:
    document = Fragment(element("code_block", "x"))
    for markdown in FORMS:
        document.edit(Put(f"```\nx\n```\n\n{markdown}"))
        types = {node.type for node in document.node.content}
        assert types <= {"code_block", "paragraph", "blockquote", "bullet_list"}, markdown


def test_an_edit_of_markdown_keeps_what_it_does_not_change() -> None:
    document = Fragment(
        element("callout", p("one two"), p("three"), type="note"),
        p("costs ", FORMULA, " much"),
        toggle("More", p("hidden"), p("again")),
        element("blockMath", latex="a"),
        element("footnoteDefinition", "what it costs", label="1"),
    )
    ids = document.ids()
    replace(document, "[!NOTE]", "[!TIP]")
    replace(document, "one two", "one 2")
    replace(document, "much", "more")
    replace(document, "More", "Less")
    replace(document, "again", "")
    replace(document, "$$\na", "$$\nb")
    replace(document, "[^1]: what it", "[^2]: what this")
    assert document.node.content == [
        element("callout", p("one 2"), p("three"), type="tip"),
        p("costs ", FORMULA, " more"),
        toggle("Less", p("hidden")),
        element("blockMath", latex="b"),
        element("footnoteDefinition", "what this costs", label="2"),
    ]
    now = document.ids()
    for said in ("three", "costs ", "hidden"):
        assert now[said] == ids[said]


def test_a_formula_is_changed_put_in_and_taken_out() -> None:
    document = Fragment(p("a ", FORMULA, " b"))
    replace(document, "$x^2$", "$y$")
    assert document.node.content == [p("a ", element("inlineMath", latex="y"), " b")]
    replace(document, "b", "b $z$ c")
    assert document.markdown == "a $y$ b $z$ c"
    replace(document, "$y$ ", "")
    assert document.markdown == "a b $z$ c"


def test_an_empty_summary_stays_one() -> None:
    document = Fragment(p("a"), toggle("More", p("b")))
    replace(document, "More", "")
    replace(document, "<summary></summary>", "<summary>Again</summary>")
    assert document.node.content[1] == toggle("Again", p("b"))
    document.edit(Put("a"))
    assert document.node.content == [p("a")]


def test_latex_cannot_leave_its_formula() -> None:
    for latex, shown in [("a$b", "$a\\$b$"), ("a\n\nb", "$a b$"), (" x\\ ", "$x$"), ("\\$", "$\\$$"), ("  ", "")]:
        written = write_markdown(Node(DOCUMENT, content=[p(element("inlineMath", latex=latex))]))
        assert written.strip() == shown


def test_search_finds_the_words_and_no_signs() -> None:
    text = "\n\n".join(FORMS)
    assert plain_text(text) == ("Hot. a A $x^2$ b \\frac{a}{b} c More Hidden. A b The note a b 1 2 x")


@pytest.mark.parametrize(
    "sign", ["$", "$a ", "\\$$", "$$\n", "<details>\n", "</details>\n", "<details>\n</details>\n", "> [!NOTE]\n\n"]
)
def test_many_signs_take_no_long_time(sign: str) -> None:
    """A quadratic rule would take minutes."""
    count = MAX_COST // max(1, parsing_cost(sign)) // 4
    assert new_document_parser().parse(sign * count)


def test_deep_toggles_are_text() -> None:
    depth = 300
    tokens = new_document_parser().parse("<details>\n\n" * depth + "x\n\n" + "</details>\n\n" * depth)
    assert max(token.level for token in tokens) <= 22
    assert sum(token.nesting for token in tokens) == 0
    assert all(
        isinstance(node, Node) and node.type != TEXT for node in read("<details>\n\n" * 30 + "</details>\n\n" * 30)
    )
