"""Reads an XmlFragment, as y-prosemirror (Tiptap, BlockNote, Milkdown, Remirror) keeps it, as ProseMirror's nodes.

Names of nodes and marks are left as the editor wrote them; `canonical` folds the spellings that editors use. Lexical
and Slate nest Y.XmlText with attributes instead of elements: those become nodes too.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from collab_server.crdt import tree
from collab_server.crdt.structs import MAP, XML_ELEMENT, XML_FRAGMENT, XML_HOOK, XML_TEXT, Branch

MAX_DEPTH: Final = 100
"""Levels of nested nodes; what lies deeper is left out."""

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
    """`text` and `marks` only of nodes of type TEXT. `truncated`: of the document, something was nested too deeply.
    `branch`: the shared type that it was read from, if it was one.
    """

    type: str
    attributes: dict[str, Any] = field(default_factory=dict)
    content: list["Node"] = field(default_factory=list)
    text: str = ""
    marks: list[Mark] = field(default_factory=list)
    truncated: bool = False
    branch: Branch | None = field(default=None, compare=False, repr=False)


def canonical(name: str) -> str:
    """bulletList, bullet_list, bullet-list -> bulletlist"""
    return name.replace("_", "").replace("-", "").lower()


def read(branch: Branch) -> Node:
    """A node of type DOCUMENT with the content of a fragment, or with the one node that an element or a text is."""
    reader = _Reader()
    nodes = [reader.element(branch, 1)] if branch.reference in (XML_ELEMENT, XML_HOOK) else reader.children(branch, 1)
    return Node(DOCUMENT, content=nodes, truncated=reader.truncated)


def text_of(node: Node) -> str:
    """The texts of all nodes below, in order, a line per node that holds text."""
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
        """The nodes of what stands in a fragment, an element or a text."""
        nodes: list[Node] = []
        if depth > MAX_DEPTH:
            self.truncated = True
            return nodes
        lexical: list[Mark] = []
        for value, formats in tree.delta(branch):
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
    return {key.removeprefix("__"): value for key, value in tree.entries(branch).items()}


def _append_text(nodes: list[Node], text: str, marks: list[Mark]) -> None:
    last = nodes[-1] if nodes else None
    if last is not None and last.type == TEXT and last.marks == marks:
        last.text += text
    elif text:
        nodes.append(Node(TEXT, text=text, marks=marks))


def _marks(formats: dict[str, Any]) -> list[Mark]:
    """The formats of a Y.XmlText are ProseMirror's marks; marks that may overlap carry a hash in their name."""
    marks = []
    for name, value in formats.items():
        if name == "ychange" or value is False:
            continue
        marks.append(Mark(mark_name(name), value if isinstance(value, dict) else {}))
    return marks


def mark_name(format_: str) -> str:
    """Of the mark that a format of a Y.XmlText is."""
    return _HASHED_MARK.sub("", format_)


def _lexical_marks(attributes: dict[str, Any]) -> list[Mark]:
    value = attributes.get("format")
    # Not every client writes integers as such.
    bits = int(value) if isinstance(value, int | float) and 0 <= value < 2**31 else 0
    return [Mark(name) for bit, name in enumerate(_LEXICAL_FORMATS) if bits >> bit & 1]
