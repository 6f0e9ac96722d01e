"""Reads an XmlFragment of y-prosemirror (Tiptap, BlockNote, Milkdown, Remirror) as ProseMirror nodes.

Nodes and marks keep their names; `canonical` unifies editors' spellings. Lexical and Slate nest Y.XmlText with
attributes instead of elements: these become nodes too.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from collab_server.core.yjs import tree
from collab_server.core.yjs.structs import MAP, XML_ELEMENT, XML_FRAGMENT, XML_HOOK, XML_TEXT, Branch

MAX_DEPTH: Final = 100
"""Nesting limit of nodes; deeper ones are left out."""

DOCUMENT: Final = "doc"
TEXT: Final = "text"

_HASHED_MARK: Final = re.compile(r"--[A-Za-z0-9+/=]{8}\Z")
_LEXICAL_FORMATS: Final = ("bold", "italic", "strike", "underline", "code", "subscript", "superscript")
"""Bits of a Lexical text's format, lowest first."""


@dataclass(slots=True)
class Mark:
    type: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """A ProseMirror node. `text`, `marks`: only of type TEXT. `truncated`: only of the document: deeper nodes are
    missing. `branch`: its shared type, or None.
    """

    type: str
    attributes: dict[str, Any] = field(default_factory=dict)
    content: list["Node"] = field(default_factory=list)
    text: str = ""
    marks: list[Mark] = field(default_factory=list)
    truncated: bool = False
    branch: Branch | None = field(default=None, compare=False, repr=False)


def canonical(name: str) -> str:
    """Unify spellings: bulletList, bullet_list and bullet-list become bulletlist."""
    return name.replace("_", "").replace("-", "").lower()


def read_nodes(branch: Branch) -> Node:
    """A DOCUMENT node with the content of a fragment, or with one node for an element or a text."""
    reader = _Reader()
    nodes = [reader.element(branch, 1)] if branch.reference in (XML_ELEMENT, XML_HOOK) else reader.children(branch, 1)
    return Node(DOCUMENT, content=nodes, truncated=reader.truncated)


def plain_text(node: Node) -> str:
    """The text of a node and all its descendants, with a line per text block."""
    parts: list[str] = []
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == TEXT:
            parts.append(current.text)
        elif current.content:
            stack.extend(reversed(current.content))
            if any(child.type == TEXT for child in current.content):
                parts.append("\n")
    return "".join(parts)


class _Reader:
    def __init__(self) -> None:
        self.truncated = False

    def children(self, branch: Branch, depth: int) -> list[Node]:
        """The child nodes of a fragment, an element or a text."""
        nodes: list[Node] = []
        if depth > MAX_DEPTH:
            self.truncated = True
            return nodes
        lexical: list[Mark] = []
        for value, formats in tree.text_delta(branch):
            if isinstance(value, str):
                _append_text(nodes, value, _marks(formats) or lexical)
            elif not isinstance(value, Branch):
                nodes.append(Node("embed", value if isinstance(value, dict) else {}))
            elif value.reference == MAP:
                # Lexical puts a map before each text, and one for each line break.
                attributes = _attributes(value)
                if attributes.get("type") == "linebreak":
                    nodes.append(Node("hardBreak"))
                lexical = _lexical_marks(attributes)
            elif value.reference == XML_TEXT and not value.entries:
                for child in self.children(value, depth + 1):
                    if child.type == TEXT:
                        _append_text(nodes, child.text, child.marks)
                    else:
                        nodes.append(child)
            elif value.reference in (XML_ELEMENT, XML_HOOK, XML_TEXT, XML_FRAGMENT):
                nodes.append(self.element(value, depth))
        return nodes

    def element(self, branch: Branch, depth: int) -> Node:
        attributes = _attributes(branch)
        name: Any = attributes.get("type") if branch.reference == XML_TEXT else branch.name
        if not isinstance(name, str) or name in ("", TEXT):
            name = "paragraph"
        return Node(name, attributes, self.children(branch, depth + 1), branch=branch)


def _attributes(branch: Branch) -> dict[str, Any]:
    # Lexical writes its own properties with two underscores before them.
    return {key.removeprefix("__"): value for key, value in tree.visible_entries(branch).items()}


def _append_text(nodes: list[Node], text: str, marks: list[Mark]) -> None:
    last = nodes[-1] if nodes else None
    if last is not None and last.type == TEXT and last.marks == marks:
        last.text += text
    elif text:
        nodes.append(Node(TEXT, text=text, marks=marks))


def _marks(formats: dict[str, Any]) -> list[Mark]:
    """The marks for formats of a Y.XmlText; names of overlapping marks have a hash, which is removed."""
    marks = []
    for name, value in formats.items():
        if name == "ychange" or value is False:
            continue
        marks.append(Mark(mark_name(name), value if isinstance(value, dict) else {}))
    return marks


def mark_name(format_: str) -> str:
    """The name of the mark for a format of a Y.XmlText."""
    return _HASHED_MARK.sub("", format_)


def _lexical_marks(attributes: dict[str, Any]) -> list[Mark]:
    value = attributes.get("format")
    # Not every client writes integers as such.
    bits = int(value) if isinstance(value, int | float) and 0 <= value < 2**31 else 0
    return [Mark(name) for bit, name in enumerate(_LEXICAL_FORMATS) if bits >> bit & 1]
