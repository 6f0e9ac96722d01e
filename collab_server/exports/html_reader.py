"""HTML as the nodes that Markdown is written from. Pure; for a worker process."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

import nh3

from collab_server.crdt.prosemirror import DOCUMENT, TEXT, Mark, Node
from collab_server.errors import TooMuchWork

MAX_DEPTH: Final = 60
"""Levels of elements; what lies deeper counts as text of the level above."""
MAX_TAGS: Final = 300_000
MAX_OPEN: Final = 500
"""Elements in one another, closed or not; browsers stop at about as many."""
_OPEN_OR_CLOSE: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,20})")
_CLOSED_BY_OTHERS: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
    | {"html", "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "colgroup"}
)
"""Elements that have no end tag, or may do without one."""

_MARKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em", "cite", "var", "dfn"), "italic"),
    **dict.fromkeys(("s", "del", "strike"), "strike"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("u", "ins"), "underline"),
    "mark": "highlight",
    "sub": "subscript",
    "sup": "superscript",
}
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_TABLE: Final = frozenset({"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption"})
_CONTAINERS: Final = frozenset(
    {"address", "article", "aside", "center", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer"}
    | {"header", "main", "nav", "section", "summary", "p", "li"}
)
_BLOCKS: Final = _CONTAINERS | _TABLE | {*_HEADINGS, "ul", "ol", "blockquote", "pre", "hr"}
_EMPTY: Final = frozenset({"br", "hr", "img", "input"})
_TAGS: Final = _BLOCKS | _MARKS.keys() | _EMPTY | {"a", "span"}
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
    "pre": {"class"},
    "input": {"type", "checked"},
    "td": {"colspan"},
    "th": {"colspan"},
}
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language|lang|highlight-source)-([\w+#.-]{1,40})")
_BOXES: Final = {"\u2610": False, "\u2611": True, "\u2612": True}


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["_Element | str"] = field(default_factory=list)


def read(page: str) -> Node:
    """The document that a page shows: nothing of its scripts, styles, forms and frames. Raises TooMuchWork."""
    _check(page)
    sanitised = nh3.clean(
        page,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags={"script", "style", "title", "template", "noscript", "textarea", "select", "iframe"},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    parser = _Parser()
    parser.feed(sanitised)
    parser.close()
    return Node(DOCUMENT, content=_blocks(parser.root.children))


def _check(page: str) -> None:
    """The sanitiser takes time for each element times the number of those that are open around it."""
    if page.count("<") > MAX_TAGS:
        raise TooMuchWork(f"a page may have at most {MAX_TAGS} tags")
    opened: Counter[str] = Counter()
    depth = 0
    for found in _OPEN_OR_CLOSE.finditer(page):
        name = found[2].lower()
        if name in _CLOSED_BY_OTHERS:
            continue
        if not found[1]:
            opened[name] += 1
            depth += 1
            if depth > MAX_OPEN:
                raise TooMuchWork(f"a page may have at most {MAX_OPEN} elements in one another")
        elif opened[name]:
            opened[name] -= 1
            depth -= 1


class _Parser(HTMLParser):
    """Of sanitised HTML, in which every element is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("")
        self._open = [self.root]
        self._too_deep = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _EMPTY and len(self._open) > MAX_DEPTH:
            self._too_deep += 1
            return
        element = _Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._too_deep:
            self._too_deep -= 1
        elif tag == self._open[-1].tag and len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _blocks(children: Iterable[_Element | str]) -> list[Node]:
    blocks: list[Node] = []
    inlines: list[_Element | str] = []

    def flush() -> None:
        content = _inlines(inlines)
        if content:
            blocks.append(Node("paragraph", content=content))
        inlines.clear()

    for child in children:
        if isinstance(child, str) or not _holds_blocks(child):
            inlines.append(child)
            continue
        flush()
        blocks += _block(child)
    flush()
    return blocks


def _holds_blocks(element: _Element) -> bool:
    if element.tag in _BLOCKS:
        return True
    return any(not isinstance(child, str) and _holds_blocks(child) for child in element.children)


def _block(element: _Element) -> Iterator[Node]:
    tag = element.tag
    if tag in _HEADINGS:
        yield Node("heading", {"level": int(tag[1])}, _inlines(_flattened(element)))
    elif tag in ("ul", "ol"):
        yield _list(element)
    elif tag == "blockquote":
        yield Node("blockquote", content=_blocks(element.children))
    elif tag == "pre":
        yield _code(element)
    elif tag == "hr":
        yield Node("horizontalRule")
    elif tag == "table":
        yield from _table(element)
    else:
        yield from _blocks(element.children)


