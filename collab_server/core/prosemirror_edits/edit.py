"""Changes an XmlFragment to the wanted Markdown: equal blocks stay, similar ones are changed within, others are
replaced.

Content without a form in Markdown stays with its block: attributes, marks, unknown nodes, empty paragraphs.
"""

from collections.abc import Sequence
from typing import Any, Final

from collab_server.core.markdown.editor_schema import EditorSchema, detect_schema, page_schema
from collab_server.core.markdown.node_kinds import ITEMS, kind_of
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.rules.callouts import callout_kind
from collab_server.core.markdown.runs import address, is_break
from collab_server.core.markdown.writer import write_cell
from collab_server.core.prosemirror import table_grid
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Node, read_nodes
from collab_server.core.prosemirror_edits.blocks import (
    BESIDE,
    CELLS,
    HOLDERS,
    Block,
    Container,
    InsertionPoint,
    block_markdown,
    can_become,
    find_insertion_point,
    first_id,
    is_header_row,
    is_removable,
    is_text,
    items_of,
    list_blocks,
    table_width,
)
from collab_server.core.prosemirror_edits.inline import edit_text_block
from collab_server.core.prosemirror_edits.match_blocks import match_blocks
from collab_server.core.text import text_steps
from collab_server.core.text.text_steps import last_id
from collab_server.core.yjs.composer import Composer, Parent
from collab_server.core.yjs.structs import Branch, Id, Item
from collab_server.errors import UnprocessableContent

_SPANNED: Final = "a cell of this table covers what would change; send Yjs updates"
MAX_TEXT: Final = 2_000_000
"""Limit in characters: reading Markdown takes some seconds per million of them."""
_MARKDOWN_ATTRIBUTES: Final = {
    "heading": ("level",),
    "orderedlist": ("start", "order"),
    "codeblock": ("language", "params", "lang"),
    "taskitem": ("checked",),
    "listitem": ("checked",),
    "image": ("src", "alt", "title"),
    "blockmath": ("latex",),
    "footnotedefinition": ("label",),
}
"""Attributes with a form in Markdown, by kind."""
_OPTIONAL: Final = frozenset({"language", "params", "lang", "checked", "alt", "title"})
"""Attributes to delete if the Markdown does not contain them."""


def edit_fragment(composer: Composer, root: str, branch: Branch, text: str, *, for_page: bool = False) -> None:
    """Change a fragment to this Markdown. for_page: with all marks of the page's editor.

    Raises UnprocessableContent for impossible edits.
    """
    if len(text) > MAX_TEXT:
        raise UnprocessableContent(f"a document of nodes takes at most {MAX_TEXT} characters of Markdown")
    document = read_nodes(branch)
    schema = detect_schema(document)
    if for_page:
        schema = page_schema(schema)
    _FragmentEditor(composer, schema).children(root, branch, document, read_markdown(text, schema))


def insert_nodes(composer: Composer, root: str, branch: Branch, nodes: Sequence[Node]) -> None:
    """Insert nodes at the beginning of a fragment."""
    place = InsertionPoint(Container(root, branch, None, takes_blocks=True), None, first_id(branch.start))
    editing = _FragmentEditor(composer, detect_schema(Node(DOCUMENT)))
    for node in nodes:
        editing.insert(place, node)


