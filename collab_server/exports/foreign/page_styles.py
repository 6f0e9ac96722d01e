"""Bold, italic and the like that a page says by CSS, as Google Docs and Word write it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from collab_server.exports.foreign.page_tree import Element

_BEGIN: Final = re.compile(r"<style[^<>]{0,500}>", re.IGNORECASE)
_END: Final = re.compile(r"</style", re.IGNORECASE)
_MOST_CHARACTERS: Final = 1_000_000
"""Of style sheets that are read."""
_MOST_OF_STYLE: Final = 5_000
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
        if not self:
            return other
        said = {name: value for name in _SAID if (value := getattr(self, name)) is not None}
        return replace(other, **said)


MARKS: Final = ("bold", "italic", "strike", "underline", "subscript", "superscript")
_SAID: Final = (*MARKS, "hidden")
_NONE: Final = Look()


def sheets(page: str) -> dict[str, Look]:
    """What the style sheets within a page say of classes."""
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
            look = of_style(style[:_MOST_OF_STYLE])
            if look:
                for selector in selectors.split(","):
                    if found := _CLASS.fullmatch(selector.strip()):
                        looks[found[1]] = look.over(looks.get(found[1], _NONE))
    return looks


def look_of(element: Element, classes: Mapping[str, Look]) -> Look:
    look = _NONE
    if classes:
        for name in element.classes:
            look = classes.get(name, _NONE).over(look)
    style = element.attributes.get("style")
    return of_style(style[:_MOST_OF_STYLE]).over(look) if style else look


def declarations(style: str) -> dict[str, str]:
    """Of a style attribute, in lower case."""
    found = {}
    for declaration in style[:_MOST_OF_STYLE].lower().split(";"):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.removesuffix("!important").strip()
    return found


@lru_cache(1_000)
def of_style(style: str) -> Look:
    """A page has few, and each many times."""
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
