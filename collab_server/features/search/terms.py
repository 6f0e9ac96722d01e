"""Parsing of search queries."""

import re
import unicodedata
from dataclasses import dataclass

from collab_server.errors import UnprocessableContent

LEAST_BEGINNING = 3
"""Minimum length of an incomplete last word; two for the last part of a compound."""

_WORDS = re.compile(r'-?"[^"]*"?|[^\s"]+')
_SOMETHING = re.compile(r"[^\W_]")
_LAST = re.compile(rf"(?:^|(?<=\s))(?:[^\W_]{{{LEAST_BEGINNING},}}|(?=[^\W_])[^\s\"]+(?<![^\W_])[^\W_]{{2,}})$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Terms:
    """`text`: in the syntax of websearch_to_tsquery ("phrase", or, -not), without the `last` word if that may be
    incomplete.
    """

    text: str
    last: str | None


def read(typed: str) -> Terms:
    """Parse a query. Raises UnprocessableContent for a query without words to look for."""
    typed = unicodedata.normalize("NFC", typed.strip())
    words = [word for word in _WORDS.findall(typed) if not word.startswith("-")]
    if not any(_SOMETHING.search(word) and word.lower() != "or" for word in words):
        raise UnprocessableContent("the query has no word to search for")
    last = _LAST.search(typed)
    if last is None or typed.count('"') % 2 or last[0].lower() == "or" or _UNSPACED.search(last[0]):
        return Terms(typed, None)
    before = typed[: last.start()].rstrip()
    if re.search(r"(?:^|\s)or$", before, re.IGNORECASE):
        return Terms(typed, None)
    return Terms(before, last[0].lower())
