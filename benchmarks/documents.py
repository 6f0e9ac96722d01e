"""Updates that the load sends: typing, long inserts, and large documents of many edits."""

import functools

from pycrdt import Doc, Text

EDIT_CHARACTERS = 90
FILLER = "the quick brown fox jumps over the lazy dog and runs on, "


def _recorded() -> tuple[Text, list[bytes]]:
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    return text, updates


def keystrokes(count: int, first: int, filler: int = 0) -> list[bytes]:
    """Updates of one author who appends `count` marks, numbered from `first`, each with `filler` more characters."""
    text, updates = _recorded()
    for number in range(first, first + count):
        text += f"$m{number:07d}{'.' * filler}"
    return updates


@functools.cache
def document_pieces(size: int, piece: int = 1_000_000) -> tuple[bytes, ...]:
    """A document of about `size` encoded bytes and one edit in each 110, as updates of up to `piece` bytes.

    Each piece ends with a mark: who has all marks has the last byte of each. Every edit goes before the one before it,
    so that no server can melt them into one.
    """
    text, updates = _recorded()
    each = EDIT_CHARACTERS + 20
    line = (FILLER * 2)[:EDIT_CHARACTERS]
    for number in range(max(1, size // piece)):
        with text.doc.transaction():
            for _ in range(min(size, piece) // each):
                text.insert(0, line)
            text.insert(0, f"$m{number:07d}")
    return tuple(updates)
