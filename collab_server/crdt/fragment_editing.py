"""Markdown as changes of an XmlFragment: a block that says the same is left alone, one that says something else is
changed within, and only what is new comes and what is gone goes.

Markdown cannot say everything that an editor keeps. What it cannot say stays with the block that it belongs to:
attributes, marks, nodes that are not known, empty paragraphs.
"""

from collections.abc import Sequence
from typing import Any, Final

from collab_server.crdt import dialect as dialects
from collab_server.crdt import (
    fragment_inline,
    fragment_matching,
    fragment_text,
    markdown,
    markdown_parser,
    prosemirror,
    table_grid,
)
from collab_server.crdt.composing import Composer, Parent
from collab_server.crdt.dialect import Dialect
from collab_server.crdt.fragment_text import last_id
from collab_server.crdt.fragment_units import (
    BESIDE,
    CELLS,
    HOLDERS,
    Holder,
    Spot,
    Unit,
    first_id,
    fits,
    is_header_row,
    is_text,
    items_of,
    removable,
    says,
    spot,
    units,
    width,
)
from collab_server.crdt.markdown import ITEMS, kind_of
from collab_server.crdt.markdown_runs import address, is_break
from collab_server.crdt.prosemirror import TEXT, Node
from collab_server.crdt.structs import Branch, Id, Item
from collab_server.errors import UnprocessableContent

_SPANNED: Final = "a cell of this table covers what would change; send Yjs updates"
MAX_TEXT: Final = 2_000_000
"""Characters; reading Markdown takes some seconds per million of them."""
_SAID: Final = {
    "heading": ("level",),
    "orderedlist": ("start", "order"),
    "codeblock": ("language", "params", "lang"),
    "taskitem": ("checked",),
    "listitem": ("checked",),
    "image": ("src", "alt", "title"),
}
"""Attributes that Markdown says, by kind."""
_OPTIONAL: Final = frozenset({"language", "params", "lang", "checked", "alt", "title"})
"""Those of them that it takes away by not saying them."""


def write(composer: Composer, root: str, branch: Branch, text: str) -> None:
    """Have the fragment say this Markdown. Raises UnprocessableContent for what cannot be written."""
    if len(text) > MAX_TEXT:
        raise UnprocessableContent(f"a document of nodes takes at most {MAX_TEXT} characters of Markdown")
    document = prosemirror.read(branch)
    dialect = dialects.of(document)
    _Editing(composer, dialect).children(root, branch, document, markdown_parser.parse(text, dialect))


def build(composer: Composer, root: str, branch: Branch, nodes: Sequence[Node]) -> None:
    """Put nodes at the beginning of a fragment, as they are."""
    place = Spot(Holder(root, branch, None, takes_blocks=True), None, first_id(branch.start))
    editing = _Editing(composer, dialects.of(Node(prosemirror.DOCUMENT)))
    for node in nodes:
        editing.insert(place, node)


