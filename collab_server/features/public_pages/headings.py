"""Headings of an article: their anchors and the table of contents. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it.token import Token

RESERVED: Final = ("article", "contents", "page")
"""Ids of the page itself."""
DEEPEST: Final = 3
"""Deepest level of a heading in the table of contents."""
MAX_ENTRIES: Final = 500
_MAX_ANCHOR: Final = 80
_DROPPED: Final = re.compile(r"[^\w\- ]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents. `level`: 1 to DEEPEST."""

    level: int
    anchor: str
    text: str


@dataclass(slots=True)
class Headings:
    """`contents`: headings at the top level of the text."""

    contents: list[Entry] = field(default_factory=list)
    _used: set[str] = field(default_factory=lambda: set(RESERVED))

    def read(self, tokens: Sequence[Token]) -> None:
        """Give every heading an anchor, in its opening and closing token."""
        for opened, inline, closed in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if opened.type != "heading_open":
                continue
            text = " ".join(self.text_of(inline).split())
            anchor = self._new_anchor(text)
            opened.attrs["id"] = anchor
            closed.meta = {**closed.meta, "anchor": anchor}
            level = int(opened.tag[1:])
            if opened.level == 0 and text and level <= DEEPEST and len(self.contents) < MAX_ENTRIES:
                self.contents.append(Entry(level, anchor, text))

    def _new_anchor(self, text: str) -> str:
        """An anchor as GitHub makes it, which no other heading has."""
        base = _DROPPED.sub("", text.lower()).strip().replace(" ", "-")[:_MAX_ANCHOR] or "section"
        anchor, number = base, 0
        while anchor in self._used:
            number += 1
            anchor = f"{base}-{number}"
        self._used.add(anchor)
        return anchor

    @staticmethod
    def text_of(inline: Token) -> str:
        """The text of a heading without its syntax."""
        return "".join(
            Headings.text_of(each)
            if each.children
            else " "
            if each.type in ("softbreak", "hardbreak")
            else each.content
            for each in inline.children or []
        )
