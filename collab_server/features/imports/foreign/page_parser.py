"""Parsing of untrusted pages: sanitised, with limited work. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

import nh3

from collab_server.errors import TooMuchWork
from collab_server.features.imports.foreign import equations, page_styles
from collab_server.features.imports.foreign.page_styles import Look
from collab_server.features.imports.foreign.page_tree import Element

MAX_DEPTH: Final = 60
"""Maximum nesting of elements; deeper content becomes text of the level above."""
MAX_TAGS: Final = 300_000
MAX_OPEN: Final = 500
"""Elements in one another, closed or not; browsers stop at about as many."""
_OPEN_OR_CLOSE: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,20})")
_CLOSED_BY_OTHERS: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
    | {"html", "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "colgroup"}
)
"""Elements with optional or missing end tags."""


MARKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em", "cite", "var", "dfn"), "italic"),
    **dict.fromkeys(("s", "del", "strike"), "strike"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("u", "ins"), "underline"),
    "mark": "highlight",
    "sub": "subscript",
    "sup": "superscript",
}
"""Marks by element name."""
HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_TABLE: Final = frozenset({"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption"})
CONTAINERS: Final = frozenset(
    {"address", "article", "aside", "center", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer"}
    | {"header", "main", "nav", "section", "summary", "p", "li"}
)
BLOCKS: Final = CONTAINERS | _TABLE | {*HEADINGS, "ul", "ol", "blockquote", "pre", "hr"}
_EMPTY: Final = frozenset({"br", "hr", "img", "input"})
_TAGS: Final = BLOCKS | MARKS.keys() | _EMPTY | {"a", "span"}
_ATTRIBUTES: Final = {
    "*": {"class", "style"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "li": {"value", "aria-checked"},
    "input": {"type", "checked"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """`classes`: looks from its style sheets. `begun`: number of elements by name. `equations`: number of converted
    equations.
    """

    root: Element
    classes: Mapping[str, Look]
    begun: Mapping[str, int]
    equations: int


def parse(page: str) -> Parsed:
    """Raises TooMuchWork."""
    begun = _check(page)
    classes = page_styles.sheets(page)
    page, math = equations.in_page(page)
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
    return Parsed(parser.root, classes, begun, math)


def _check(page: str) -> Counter[str]:
    """Count the start tags by name, and check them. The sanitiser needs time for each element times the number of open
    elements.
    """
    if page.count("<") > MAX_TAGS:
        raise TooMuchWork(f"a page may have at most {MAX_TAGS} tags")
    opened: Counter[str] = Counter()
    begun: Counter[str] = Counter()
    depth = 0
    for found in _OPEN_OR_CLOSE.finditer(page):
        name = found[2].lower()
        begun[name] += not found[1]
        if name in _CLOSED_BY_OTHERS:
            continue
        if not found[1]:
            opened[name] += 1
            depth += 1
            if depth > MAX_OPEN:
                raise TooMuchWork(f"a page may have at most {MAX_OPEN} nested elements")
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return begun


class _Parser(HTMLParser):
    """Parser of sanitised HTML, with all elements closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self._open = [self.root]
        self._too_deep = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _EMPTY and len(self._open) > MAX_DEPTH:
            self._too_deep += 1
            return
        element = Element(tag, {name: value or "" for name, value in attrs})
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