class _FragmentEditor:
    def __init__(self, composer: Composer, schema: EditorSchema) -> None:
        self.composer = composer
        self.schema = schema

    def children(self, parent: Parent, branch: Branch, node: Node, wanted: Sequence[Node]) -> None:
        """Change the children of a node to the wanted blocks."""
        root = Container(parent, branch, None, takes_blocks=True)
        blocks = list_blocks(root, node)
        first = _first_paragraph(node, blocks, wanted)
        if first is not None:
            self._change(first, wanted[0])
            blocks, wanted = blocks[1:], wanted[1:]
        # Of a table that becomes wider or narrower, empty cells count, too.
        whole = kind_of(node) == "table" and table_width([block.node for block in blocks]) != table_width(wanted)
        if whole:
            for index, block in enumerate(blocks):
                block.markdown = block_markdown(block.node, node, first=index == 0, whole=True, cells=block.cells)
        wanted_markdown = [
            block_markdown(block, node, first=index == 0, whole=whole) for index, block in enumerate(wanted)
        ]
        wanted = [block for block, text in zip(wanted, wanted_markdown, strict=True) if text]
        wanted_markdown = [text for text in wanted_markdown if text]
        visible = [block for block in blocks if block.markdown]
        last, place, position = first, None, 0
        for old, new in match_blocks(
            [block.markdown for block in visible],
            wanted_markdown,
            lambda one, other: can_become(visible[one], wanted[other]),
        ):
            if old is None:
                assert new is not None
                if position < len(visible) and visible[position].covered:
                    raise UnprocessableContent(_SPANNED)
                place = place or find_insertion_point(
                    root, last, visible[position] if position < len(visible) else None
                )
                self.insert(place, wanted[new])
                continue
            last, place, position = visible[old], None, old + 1
            if new is None:
                if last.covered or _spans_rows(last.node):
                    raise UnprocessableContent(_SPANNED)
                last.removed = True
            elif last.markdown != wanted_markdown[new]:
                self._change(last, wanted[new])
        self._delete([block for block in visible if block.removed])
        if first is None and blocks and not root.filled and all(block.removed for block in blocks):
            # Hardly any node may be empty.
            self.insert(find_insertion_point(root, blocks[-1], None), self.schema.node("paragraph"))

    def insert(self, place: InsertionPoint, node: Node) -> None:
        place.left = self._build(place.container.parent, place.left, place.right, node)
        place.container.filled = True

    def _build(self, parent: Parent, left: Id | None, right: Id | None, node: Node) -> Id:
        """Insert a new node with its content; returns its id."""
        new_id = self.composer.element(parent, left, right, node.type, node.attributes)
        last: Id | None = None
        texts: list[tuple[str, dict[str, Any]]] = []
        for child in [*node.content, None]:
            if child is not None and child.type == TEXT:
                texts.append((child.text, {mark.type: mark.attributes for mark in child.marks}))
                continue
            if texts and self.schema.text_in_elements:
                last = text_steps.append_runs(self.composer, new_id, texts, last)
            elif texts:
                last = self.composer.xml_text(new_id, last, None)
                text_steps.append_runs(self.composer, last, texts)
            texts = []
            if child is not None:
                last = self._build(new_id, last, None, child)
        return new_id

    def _change(self, block: Block, wanted: Node) -> None:
        """Change a block to the wanted one; they must fit."""
        item, node = block.item, block.node
        kind = kind_of(node)
        if kind == kind_of(wanted):
            self._say(item, node, wanted, kind)
        if kind == "callout":
            self._change_callout(item, node, wanted)
        if kind == "tablerow":
            self._change_row(block, wanted)
        elif kind == "details":
            self._change_toggle(item, node, wanted)
        elif kind in HOLDERS:
            blocks = _split_into_paragraphs(wanted.content, node, self.schema) if kind in CELLS else wanted.content
            self.children((item.client, item.clock), item.content, node, blocks)
        elif is_text(node):
            edit_text_block(self.composer, item, node, wanted, self.schema, code=kind == "codeblock")

    def _say(self, item: Item, node: Node, wanted: Node, kind: str) -> None:
        """Set the attributes with a form in Markdown."""
        for name in _MARKDOWN_ATTRIBUTES.get(kind, ()):
            last = item.content.entries.get(name)
            value, current = wanted.attributes.get(name), node.attributes.get(name)
            if name in wanted.attributes:
                # Markdown has no word for an image within the document: its address stays.
                if value != current and not (name == "src" and not value and not address(current)):
                    before = last_id(last) if last is not None else None
                    self.composer.attribute((item.client, item.clock), before, name, value)
            elif name in _OPTIONAL and current is not None and last is not None:
                self.composer.delete_item(last)

    def _change_callout(self, item: Item, node: Node, wanted: Node) -> None:
        """Set the kind of a callout. Other editors have other names for it."""
        kind = callout_kind(wanted.attributes["type"])
        if callout_kind(node.attributes.get("type")) != kind:
            last = item.content.entries.get("type")
            before = last_id(last) if last is not None else None
            self.composer.attribute((item.client, item.clock), before, "type", kind)

    def _change_toggle(self, item: Item, node: Node, wanted: Node) -> None:
        elements = items_of(item.content)
        for child, other in zip(node.content, wanted.content, strict=True):
            inner = elements.get(id(child.branch))
            if inner is None:
                raise UnprocessableContent(BESIDE)
            if kind_of(child) == "detailscontent":
                self.children((inner.client, inner.clock), inner.content, child, other.content)
            else:
                edit_text_block(self.composer, inner, child, other, self.schema)

    def _change_row(self, block: Block, wanted: Node) -> None:
        """Change the cells of a row by column. Markdown has empty cells at columns covered by other cells."""
        item, row, cells = block.item, block.node, wanted.content
        free = {column for _, column in block.cells}
        behind = max((column + table_grid.column_span(cell) for cell, column in block.cells), default=0)
        for column, cell_node in enumerate(cells):
            hidden = column in block.covered or (column < behind and column not in free)
            if hidden and write_cell(cell_node):
                raise UnprocessableContent(_SPANNED)
        anew = is_header_row(row) != is_header_row(wanted)
        elements = items_of(item.content)
        left, right = None, first_id(item.content.start)
        for node, column in block.cells:
            cell = elements.get(id(node.branch))
            if cell is None:
                raise UnprocessableContent(BESIDE)
            left, right = last_id(cell), first_id(cell.right)
            if column >= len(cells):
                self.composer.delete_item(cell)
            elif anew and kind_of(cells[column]) != kind_of(node):
                left = self._build((item.client, item.clock), left, right, cells[column])
                self.composer.delete_item(cell)
            elif write_cell(cells[column]) != write_cell(node):
                self._change(Block(node, cell, ()), cells[column])
        more = [cell_node for column, cell_node in enumerate(cells) if column >= behind and column not in block.covered]
        while more and not write_cell(more[-1]) and block.covered:
            more.pop()
        for cell_node in more:
            left = self._build((item.client, item.clock), left, right, cell_node)

    def _delete(self, blocks: Sequence[Block]) -> None:
        """Delete blocks, and containers without other blocks. Unknown nodes keep a required child."""
        for block in blocks:
            outer = block.containers[1] if len(block.containers) > 1 else None
            if outer is not None and not outer.filled and all(one.removed or not one.markdown for one in outer.blocks):
                assert outer.item is not None
                self.composer.delete_item(outer.item)
                continue
            container = block.containers[-1]
            if is_removable(block, [one for one in container.blocks if not one.removed]):
                self.composer.delete_item(block.item)
            elif is_text(block.node):
                edit_text_block(self.composer, block.item, block.node, self.schema.node("paragraph"), self.schema)
                container.filled = True
            elif container.takes_blocks:
                self.insert(
                    InsertionPoint(container, last_id(block.item), first_id(block.item.right)),
                    self.schema.node("paragraph"),
                )
                self.composer.delete_item(block.item)
            else:
                raise UnprocessableContent(f"a {block.node.type[:60]} cannot be taken out of what it stands in")


