"""Detection of encodings older than UTF-8, by the decoded characters. Pure.

Nearly all bytes can be decoded in several encodings. A wrong one gives unusual characters: rare ideographs, half-width
katakana, box drawings, capitals within words.
"""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

MOST: Final = 16_384
"""Maximum number of examined bytes."""
_DOUBTFUL: Final = 0.3
_KOREAN_CHARACTERS: Final = 6
"""So many different ones, all of them common syllables, are Korean: Chinese would have some beyond."""


def guess_name_encoding(names: Sequence[bytes]) -> str:
    """Guess the encoding of names in a zip without UTF-8. The default of the format is 'cp437'."""
    return _guess(b"\n".join(names), ("gbk", "cp932", "cp949", "big5", "cp437", "cp850", "cp866", "cp1252"), "cp437")


def guess_text_encoding(text: bytes) -> str:
    """Guess the encoding of a text without UTF-8. The default is 'cp1252', the most frequent one."""
    return _guess(text, ("cp1252", "gbk", "cp932", "cp949", "big5", "cp1251"), "cp1252")


def _guess(sample: bytes, candidates: Sequence[str], default: str) -> str:
    # An undecodable byte, such as one at the cut, counts as one doubtful character.
    scores = {encoding: _score(sample[:MOST].decode(encoding, "replace"), encoding) for encoding in candidates}
    best = max(candidates, key=lambda encoding: scores[encoding])  # the first of equals
    return best if scores[best] > _DOUBTFUL else default


def _score(text: str, encoding: str) -> float:
    """How likely the characters beyond ASCII are, on average: 1 for such as are written often."""
    likely = _LIKELY.get(encoding)
    scores = []
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if character.isascii():
            continue
        score = likely(character) if likely else _in_a_word(before, character, after, encoding)
        # Words of ASCII letters have other Latin letters within, and none of other scripts.
        if encoding not in _LATIN and any(_is_ascii_letter(beside) for beside in (before, after)):
            score = min(score, 0.0)
        scores.append(score)
    if not scores:
        return 0.0
    if encoding == "cp949" and min(scores) == 1.0 and len({c for c in text if not c.isascii()}) >= _KOREAN_CHARACTERS:
        return 1.1
    return sum(scores) / len(scores)


def _bytes(character: str, encoding: str) -> bytes:
    return character.encode(encoding, "replace")


def _chinese(character: str) -> float:
    code = _bytes(character, "gb2312")
    if len(code) < 2:
        return -1.0
    return 1.0 if 0xB0 <= code[0] <= 0xD7 else 0.5 if code[0] > 0xD7 else 0.6


def _traditional(character: str) -> float:
    code = _bytes(character, "big5")
    if len(code) < 2:
        return -1.0
    return 0.95 if 0xA4 <= code[0] <= 0xC6 else 0.3 if code[0] > 0xC6 else 0.6


def _japanese(character: str) -> float:
    if "\uff61" <= character <= "\uff9f":
        return -0.8
    if "\u3040" <= character <= "\u30ff":
        return 1.05
    code = _bytes(character, "cp932")
    if len(code) < 2:
        return -1.0
    return 0.8 if 0x88 <= code[0] <= 0x98 else 0.6 if code[0] <= 0x84 else 0.1


def _korean(character: str) -> float:
    if "\uac00" <= character <= "\ud7a3":
        return 1.0 if len(_bytes(character, "euc_kr")) == 2 else -1.0
    return 0.3 if unicodedata.category(character)[0] in "PSZ" else -0.5


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _in_a_word(before: str, character: str, after: str, encoding: str) -> float:
    """Return whether a character of a single-byte encoding is a letter."""
    script = "LATIN" if encoding in _LATIN else "CYRILLIC"
    if not character.isalpha() or not unicodedata.name(character, "").startswith(script):
        return 0.5 if character in _BESIDE_WORDS and encoding.startswith("cp125") else -1.0
    if after == "\\":
        return -0.6  # the second byte of a character of Japan or China, rather than a folder
    if not before.isalpha() and not after.isalpha():
        return 0.5
    if character.isupper() and (before.islower() or (before.isalpha() and after.islower())):
        return -0.6
    if script == "LATIN" and not before.isascii() and before.isalpha():
        return 0.5
    if script == "CYRILLIC" and character.isupper():
        return 0.7 if before.isalpha() else 1.0
    return 1.0


_BESIDE_WORDS: Final = "\u2013\u2014\u2018\u2019\u201c\u201d\u201e\xab\xbb\u2026\u20ac\xb0\xa7\u2116\xb7\xd7\xa0"
"""Dashes, quotation marks and other frequent signs."""
_LATIN: Final = ("cp437", "cp850", "cp1252")
_LIKELY: Final[dict[str, Callable[[str], float]]] = {
    "gbk": _chinese,
    "big5": _traditional,
    "cp932": _japanese,
    "cp949": _korean,
}
