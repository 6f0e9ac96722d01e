"""Links of Markdown to files beside it, also as Obsidian and web pages write them. Pure.

Code is left alone. What is found is what can be replaced.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import unquote

PICTURES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".ico"}
)
_DESTINATION: Final = r"(?:<(?P<{0}>[^<>\n]{{1,500}})>|(?P<{1}>(?:[^()\s<\\]|\\.|\([^()\s]{{0,200}}\)){{1,500}}))"
_INLINE: Final = re.compile(r"\]\([ \t]{0,9}" + _DESTINATION.format("a", "b"))
_DEFINITION: Final = re.compile(r"^ {0,3}\[[^\[\]\n]{1,300}\]:[ \t]{0,9}" + _DESTINATION.format("a", "b"), re.MULTILINE)
_WIKI: Final = re.compile(
    r"(?P<sign>!?)\[\[(?P<name>[^\[\]|#\n]{1,300})(?:#[^\[\]|\n]{0,300})?(?:\|(?P<words>[^\[\]\n]{0,300}))?\]\]"
)
_TAG: Final = re.compile(r"<img\s[^<>]{0,500}?src\s?=\s?[\"'](?P<a>[^\"'<>]{1,500})[\"'][^<>]{0,500}>", re.IGNORECASE)
_ALTERNATIVE: Final = re.compile(r"\salt\s?=\s?[\"']([^\"'<>]{0,500})", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]+:|//|#", re.IGNORECASE)
_FENCED: Final = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_IN_CODE: Final = re.compile(r"(?<!`)(`{1,9})(?!`)[^`\n]{1,500}\1(?!`)")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_SIZE: Final = re.compile(r"\s*\d{1,5}(?:x\d{1,5})?\s*")
_BRACKETS: Final = re.compile(r"([\\\[\]])")


class Reference(NamedTuple):
    """`address`: decoded. `by_name`: a file of this name in any folder is meant. `shown`: as a picture."""

    address: str
    by_name: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class _Found:
    reference: Reference
    start: int
    end: int
    before: str = ""
    after: str = ""
    """What stands around the new address."""


def find_references(text: str) -> list[Reference]:
    """List the links of a text to files beside it, each once, in order."""
    return list(dict.fromkeys(found.reference for found in _find(text)))


def replace_references(text: str, addresses: Mapping[tuple[str, bool], str]) -> str:
    """Return the text with other addresses. `addresses`: by address and `by_name`; other links stay as they are."""
    pieces: list[str] = []
    at = 0
    for found in _find(text):
        address = addresses.get(found.reference[:2])
        if address is not None:
            pieces += (text[at : found.start], found.before, address, found.after)
            at = found.end
    return "".join(pieces) + text[at:]


def _find(text: str) -> Iterator[_Found]:
    """Yield what is outside of code and does not overlap, in order."""
    code = [found.span() for found in chain(_FENCED.finditer(text), _IN_CODE.finditer(text))]
    blank = bytearray(len(text) + 1)
    for start, end in code:
        blank[start:end] = b"\1" * (end - start)
    links = (_of_link(text, found) for found in chain(_INLINE.finditer(text), _DEFINITION.finditer(text)))
    others = chain(map(_of_wiki, _WIKI.finditer(text)), map(_of_tag, _TAG.finditer(text)))
    last = 0
    for found in sorted(chain(links, others), key=lambda each: each.start):
        if found.start >= last and not blank[found.start] and not _ELSEWHERE.match(found.reference.address):
            last = found.end
            yield found


def _of_link(text: str, found: re.Match[str]) -> _Found:
    start, end = found.span("a" if found["a"] is not None else "b")
    address = unquote(_ESCAPED.sub(r"\1", found["a"] or found["b"]))
    begin = text.rfind("[", max(0, found.start() - 500), found.start())
    shown = begin > 0 and text[begin - 1] == "!"
    return _Found(Reference(address, by_name=False, shown=shown), start, end)


def _of_wiki(found: re.Match[str]) -> _Found:
    name = found["name"].strip()
    is_picture = PurePosixPath(name).suffix.lower() in PICTURES
    words = found["words"]
    if words is None or _SIZE.fullmatch(words):
        words = PurePosixPath(name).name
    words = _BRACKETS.sub(r"\\\1", words)
    shown = bool(found["sign"]) and PurePosixPath(name).suffix.lower() not in ("", ".md")
    sign = "!" if found["sign"] and is_picture else ""
    return _Found(Reference(name, by_name=True, shown=shown), *found.span(), f"{sign}[{words}](", ")")


def _of_tag(found: re.Match[str]) -> _Found:
    alternative = _ALTERNATIVE.search(found[0])
    words = _BRACKETS.sub(r"\\\1", alternative[1]) if alternative else ""
    return _Found(Reference(unquote(found["a"]), by_name=False, shown=True), *found.span(), f"![{words}](", ")")
