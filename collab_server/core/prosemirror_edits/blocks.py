"""Lists the blocks of an XmlFragment in Markdown's order, each with its place in the document.

The content of a node unknown to Markdown (a card, a column) counts as blocks around this node. Insertions and
deletions respect the existing structure, because an editor deletes nodes with an invalid content, including everything
in them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from collab_server.core.markdown.node_kinds import ITEMS, LISTS, is_inline, is_toggle, kind_of
from collab_server.core.markdown.runs import is_image
from collab_server.core.markdown.writer import write_cell, write_markdown
from collab_server.core.prosemirror import table_grid
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Node
from collab_server.core.text.text_steps import last_id
from collab_server.core.yjs.composer import Parent
from collab_server.core.yjs.structs import TYPE, Branch, Id, Item
from collab_server.errors import UnprocessableContent

BESIDE: Final = "this document has text beside its blocks; send Yjs updates"
TEXTS: Final = frozenset({"paragraph", "heading", "codeblock", "footnotedefinition"})
CELLS: Final = frozenset({"tablecell", "tableheader"})
HOLDERS: Final = frozenset({"blockquote", "callout", "table", "tablerow", *LISTS, *ITEMS, *CELLS})
BLOCKS: Final = frozenset({"horizontalrule", "image", "blockmath", "details", *TEXTS, *HOLDERS})


@dataclass(slots=True, eq=False)
class Container:
    """A node with blocks. `item`: None for the compared node itself. `filled`: it has a new block."""

    parent: Parent
    branch: Branch
    item: Item | None
    takes_blocks: bool
    blocks: list["Block"] = field(default_factory=list)
    filled: bool = False


@dataclass(slots=True, eq=False)
class Block:
    """One block.

    `containers`: its ancestors, from the compared node inwards. `markdown`: its Markdown, or ''. `cells`: of a row,
    with their columns. `covered`: columns with a cell of a row above.
    """

    node: Node
    item: Item
    containers: tuple[Container, ...]
    markdown: str = ""
    removed: bool = False
    cells: list[tuple[Node, int]] = field(default_factory=list)
    covered: frozenset[int] = frozenset()


@dataclass(slots=True)
class InsertionPoint:
    """A place between two children of a container; `left` advances with each insertion."""

    container: Container
    left: Id | None
    right: Id | None


def list_blocks(root: Container, node: Node) -> list[Block]:
    """The blocks of a node in order. Raises UnprocessableContent for text beside blocks."""
    blocks = list(_walk_blocks(node, (root,)))
    spanned: dict[int, tuple[int, Node]] = {}
    for index, block in enumerate(blocks):
        is_row = kind_of(block.node) == "tablerow"
        block.covered = frozenset(spanned) if is_row else frozenset()
        block.cells = table_grid.place_cells(block.node, spanned) if is_row else []
        block.markdown = block_markdown(block.node, node, first=index == 0, cells=block.cells)
    return blocks


def _walk_blocks(node: Node, containers: tuple[Container, ...]) -> Iterator[Block]:
    elements = items_of(containers[-1].branch)
    for child in node.content:
        item = elements.get(id(child.branch))
        if item is None:
            if child.type == TEXT and not child.text.strip():
                continue
            raise UnprocessableContent(BESIDE)
        if _is_transparent(child):
            takes_blocks = all(kind_of(inner) in BLOCKS for inner in child.content)
            inner = Container((item.client, item.clock), item.content, item, takes_blocks)
            yield from _walk_blocks(child, (*containers, inner))
        else:
            block = Block(child, item, containers)
            for container in containers:
                container.blocks.append(block)
            yield block


def items_of(branch: Branch) -> dict[int, Item]:
    """The items of the visible shared types in a branch, by the id() of the type."""
    items: dict[int, Item] = {}
    item = branch.start
    while item is not None:
        if item.kind == TYPE and not item.deleted:
            items[id(item.content)] = item
        item = item.right
    return items


def _is_transparent(node: Node) -> bool:
    return kind_of(node) not in BLOCKS and bool(node.content) and not any(map(is_inline, node.content))


def is_text(node: Node) -> bool:
    """Whether the node is a text block, also of an unknown type."""
    kind = kind_of(node)
    return kind in TEXTS or (kind not in BLOCKS and not is_inline(node) and all(map(is_inline, node.content)))


def block_markdown(
    node: Node, parent: Node, *, first: bool, whole: bool = False, cells: Sequence[tuple[Node, int]] = ()
) -> str:
    """The Markdown of a child of a node; rows of tables have an own form.

    `first`: it is the first child. `whole`: include empty cells at the end of a row. `cells`: of a row, with their
    columns, if cells of rows above extend into it.
    """
    kind, around = kind_of(node), kind_of(parent)
    if around in LISTS:
        return write_markdown(Node(DOCUMENT, content=[Node(around, {}, [node])]))
    if kind == "tablerow":
        cell_texts: list[str] = []
        for cell, column in cells or table_grid.place_cells(node, {}):
            cell_texts += [*[""] * (column - len(cell_texts)), write_cell(cell)]
            if whole:
                cell_texts += [""] * (table_grid.column_span(cell) - 1)
        while cell_texts and not cell_texts[-1] and not whole:
            cell_texts.pop()
        return " | ".join(["header" if first and is_header_row(node) else "row", *cell_texts])
    return write_markdown(Node(DOCUMENT, content=[node]))


def table_width(rows: Sequence[Node]) -> int:
    """The number of columns."""
    spanned: dict[int, tuple[int, Node]] = {}
    ends = (
        column + table_grid.column_span(cell) for row in rows for cell, column in table_grid.place_cells(row, spanned)
    )
    return max(ends, default=0)


def is_header_row(row: Node) -> bool:
    return bool(row.content) and all(kind_of(cell) == "tableheader" for cell in row.content)


def can_become(block: Block, wanted: Node) -> bool:
    """Whether changes within the block can produce the wanted one."""
    node = block.node
    kind, other = kind_of(node), kind_of(wanted)
    if is_image(node) or is_image(wanted):
        return is_image(node) and is_image(wanted) and "src" in node.attributes
    if kind != other:
        return other == "paragraph" and kind not in BLOCKS and is_text(node)
    if kind in LISTS:
        return all(kind_of(child) in ITEMS for child in node.content)
    if kind == "table":
        return all(kind_of(child) == "tablerow" for child in node.content)
    if kind == "details":
        return is_toggle(node)
    return kind in BLOCKS


def find_insertion_point(root: Container, left: Block | None, right: Block | None) -> InsertionPoint:
    """The outermost place between two consecutive blocks. Raises UnprocessableContent if no block may be there."""
    before = left.containers if left is not None else (root,)
    after = right.containers if right is not None else (root,)
    common = sum(1 for one, other in zip(before, after, strict=False) if one is other)
    levels = [(left, common - 1)] if left is not None else []
    levels += [(right, level) for level in range(common - 1, len(after))] if right is not None else []
    levels += [(left, level) for level in range(common, len(before))] if left is not None else []
    for block, level in levels:
        assert block is not None
        container = block.containers[level]
        if not container.takes_blocks:
            continue
        anchor = block.item
        if level + 1 < len(block.containers):
            inner = block.containers[level + 1].item
            assert inner is not None
            anchor = inner
        if block is left:
            return InsertionPoint(container, last_id(anchor), first_id(anchor.right))
        return InsertionPoint(container, last_id(anchor.left) if anchor.left else None, first_id(anchor))
    if left is not None or right is not None:
        raise UnprocessableContent("something would have to stand where the document takes no blocks; send Yjs updates")
    return InsertionPoint(root, None, first_id(root.branch.start))


def first_id(item: Item | None) -> Id | None:
    return (item.client, item.clock) if item is not None else None


def is_removable(block: Block, others: Sequence[Block]) -> bool:
    """Whether the container of a block stays valid without the block."""
    container = block.containers[-1]
    if container.item is None:
        return True
    return container.takes_blocks and (container.filled or any(other in container.blocks for other in others))
