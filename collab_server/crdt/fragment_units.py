"""The blocks of an XmlFragment as Markdown shows them, each with its place in the document.

What stands in a node that Markdown does not know (a callout, a column) stands among the blocks around that node. Where
something may be put beside it, and what may be taken out, is told from what is there: an editor deletes a node that no
longer fits its schema, with everything in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from collab_server.crdt import markdown, table_grid
from collab_server.crdt.composing import Parent
from collab_server.crdt.fragment_text import last_id
from collab_server.crdt.markdown import ITEMS, LISTS, is_inline, kind_of
from collab_server.crdt.markdown_runs import is_image
from collab_server.crdt.prosemirror import DOCUMENT, TEXT, Node
from collab_server.crdt.structs import TYPE, Branch, Id, Item
from collab_server.errors import UnprocessableContent

BESIDE: Final = "this document has text beside its blocks; send Yjs updates"
TEXTS: Final = frozenset({"paragraph", "heading", "codeblock"})
CELLS: Final = frozenset({"tablecell", "tableheader"})
HOLDERS: Final = frozenset({"blockquote", "table", "tablerow", *LISTS, *ITEMS, *CELLS})
BLOCKS: Final = frozenset({"horizontalrule", "image", *TEXTS, *HOLDERS})


@dataclass(slots=True, eq=False)
class Holder:
    """Something with blocks in it. `item`: None for the one whose children are compared. `filled`: something new is
    in it.
    """

    parent: Parent
    branch: Branch
    item: Item | None
    takes_blocks: bool
    units: list["Unit"] = field(default_factory=list)
    filled: bool = False


@dataclass(slots=True, eq=False)
class Unit:
    """One block. `holders`: what it stands in, from the node whose children are compared inwards. `says`: its
    Markdown, '' for nothing. `cells`: of a row, with their columns; `covered`: columns in which a cell of a row above
    stands.
    """

    node: Node
    item: Item
    holders: tuple[Holder, ...]
    says: str = ""
    gone: bool = False
    cells: list[tuple[Node, int]] = field(default_factory=list)
    covered: frozenset[int] = frozenset()


@dataclass(slots=True)
class Spot:
    """A place between two children of a holder; `left` moves on with what is put in."""

    holder: Holder
    left: Id | None
    right: Id | None


def units(root: Holder, node: Node) -> list[Unit]:
    """Of all blocks in a node, in order. Raises UnprocessableContent where text stands beside blocks."""
    found = list(_units(node, (root,)))
    spanned: dict[int, tuple[int, Node]] = {}
    for index, unit in enumerate(found):
        is_row = kind_of(unit.node) == "tablerow"
        unit.covered = frozenset(spanned) if is_row else frozenset()
        unit.cells = table_grid.placed(unit.node, spanned) if is_row else []
        unit.says = says(unit.node, node, first=index == 0, cells=unit.cells)
    return found


def _units(node: Node, holders: tuple[Holder, ...]) -> Iterator[Unit]:
    elements = items_of(holders[-1].branch)
    for child in node.content:
        item = elements.get(id(child.branch))
        if item is None:
            if child.type == TEXT and not child.text.strip():
                continue
            raise UnprocessableContent(BESIDE)
        if _is_transparent(child):
            takes_blocks = all(kind_of(inner) in BLOCKS for inner in child.content)
            inner = Holder((item.client, item.clock), item.content, item, takes_blocks)
            yield from _units(child, (*holders, inner))
        else:
            unit = Unit(child, item, holders)
            for holder in holders:
                holder.units.append(unit)
            yield unit


def items_of(branch: Branch) -> dict[int, Item]:
    """The items that hold the visible shared types in a branch, by the id() of the type."""
    found: dict[int, Item] = {}
    item = branch.start
    while item is not None:
        if item.kind == TYPE and not item.deleted:
            found[id(item.content)] = item
        item = item.right
    return found


def _is_transparent(node: Node) -> bool:
    return kind_of(node) not in BLOCKS and bool(node.content) and not any(map(is_inline, node.content))


def is_text(node: Node) -> bool:
    """Whether it is a block of text, known or not."""
    kind = kind_of(node)
    return kind in TEXTS or (kind not in BLOCKS and not is_inline(node) and all(map(is_inline, node.content)))


def says(node: Node, parent: Node, *, first: bool, whole: bool = False, cells: Sequence[tuple[Node, int]] = ()) -> str:
    """What a child of a node is in Markdown; a row of a table in a form of its own. `first`: it is the first child.
    `whole`: with the empty cells at the end of a row. `cells`: of a row, with their columns, where cells above go on in
    it.
    """
    kind, around = kind_of(node), kind_of(parent)
    if around in LISTS:
        return markdown.render(Node(DOCUMENT, content=[Node(around, {}, [node])]))
    if kind == "tablerow":
        said: list[str] = []
        for cell, column in cells or table_grid.placed(node, {}):
            said += [*[""] * (column - len(said)), markdown.cell_text(cell)]
            if whole:
                said += [""] * (table_grid.columns(cell) - 1)
        while said and not said[-1] and not whole:
            said.pop()
        return " | ".join(["header" if first and is_header_row(node) else "row", *said])
    return markdown.render(Node(DOCUMENT, content=[node]))


def width(rows: Sequence[Node]) -> int:
    """In columns."""
    spanned: dict[int, tuple[int, Node]] = {}
    ends = (column + table_grid.columns(cell) for row in rows for cell, column in table_grid.placed(row, spanned))
    return max(ends, default=0)


def is_header_row(row: Node) -> bool:
    return bool(row.content) and all(kind_of(cell) == "tableheader" for cell in row.content)


def fits(unit: Unit, wanted: Node) -> bool:
    """Whether the block may become the wanted one by changes within."""
    node = unit.node
    kind, other = kind_of(node), kind_of(wanted)
    if is_image(node) or is_image(wanted):
        return is_image(node) and is_image(wanted) and "src" in node.attributes
    if kind != other:
        return other == "paragraph" and kind not in BLOCKS and is_text(node)
    if kind in LISTS:
        return all(kind_of(child) in ITEMS for child in node.content)
    if kind == "table":
        return all(kind_of(child) == "tablerow" for child in node.content)
    return kind in BLOCKS


def spot(root: Holder, left: Unit | None, right: Unit | None) -> Spot:
    """Between two units that follow each other, as far outside as they allow. Raises UnprocessableContent where nothing
    may stand between them.
    """
    before = left.holders if left is not None else (root,)
    after = right.holders if right is not None else (root,)
    common = sum(1 for one, other in zip(before, after, strict=False) if one is other)
    levels = [(left, common - 1)] if left is not None else []
    levels += [(right, level) for level in range(common - 1, len(after))] if right is not None else []
    levels += [(left, level) for level in range(common, len(before))] if left is not None else []
    for unit, level in levels:
        assert unit is not None
        holder = unit.holders[level]
        if not holder.takes_blocks:
            continue
        anchor = unit.item
        if level + 1 < len(unit.holders):
            inner = unit.holders[level + 1].item
            assert inner is not None
            anchor = inner
        if unit is left:
            return Spot(holder, last_id(anchor), first_id(anchor.right))
        return Spot(holder, last_id(anchor.left) if anchor.left else None, first_id(anchor))
    if left is not None or right is not None:
        raise UnprocessableContent("something would have to stand where the document takes no blocks; send Yjs updates")
    return Spot(root, None, first_id(root.branch.start))


def first_id(item: Item | None) -> Id | None:
    return (item.client, item.clock) if item is not None else None


def removable(unit: Unit, others: Sequence[Unit]) -> bool:
    """Whether the holder of a unit can do without it."""
    holder = unit.holders[-1]
    if holder.item is None:
        return True
    return holder.takes_blocks and (holder.filled or any(other in holder.units for other in others))
