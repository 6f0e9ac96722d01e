"""Numbers of paragraphs in Word lists. Pure."""

import re
from dataclasses import dataclass, field
from typing import Final

from collab_server.features.imports.foreign import word_xml as xml
from collab_server.features.imports.foreign.word_styles import Styles
from collab_server.features.imports.foreign.word_xml import Xml

_PLAIN: Final = re.compile(r"\W{0,3}%\d\W{0,3}")
_LEVELS: Final = 9


@dataclass(frozen=True, slots=True)
class Level:
    """`format`: decimal, bullet, lowerLetter and so on. `text`: such as `%1.`. `restarts`: after a higher level."""

    start: int = 1
    format: str = "decimal"
    text: str = "%1."
    restarts: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether Markdown shows the same number."""
        return self.format == "decimal" and _PLAIN.fullmatch(self.text) is not None


@dataclass(slots=True)
class _List:
    """`kind`: id shared by lists with common numbers. `begins`: restart numbers by level."""

    kind: str
    levels: dict[int, Level]
    begins: dict[int, int] = field(default_factory=dict)


class Numbers:
    """Counts; its lists are asked for in the order of the paragraphs."""

    def __init__(self, root: Xml | None, styles: Styles) -> None:
        self._kinds: dict[str, dict[int, Level]] = {}
        links: dict[str, str] = {}
        self._by_style: dict[str, int] = {}
        for element in xml.children(root, "w:abstractNum"):
            kind = xml.value(element, "abstractNumId") or ""
            self._kinds[kind] = {}
            for one in xml.children(element, "w:lvl"):
                at = xml.number(one, "ilvl") or 0
                self._kinds[kind][at] = _level(one)
                if (style := xml.value(xml.child(one, "w:pStyle"))) is not None:
                    self._by_style.setdefault(style, at)
            if (link := xml.value(xml.child(element, "w:numStyleLink"))) is not None:
                links[kind] = styles.lists.get(link, "")
        self._lists: dict[str, _List] = {}
        for element in xml.children(root, "w:num"):
            kind = xml.value(xml.child(element, "w:abstractNumId")) or ""
            made = _List(kind, dict(self._kinds.get(kind, {})))
            for override in xml.children(element, "w:lvlOverride"):
                at = xml.number(override, "ilvl") or 0
                if (begin := xml.number(xml.child(override, "w:startOverride"))) is not None:
                    made.begins[at] = begin
                if (one := xml.child(override, "w:lvl")) is not None:
                    made.levels[at] = _level(one)
            self._lists[xml.value(element, "numId") or ""] = made
        for made in list(self._lists.values()):
            linked = self._lists.get(links.get(made.kind, ""))
            if linked is not None and not made.levels:
                made.kind, made.levels = linked.kind, linked.levels
        self._counts: dict[str, list[int | None]] = {}

    def level_of_style(self, style_id: str | None) -> int:
        """Return the level of a style in its list."""
        return self._by_style.get(style_id or "", 0)

    def next(self, number_id: str, at: int) -> tuple[Level, int] | None:
        """Return (level, number) of the next paragraph of a list; None for an unknown list."""
        of = self._lists.get(number_id)
        if of is None or at not in of.levels:
            return None
        level = of.levels[at]
        counts = self._counts.setdefault(of.kind, [None] * _LEVELS)
        at = min(at, _LEVELS - 1)
        count = counts[at]
        # A restart is applied once.
        begin = of.begins.pop(at, None)
        counts[at] = begin if begin is not None else level.start if count is None else count + 1
        for deeper in range(at + 1, _LEVELS):
            if of.levels.get(deeper, level).restarts:
                counts[deeper] = None
        return level, counts[at] or 0


def _level(element: Xml) -> Level:
    start = xml.number(xml.child(element, "w:start"))
    return Level(
        1 if start is None else start,
        xml.value(xml.child(element, "w:numFmt")) or "decimal",
        xml.value(xml.child(element, "w:lvlText")) or "",
        xml.value(xml.child(element, "w:lvlRestart")) != "0",
    )
