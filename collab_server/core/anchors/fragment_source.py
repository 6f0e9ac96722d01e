"""The visible texts of an XmlFragment with their items, in the order in which prosemirror/nodes.py reads them."""

from dataclasses import dataclass, field

from collab_server.core.prosemirror.nodes import MAX_DEPTH
from collab_server.core.yjs import utf16
from collab_server.core.yjs.structs import (
    ANY,
    EMBED,
    JSON,
    STRING,
    TYPE,
    XML_ELEMENT,
    XML_FRAGMENT,
    XML_HOOK,
    XML_TEXT,
    Branch,
    Item,
)


@dataclass(slots=True)
class Source:
    """The visible texts of a fragment, in the order in which they are read as nodes.

    texts: joined, they are `units` of length `size`. pieces: (first unit, item). blocks: the first units of blocks.
    """

    texts: list[str] = field(default_factory=list)
    pieces: list[tuple[int, Item]] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    size: int = 0

    def add(self, text: str, item: Item | None) -> None:
        self.texts.append(text)
        if item is not None:
            self.pieces.append((self.size, item))
        self.size += utf16.length(text)

    def begin_block(self) -> None:
        if not self.blocks or self.blocks[-1] != self.size:
            self.blocks.append(self.size)


def read_source(branch: Branch) -> Source:
    """Read the texts that prosemirror/nodes.py reads, with their items."""
    source = Source()
    # (next item, depth of the type that it is in, a block ends with this type)
    top = 2 if branch.reference in (XML_ELEMENT, XML_HOOK) else 1
    stack: list[tuple[Item | None, int, bool]] = [(branch.start, top, True)]
    while stack:
        item, depth, is_block = stack.pop()
        while item is not None:
            if item.deleted:
                item = item.right
            elif item.kind == STRING:
                source.add(item.content, item)
                item = item.right
            elif item.kind in (ANY, JSON, EMBED):
                values = [item.content] if item.kind == EMBED else item.content
                for value in values:
                    if isinstance(value, str):
                        source.add(value, None)
                item = item.right
            elif item.kind == TYPE and item.content.reference in (XML_ELEMENT, XML_HOOK, XML_TEXT, XML_FRAGMENT):
                inner: Branch = item.content
                is_inline = inner.reference == XML_TEXT and not inner.entries
                stack.append((item.right, depth, is_block))
                depth, is_block = depth + 1, not is_inline
                if is_block:
                    source.begin_block()
                item = inner.start if depth <= MAX_DEPTH else None
            else:
                item = item.right
        if is_block:
            source.begin_block()
    return source