class _Editing:
    def __init__(self, composer: Composer, dialect: Dialect) -> None:
        self.composer = composer
        self.dialect = dialect

    def children(self, parent: Parent, branch: Branch, node: Node, wanted: Sequence[Node]) -> None:
        """Have what stands in a node be the wanted blocks."""
        root = Holder(parent, branch, None, takes_blocks=True)
        there = units(root, node)
        first = _first_paragraph(node, there, wanted)
        if first is not None:
            self._change(first, wanted[0])
            there, wanted = there[1:], wanted[1:]
        # Of a table that becomes wider or narrower, empty cells count, too.
        whole = kind_of(node) == "table" and width([unit.node for unit in there]) != width(wanted)
        if whole:
            for index, unit in enumerate(there):
                unit.says = says(unit.node, node, first=index == 0, whole=True, cells=unit.cells)
        said = [says(block, node, first=index == 0, whole=whole) for index, block in enumerate(wanted)]
        wanted = [block for block, text in zip(wanted, said, strict=True) if text]
        said = [text for text in said if text]
        shown = [unit for unit in there if unit.says]
        last, place, at = first, None, 0
        for old, new in fragment_matching.matched(
            [unit.says for unit in shown], said, lambda one, other: fits(shown[one], wanted[other])
        ):
            if old is None:
                assert new is not None
                if at < len(shown) and shown[at].covered:
                    raise UnprocessableContent(_SPANNED)
                place = place or spot(root, last, shown[at] if at < len(shown) else None)
                self.insert(place, wanted[new])
                continue
            last, place, at = shown[old], None, old + 1
            if new is None:
                if last.covered or _spans_rows(last.node):
                    raise UnprocessableContent(_SPANNED)
                last.gone = True
            elif last.says != said[new]:
                self._change(last, wanted[new])
        self._delete([unit for unit in shown if unit.gone])
        if first is None and there and not root.filled and all(unit.gone for unit in there):
            # Hardly any node may be empty.
            self.insert(spot(root, there[-1], None), self.dialect.node("paragraph"))

    def insert(self, place: Spot, node: Node) -> None:
        place.left = self._build(place.holder.parent, place.left, place.right, node)
        place.holder.filled = True

    def _build(self, parent: Parent, left: Id | None, right: Id | None, node: Node) -> Id:
        """A node that is not there yet; its id."""
        made = self.composer.element(parent, left, right, node.type, node.attributes)
        last: Id | None = None
        texts: list[tuple[str, dict[str, Any]]] = []
        for child in [*node.content, None]:
            if child is not None and child.type == TEXT:
                texts.append((child.text, {mark.type: mark.attributes for mark in child.marks}))
                continue
            if texts and self.dialect.text_in_elements:
                last = fragment_text.add(self.composer, made, texts, last)
            elif texts:
                last = self.composer.xml_text(made, last, None)
                fragment_text.add(self.composer, last, texts)
            texts = []
            if child is not None:
                last = self._build(made, last, None, child)
        return made

    def _change(self, unit: Unit, wanted: Node) -> None:
        """Make the block say what the other one says; they fit."""
        item, node = unit.item, unit.node
        kind = kind_of(node)
        if kind == kind_of(wanted):
            self._say(item, node, wanted, kind)
        if kind == "tablerow":
            self._change_row(unit, wanted)
        elif kind in HOLDERS:
            blocks = _apart(wanted.content, node, self.dialect) if kind in CELLS else wanted.content
            self.children((item.client, item.clock), item.content, node, blocks)
        elif is_text(node):
            fragment_inline.edit(self.composer, item, node, wanted, self.dialect, code=kind == "codeblock")

    def _say(self, item: Item, node: Node, wanted: Node, kind: str) -> None:
        """Give it the attributes of the other one, as far as Markdown says them."""
        for name in _SAID.get(kind, ()):
            last = item.content.entries.get(name)
            value, there = wanted.attributes.get(name), node.attributes.get(name)
            if name in wanted.attributes:
                # Markdown has no word for an image within the document: its address stays.
                if value != there and not (name == "src" and not value and not address(there)):
                    before = last_id(last) if last is not None else None
                    self.composer.attribute((item.client, item.clock), before, name, value)
            elif name in _OPTIONAL and there is not None and last is not None:
                self.composer.delete_item(last)

    def _change_row(self, unit: Unit, wanted: Node) -> None:
        """Cells become those in the same column; where one spans others there are empty ones in Markdown."""
        item, row, cells = unit.item, unit.node, wanted.content
        free = {column for _, column in unit.cells}
        behind = max((column + table_grid.columns(cell) for cell, column in unit.cells), default=0)
        for column, cell_node in enumerate(cells):
            hidden = column in unit.covered or (column < behind and column not in free)
            if hidden and markdown.cell_text(cell_node):
                raise UnprocessableContent(_SPANNED)
        anew = is_header_row(row) != is_header_row(wanted)
        elements = items_of(item.content)
        last: Item | None = None
        for node, at in unit.cells:
            cell = elements.get(id(node.branch))
            if cell is None:
                raise UnprocessableContent(BESIDE)
            last = cell
            if at >= len(cells):
                self.composer.delete_item(cell)
            elif anew and kind_of(cells[at]) != kind_of(node):
                self._build((item.client, item.clock), last_id(cell), first_id(cell.right), cells[at])
                self.composer.delete_item(cell)
            elif markdown.cell_text(cells[at]) != markdown.cell_text(node):
                self._change(Unit(node, cell, ()), cells[at])
        left = last_id(last) if last is not None else None
        right = first_id(last.right if last is not None else item.content.start)
        more = [cell_node for column, cell_node in enumerate(cells) if column >= behind and column not in unit.covered]
        while more and not markdown.cell_text(more[-1]) and unit.covered:
            more.pop()
        for cell_node in more:
            left = self._build((item.client, item.clock), left, right, cell_node)

    def _delete(self, gone: Sequence[Unit]) -> None:
        """With what held nothing else; but a node that is not known keeps what it may need."""
        for unit in gone:
            outer = unit.holders[1] if len(unit.holders) > 1 else None
            if outer is not None and not outer.filled and all(one.gone or not one.says for one in outer.units):
                assert outer.item is not None
                self.composer.delete_item(outer.item)
                continue
            holder = unit.holders[-1]
            if removable(unit, [one for one in holder.units if not one.gone]):
                self.composer.delete_item(unit.item)
            elif is_text(unit.node):
                fragment_inline.edit(self.composer, unit.item, unit.node, self.dialect.node("paragraph"), self.dialect)
                holder.filled = True
            elif holder.takes_blocks:
                self.insert(Spot(holder, last_id(unit.item), first_id(unit.item.right)), self.dialect.node("paragraph"))
                self.composer.delete_item(unit.item)
            else:
                raise UnprocessableContent(f"a {unit.node.type[:60]} cannot be taken out of what it stands in")


def _first_paragraph(node: Node, there: Sequence[Unit], wanted: Sequence[Node]) -> Unit | None:
    """The paragraph that an item of a list begins with, where it is to be emptied or filled: it has to be there."""
    if kind_of(node) not in ITEMS or not there or not wanted:
        return None
    paragraphs = kind_of(there[0].node) == kind_of(wanted[0]) == "paragraph"
    if not paragraphs or (there[0].says and says(wanted[0], node, first=True)):
        return None
    return there[0]


def _spans_rows(row: Node) -> bool:
    """Whether it is a row with a cell that goes on in rows below."""
    if kind_of(row) != "tablerow":
        return False
    return any(table_grid.integer(cell.attributes.get("rowspan"), 1, 1, 2) > 1 for cell in row.content)


def _apart(wanted: Sequence[Node], cell: Node, dialect: Dialect) -> Sequence[Node]:
    """The lines of a cell as paragraphs, where they are paragraphs already."""
    if sum(kind_of(child) == "paragraph" for child in cell.content) < 2:
        return wanted
    blocks: list[Node] = []
    for block in wanted:
        if kind_of(block) != "paragraph":
            blocks.append(block)
            continue
        blocks.append(dialect.node("paragraph"))
        for child in block.content:
            if is_break(child):
                blocks.append(dialect.node("paragraph"))
            else:
                blocks[-1].content.append(child)
    return blocks
