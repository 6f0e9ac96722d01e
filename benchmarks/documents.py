"""Updates that the load sends: typing, long inserts, and large documents of many edits."""

import functools

from pycrdt import Doc, Text

EDIT_CHARACTERS = 90
FILLER = "the quick brown fox jumps over the lazy dog and runs on, "


def recorded(client: int | None = None) -> tuple[Text, list[bytes]]:
    """The text of a new document, by this Yjs client or any, and the updates that editing it makes."""
    doc: Doc[Text] = Doc(client_id=client)
    text = doc.get("content", type=Text)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    return text, updates


@functools.cache
def keystrokes(count: int, first: int, filler: int = 0) -> tuple[bytes, ...]:
    """Updates of one author who appends `count` marks, numbered from `first`; or, each with `filler` more characters,
    inserts them at the beginning: at the end of so long a text pycrdt would take tens of milliseconds for each.
    """
    text, updates = recorded()
    for number in range(first, first + count):
        if filler:
            text.insert(0, f"$m{number:07d}{'.' * filler}")
        else:
            text += f"$m{number:07d}"
    return tuple(updates)


@functools.cache
def document_pieces(size: int, piece: int = 1_000_000) -> tuple[bytes, ...]:
    """A document of about `size` encoded bytes and one edit in each 110, as updates of up to `piece` bytes.

    Each piece ends with a mark: who has all marks has the last byte of each. Every edit goes before the one before it,
    so that no server can melt them into one.
    """
    text, updates = recorded()
    each = EDIT_CHARACTERS + 20
    line = (FILLER * 2)[:EDIT_CHARACTERS]
    for number in range(max(1, size // piece)):
        with text.doc.transaction():
            for _ in range(min(size, piece) // each):
                text.insert(0, line)
            text.insert(0, f"$m{number:07d}")
    return tuple(updates)


@functools.cache
def written_at_the_end(size: int, author: int, first: int, count: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """A text of `size` bytes that one author has written from its beginning to its end, as updates; and the updates of
    the `count` marks that the same author goes on to type, numbered from `first`.

    In Yjs such a text is one long item, to which each keystroke adds. Each of the text's updates ends with a mark.
    """
    text, updates = recorded(author)
    piece = max(1, min(size, 100_000) // len(FILLER))
    for _ in range(size // (piece * len(FILLER))):
        text += f"{FILLER * piece}$m9999999"
    written = tuple(updates)
    for number in range(first, first + count):
        text += f"$m{number:07d}"
    return written, tuple(updates[len(written) :])


@functools.cache
def document_with_keystrokes(size: int, first: int, count: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """`document_pieces(size)`, and the updates of another author who types marks at its end, numbered from `first`."""
    pieces = document_pieces(size, min(size, 1_000_000))
    text, updates = recorded()
    for piece in pieces:
        text.doc.apply_update(piece)
    before = len(updates)
    for number in range(first, first + count):
        text += f"$m{number:07d}"
    return pieces, tuple(updates[before:])
