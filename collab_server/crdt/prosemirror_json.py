"""A document of ProseMirror nodes as JSON, as y-prosemirror and ProseMirror itself have it. Run in a worker."""

import json
from typing import Any

from collab_server.crdt import prosemirror, roots, tree
from collab_server.crdt.prosemirror import TEXT, Mark, Node
from collab_server.errors import UnprocessableContent


def render(update: bytes) -> str:
    """Of the bytes of a whole document. Raises UnprocessableContent where its content is no fragment."""
    read = tree.read(update)
    projection = roots.project_document(read)
    name = projection.root
    if name is None and not projection.content:
        # Nothing that can be seen: an editor's root that has been emptied is still the one it shows.
        name = next((name for name in read.roots if name in roots.FRAGMENT_ROOTS), None)
    elif projection.format != "markdown":
        name = None
    if name is None:
        raise UnprocessableContent("the content of this document is not made of ProseMirror nodes")
    if projection.truncated:
        raise UnprocessableContent("this document is too large for that; read its Yjs update")
    document = prosemirror.read(read.roots[name])
    if document.truncated:
        raise UnprocessableContent(f"nodes are nested in more than {prosemirror.MAX_DEPTH} levels")
    text = json.dumps(_node(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return roots.storable(text)


def _node(node: Node) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": node.type}
    if node.type == TEXT:
        shown["text"] = node.text
        if node.marks:
            shown["marks"] = [_mark(mark) for mark in node.marks]
        return shown
    if node.attributes:
        shown["attrs"] = _values(node.attributes)
    if node.content:
        shown["content"] = [_node(child) for child in node.content]
    return shown


def _mark(mark: Mark) -> dict[str, Any]:
    return {"type": mark.type, **({"attrs": _values(mark.attributes)} if mark.attributes else {})}


def _values(attributes: dict[str, Any]) -> Any:
    return roots.JsonValues().value(attributes, 0)
