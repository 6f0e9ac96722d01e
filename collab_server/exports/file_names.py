"""Names of files that every system takes, and the header that tells a browser one. Pure."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

MAX_BYTES: Final = 150
"""Of a name without its extension: file systems take 255, and archivers add to it."""

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+')
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE
)
"""What Windows takes for a device, whatever its extension."""
_NOT_TOKEN: Final = re.compile(r'[^\x20-\x7e]|["\\%]')


def safe_name(title: str) -> str:
    """The title as a name without extension: never empty, hidden, a path, a device, or too long."""
    name = _FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
    name = " ".join(name.split()).strip(". ")
    while len(name.encode()) > MAX_BYTES:
        name = name[:-1]
    name = name.strip(". ") or "Untitled"
    # Windows looks at what stands before the first dot: `COM1.txt_` is a device, too.
    stem, dot, rest = name.partition(".")
    return f"{stem.rstrip()}_{dot}{rest}" if _RESERVED.fullmatch(stem.rstrip()) else name


class Names:
    """Paths that no two files of an archive share, whatever a file system thinks of upper case and accents."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def unique(self, stem: str) -> str:
        """The stem, or with a number behind it: `Plan`, `Plan (2)`."""
        key = _folded(stem)
        candidate, number = stem, self._next.get(key, 2)
        while _folded(candidate) in self._taken:
            candidate = f"{stem} ({number})"
            number += 1
        self._next[key] = number
        self._taken.add(_folded(candidate))
        return candidate


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def attachment(name: str) -> str:
    """The Content-Disposition of a download (RFC 6266); the name in ASCII and, where that differs, by RFC 8187."""
    plain = _NOT_TOKEN.sub("_", name)
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"
