"""HTML as the nodes that Markdown is written from. Pure; for a worker process."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collab_server.crdt.prosemirror import DOCUMENT, TEXT, Mark, Node
from collab_server.exports.foreign import notes, page_lists, page_parser, page_styles
from collab_server.exports.foreign.page_parser import BLOCKS, CONTAINERS, HEADINGS, MARKS
from collab_server.exports.foreign.page_styles import Look
from collab_server.exports.foreign.page_tree import Element as _Element
from collab_server.exports.foreign.page_tree import groups, preformatted

_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language|lang|highlight-source)-([\w+#.-]{1,40})")
_BOXES: Final = {"\u2610": False, "\u2611": True, "\u2612": True}
_EMBEDDED: Final = ("iframe", "video", "audio", "embed", "object", "canvas", "svg")
_FIELDS: Final = ("textarea", "select", "button")


@dataclass(frozen=True, slots=True)
class Page:
    """`notes`: what of it is not in the document, or not as it was."""

    document: Node
    notes: tuple[str, ...]


def read(page: str) -> Page:
    """The document that a page shows: nothing of its scripts, styles, forms and frames. Raises TooMuchWork."""
    parsed = page_parser.parse(page)
    reader = _Reader(parsed.classes)
    document = Node(DOCUMENT, content=reader.blocks(parsed.root.children))
    math = parsed.equations
    embedded, fields = ([name for name in names if parsed.begun.get(name)] for names in (_EMBEDDED, _FIELDS))
    return Page(
        document,
        notes.kept(
            [
                notes.left_out(reader.pictures, "picture"),
                notes.left_out(embedded, "kind of embedded content", "kinds of embedded content"),
                notes.left_out(fields, "kind of form field", "kinds of form fields"),
                f"{notes.counted(math, 'equation')} became text" if math else "",
                f"{notes.counted(reader.merged, 'merged cell')} of tables became single cells" if reader.merged else "",
                f"{notes.counted(reader.hidden, 'hidden text')} left out" if reader.hidden else "",
            ]
        ),
    )


class _Reader:
    """`classes`: what the page's style sheets say of them. `pictures`: the descriptions of those that are left out.
    `merged`: cells that span others. `hidden`: elements that are not shown.
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

        for child in page_lists.gathered(children):
            if isinstance(child, str) or not _holds_blocks(child):
                inlines.append(child)
                continue
            flush()
            blocks += self._block(child)
        flush()
        return blocks

    def _block(self, element: _Element) -> Iterator[Node]:
        tag = element.tag
        look = page_styles.look_of(element, self._classes)
        if look.hidden:
            self.hidden += 1
            return
        if tag in HEADINGS:
            yield Node("heading", {"level": int(tag[1])}, self._inlines(_flattened(element)))
        elif tag == "p" and "MsoTitle" in element.classes:
            yield Node("heading", {"level": 1}, self._inlines(_flattened(element)))
        elif tag in ("ul", "ol"):
            yield from self._lists(element)
        elif tag == "blockquote":
            yield Node("blockquote", content=self.blocks(element.children))
        elif tag == "pre":
            yield _code(element)
        elif tag == "hr":
            yield Node("horizontalRule")
        elif tag == "table":
            yield from self._table(element)
        else:
            yield from self.blocks(_wrapped(element, look) if tag in CONTAINERS else element.children)

    def _lists(self, element: _Element) -> Iterator[Node]:
        """One list, or several where its numbers go on elsewhere."""
        ordered = element.tag == "ol"
        start = _integer(element.attributes.get("start", ""))
        number = 1 if start is None else start
        items: list[Node] = []
        for child in element.children:
            if isinstance(child, str):
                if child.strip():
                    items.append(Node("listItem", content=self.blocks([child])))
            elif child.tag == "li":
                value = _integer(child.attributes.get("value", "")) if ordered else None
                if value is not None and value != number + len(items):
                    if items:
                        yield _list(items, number)
                    items, number = [], value
                items.append(self._item(child))
            else:
                # A list that stands in a list belongs to the item before it.
                nested = self.blocks([child])
                if items:
                    items[-1].content += nested
                else:
                    items.append(Node("listItem", content=nested))
        yield _list(items, number) if ordered else Node("bulletList", content=items)

    def _item(self, element: _Element) -> Node:
        checked = _take_box(element)
        look = page_styles.look_of(element, self._classes)
        return Node("listItem", {} if checked is None else {"checked": checked}, self.blocks(_wrapped(element, look)))

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
        """`rows`: from this one on to the last that it can span."""
        down = _integer(cell.attributes.get("rowspan", ""))
        across = _integer(cell.attributes.get("colspan", "")) or 1
        spans = {"colspan": across, "rowspan": min(rows if down == 0 else down or 1, rows)}
        self.merged += max(spans.values()) > 1
        look = page_styles.look_of(cell, self._classes)
        blocks = self.blocks(_wrapped(cell, look))
        _show_boxes(blocks)
        return Node("tableHeader" if cell.tag == "th" else "tableCell", spans, blocks)

    def _inlines(self, children: Iterable[_Element | str]) -> list[Node]:
        """White space is as a browser shows it: one space, and none at the beginning."""
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
            look = page_styles.look_of(child, self._classes)
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
                link = Mark("link", _chosen(child.attributes, "href", "title"))
                yield from self._marked(child.children, _with_look([*marks, link], look))
            elif child.tag in MARKS:
                yield from self._marked(child.children, _with_look([*marks, Mark(MARKS[child.tag])], look))
            elif "katex-html" not in child.classes:  # what KaTeX shows, behind the MathML that says the same
                yield from self._marked(child.children, _with_look(marks, look))

    def _image(self, attributes: dict[str, str], marks: list[Mark]) -> Node:
        if attributes.get("src"):
            image = Node("image", _chosen(attributes, "src", "alt", "title"))
            # Marks are of texts; what is linked is a picture.
            link = next((mark for mark in marks if mark.type == "link"), None)
            return image if link is None else Node("link", link.attributes, [image])
        words = _SPACE.sub(" ", attributes.get("alt", ""))
        self.pictures.append(words.strip() or "without a description")
        return Node(TEXT, text=words, marks=marks)


