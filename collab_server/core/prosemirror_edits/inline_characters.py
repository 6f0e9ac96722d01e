"""The characters of a text block: as Markdown shows them, and as the document stores them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from collab_server.core.markdown.inline_writer import MARK_DELIMITERS
from collab_server.core.markdown.runs import MarkKey, Run, read_raw_runs, read_runs
from collab_server.core.prosemirror.nodes import Node
from collab_server.core.text import text_steps
from collab_server.core.text.text_steps import Character
from collab_server.core.yjs.structs import TYPE, XML_TEXT, Branch, Item
from collab_server.errors import UnprocessableContent


@dataclass(slots=True)
class VisibleCharacter:
    """A visible character. Line breaks, images, formulas and footnotes count as one; `run` is then this run."""

    text: str
    marks: frozenset[MarkKey]
    run: Run | None = None


@dataclass(slots=True)
class StoredCharacter:
    """A character in the document: of a text, or of the text that Markdown shows for a node between texts.

    `child`: index of the child of the block. `visible`: None for a hidden character. `wanted`: the character after the
    edit.
    """

    text: str
    child: int
    character: Character | None
    visible: VisibleCharacter | None = None
    wanted: VisibleCharacter | None = None
    dropped: bool = False
    item: Item | None = None
    """A node directly in the text."""


@dataclass(slots=True)
class BlockChild:
    """A child of a block: a text (`node` is None), or a node between texts."""

    item: Item
    node: Node | None
    characters: list[StoredCharacter] = field(default_factory=list)


def visible_characters(nodes: Sequence[Node]) -> list[VisibleCharacter]:
    """The characters of inline nodes in Markdown."""
    return list(_characters(read_runs(nodes, MARK_DELIMITERS)))


def code_characters(nodes: Sequence[Node]) -> list[VisibleCharacter]:
    """The characters of a code block."""
    text = "".join(node.text for node in nodes)
    return [VisibleCharacter(character, frozenset()) for character in _normalize(text)]


def _characters(runs: Sequence[Run]) -> Iterator[VisibleCharacter]:
    for run in runs:
        if run.kind in ("break", "formula", "footnote") or run.image is not None:
            yield VisibleCharacter("\n" if run.kind == "break" else "", run.marks, run)
        else:
            marks = run.marks | {"code"} if run.kind == "code" else run.marks
            for character in run.text:
                yield VisibleCharacter(character, marks)


def _normalize(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def read_children(branch: Branch, node: Node) -> Iterator[BlockChild]:
    """The children of a block with Y.XmlText."""
    nodes = {id(child.branch): child for child in node.content if child.branch is not None}
    item = branch.start
    number = 0
    while item is not None:
        if not item.deleted and item.kind == TYPE:
            inner: Branch = item.content
            child_node = nodes.get(id(inner))
            if inner.reference == XML_TEXT and child_node is None:
                texts = list(text_steps.characters(inner))
                yield BlockChild(item, None, [StoredCharacter(one.text, number, one) for one in texts])
                number += 1
            elif child_node is not None:
                text = [character.text for character in _characters(read_raw_runs([child_node]))]
                yield BlockChild(item, child_node, [StoredCharacter(shown, number, None) for shown in text or ["\0"]])
                number += 1
        item = item.right


def has_text_types(branch: Branch) -> bool:
    """Whether the type contains a Y.XmlText."""
    types = (one for one in text_steps.visible_items(branch) if isinstance(one, Item))
    return any(item.content.reference == XML_TEXT for item in types)


def read_direct_text(block: Item, node: Node) -> BlockChild:
    """A block with direct text, as one child. Raises UnprocessableContent if it also contains a Y.XmlText."""
    nodes = {id(child.branch): child for child in node.content if child.branch is not None}
    stored: list[StoredCharacter] = []
    for one in text_steps.visible_items(block.content):
        if isinstance(one, Item):
            child_node = nodes.get(id(one.content))
            if child_node is None:
                raise UnprocessableContent("a block of this document has text of two kinds; send Yjs updates")
            text = [character.text for character in _characters(read_raw_runs([child_node]))]
            stored += [StoredCharacter(shown, 0, None, item=one) for shown in text or ["\0"]]
        else:
            stored.append(StoredCharacter(one.text, 0, one))
    return BlockChild(block, None, stored)


def is_line_feed_in_code(stored: StoredCharacter) -> bool:
    """Whether it is a line feed in code, which Markdown shows as a space."""
    return stored.text in "\r\n" and stored.visible is not None and stored.visible.text == " "


def is_line_break(stored: StoredCharacter) -> bool:
    """Whether Markdown shows it as a line break."""
    return stored.visible is not None and stored.visible.run is not None and stored.visible.run.kind == "break"
