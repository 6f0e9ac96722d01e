"""File names of attachments: cleaned for storage and display, and written into a Content-Disposition header. Pure."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

MAX_BYTES: Final = 255
"""Longest name in bytes of UTF-8: the limit of Linux, macOS and most other file systems."""
MAX_EXTENSION_BYTES: Final = 32
"""Longest extension that is kept when a name is cut, in bytes with its dot."""

NAMELESS: Final = "file"
"""The name of a file without one."""

_JOINERS: Final = "\u200c\u200d"
"""Format characters that are kept: Persian words and emoji need them."""
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])\s*(?:\.|\Z)",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(r"[/\\]")
_UNSAFE_IN_FALLBACK: Final = re.compile(r'[^ -~]|["%\\]')
_ATTRIBUTE_CHARACTERS: Final = "!#$&+-.^_`|~"
"""Characters that RFC 8187 allows unescaped, beside letters and digits."""


def clean_file_name(name: str) -> str:
    """Return the last part of a path as a safe file name in Unicode NFC, of 1 to MAX_BYTES bytes of UTF-8.

    The result has no path separators, control characters, bidirectional or other invisible format characters, no white
    space at its ends, no dot at its end, and no device name of Windows. A long name loses the end of its stem, not its
    extension. Cleaning a clean name changes nothing.
    """
    visible = unicodedata.normalize("NFC", "".join(map(_replace_invisible, name)))
    parts = [" ".join(part.split()).rstrip(" .") for part in _SEPARATOR.split(visible)]
    cleaned = next((part for part in reversed(parts) if part.strip(_JOINERS)), NAMELESS)
    if _RESERVED.match(cleaned):
        cleaned = f"_{cleaned}"
    return _cut(cleaned)


def content_disposition(name: str, *, inline: bool) -> str:
    """Return the value of a Content-Disposition header by RFC 6266, of printable ASCII characters.

    The name is cleaned first. A name that is not plain ASCII is given twice: as a fallback with underscores, and
    exactly by RFC 8187.
    """
    cleaned = clean_file_name(name)
    fallback = _UNSAFE_IN_FALLBACK.sub("_", _drop_accents(cleaned))
    header = f'{"inline" if inline else "attachment"}; filename="{fallback}"'
    if fallback == cleaned:
        return header
    return f"{header}; filename*=UTF-8''{quote(cleaned, safe=_ATTRIBUTE_CHARACTERS)}"


def _replace_invisible(character: str) -> str:
    if character.isspace():
        return " "
    # Other, but neither unassigned nor private: control, format, surrogate.
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _JOINERS else character


def _cut(name: str) -> str:
    """Return the name in at most MAX_BYTES bytes, with its extension if that is not too long itself."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, last = name.rpartition(".")
    extension = dot + last
    if not stem or len(extension.encode()) > MAX_EXTENSION_BYTES:
        stem, extension = name, ""
    room = MAX_BYTES - len(extension.encode())
    kept = stem.encode()[:room].decode(errors="ignore")
    return kept.rstrip(" .") + extension


def _drop_accents(name: str) -> str:
    """Return the name with letters in place of accented letters: `é` becomes `e`."""
    return "".join(each for each in unicodedata.normalize("NFD", name) if not unicodedata.combining(each))
