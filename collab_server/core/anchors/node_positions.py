"""Positions of ProseMirror in a fragment, as y-prosemirror counts them.

Each beginning and each end of a node counts 1, each UTF-16 unit of a text 1, a node without content (a leaf) 1. Whether
an empty node is a leaf depends on the editor's schema; here it depends on the node's name.
"""

from typing import Final

from collab_server.core.markdown.node_kinds import kind_of
from collab_server.core.markdown.runs import is_break, is_image
from collab_server.core.prosemirror.nodes import Node
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.structs import FORMAT, STRING, TYPE, XML_TEXT, Branch, Item
from collab_server.errors import UnprocessableContent

_LEAVES: Final = frozenset(
    {
        "horizontalrule",
        "mention",
        "emoji",
        "embed",
        "hashtag",
        "inlinemath",
        "blockmath",
        "mathinline",
        "mathblock",
        "footnotereference",
        "iframe",
        "youtube",
        "video",
        "audio",
        "file",
        "twitter",
        "pagebreak",
        "tableofcontents",
    }
)


def find_between(branch: Branch, start: int, end: int) -> list[Range]:
    """The visible characters of a fragment from position `start` to `end`, in their order.

    Raises UnprocessableContent for positions beyond the end.
    """
    found: list[Range] = []
    position = 0
    stack: list[tuple[Item | None, int]] = [(branch.start, 0)]
    while stack:
        item, closing = stack.pop()
        while item is not None:
            if item.deleted or item.kind == FORMAT:
                item = item.right
            elif item.kind == STRING:
                first, stop = max(start, position), min(end, position + item.length)
                if first < stop:
                    found.append((item.client, item.clock + first - position, item.clock + stop - position))
                position += item.length
                item = item.right
            elif item.kind == TYPE and not _is_leaf(item.content):
                stack.append((item.right, closing))
                closing = 0 if item.content.reference == XML_TEXT else 1
                position += closing
                item = item.content.start
            else:
                position += item.length
                item = item.right
        position += closing
    if end > position:
        raise UnprocessableContent(f"`to` is beyond the end of the document, which is at {position}")
    return found


def _is_leaf(branch: Branch) -> bool:
    if branch.reference == XML_TEXT:
        return False
    item = branch.start
    while item is not None:
        if not item.deleted:
            return False
        item = item.right
    node = Node(branch.name)
    return is_break(node) or is_image(node) or kind_of(node) in _LEAVES
