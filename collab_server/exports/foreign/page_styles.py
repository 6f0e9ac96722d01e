"""Bold, italic and the like that a page says by CSS, as Google Docs and Word write it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from collab_server.exports.foreign.page_tree import Element

_SHEET: Final = re.compile(r"<style[^>]{0,500}>(.{0,500000}?)</style", re.IGNORECASE | re.DOTALL)
_MOST_RULES: Final = 20_000
_RULE: Final = re.compile(r"([^{}]{1,1000})\{([^{}]{0,5000})\}")
_CLASS: Final = re.compile(r"(?:[a-z][a-z0-9]{0,10})?\.([A-Za-z_][\w-]{0,100})", re.IGNORECASE)
_LINES: Final = ("text-decoration", "text-decoration-line")


@dataclass(frozen=True, slots=True)
class Look:
    """What a style says: True or False of each mark, None where it says nothing."""

    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    underline: bool | None = None
    subscript: bool | None = None
    superscript: bool | None = None
    hidden: bool | None = None

    def __bool__(self) -> bool:
        return self != _NONE

    def over(self, other: "Look") -> "Look":
        """With what the other says where this says nothing."""
        said = {name: value for name in _SAID if (value := getattr(self, name)) is not None}
        return replace(other, **said)


MARKS: Final = ("bold", "italic", "strike", "underline", "subscript", "superscript")
_SAID: Final = (*MARKS, "hidden")
_NONE: Final = Look()


def sheets(page: str) -> dict[str, Look]:
    """What the style sheets within a page say of classes."""
    looks: dict[str, Look] = {}
    left = _MOST_RULES
    for sheet in _SHEET.finditer(page):
        for rule in _RULE.finditer(sheet[1]):
            left -= 1
            if left < 0:
                return looks
            look = of_style(rule[2])
            if look:
                for selector in rule[1].split(","):
                    if found := _CLASS.fullmatch(selector.strip()):
                        looks[found[1]] = look.over(looks.get(found[1], _NONE))
    return looks


def look_of(element: Element, classes: Mapping[str, Look]) -> Look:
    look = _NONE
    for name in element.classes:
        look = classes.get(name, _NONE).over(look)
    style = element.attributes.get("style")
    return of_style(style).over(look) if style else look


def declarations(style: str) -> dict[str, str]:
    """Of a style attribute, in lower case."""
    found = {}
    for declaration in style[:5000].lower().split(";"):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.removesuffix("!important").strip()
    return found


def of_style(style: str) -> Look:
    said = declarations(style)
    weight, slant = said.get("font-weight", ""), said.get("font-style", "")
    lines = " ".join(said[name] for name in _LINES if name in said)
    place = said.get("vertical-align", "")
    return Look(
        bold=_is_bold(weight),
        italic=None if not slant else slant.startswith(("italic", "oblique")),
        strike=True if "line-through" in lines else None,
        underline=True if "underline" in lines else None,
        subscript=True if place == "sub" else None,
        superscript=True if place == "super" else None,
        hidden=True if said.get("display") == "none" or said.get("mso-hide") == "all" else None,
    )


def _is_bold(weight: str) -> bool | None:
    if weight in ("bold", "bolder"):
        return True
    if weight in ("normal", "lighter"):
        return False
    return int(weight) >= 600 if weight.isdecimal() and len(weight) < 5 else None