def _flattened(element: _Element) -> list[_Element | str]:
    """What is inline in it; of blocks their content."""
    found: list[_Element | str] = []
    for child in element.children:
        found += _flattened(child) if not isinstance(child, str) and child.tag in _BLOCKS else [child]
    return found


def _list(element: _Element) -> Node:
    items: list[Node] = []
    for child in element.children:
        if isinstance(child, str):
            if child.strip():
                items.append(Node("listItem", content=_blocks([child])))
        elif child.tag == "li":
            items.append(_item(child))
        else:
            # A list that stands in a list belongs to the item before it.
            nested = _blocks([child])
            if items:
                items[-1].content += nested
            else:
                items.append(Node("listItem", content=nested))
    if element.tag == "ul":
        return Node("bulletList", content=items)
    start = element.attributes.get("start", "")
    return Node("orderedList", {"start": int(start)} if start.isdecimal() and len(start) < 10 else {}, items)


def _item(element: _Element) -> Node:
    checked = _take_box(element)
    return Node("listItem", {} if checked is None else {"checked": checked}, _blocks(element.children))


def _take_box(element: _Element) -> bool | None:
    """Whether the item begins with a box, and is checked; None without one. It is taken away."""
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
        return _take_box(child) if child.tag in ("p", "label", "span") else None
    return None


def _code(element: _Element) -> Node:
    language = ""
    for each in (element, *(child for child in element.children if isinstance(child, _Element))):
        found = _LANGUAGE.search(each.attributes.get("class", ""))
        language = language or (found[1] if found else "")
    text = _preformatted(element).removeprefix("\n").removesuffix("\n")
    return Node("codeBlock", {"language": language} if language else {}, [Node(TEXT, text=text)] if text else [])


def _preformatted(element: _Element) -> str:
    return "".join(
        child if isinstance(child, str) else "\n" if child.tag == "br" else _preformatted(child)
        for child in element.children
    )


def _table(element: _Element) -> Iterator[Node]:
    rows: list[Node] = []
    for part in _inside(element):
        if part.tag == "caption":
            yield from _blocks(part.children)
        elif part.tag == "tr":
            cells = []
            for cell in part.children:
                if isinstance(cell, _Element) and cell.tag in ("td", "th"):
                    span = cell.attributes.get("colspan", "")
                    kind = "tableHeader" if cell.tag == "th" else "tableCell"
                    cells.append(Node(kind, {"colspan": span}, _blocks(cell.children)))
            rows.append(Node("tableRow", content=cells))
    yield Node("table", content=rows)


def _inside(table: _Element) -> Iterator[_Element]:
    for child in table.children:
        if isinstance(child, _Element):
            if child.tag in ("thead", "tbody", "tfoot"):
                yield from _inside(child)
            else:
                yield child


def _inlines(children: Iterable[_Element | str]) -> list[Node]:
    """White space is as a browser shows it: one space, and none at the beginning."""
    nodes: list[Node] = []
    for node in _marked(children, []):
        if node.type == TEXT:
            after_space = not nodes or nodes[-1].type == "hardBreak" or nodes[-1].text.endswith(" ")
            if after_space and not any(mark.type == "code" for mark in node.marks):
                node.text = node.text.lstrip(" ")
            if not node.text:
                continue
        nodes.append(node)
    return nodes


def _marked(children: Iterable[_Element | str], marks: list[Mark]) -> Iterator[Node]:
    for child in children:
        if isinstance(child, str):
            yield Node(TEXT, text=_SPACE.sub(" ", child), marks=marks)
        elif child.tag == "br":
            yield Node("hardBreak")
        elif child.tag == "img":
            yield _image(child.attributes, marks)
        elif child.tag == "a" and child.attributes.get("href"):
            yield from _marked(child.children, [*marks, Mark("link", _chosen(child.attributes, "href", "title"))])
        elif child.tag in _MARKS:
            yield from _marked(child.children, [*marks, Mark(_MARKS[child.tag])])
        else:
            yield from _marked(child.children, marks)


def _image(attributes: dict[str, str], marks: list[Mark]) -> Node:
    if attributes.get("src"):
        image = Node("image", _chosen(attributes, "src", "alt", "title"))
        # Marks are of texts; what is linked is a picture.
        link = next((mark for mark in marks if mark.type == "link"), None)
        return image if link is None else Node("link", link.attributes, [image])
    return Node(TEXT, text=_SPACE.sub(" ", attributes.get("alt", "")), marks=marks)


def _chosen(attributes: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: attributes[name] for name in names if name in attributes}
