"""Writes ProseMirror nodes as Markdown: CommonMark with the tables, strikethrough and task lists of GFM.

Supports the names of Tiptap, prosemirror-markdown, BlockNote and Lexical. Unknown nodes are replaced by their content.
Text colours, alignment and empty paragraphs are left out.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from collab_server.core.markdown import front_matter
from collab_server.core.markdown.inline_writer import write_inline
from collab_server.core.markdown.node_kinds import CONTAINERS, ITEMS, LISTS, is_inline, is_ordered, kind_of
from collab_server.core.markdown.rules.callouts import callout_kind
from collab_server.core.markdown.rules.footnotes import LABEL
from collab_server.core.markdown.rules.formulas import write_latex
from collab_server.core.markdown.runs import SPACES, is_break, is_image
from collab_server.core.prosemirror.nodes import TEXT, Node
from collab_server.core.prosemirror.table_grid import MAX_COLUMNS, column_span, place_cells, read_integer

_MAY_INTERRUPT: Final = re.compile(r"(?:[-+]|1[.)]) \S")
"""A list's first line that can interrupt a paragraph in CommonMark."""

_MAX_START: Final = 999_999_999 // 2


def write_markdown(document: Node) -> str:
    """Render the blocks of a document, without a final line feed."""
    blocks = document.content
    if not blocks or not (header := _front_matter(blocks[0])):
        return "\n".join(_blocks(blocks))
    rest = _blocks(blocks[1:])
    return "\n".join([header, *(["", *rest] if rest else [])])


def _front_matter(node: Node) -> str:
    """The front matter in a code block of the reader, or ''."""
    if kind_of(node) != "codeblock" or _language(node) != front_matter.LANGUAGE:
        return ""
    block = f"---\n{_plain(node)}\n---"
    return block if front_matter.split_front_matter(block)[0] == block else ""


def write_cell(cell: Node) -> str:
    """Render a table cell as one line."""
    return "<br>".join(_cell(cell))


def _blocks(nodes: Iterable[Node], *, marker: int = 0, in_item: bool = False, checkbox: str = "") -> list[str]:
    """The lines of all blocks, with an empty line between blocks.

    marker: 1 if a leading list must differ from the list around it. checkbox: prefix of the first paragraph.
    """
    lines = [checkbox] if checkbox else []
    previous, last_sign = "", 0
    for block in _as_blocks(nodes):
        kind = "orderedlist" if is_ordered(block) else kind_of(block)
        if previous:
            # Two lists in a row would be one list if they had the same sign.
            alike = kind in LISTS and previous in LISTS and (kind == "orderedlist") == (previous == "orderedlist")
            sign = 1 - last_sign if alike else 0
        else:
            sign = marker
        written = _block(block, kind, sign)
        if not written:
            continue
        if not previous and checkbox and kind == "paragraph":
            lines[0] += " "
            lines[0] += written.pop(0)
        elif lines and not (in_item and previous == "paragraph" and _MAY_INTERRUPT.match(written[0])):
            lines.append("")
        lines += written
        previous, last_sign = kind, sign
    return lines


def _as_blocks(nodes: Iterable[Node]) -> Iterator[Node]:
    """Wrap stray inline nodes in paragraphs, and stray list items (BlockNote's) in lists."""
    items: list[Node] = []
    inlines: list[Node] = []
    family = ""
    for node in _flat(nodes):
        kind = kind_of(node)
        # Where blocks stand an image is one.
        stray = is_inline(node) and not is_image(node)
        if inlines and not stray:
            yield Node("paragraph", content=inlines)
            inlines = []
        if items and ITEMS.get(kind) != family:
            yield Node(family, items[0].attributes, items)
            items = []
        if stray:
            inlines.append(node)
        elif is_image(node):
            yield Node("paragraph", content=[node])
        elif kind in ITEMS:
            family = ITEMS[kind]
            items.append(node)
        else:
            yield node
    if inlines:
        yield Node("paragraph", content=inlines)
    if items:
        yield Node(family, items[0].attributes, items)


def _flat(nodes: Iterable[Node]) -> Iterator[Node]:
    """Replace containers, which Markdown does not have, by their content."""
    for node in nodes:
        kind = kind_of(node)
        if kind == "blockcontainer" and node.content and kind_of(node.content[0]) in ITEMS:
            item, *nested = node.content
            yield Node(item.type, item.attributes, [Node("paragraph", content=item.content), *nested])
        elif kind in CONTAINERS:
            yield from _flat(node.content)
        else:
            yield node


