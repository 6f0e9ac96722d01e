"""Sentences about omissions and changes of an import. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

MOST_NAMES: Final = 20
"""Names in one note; of the others their number."""
_MOST_CHARACTERS: Final = 80
_INLINE: Final = re.compile(r"\]\(")
_ADDRESS: Final = re.compile(r"[ \t]{0,9}(?:<([^>\n]{1,500})>|([^)\s]{1,500}))")
_EMBEDDED: Final = re.compile(r"!\[\[([^\[\]|#\n]{1,300})")
_TAG: Final = re.compile(r"<img\s[^<>]{0,500}?src\s?=\s?[\"']([^\"'<>]{1,500})", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"(?:https?:|data:|mailto:|//)", re.IGNORECASE)
_FENCED: Final = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_IN_CODE: Final = re.compile(r"(?<!`)(`{1,9})(?!`)[^`\n]{1,500}\1(?!`)")


def count(count: int, one: str, more: str = "") -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def note_left_out(names: Sequence[str], one: str, more: str = "") -> str:
    """Return a sentence such as `2 pictures were left out: a.png, b.png`; '' for none."""
    if not names:
        return ""
    verb = "was" if len(names) == 1 else "were"
    return f"{count(len(names), one, more)} {verb} left out: {list_some(names)}"


def list_some(names: Sequence[str]) -> str:
    """The names, at most MOST_NAMES of them, each on one line and not too long."""
    shown = ", ".join(_short(name) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def note_pictures(text: str) -> Iterator[str]:
    """Return a note about pictures in files beside a Markdown text, or ''."""
    names = list(dict.fromkeys(_beside(_IN_CODE.sub("", _FENCED.sub("", text)))))
    if names:
        one, more = (
            "picture that the text shows from a file beside it",
            "pictures that the text shows from files beside it",
        )
        yield note_left_out(names, one, more)


def _beside(text: str) -> Iterator[str]:
    for found in _INLINE.finditer(text):
        begin = text.rfind("[", max(0, found.start() - 500), found.start())
        if begin > 0 and text[begin - 1] == "!":
            address = _ADDRESS.match(text, found.end())
            if address is not None and not _ELSEWHERE.match(address[1] or address[2]):
                yield unquote(address[1] or address[2])
    for found in _EMBEDDED.finditer(text):
        # Obsidian embeds notes in the same way, without an extension.
        if PurePosixPath(found[1].strip()).suffix.lower() not in ("", ".md"):
            yield found[1].strip()
    for found in _TAG.finditer(text):
        if not _ELSEWHERE.match(found[1]):
            yield unquote(found[1])


def _short(name: str) -> str:
    name = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    name = " ".join(name.split()) or "without a name"
    return name if len(name) <= _MOST_CHARACTERS else name[: _MOST_CHARACTERS - 1] + "…"


def drop_empty(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct non-empty notes."""
    return tuple(dict.fromkeys(note for note in notes if note))
