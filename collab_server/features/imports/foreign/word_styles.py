"""Styles of a Word document, with inheritance. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from collab_server.features.imports.foreign import word_xml as xml
from collab_server.features.imports.foreign.word_xml import Xml

MARKS: Final = ("b", "i", "strike")
_HEADING: Final = re.compile(r"heading ([1-9])", re.IGNORECASE)
_KNOWN: Final = ("title", "code", "html preformatted", "quote", "intense quote")
"""Names of styles with an element in `docx_reader`."""
_BODY: Final = 9
"""The outline level of body text."""
_MAX_CHAIN: Final = 30


@dataclass(frozen=True, slots=True)
class _Style:
    id: str
    name: str
    based_on: str
    outline: int | None
    numbering: tuple[str | None, int | None]
    switches: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Styles:
    """Styles of paragraphs, of characters, and of lists, by id."""

    paragraphs: dict[str, _Style] = field(default_factory=dict)
    characters: dict[str, _Style] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)

    def heading(self, style_id: str | None) -> int | None:
        """Return the heading level of a paragraph's style, or None."""
        for style in _chain(self.paragraphs, style_id):
            if found := _HEADING.fullmatch(style.name):
                return int(found[1])
            if style.outline is not None:
                return style.outline + 1 if style.outline < _BODY else None
        return None

    def known(self, style_id: str | None) -> str | None:
        """Return the id of the nearest ancestor with an element in pages, or None."""
        for style in _chain(self.paragraphs, style_id):
            if style.name.lower() in _KNOWN:
                return style.id
        return None

    def numbering(self, style_id: str | None) -> tuple[str | None, int | None]:
        """Return (id of the list, level) of a paragraph's style, each None if unspecified."""
        number = level = None
        for style in _chain(self.paragraphs, style_id):
            number = style.numbering[0] if number is None else number
            level = style.numbering[1] if level is None else level
        return number, level

    def is_on(self, switch: str, run_style: str | None, paragraph_style: str | None = None) -> bool:
        """Return whether a style sets a property, such as bold, on a run. `paragraph_style`: of its paragraph, if it
        applies.
        """
        for known, style_id in ((self.characters, run_style), (self.paragraphs, paragraph_style)):
            for style in _chain(known, style_id):
                if switch in style.switches:
                    return style.switches[switch]
        return False


def read(root: Xml | None) -> Styles:
    styles = Styles()
    for element in xml.children(root, "w:style"):
        identity, kind = xml.value(element, "styleId"), xml.value(element, "type")
        if identity is None:
            continue
        number = xml.value(xml.child(element, "w:pPr", "w:numPr", "w:numId"))
        if kind == "numbering" and number is not None:
            styles.lists.setdefault(identity, number)
            continue
        known = styles.characters if kind == "character" else styles.paragraphs if kind == "paragraph" else {}
        switches = {}
        for switch in (*MARKS, "vanish"):
            is_on_here = xml.is_on(xml.child(element, "w:rPr", f"w:{switch}"))
            if is_on_here is not None:
                switches[switch] = is_on_here
        style = _Style(
            identity,
            (xml.value(xml.child(element, "w:name")) or "").strip(),
            xml.value(xml.child(element, "w:basedOn")) or "",
            xml.number(xml.child(element, "w:pPr", "w:outlineLvl")),
            (number, xml.number(xml.child(element, "w:pPr", "w:numPr", "w:ilvl"))),
            switches,
        )
        known.setdefault(identity, style)
    return styles


def _chain(styles: Mapping[str, _Style], style_id: str | None) -> Iterator[_Style]:
    """The style, the one it is based on, and so on."""
    for _ in range(_MAX_CHAIN):
        style = styles.get(style_id or "")
        if style is None:
            return
        yield style
        style_id = style.based_on
