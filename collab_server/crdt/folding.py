"""Folds a snapshot and the updates after it into one snapshot from which nothing is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import pycrdt

from collab_server.crdt import updates as encoded
from collab_server.errors import Malformed


@dataclass(frozen=True, slots=True)
class Condensed:
    """`doc`: what could be integrated. `snapshot`: that and what is pending. `state_vector`: of the integrated part."""

    doc: pycrdt.Doc[pycrdt.Text]
    snapshot: bytes
    state_vector: bytes
    pending: bool


def condense(snapshot: bytes | None, updates: Sequence[bytes]) -> Condensed:
    """Merge all, load it, and let the Doc collect deleted content if nothing is pending.

    Raises Malformed where pycrdt cannot read the bytes.
    """
    merged = encoded.merge([snapshot, *updates] if snapshot else updates)
    doc = load(merged)
    state_vector = doc.get_state()
    pending = is_pending(merged, state_vector)
    if not pending:
        collected = doc.get_update()
        # The Doc's encoding is smaller where content was deleted, and larger where many runs were cut in pieces.
        if len(collected) < len(merged) and _same_state(collected, state_vector):
            merged = collected
    return Condensed(doc, merged, state_vector, pending)


def load(update: bytes) -> pycrdt.Doc[pycrdt.Text]:
    """A Doc with this validated update applied. Raises Malformed."""
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    try:
        doc.apply_update(update)
    except ValueError as error:
        raise Malformed(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Malformed(f"pycrdt panicked: {error}") from None
    return doc


def is_pending(update: bytes, state_vector: bytes) -> bool:
    """Whether the update has structs, or deletes, of clocks beyond this state, which is its integrated part."""
    rest = encoded.inspect(encoded.diff(update, state_vector))
    if rest.structs:
        return True
    known = encoded.decode_state_vector(state_vector)
    return any(end > known.get(client, 0) for client, _, end in rest.deletes)


def _same_state(update: bytes, state_vector: bytes) -> bool:
    return encoded.decode_state_vector(encoded.state_vector(update)) == encoded.decode_state_vector(state_vector)
