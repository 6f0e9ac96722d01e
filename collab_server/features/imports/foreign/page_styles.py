"""Bold, italic and other marks in CSS, as written by Google Docs and Word. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from collab_server.features.imports.foreign.page_tree import Element

_BEGIN: Final = re.compile(r"<style[^<>]{0,500}>", re.IGNORECASE)
_END: Final = re.compile(r"</style", re.IGNORECASE)
_MOST_CHARACTERS: Final = 1_000_000
"""Maximum number of examined characters of style sheets."""
_MOST_OF_STYLE: Final = 5_000
_CLASS: Final = re.compile(r"(?:[a-z][a-z0-9]{0,10})?\.([A-Za-z_][\w-]{0,100})", re.IGNORECASE)
_LINES: Final = ("text-decoration", "text-decoration-line")


@dataclass(frozen=True, slots=True)
class Look:
    """Marks of a style: True, False, or None for unspecified."""

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
        """Return this look, with unspecified marks from the other."""
        if not self:
            return other
        declared = {name: value for name in _SAID if (value := getattr(self, name)) is not None}
        return replace(other, **declared)


MARKS: Final = ("bold", "italic", "strike", "underline", "subscript", "superscript")
_SAID: Final = (*MARKS, "hidden")
_NONE: Final = Look()


def sheets(page: str) -> dict[str, Look]:
    """Return the looks of classes in the style sheets of a page."""
    looks: dict[str, Look] = {}
    left, at = _MOST_CHARACTERS, 0
    while left > 0 and (begin := _BEGIN.search(page, at)) is not None:
        end = _END.search(page, begin.end())
        if end is None:
            break
        sheet = page[begin.end() : min(end.start(), begin.end() + left)]
        left, at = left - len(sheet), end.end()
        for rule in sheet.split("}"):
            selectors, _, style = rule.rpartition("{")
            look = parse_style(style[:_MOST_OF_STYLE])
            if look:
                for selector in selectors.split(","):
                    if found := _CLASS.fullmatch(selector.strip()):
                        looks[found[1]] = look.over(looks.get(found[1], _NONE))
    return looks


def find_look(element: Element, classes: Mapping[str, Look]) -> Look:
    look = _NONE
    if classes:
        for name in element.classes:
            look = classes.get(name, _NONE).over(look)
    style = element.attributes.get("style")
    return parse_style(style[:_MOST_OF_STYLE]).over(look) if style else look


def declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute in lower case."""
    found = {}
    for declaration in style[:_MOST_OF_STYLE].lower().split(";"):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.removesuffix("!important").strip()
    return found


@lru_cache(1_000)
def parse_style(style: str) -> Look:
    """A page has few, and each many times."""
    declared = declarations(style)
    weight, slant = declared.get("font-weight", ""), declared.get("font-style", "")
    lines = " ".join(declared[name] for name in _LINES if name in declared)
    place = declared.get("vertical-align", "")
    return Look(
        bold=_is_bold(weight),
        italic=None if not slant else slant.startswith(("italic", "oblique")),
        strike=True if "line-through" in lines else None,
        underline=True if "underline" in lines else None,
        subscript=True if place == "sub" else None,
        superscript=True if place == "super" else None,
        hidden=True if declared.get("display") == "none" or declared.get("mso-hide") == "all" else None,
    )


def _is_bold(weight: str) -> bool | None:
    if weight in ("bold", "bolder"):
        return True
    if weight in ("normal", "lighter"):
        return False
    return int(weight) >= 600 if weight.isdecimal() and len(weight) < 5 else None
