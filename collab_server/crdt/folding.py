"""Folds a snapshot and the updates after it into one snapshot from which nothing is missing."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pycrdt

from collab_server.crdt import tree
from collab_server.crdt import updates as encoded
from collab_server.crdt.masking import mask, unmask
from collab_server.crdt.structs import STRING, Id, StructReader
from collab_server.errors import Malformed

PORTION: Final = 20_000
"""A Doc joins the pieces of what was typed in a row at a cost that grows with the square of their number."""

_SURROGATE_PAIR: Final = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
"""UTF-8 of a character that is two UTF-16 code units, and thus two clocks."""


Doc = pycrdt.Doc[pycrdt.Text]
Document = Doc | tree.Tree


@dataclass(frozen=True, slots=True)
class Condensed:
    """`document`: what could be integrated. `snapshot`: that and what is pending. `state_vector`: of the former."""

    document: Document
    snapshot: bytes
    state_vector: bytes
    pending: bool


def condense(snapshot: bytes | None, updates: Sequence[bytes]) -> Condensed:
    """Merge all, load it, and let a Doc collect deleted content if nothing is pending. All validated.

    Raises Malformed where the bytes cannot be read.
    """
    while len(updates) > PORTION:
        snapshot, updates = condense(snapshot, updates[:PORTION]).snapshot, updates[PORTION:]
    merged = encoded.merge([snapshot, *updates] if snapshot else updates)
    document = load(merged)
    if isinstance(document, tree.Tree):
        return Condensed(document, merged, encoded.encode_state_vector(document.clocks), document.pending)
    collected = unmask(document.get_update())
    # The Doc's encoding is smaller where content was deleted, and larger where many runs were cut in pieces.
    if len(collected) < len(merged) and _has_same_clocks(collected, merged):
        merged = collected
    return Condensed(document, merged, document.get_state(), pending=False)


def load(update: bytes) -> Document:
    """What can be integrated of a validated update: a Doc where that is the document that Yjs makes of it, else a Tree.

    It is not where characters are cut in two; where something is pending, as pycrdt integrates what stands behind a gap
    but does not depend on it; and where pycrdt fails: at an item whose parent is no shared type, which Yjs collects.
    Raises Malformed.
    """
    if not cuts_surrogate_pairs(update):
        doc: Doc = pycrdt.Doc()
        with suppress(Malformed, RuntimeError):
            encoded.ask_pycrdt(doc.apply_update, mask(update))
            if not is_pending(update, doc.get_state()):
                return doc
    return tree.read(update)


def is_pending(update: bytes, state_vector: bytes) -> bool:
    """Whether the update has structs, or deletes, of clocks beyond this state, which is its integrated part."""
    rest = encoded.inspect(encoded.diff(update, state_vector))
    if rest.structs:
        return True
    known = encoded.decode_state_vector(state_vector)
    return any(end > known.get(client, 0) for client, _, end in rest.deletes)


def cuts_surrogate_pairs(update: bytes) -> bool:
    """Whether anything was inserted into, or deleted of, a character that takes two clocks.

    An editor does so that replaces an emoji by its neighbour and compares UTF-16 code units. Yjs puts U+FFFD for both
    halves. pycrdt keeps the character on one side and writes structs of length 0, or moves the clocks behind it or the
    half itself: what its Doc writes then is another document.
    """
    if not _SURROGATE_PAIR.search(update):
        return False
    reader = StructReader(update)
    structs = reader.structs()
    inside: set[Id] = set()
    cuts: set[Id] = set()
    for client, start, end in reader.deletes():
        cuts.add((client, start))
        cuts.add((client, end))
    for client, items in structs.items():
        for item in items:
            if item.origin is not None:
                cuts.add((item.origin[0], item.origin[1] + 1))
            if item.right_origin is not None:
                cuts.add(item.right_origin)
            if item.kind == STRING and len(item.content) != item.length:
                clock = item.clock
                for character in item.content:
                    clock += 1
                    if character > "\uffff":
                        inside.add((client, clock))
                        clock += 1
    return not inside.isdisjoint(cuts)


def _has_same_clocks(collected: bytes, update: bytes) -> bool:
    try:
        return sorted(encoded.inspect(collected).structs) == sorted(encoded.inspect(update).structs)
    except Malformed:
        return False