def _block(node: Node, kind: str, marker: int) -> list[str]:
    if kind == "heading":
        return [_heading(node)]
    if kind == "blockquote":
        return [f"> {line}" if line else ">" for line in _blocks(node.content)]
    if kind == "callout":
        lines = [f"[!{callout_kind(node.attributes.get('type')).upper()}]", *_blocks(node.content)]
        return [f"> {line}" if line else ">" for line in lines]
    if kind == "footnotedefinition" and LABEL.fullmatch(str(node.attributes.get("label"))):
        return f"[^{node.attributes['label']}]: {write_inline(node.content)}".rstrip(SPACES).split("\n")
    if kind == "details":
        return _toggle(node)
    if kind == "blockmath" and isinstance(latex := node.attributes.get("latex"), str):
        formula = write_latex(latex)
        return ["$$", *formula.split("\n"), "$$"] if formula else []
    if kind == "codeblock":
        return _code_block(node)
    if kind == "horizontalrule":
        # Never `---`, which is a heading's underline below a text and a list's item behind `- `.
        return ["***"]
    if kind in LISTS:
        return _list(node, kind, marker)
    if kind == "table":
        return _table(node)
    if kind == "paragraph" or not node.content or any(map(is_inline, node.content)):
        text = write_inline(node.content or [node] if kind != "paragraph" else node.content)
        return text.split("\n") if text else []
    return _blocks(node.content)


def _toggle(node: Node) -> list[str]:
    summary, content = node.content
    lines = _blocks(content.content)
    text = write_inline(summary.content, one_line=True)
    return ["<details>", f"<summary>{text}</summary>", *(["", *lines] if lines else []), "", "</details>"]


def _heading(node: Node) -> str:
    level = node.attributes.get("level")
    if level is None:
        level = str(node.attributes.get("tag", ""))[1:]
    text = write_inline(node.content, one_line=True)
    # A run of # at the end would be taken for the closing one.
    return "#" * read_integer(level, 1, 1, 6) + re.sub(r"(^|[ \t])(#+)\Z", r"\1\\\2", f" {text}").rstrip(SPACES)


def _code_block(node: Node) -> list[str]:
    text = _plain(node).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + "".join(re.findall(r"[\w+#.-]+", _language(node))[:1]), *text.split("\n"), fence]


def _language(node: Node) -> str:
    attributes = node.attributes
    return str(next((attributes[key] for key in ("language", "params", "lang") if attributes.get(key)), ""))


def _plain(node: Node) -> str:
    if node.type == TEXT:
        return node.text
    return "\n" if is_break(node) else "".join(map(_plain, node.content))


def _list(node: Node, kind: str, marker: int) -> list[str]:
    first = node.attributes.get("start", node.attributes.get("order"))
    number = read_integer(first, 1, 0, _MAX_START)
    items: list[list[str]] = []
    for item in node.content:
        sign = f"{number}{'.)'[marker]}" if kind == "orderedlist" else "-+"[marker]
        items.append(_item(item, sign, task=kind == "tasklist", marker=1 - marker))
        number += 1
    loose = any("" in lines for lines in items)
    lines: list[str] = []
    for item_lines in items:
        if lines and loose:
            lines.append("")
        lines += item_lines
    return lines


def _item(item: Node, sign: str, *, task: bool, marker: int) -> list[str]:
    kind = kind_of(item)
    checked = item.attributes.get("checked")
    checkbox = ""
    if task or kind in ("taskitem", "checklistitem") or isinstance(checked, bool):
        checkbox = "[x]" if checked in (True, "true") else "[ ]"
    content = item.content if kind in ITEMS else [item]
    lines = _blocks(content, marker=marker, in_item=True, checkbox=checkbox) or [""]
    indent = " " * (len(sign) + 1)
    return [f"{sign} {lines[0]}".rstrip(SPACES), *(indent + line if line else "" for line in lines[1:])]


def _table(node: Node) -> list[str]:
    rows = [row for row in _rows(node) if row]
    if not rows:
        return []
    width = max(map(len, rows))
    # GFM knows no table without a header; an empty one stands for it.
    if not all(header for header, _ in rows[0]):
        rows.insert(0, [])
    rows[0] = rows[0] + [(True, "")] * (width - len(rows[0]))
    lines = [f"| {' | '.join(text for _, text in row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * width}")
    return lines


def _rows(table: Node) -> Iterator[list[tuple[bool, str]]]:
    """The rows as lists of (is a header cell, text); cells covered by others are empty."""
    spanned: dict[int, tuple[int, Node]] = {}
    for row in table.content:
        if kind_of(row) in ("tablebody", "tablehead", "tablefoot", "tbody", "thead", "tfoot"):
            yield from _rows(row)
            continue
        cells = {column: (_is_header(cell), "") for column, (_, cell) in spanned.items()}
        for cell, column in place_cells(row, spanned):
            if column >= MAX_COLUMNS:
                break
            header = _is_header(cell)
            cells.update(dict.fromkeys(range(column, min(column + column_span(cell), MAX_COLUMNS)), (header, "")))
            cells[column] = (header, write_cell(cell).replace("|", r"\|"))
        yield [cells.get(column, (False, "")) for column in range(max(cells, default=-1) + 1)]


def _is_header(cell: Node) -> bool:
    return kind_of(cell) in ("tableheader", "th") or bool(cell.attributes.get("headerState"))


def _cell(node: Node) -> Iterator[str]:
    """A line for each text block in a cell."""
    of_text = any(is_inline(child) and not is_image(child) for child in node.content)
    if not node.content or of_text or kind_of(node) == "paragraph":
        if text := write_inline(node.content or ([node] if is_inline(node) else []), one_line=True):
            yield text
    else:
        for child in node.content:
            yield from _cell(child)
