"""Renders documents of ProseMirror nodes as the JSON of y-prosemirror and ProseMirror. Runs in a worker process."""

import json
from typing import Any

from collab_server.core.documents.projection import FRAGMENT_ROOTS, JsonValues, project_document, to_storable
from collab_server.core.prosemirror.nodes import MAX_DEPTH, TEXT, Mark, Node, read_nodes
from collab_server.core.yjs import tree
from collab_server.errors import UnprocessableContent


def render_json(update: bytes) -> str:
    """Render a whole document. Raises UnprocessableContent if its content is not an XmlFragment."""
    read = tree.read_tree(update)
    projection = project_document(read)
    name = projection.root
    if name is None and not projection.content:
        # Nothing that can be seen: an editor's root that has been emptied is still the one it shows.
        name = next((name for name in read.roots if name in FRAGMENT_ROOTS), None)
    elif projection.format != "markdown":
        name = None
    if name is None:
        raise UnprocessableContent("the content of this document is not made of ProseMirror nodes")
    if projection.truncated:
        raise UnprocessableContent("this document is too large for that; read its Yjs update")
    document = read_nodes(read.roots[name])
    if document.truncated:
        raise UnprocessableContent(f"nodes are nested in more than {MAX_DEPTH} levels")
    text = json.dumps(_node(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return to_storable(text)


def _node(node: Node) -> dict[str, Any]:
    value: dict[str, Any] = {"type": node.type}
    if node.type == TEXT:
        value["text"] = node.text
        if node.marks:
            value["marks"] = [_mark(mark) for mark in node.marks]
        return value
    if node.attributes:
        value["attrs"] = _values(node.attributes)
    if node.content:
        value["content"] = [_node(child) for child in node.content]
    return value


def _mark(mark: Mark) -> dict[str, Any]:
    return {"type": mark.type, **({"attrs": _values(mark.attributes)} if mark.attributes else {})}


def _values(attributes: dict[str, Any]) -> Any:
    return JsonValues().value(attributes, 0)
