"""Lists without nested elements: siblings in Google Docs, paragraphs with a sign in Word. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from collab_server.features.imports.foreign.page_styles import declarations
from collab_server.features.imports.foreign.page_tree import Element

_KIX: Final = re.compile(r"lst-(kix_[\w-]{1,60})-(\d)")
_MSO: Final = re.compile(r"l(\d{1,5})\s+level(\d)\b")
_NUMBER: Final = re.compile(r"\(?(\d{1,9})[.)]?")
_LETTERS: Final = re.compile(r"\(?(?:[a-z]|[ivxlc]{1,8})[.)]", re.IGNORECASE)
_BULLETS: Final = "\u00b7\u2022\u25aa\u25cf\u25e6\u25cb\uf0a7\uf0b7\xa7o\u2013\u2014*-"
_SIGN: Final = re.compile(rf"(?:[{_BULLETS}]|\(?\w{{1,8}}[.)])[\s\xa0]+")
_STEP_PT: Final = 36.0
"""Indentation of one level in Word, in points."""
_POINTS: Final = {"pt": 1.0, "in": 72.0, "cm": 28.35, "mm": 2.835, "px": 0.75}
_LENGTH: Final = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)\s*(pt|in|cm|mm|px)")


@dataclass(slots=True)
class _Item:
    """`key`: different keys make different lists."""

    key: str
    level: int
    ordered: bool
    element: Element


def gather(children: Iterable[Element | str]) -> Iterator[Element | str]:
    """Return the children, with such items in nested lists."""
    items: list[_Item] = []
    spaces: list[str] = []
    for child in children:
        if isinstance(child, str):
            if items and not child.strip():
                spaces.append(child)
                continue
            found: list[_Item] = []
        else:
            found = _items(child)
        if items and (not found or found[0].key != items[0].key):
            yield from _nested(items)
            items = []
            yield from spaces
        spaces = []
        if found:
            items += found
        else:
            yield child
    if items:
        yield from _nested(items)


def _items(element: Element) -> list[_Item]:
    if element.tag in ("ul", "ol"):
        kix = next(filter(None, map(_KIX.fullmatch, element.classes)), None)
        if kix is None:
            return []
        items = [child for child in element.children if isinstance(child, Element) and child.tag == "li"]
        start = element.attributes.get("start", "")
        if items and start:
            items[0].attributes.setdefault("value", start)
        return [_Item(kix[1], int(kix[2]), element.tag == "ol", item) for item in items]
    if element.tag == "p" and (item := _paragraph(element)) is not None:
        return [item]
    return []


def _paragraph(element: Element) -> _Item | None:
    style = declarations(element.attributes.get("style", ""))
    definition = _MSO.search(style.get("mso-list", ""))
    if definition is not None:
        sign = _take(element, _is_sign)
        return _made(f"mso{definition[1]}", int(definition[2]) - 1, sign or "", element)
    if any(name.startswith(("MsoListParagraph", "MsoListBullet", "MsoListNumber")) for name in element.classes):
        first = next((child for child in element.children if not isinstance(child, str) or child.strip()), None)
        if isinstance(first, Element) and _SIGN.fullmatch(first.text().lstrip()):
            sign = _take(element, lambda each: each is first)
            length = _LENGTH.match(style.get("margin-left", ""))
            moved = float(length[1]) * _POINTS[length[2]] if length else 0.0
            return _made("mso", max(0, round(moved / _STEP_PT) - 1), sign or "", element)
    boxes = [each for each in element.inside() if each.tag == "input" and each.attributes.get("type") == "checkbox"]
    if len(boxes) == 1 and _begins_with(element, boxes[0]):
        return _Item("box", 0, False, Element("li", {}, element.children))  # noqa: FBT003
    return None


def _is_sign(element: Element) -> bool:
    return "mso-list:ignore" in element.attributes.get("style", "").lower().replace(" ", "")


def _begins_with(element: Element, box: Element) -> bool:
    while True:
        first = next((child for child in element.children if not isinstance(child, str) or child.strip()), None)
        if first is box:
            return True
        if not isinstance(first, Element):
            return False
        element = first


def _made(key: str, level: int, sign: str, element: Element) -> _Item:
    sign = sign.replace("\xa0", " ").strip()
    number = _NUMBER.fullmatch(sign)
    ordered = number is not None or (sign != "o" and _LETTERS.fullmatch(sign) is not None)
    return _Item(key, level, ordered, Element("li", {"value": number[1]} if number else {}, element.children))


def _take(element: Element, wanted: Callable[[Element], bool]) -> str | None:
    """Take the first such element out; its text."""
    for around in (element, *element.inside()):
        for index, child in enumerate(around.children):
            if isinstance(child, Element) and wanted(child):
                del around.children[index]
                return child.text()
    return None


def _nested(items: list[_Item]) -> Iterator[Element]:
    """Lists of one level after another, deeper ones in the item before them."""
    level = items[0].level = min(item.level for item in items)
    current: Element | None = None
    at = 0
    while at < len(items):
        item = items[at]
        if item.level > level:
            end = at
            while end < len(items) and items[end].level > level:
                end += 1
            last = current.children[-1] if current is not None else None
            assert isinstance(last, Element), "the least level is that of the first item"
            last.children.extend(_nested(items[at:end]))
            at = end
            continue
        tag = "ol" if item.ordered else "ul"
        if current is None or current.tag != tag:
            if current is not None:
                yield current
            current = Element(tag)
        current.children.append(item.element)
        at += 1
    if current is not None:
        yield current