def _show_boxes(blocks: Iterable[Node]) -> None:
    """A cell of Markdown holds no list, whose items could be tasks: their boxes become signs."""
    for block in blocks:
        checked = block.attributes.get("checked")
        if block.type == "listItem" and checked is not None:
            box = Node(TEXT, text="\u2611 " if checked else "\u2610 ")
            if block.content and block.content[0].type == "paragraph":
                block.content[0].content.insert(0, box)
            else:
                block.content.insert(0, Node("paragraph", content=[box]))
        _show_boxes(block.content)


def _with_look(marks: list[Mark], look: Look) -> list[Mark]:
    """A style gives marks, and takes those of the elements around: Google Docs puts all in a `<b>` that is not bold."""
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


def _wrapped(element: _Element, look: Look) -> list[_Element | str]:
    """The children, with what the style of the element says of the text in it."""
    if not any(getattr(look, name) for name in page_styles.MARKS):
        return element.children
    kept = {name: value for name, value in element.attributes.items() if name in ("style", "class")}
    wrapped: list[_Element | str] = []
    for child in element.children:
        if isinstance(child, str) or not _holds_blocks(child):
            wrapped.append(_Element("span", kept, [child]))
        else:
            if child.tag in CONTAINERS:
                child.children = _wrapped(_Element(child.tag, kept, child.children), look)
            wrapped.append(child)
    return wrapped


def _list(items: list[Node], number: int) -> Node:
    return Node("orderedList", {} if number == 1 else {"start": number}, items)


def _integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _holds_blocks(element: _Element) -> bool:
    return element.tag in BLOCKS or any(inner.tag in BLOCKS for inner in element.inside())


def _flattened(element: _Element) -> list[_Element | str]:
    """What is inline in it; of blocks their content."""
    found: list[_Element | str] = []
    for child in element.children:
        found += _flattened(child) if not isinstance(child, str) and child.tag in BLOCKS else [child]
    return found


def _take_box(element: _Element) -> bool | None:
    """Whether the item begins with a box, and is checked; None without one. It is taken away."""
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
        return _take_box(child) if child.tag in ("p", "label", "span") else None
    return None


def _code(element: _Element) -> Node:
    language = ""
    for each in (element, *(child for child in element.children if isinstance(child, _Element))):
        found = _LANGUAGE.search(each.attributes.get("class", ""))
        language = language or (found[1] if found else "")
    text = preformatted(element).removeprefix("\n").removesuffix("\n")
    return Node("codeBlock", {"language": language} if language else {}, [Node(TEXT, text=text)] if text else [])


def _chosen(attributes: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: attributes[name] for name in names if name in attributes}
