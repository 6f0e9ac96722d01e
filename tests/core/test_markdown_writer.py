"""Markdown that an independent CommonMark parser reads back: the same text, marks and structure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from collab_server.core.markdown.parser import keep_spaces
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node
from tests.seeds import count_examples

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
keep_spaces(PARSER)

Inline = tuple[tuple[str, frozenset[str]], ...]
"""One entry per character or image: what it is, and its marks; white space has no marks but code."""


def read_markdown(markdown: str) -> list[Any]:
    tokens = iter(PARSER.parse(markdown))
    return list(read_blocks(tokens, ""))


def read_blocks(tokens: Iterator[Token], until: str) -> Iterator[Any]:
    for token in tokens:
        kind = token.type
        if kind == until:
            return
        if kind == "paragraph_open":
            yield ("paragraph", read_inline(next(tokens)))
            next(tokens)
        elif kind == "heading_open":
            yield ("heading", int(token.tag[1]), read_inline(next(tokens)))
            next(tokens)
        elif kind == "blockquote_open":
            yield ("quote", list(read_blocks(tokens, "blockquote_close")))
        elif kind == "fence":
            yield ("code", token.info, token.content)
        elif kind == "hr":
            yield ("rule",)
        elif kind == "bullet_list_open":
            yield ("bullets", list(read_blocks(tokens, "bullet_list_close")))
        elif kind == "ordered_list_open":
            yield ("numbers", int(token.attrs.get("start", 1)), list(read_blocks(tokens, "ordered_list_close")))
        elif kind == "list_item_open":
            yield list(read_blocks(tokens, "list_item_close"))
        elif kind == "table_open":
            yield ("table", list(read_rows(tokens)))
        else:
            raise AssertionError(f"not meant to be there: {token}")


def read_rows(tokens: Iterator[Token]) -> Iterator[list[Inline]]:
    row: list[Inline] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "inline":
            row.append(read_inline(token))
        elif token.type == "tr_close":
            yield row
            row = []


def read_inline(token: Token) -> Inline:
    marks: list[str] = []
    characters: list[tuple[str, frozenset[str]]] = []
    for child in token.children or []:
        kind = child.type
        if kind in ("strong_open", "em_open", "s_open"):
            marks.append(kind.removesuffix("_open"))
        elif kind == "link_open":
            marks.append(f"link {unquote(str(child.attrGet('href')))} {child.attrGet('title') or ''}")
        elif kind.endswith("_close"):
            marks.pop()
        elif kind == "html_inline" and child.content == "<br>":
            characters.append(("\n", frozenset()))
        elif kind == "html_inline" and child.content.startswith("</"):
            assert marks.pop() == child.content[2:-1]
        elif kind == "html_inline":
            marks.append(child.content[1:-1])
        elif kind in ("hardbreak", "softbreak"):
            assert kind == "hardbreak"
            characters.append(("\n", frozenset()))
        elif kind == "image":
            source = unquote(str(child.attrGet("src")))
            alt = "".join(part.content for part in child.children or [])
            characters.append((f"image {source} {alt}", frozenset(marks)))
        else:
            assert kind in ("text", "code_inline"), child
            names = frozenset(marks) | ({"code"} if kind == "code_inline" else frozenset())
            characters += [(c, names & {"code"} if c.isspace() else names) for c in child.content]
    assert not marks
    return tuple(characters)


def expected(nodes: Sequence[Node]) -> list[Any]:
    return [block for node in nodes if (block := expected_block(node)) is not None]


def expected_block(node: Node) -> Any:
    match node.type:
        case "paragraph":
            inline = expected_inline(node.content)
            return ("paragraph", inline) if inline else None
        case "heading":
            return ("heading", node.attributes["level"], expected_inline(node.content))
        case "blockquote":
            blocks = expected(node.content)
            return ("quote", blocks) if blocks else None
        case "codeBlock":
            text = "".join(child.text for child in node.content).replace("\r\n", "\n").replace("\r", "\n")
            return ("code", node.attributes.get("language", ""), text + "\n")
        case "horizontalRule":
            return ("rule",)
        case "bulletList":
            return ("bullets", [expected(item.content) for item in node.content])
        case "orderedList":
            return ("numbers", node.attributes["start"], [expected(item.content) for item in node.content])
        case "table":
            width = len(node.content[0].content)
            rows = [[expected_inline(cell.content[0].content) for cell in row.content] for row in node.content]
            if node.content[0].content[0].type == "tableCell":
                rows.insert(0, [()] * width)
            return ("table", rows)
    raise AssertionError(node.type)


def expected_inline(nodes: Sequence[Node]) -> Inline:
    characters: list[tuple[str, frozenset[str]]] = []
    for node in nodes:
        if node.type == "hardBreak":
            characters.append(("\n", frozenset()))
            continue
        if node.type == "image":
            characters.append((f"image {node.attributes['src']} {node.attributes['alt']}", frozenset()))
            continue
        marks = frozenset(mark_name(mark) for mark in node.marks)
        text = re.sub(r"\r\n?", "\n", node.text)
        if "code" in marks:
            text = text.replace("\n", " ")
        characters += [(c, marks & {"code"} if c.isspace() else marks) for c in text]
    return trimmed(characters)


def trimmed(characters: list[tuple[str, frozenset[str]]]) -> Inline:
    lines: list[list[tuple[str, frozenset[str]]]] = [[]]
    for character in characters:
        if character[0] == "\n":
            lines.append([])
        else:
            lines[-1].append(character)
    for line in lines:
        while line and line[0][0] in " \t" and not line[0][1]:
            line.pop(0)
        while line and line[-1][0] in " \t" and not line[-1][1]:
            line.pop()
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    joined: list[tuple[str, frozenset[str]]] = []
    for line in lines:
        joined += [*line, ("\n", frozenset())]
    return tuple(joined[:-1])


def mark_name(mark: Mark) -> str:
    names = {"bold": "strong", "italic": "em", "strike": "s", "underline": "u", "highlight": "mark", "code": "code"}
    return f"link {mark.attributes['href']} {mark.attributes['title']}" if mark.type == "link" else names[mark.type]


NASTY = st.text(st.sampled_from("*_`~[]()<>&!#+-=|\\:.\"'19 ab;é漢😀\u00a0\n\t$§"), min_size=1, max_size=12)
SNIPPETS = st.sampled_from(
    re.split(
        "¦",
        "word¦two words¦**¦1. ¦- ¦+¦# ¦---¦***¦```¦~~~¦> ¦<b>¦</u>¦&amp;¦&#35;¦[a](b)¦![¦[x]: y¦a | b¦|-|¦:-:"
        "¦snake_case¦__init__¦http://a.b¦<!-- c -->¦ \\¦===¦\\",
    )
)
TEXTS = st.one_of(NASTY, SNIPPETS, st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6))
LINKS = st.builds(
    lambda href, title: Mark("link", {"href": href, "title": title}),
    st.sampled_from(["https://e.org/", "a b", "x(y", "<z>", "q?a=1&amp;b|c", "\\n", "#"]),
    st.sampled_from(["", 'a "title"', "b\\"]),
)
MARKS = st.lists(
    st.one_of(st.sampled_from(["bold", "italic", "strike", "underline", "highlight", "code"]).map(Mark), LINKS),
    max_size=3,
    unique_by=lambda mark: mark.type,
)
RUNS = st.builds(lambda text, marks: Node(TEXT, text=text, marks=marks), TEXTS, MARKS)
IMAGES = st.builds(
    lambda src, alt: Node("image", {"src": src, "alt": alt}),
    st.sampled_from(["i.png", "a b.png", "(x)"]),
    st.sampled_from(["", "alt", "a]b", "*x*"]),
)
INLINES = st.lists(st.one_of(RUNS, RUNS, RUNS, st.just(Node("hardBreak")), IMAGES), max_size=5)
PARAGRAPHS = INLINES.map(lambda nodes: Node("paragraph", content=nodes))
LEAVES = st.one_of(
    PARAGRAPHS,
    st.builds(lambda nodes, level: Node("heading", {"level": level}, nodes), INLINES, st.integers(1, 6)),
    st.builds(
        lambda text, language: Node("codeBlock", {"language": language}, [Node(TEXT, text=text)]),
        st.one_of(TEXTS, st.sampled_from(["a\n\nb", "```", "\n", "  x\n\ty"])),
        st.sampled_from(["", "python", "c++"]),
    ),
    st.just(Node("horizontalRule")),
)


@st.composite
def tables(draw: st.DrawFn) -> Node:
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(INLINES, min_size=width, max_size=width), min_size=1, max_size=3))
    has_header = draw(st.booleans())
    nodes: list[Node] = []
    for row in rows:
        kind = "tableHeader" if has_header and not nodes else "tableCell"
        nodes.append(Node("tableRow", content=[Node(kind, content=[Node("paragraph", content=cell)]) for cell in row]))
    return Node("table", content=nodes)


def containers(blocks: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    content = st.lists(blocks, max_size=3)
    items = st.lists(content.map(lambda nodes: Node("listItem", content=nodes)), min_size=1, max_size=3)
    return st.one_of(
        content.map(lambda nodes: Node("blockquote", content=nodes)),
        items.map(lambda nodes: Node("bulletList", content=nodes)),
        st.builds(lambda nodes, start: Node("orderedList", {"start": start}, nodes), items, st.integers(0, 100)),
    )


BLOCKS = st.recursive(st.one_of(LEAVES, tables()), containers, max_leaves=8)
DOCUMENTS = st.lists(BLOCKS, max_size=4).map(lambda nodes: Node(DOCUMENT, content=nodes))


@settings(max_examples=count_examples(400), deadline=None)
@given(INLINES)
def test_a_paragraph_keeps_its_text_and_marks(nodes: list[Node]) -> None:
    document = Node(DOCUMENT, content=[Node("paragraph", content=nodes)])
    markdown = write_markdown(document)
    assert read_markdown(markdown) == expected(document.content), markdown


@settings(max_examples=count_examples(300), deadline=None)
@given(DOCUMENTS)
def test_a_document_keeps_its_structure(document: Node) -> None:
    markdown = write_markdown(document)
    assert read_markdown(markdown) == expected(document.content), markdown


@st.composite
def grids(draw: st.DrawFn) -> tuple[Node, list[list[str]]]:
    """(a table with merged cells, what stands where in it)"""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    taken = [[False] * width for _ in range(height)]
    shown = [[""] * width for _ in range(height)]
    rows: list[Node] = []
    for top in range(height):
        cells = []
        for left in range(width):
            if taken[top][left]:
                continue
            across = next((n for n in range(1, width - left) if taken[top][left + n]), width - left)
            spans = {"colspan": draw(st.integers(1, across)), "rowspan": draw(st.integers(1, height - top))}
            for row in range(top, top + spans["rowspan"]):
                for column in range(left, left + spans["colspan"]):
                    taken[row][column] = True
            shown[top][left] = f"{top}.{left}"
            text = Node("paragraph", content=[Node(TEXT, text=shown[top][left])])
            cells.append(Node("tableHeader" if top == 0 else "tableCell", spans, [text]))
        rows.append(Node("tableRow", content=cells))
    return Node("table", content=rows), shown


@given(grids())
def test_each_cell_is_in_its_column_in_tables_with_merged_cells(given: tuple[Node, list[list[str]]]) -> None:
    table, shown = given
    lines = write_markdown(Node(DOCUMENT, content=[table])).split("\n")
    del lines[1]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == shown
