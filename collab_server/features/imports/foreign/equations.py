"""Equations as one line of text, because Markdown has no syntax for them: `x = (-b ± √(b^2 - 4ac))/2a`. Pure.

MathML in pages and OMML in Word differ only in names.
"""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, Final

import nh3

from collab_server.features.imports.foreign.page_tree import Element

_MAX_DEPTH: Final = 40
"""Maximum nesting; deeper elements are reduced to their text."""
_MAX_OPEN: Final = 200
_BEGIN: Final = re.compile(r"<math(?=[\s>/])", re.IGNORECASE)
_END: Final = re.compile(r"</math\s*>", re.IGNORECASE)
_SIMPLE: Final = re.compile(r"\w+|\w?[(\[{].*[)\]}]|√\([^()]*\)|[^\w\s]", re.DOTALL)
_BALANCED: Final = re.compile(r"\([^()]*\)")
_SPACE: Final = re.compile(r"\s+")
_TAGS: Final = frozenset(
    {"math", "semantics", "annotation", "annotation-xml", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac"}
    | {"msqrt", "mroot", "msup", "msub", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"}
    | {"mlabeledtr", "mfenced", "mstyle", "mpadded", "menclose", "mphantom", "merror", "mmultiscripts"}
)
_ATTRIBUTES: Final = {"annotation": {"encoding"}, "mfenced": {"open", "close"}}
_TEX: Final = ("application/x-tex", "tex", "latex", "application/x-latex")


def in_page(page: str) -> tuple[str, int]:
    """Replace each `<math>` by text, or by its TeX as code. Return the page and the number of equations."""
    parts: list[str] = []
    at = count = 0
    while (begin := _BEGIN.search(page, at)) is not None:
        end = _END.search(page, begin.end())
        if end is None:
            break
        parts.append(page[at : begin.start()])
        parser = _MathParser()
        # The parser is slow for malformed input.
        parser.feed(nh3.clean(page[begin.start() : end.end()], tags=set(_TAGS), attributes=dict(_ATTRIBUTES)))
        parser.close()
        tex = " ".join(parser.tex.split())
        parts.append(f"<code>{html.escape(tex)}</code>" if tex else html.escape(of(parser.root)))
        at = end.end()
        count += 1
    return "".join([*parts, page[at:]]), count


def of(element: Any) -> str:
    """Return the text of an equation. `element`: has `tag`, and children (elements or strings)."""
    return _SPACE.sub(" ", _text(element, 0)).strip()


class _MathParser(HTMLParser):
    """`tex`: the TeX annotation of the equation."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("mrow")
        self._open = [self.root]
        self._annotation = ""
        self.tex = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag.startswith("annotation"):
            self._annotation = given.get("encoding", "").lower() or "?"
        elif not self._annotation and len(self._open) <= _MAX_OPEN:
            element = Element(tag, given)
            self._open[-1].children.append(element)
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag.startswith("annotation"):
            self._annotation = ""
        elif not self._annotation and len(self._open) > 1 and self._open[-1].tag == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._annotation:
            self._open[-1].children.append(data)
        elif self._annotation in _TEX:
            self.tex += data


def _text(element: Element, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return element.text()
    write = _WRITERS.get(element.tag)
    if write is not None:
        return write(element, depth + 1)
    if element.tag.endswith("Pr"):
        return ""
    if element.tag in ("mo", "mtext", "t"):
        text = element.text()
        # Invisible signs: function application, product, separator.
        text = re.sub("[\u2061-\u2064]", "", text)
        spaced = element.tag == "mo" and text.strip() in ("=", "+", "±", "<", ">", "≤", "≥", "≠", "≈", "→", "⇒", "∈")
        return f" {text.strip()} " if spaced else text
    named = element.tag in ("mi", "mn", "ms")
    parts = []
    for child in element.children:
        if isinstance(child, Element):
            parts.append(_text(child, depth + 1))
        else:
            parts.append(child if named else child.strip())
    return "".join(parts)


def _grouped(text: str) -> str:
    """Add parentheses, except around a single operand."""
    text = text.strip()
    if not text or _SIMPLE.fullmatch(text):
        inner = text[1:-1] if text.startswith("(") else ""
        # `(a)(b)` begins and ends with one, too.
        while inner and (shorter := _BALANCED.sub("", inner)) != inner:
            inner = shorter
        if "(" not in inner and ")" not in inner:
            return text
    return f"({text})"


def _children(element: Element) -> list[Element]:
    return [child for child in element.children if isinstance(child, Element)]


def _parts(element: Element, depth: int, *names: str) -> list[str]:
    """The texts of the parts: of MathML by their order, of OMML by their names."""
    children = _children(element)
    if element.tag.startswith("m") and element.tag != "m":
        texts = [_text(child, depth).strip() for child in children[: len(names)]]
        return texts + [""] * (len(names) - len(texts))
    by_name = {child.tag: child for child in children}
    return [_text(by_name[name], depth).strip() if name in by_name else "" for name in names]


def _fraction(element: Element, depth: int) -> str:
    above, below = _parts(element, depth, "num", "den")
    return f"{_grouped(above)}/{_grouped(below)}"


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")


def _with_scripts(*names: str) -> Callable[[Element, int], str]:
    def write(element: Element, depth: int) -> str:
        parts = dict(zip(names, _parts(element, depth, *names), strict=True))
        above = parts.get("sup", "") or (parts.get("lim", "") if element.tag == "limUpp" else "")
        below = parts.get("sub", "") or (parts.get("lim", "") if element.tag == "limLow" else "")
        base = parts["e"]
        return _scripts(base if len(base) > 3 and base.isalpha() else _grouped(base), below, above)

    return write


def _root(element: Element, depth: int) -> str:
    if element.tag == "msqrt":
        return f"√({''.join(_text(child, depth) for child in _children(element)).strip()})"
    inner, degree = _parts(element, depth, "e", "deg")
    return f"{degree}√({inner})" if len(degree) <= 1 else f"root({degree}, {inner})"


def _property(element: Element, name: str, default: str) -> str:
    for child in _children(element):
        if child.tag.endswith("Pr"):
            for one in _children(child):
                if one.tag == name:
                    return one.attributes.get("val", default)
    return default


def _nary(element: Element, depth: int) -> str:
    below, above, inner = _parts(element, depth, "sub", "sup", "e")
    return f"{_scripts(_property(element, 'chr', '∫'), below, above)} {inner}"


def _delimited(element: Element, depth: int) -> str:
    parts = [_text(child, depth) for child in _children(element) if child.tag == "e"]
    inner = _property(element, "sepChr", "|").join(parts)
    return f"{_property(element, 'begChr', '(')}{inner.strip()}{_property(element, 'endChr', ')')}"


def _fenced(element: Element, depth: int) -> str:
    inner = ", ".join(_text(child, depth).strip() for child in _children(element))
    return f"{element.attributes.get('open', '(')}{inner}{element.attributes.get('close', ')')}"


def _function(element: Element, depth: int) -> str:
    name, inner = _parts(element, depth, "fName", "e")
    return f"{name} {inner}"


def _matrix(element: Element, depth: int) -> str:
    rows = [child for child in _children(element) if child.tag in ("mr", "mtr", "mlabeledtr")]
    texts = [", ".join(_text(cell, depth).strip() for cell in _children(row)) for row in rows]
    return f"[{'; '.join(texts)}]"


def _lines(element: Element, depth: int) -> str:
    return "; ".join(_text(child, depth).strip() for child in _children(element) if child.tag == "e")


def _nothing(_: Element, __: int) -> str:
    return ""


def _space(_: Element, __: int) -> str:
    return " "


_WRITERS: Final[dict[str, Callable[[Element, int], str]]] = {
    "mfrac": _fraction,
    "f": _fraction,
    **dict.fromkeys(("msup", "sSup", "mover"), _with_scripts("e", "sup")),
    **dict.fromkeys(("msub", "sSub", "munder"), _with_scripts("e", "sub")),
    **dict.fromkeys(("msubsup", "munderover", "sSubSup"), _with_scripts("e", "sub", "sup")),
    **dict.fromkeys(("limLow", "limUpp"), _with_scripts("e", "lim")),
    **dict.fromkeys(("msqrt", "mroot", "rad"), _root),
    "nary": _nary,
    "d": _delimited,
    "mfenced": _fenced,
    "func": _function,
    **dict.fromkeys(("m", "mtable"), _matrix),
    "eqArr": _lines,
    "mspace": _space,
    "mphantom": _nothing,
}
