"""What the styles of a Word document mean, also those that are based on others. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from collab_server.exports.foreign import word_xml as xml
from collab_server.exports.foreign.word_xml import Xml

MARKS: Final = ("b", "i", "strike")
_HEADING: Final = re.compile(r"heading ([1-9])", re.IGNORECASE)
_KNOWN: Final = ("title", "code", "html preformatted", "quote", "intense quote")
"""Names of the styles that `docx_reader` has elements for."""
_BODY: Final = 9
"""The outline level of what is no heading."""
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
    """By the ids of the styles of paragraphs, of characters, and of lists (the id of the list)."""

    paragraphs: dict[str, _Style] = field(default_factory=dict)
    characters: dict[str, _Style] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)

    def heading(self, style_id: str | None) -> int | None:
        """The level of a paragraph's style, None for what is no heading."""
        for style in _chain(self.paragraphs, style_id):
            if found := _HEADING.fullmatch(style.name):
                return int(found[1])
            if style.outline is not None:
                return style.outline + 1 if style.outline < _BODY else None
        return None

    def known(self, style_id: str | None) -> str | None:
        """The id of the style that a paragraph's style is based on, where that has an element in pages."""
        for style in _chain(self.paragraphs, style_id):
            if style.name.lower() in _KNOWN:
                return style.id
        return None

    def numbering(self, style_id: str | None) -> tuple[str | None, int | None]:
        """(the id of the list that a paragraph's style puts it in, the level), None each where it says nothing."""
        number = level = None
        for style in _chain(self.paragraphs, style_id):
            number = style.numbering[0] if number is None else number
            level = style.numbering[1] if level is None else level
        return number, level

    def is_on(self, switch: str, run_style: str | None, paragraph_style: str | None = None) -> bool:
        """Whether a run is bold, say, by its style; `paragraph_style`: of its paragraph, where that counts."""
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
            told = xml.is_on(xml.child(element, "w:rPr", f"w:{switch}"))
            if told is not None:
                switches[switch] = told
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
