"""Which texts are an emoji or a symbol, for reactions. Pure."""

import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 32

_SKIN: Final = "\U0001f3fb-\U0001f3ff"
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_KEYCAP: Final = re.compile("[0-9#*]\ufe0f?\u20e3")
_PART: Final = re.compile(f"(.)\ufe0f?[{_SKIN}]?\ufe0f?\u20e3?[\U000e0020-\U000e007f]*", re.DOTALL)
_JOINER: Final = "\u200d"
_OTHER_BASES: Final = frozenset("\u203c\u2049\u2139\u3030")
"""Emoji that Unicode counts as punctuation or letters."""
_NEW_EMOJI: Final = range(0x1F000, 0x1FB00)
"""Emoji of a Unicode version that this Python does not know yet are unassigned here."""


def is_emoji(text: str) -> bool:
    """Return whether the text is one emoji (with skin tones and joined parts) or one symbol that is not ASCII."""
    if not 1 <= len(text) <= MAX_CHARACTERS:
        return False
    if _FLAG.fullmatch(text) or _KEYCAP.fullmatch(text):
        return True
    return all(_is_part(part) for part in text.split(_JOINER))


def _is_part(part: str) -> bool:
    found = _PART.fullmatch(part)
    return found is not None and _is_base(found[1])


def _is_base(character: str) -> bool:
    if character.isascii():
        return False
    category = unicodedata.category(character)
    if category == "Cn":
        return ord(character) in _NEW_EMOJI
    return category in ("So", "Sm", "Sc") or character in _OTHER_BASES or re.match(f"[{_SKIN}]", character) is not None
