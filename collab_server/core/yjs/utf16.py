"""Lengths and positions in UTF-16 code units, the unit of Yjs and JavaScript.

Python counts code points: a character outside the BMP is one code point and two UTF-16 code units.
"""

from array import array


def length(text: str) -> int:
    """The number of UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) >> 1


def length_of_utf8(encoded: bytes) -> int:
    """The number of UTF-16 code units of text in UTF-8. Raises UnicodeDecodeError."""
    return len(encoded) if encoded.isascii() else len(encoded.decode().encode("utf-16-le")) >> 1


def split(text: str, offset: int) -> tuple[str, str]:
    """The parts before and after an offset in code units; a surrogate pair cut in two becomes two U+FFFD, as in Yjs."""
    if text.isascii():
        return text[:offset], text[offset:]
    encoded = text.encode("utf-16-le")
    return encoded[: offset * 2].decode("utf-16-le", "replace"), encoded[offset * 2 :].decode("utf-16-le", "replace")


def count_characters(text: str, offset: int) -> int:
    """The number of code points before an offset in code units."""
    return min(offset, len(text)) if text.isascii() else len(_prefix(text, offset).decode("utf-16-le", "ignore"))


def to_code_points(text: str, offset: int) -> int:
    """Convert an offset in code units to one in code points.

    Raises IndexError beyond the end, and UnicodeDecodeError within a surrogate pair.
    """
    if text.isascii():
        if offset > len(text):
            raise IndexError(offset)
        return offset
    prefix = _prefix(text, offset)
    if len(prefix) < offset * 2:
        raise IndexError(offset)
    return len(prefix.decode("utf-16-le"))


def replace_lone_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair by U+FFFD, because UTF-8 cannot encode it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_units(text: str) -> str:
    """The text with each half of a surrogate pair as a character of its own."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    return "".join(map(chr, array("H", text.encode("utf-16-le", "surrogatepass"))))


def from_units(units: str) -> str:
    """The text of `to_units`. Half a pair becomes U+FFFD."""
    return units if units.isascii() else units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _prefix(text: str, offset: int) -> bytes:
    return text.encode("utf-16-le")[: offset * 2]
