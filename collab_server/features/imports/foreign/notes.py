"""Sentences about omissions and changes of an import. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from collab_server.features.imports.foreign.relative_files import Reference

MOST_NAMES: Final = 20
"""Names in one note; of the others their number."""
_MOST_CHARACTERS: Final = 80


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


def note_pictures(references: Iterable[Reference]) -> str:
    """Return a note about pictures in files beside a Markdown text, or ''."""
    one, more = "picture that the text shows from a file beside it", "pictures that the text shows from files beside it"
    return note_left_out([each.address for each in references if each.shown], one, more)


def _short(name: str) -> str:
    name = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    name = " ".join(name.split()) or "without a name"
    return name if len(name) <= _MOST_CHARACTERS else name[: _MOST_CHARACTERS - 1] + "…"


def drop_empty(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct non-empty notes."""
    return tuple(dict.fromkeys(note for note in notes if note))
