"""Tick boxes in HTML. Pure."""

from collections.abc import Iterable
from typing import Final

from collab_server.core.prosemirror.nodes import TEXT, Node
from collab_server.features.imports.foreign.page_tree import Element

_BOXES: Final = {"\u2610": False, "\u2611": True, "\u2612": True}


def write_boxes(blocks: Iterable[Node]) -> None:
    """Replace task boxes in cells by signs, because cells in Markdown hold no lists."""
    for block in blocks:
        checked = block.attributes.get("checked")
        if block.type == "listItem" and checked is not None:
            box = Node(TEXT, text="\u2611 " if checked else "\u2610 ")
            if block.content and block.content[0].type == "paragraph":
                block.content[0].content.insert(0, box)
            else:
                block.content.insert(0, Node("paragraph", content=[box]))
        write_boxes(block.content)


def take_box(element: Element) -> bool | None:
    """Remove the checkbox at the beginning of the item. Return its state, None without one."""
    if element.attributes.get("aria-checked") in ("true", "false"):
        return element.attributes["aria-checked"] == "true"
    for index, child in enumerate(element.children):
        if isinstance(child, str):
            text = child.lstrip()
            if not text:
                continue
            checked = _BOXES.get(text[0])
            if checked is not None:
                element.children[index] = text[1:].lstrip()
            return checked
        if child.tag == "input":
            del element.children[index]
            return "checked" in child.attributes if child.attributes.get("type") == "checkbox" else None
        return take_box(child) if child.tag in ("p", "label", "span") else None
    return None
