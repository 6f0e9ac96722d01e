"""HTML as editor nodes, the source of Markdown. Pure; for a worker process."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Mark, Node
from collab_server.features.imports.foreign import notes, page_boxes, page_lists, page_parser, page_styles
from collab_server.features.imports.foreign.page_parser import BLOCKS, CONTAINERS, HEADINGS, MARKS
from collab_server.features.imports.foreign.page_styles import Look
from collab_server.features.imports.foreign.page_tree import Element as _Element
from collab_server.features.imports.foreign.page_tree import groups, preformatted

_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language|lang|highlight-source)-([\w+#.-]{1,40})")
_EMBEDDED: Final = ("iframe", "video", "audio", "embed", "object", "canvas", "svg")
_FIELDS: Final = ("textarea", "select", "button")


@dataclass(frozen=True, slots=True)
class Page:
    """`notes`: omissions and changes."""

    document: Node
    notes: tuple[str, ...]


def read(page: str) -> Page:
    """Return the visible content of a page, without scripts, styles, forms and frames. Raises TooMuchWork."""
    parsed = page_parser.parse(page)
    reader = _Reader(parsed.classes)
    document = Node(DOCUMENT, content=reader.blocks(parsed.root.children))
    math = parsed.equations
    embedded, fields = ([name for name in names if parsed.begun.get(name)] for names in (_EMBEDDED, _FIELDS))
    return Page(
        document,
        notes.drop_empty(
            [
                notes.note_left_out(reader.pictures, "picture"),
                notes.note_left_out(embedded, "kind of embedded content", "kinds of embedded content"),
                notes.note_left_out(fields, "kind of form field", "kinds of form fields"),
                f"{notes.count(math, 'equation')} became text" if math else "",
                f"{notes.count(reader.merged, 'merged cell')} of tables became single cells" if reader.merged else "",
                f"{notes.count(reader.hidden, 'hidden text')} left out" if reader.hidden else "",
            ]
        ),
    )


class _Reader:
    """`classes`: looks from style sheets. `pictures`: descriptions of omitted pictures. `merged`: number of cells with
    spans. `hidden`: number of hidden elements.
    """

    def __init__(self, classes: Mapping[str, Look]) -> None:
        self._classes = classes
        self.pictures: list[str] = []
        self.merged = 0
        self.hidden = 0

    def blocks(self, children: Iterable[_Element | str]) -> list[Node]:
        blocks: list[Node] = []
        inlines: list[_Element | str] = []

        def flush() -> None:
            content = self._inlines(inlines)
            if content:
                blocks.append(Node("paragraph", content=content))
            inlines.clear()

        for child in page_lists.gather(children):
            if isinstance(child, str) or not _holds_blocks(child):
                inlines.append(child)
                continue
            flush()
            blocks += self._block(child)
        flush()
        return blocks

    def _block(self, element: _Element) -> Iterator[Node]:
        tag = element.tag
        look = page_styles.find_look(element, self._classes)
        if look.hidden:
            self.hidden += 1
            return
        if tag in HEADINGS:
            yield Node("heading", {"level": int(tag[1])}, self._inlines(_flatten(element)))
        elif tag == "p" and "MsoTitle" in element.classes:
            yield Node("heading", {"level": 1}, self._inlines(_flatten(element)))
        elif tag in ("ul", "ol"):
            yield from self._lists(element)
        elif tag == "blockquote":
            yield Node("blockquote", content=self.blocks(element.children))
        elif tag == "pre":
            yield _read_code(element)
        elif tag == "hr":
            yield Node("horizontalRule")
        elif tag == "table":
            yield from self._table(element)
        else:
            yield from self.blocks(_wrap_children(element, look) if tag in CONTAINERS else element.children)

    def _lists(self, element: _Element) -> Iterator[Node]:
        """One list, or several where its numbers go on elsewhere."""
        ordered = element.tag == "ol"
        start = _parse_integer(element.attributes.get("start", ""))
        number = 1 if start is None else start
        items: list[Node] = []
        for child in element.children:
            if isinstance(child, str):
                if child.strip():
                    items.append(Node("listItem", content=self.blocks([child])))
            elif child.tag == "li":
                value = _parse_integer(child.attributes.get("value", "")) if ordered else None
                if value is not None and value != number + len(items):
                    if items:
                        yield _make_list(items, number)
                    items, number = [], value
                items.append(self._item(child))
            else:
                # A list directly in a list belongs to the previous item.
                nested = self.blocks([child])
                if items:
                    items[-1].content += nested
                else:
                    items.append(Node("listItem", content=nested))
        yield _make_list(items, number) if ordered else Node("bulletList", content=items)

    def _item(self, element: _Element) -> Node:
        checked = page_boxes.take_box(element)
        look = page_styles.find_look(element, self._classes)
        return Node(
            "listItem", {} if checked is None else {"checked": checked}, self.blocks(_wrap_children(element, look))
        )

    def _table(self, element: _Element) -> Iterator[Node]:
        rows: list[Node] = []
        for group in groups(element):
            if group and group[0].tag == "caption":
                yield from self.blocks(group[0].children)
                continue
            for index, part in enumerate(group):
                cells = []
                for cell in part.children:
                    if isinstance(cell, _Element) and cell.tag in ("td", "th"):
                        cells.append(self._cell(cell, len(group) - index))
                rows.append(Node("tableRow", content=cells))
        yield Node("table", content=rows)

    def _cell(self, cell: _Element, rows: int) -> Node:
        """Convert a cell. `rows`: the number of rows from this one to the end of its group."""
        down = _parse_integer(cell.attributes.get("rowspan", ""))
        across = _parse_integer(cell.attributes.get("colspan", "")) or 1
        spans = {"colspan": across, "rowspan": min(rows if down == 0 else down or 1, rows)}
        self.merged += max(spans.values()) > 1
        look = page_styles.find_look(cell, self._classes)
        blocks = self.blocks(_wrap_children(cell, look))
        page_boxes.write_boxes(blocks)
        return Node("tableHeader" if cell.tag == "th" else "tableCell", spans, blocks)

    def _inlines(self, children: Iterable[_Element | str]) -> list[Node]:
        """Convert inline content. White space collapses as in browsers, and is removed at the beginning."""
        nodes: list[Node] = []
        for node in self._marked(children, []):
            if node.type == TEXT:
                after_space = not nodes or nodes[-1].type == "hardBreak" or nodes[-1].text.endswith(" ")
                if after_space and not any(mark.type == "code" for mark in node.marks):
                    node.text = node.text.lstrip(" ")
                if not node.text:
                    continue
            nodes.append(node)
        return nodes

    def _marked(self, children: Iterable[_Element | str], marks: list[Mark]) -> Iterator[Node]:
        for child in children:
            if isinstance(child, str):
                yield Node(TEXT, text=_SPACE.sub(" ", child), marks=marks)
                continue
            look = page_styles.find_look(child, self._classes)
            if look.hidden:
                self.hidden += 1
            elif child.tag == "br":
                yield Node("hardBreak")
            elif child.tag == "input":
                if child.attributes.get("type") == "checkbox":
                    yield Node(TEXT, text="\u2611 " if "checked" in child.attributes else "\u2610 ", marks=marks)
            elif child.tag == "img":
                yield self._image(child.attributes, marks)
            elif child.tag == "a" and child.attributes.get("href"):
                link = Mark("link", _choose(child.attributes, "href", "title"))
                yield from self._marked(child.children, _apply_look([*marks, link], look))
            elif child.tag in MARKS:
                yield from self._marked(child.children, _apply_look([*marks, Mark(MARKS[child.tag])], look))
            elif "katex-html" not in child.classes:  # KaTeX repeats its MathML
                yield from self._marked(child.children, _apply_look(marks, look))

    def _image(self, attributes: dict[str, str], marks: list[Mark]) -> Node:
        if attributes.get("src"):
            image = Node("image", _choose(attributes, "src", "alt", "title"))
            # Marks apply to text only, so a linked picture becomes a link node.
            link = next((mark for mark in marks if mark.type == "link"), None)
            return image if link is None else Node("link", link.attributes, [image])
        words = _SPACE.sub(" ", attributes.get("alt", ""))
        self.pictures.append(words.strip() or "without a description")
        return Node(TEXT, text=words, marks=marks)


def _apply_look(marks: list[Mark], look: Look) -> list[Mark]:
    """Add or remove marks by a style. Google Docs puts everything in a `<b>` with normal weight."""
    if not look:
        return marks
    linked = any(mark.type == "link" for mark in marks)
    for name in page_styles.MARKS:
        wanted = getattr(look, name)
        if wanted is False:
            marks = [mark for mark in marks if mark.type != name]
        elif wanted and not any(mark.type == name for mark in marks) and not (name == "underline" and linked):
            marks = [*marks, Mark(name)]
    return marks


def _wrap_children(element: _Element, look: Look) -> list[_Element | str]:
    """Return the children, with the look of the element on its text."""
    if not any(getattr(look, name) for name in page_styles.MARKS):
        return element.children
    kept = {name: value for name, value in element.attributes.items() if name in ("style", "class")}
    wrapped: list[_Element | str] = []
    for child in element.children:
        if isinstance(child, str) or not _holds_blocks(child):
            wrapped.append(_Element("span", kept, [child]))
        else:
            if child.tag in CONTAINERS:
                child.children = _wrap_children(_Element(child.tag, kept, child.children), look)
            wrapped.append(child)
    return wrapped


def _make_list(items: list[Node], number: int) -> Node:
    return Node("orderedList", {} if number == 1 else {"start": number}, items)


def _parse_integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _holds_blocks(element: _Element) -> bool:
    return element.tag in BLOCKS or any(inner.tag in BLOCKS for inner in element.inside())


def _flatten(element: _Element) -> list[_Element | str]:
    """Return inline content, also of nested blocks."""
    found: list[_Element | str] = []
    for child in element.children:
        found += _flatten(child) if not isinstance(child, str) and child.tag in BLOCKS else [child]
    return found


def _read_code(element: _Element) -> Node:
    language = ""
    for each in (element, *(child for child in element.children if isinstance(child, _Element))):
        found = _LANGUAGE.search(each.attributes.get("class", ""))
        language = language or (found[1] if found else "")
    text = preformatted(element).removeprefix("\n").removesuffix("\n")
    return Node("codeBlock", {"language": language} if language else {}, [Node(TEXT, text=text)] if text else [])


def _choose(attributes: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: attributes[name] for name in names if name in attributes}