def _first_paragraph(node: Node, blocks: Sequence[Block], wanted: Sequence[Node]) -> Block | None:
    """The required first paragraph of a list item, if the edit empties or fills it."""
    if kind_of(node) not in ITEMS or not blocks or not wanted:
        return None
    paragraphs = kind_of(blocks[0].node) == kind_of(wanted[0]) == "paragraph"
    if not paragraphs or (blocks[0].markdown and block_markdown(wanted[0], node, first=True)):
        return None
    return blocks[0]


def _spans_rows(row: Node) -> bool:
    """Whether a cell of the row extends into rows below."""
    if kind_of(row) != "tablerow":
        return False
    return any(table_grid.read_integer(cell.attributes.get("rowspan"), 1, 1, 2) > 1 for cell in row.content)


def _split_into_paragraphs(wanted: Sequence[Node], cell: Node, schema: EditorSchema) -> Sequence[Node]:
    """Split the lines of a cell into paragraphs, if the cell already consists of paragraphs."""
    if sum(kind_of(child) == "paragraph" for child in cell.content) < 2:
        return wanted
    blocks: list[Node] = []
    for block in wanted:
        if kind_of(block) != "paragraph":
            blocks.append(block)
            continue
        blocks.append(schema.node("paragraph"))
        for child in block.content:
            if is_break(child):
                blocks.append(schema.node("paragraph"))
            else:
                blocks[-1].content.append(child)
    return blocks
