"""File names for all systems. Pure."""

import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 150
"""Maximum size of a name without its extension: file systems take 255 bytes, and archivers add to the name."""

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+')
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE
)
"""Names of devices in Windows, with any extension."""


def make_safe_name(title: str) -> str:
    """The title as a name without extension: never empty, hidden, a path, a device, or too long."""
    name = _FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
    name = " ".join(name.split()).strip(". ")
    while len(name.encode()) > MAX_BYTES:
        name = name[:-1]
    name = name.strip(". ") or "Untitled"
    # Windows checks the part before the first dot: `COM1.txt_` is a device too.
    stem, dot, rest = name.partition(".")
    return f"{stem.rstrip()}_{dot}{rest}" if _RESERVED.fullmatch(stem.rstrip()) else name


class Names:
    """Unique paths in an archive, regardless of case and accents."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def unique(self, stem: str, ending: str = "") -> str:
        """The stem with its ending, or with a number between them: `Plan`, `Plan (2)`, `Plan (2).png`."""
        key = _fold(stem + ending)
        candidate, number = stem + ending, self._next.get(key, 2)
        while _fold(candidate) in self._taken:
            candidate = f"{stem} ({number}){ending}"
            number += 1
        self._next[key] = number
        self._taken.add(_fold(candidate))
        return candidate


def _fold(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
