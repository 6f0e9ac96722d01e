"""What needs a whole document: folding its log and reading its content. Pure functions on bytes, run in a worker."""

from collections.abc import Sequence
from dataclasses import dataclass

from collab_server.crdt import folding
from collab_server.crdt.roots import MAX_CONTENT_BYTES, Projection, project_document

__all__ = ["Folded", "Projection", "fold", "project"]


@dataclass(frozen=True, slots=True)
class Folded:
    """`snapshot`: an update with all that was ever in the document, also what is pending.

    `state_vector`: encoded, of the integrated part alone, so a server that sends it asks for what is missing.
    `pending`: something waits for an update that has not come.
    """

    snapshot: bytes
    state_vector: bytes
    projection: Projection
    pending: bool


def fold(snapshot: bytes | None, updates: Sequence[bytes]) -> Folded:
    """One snapshot of the document's last snapshot and the updates after it, in any order, repeated or not.

    All validated. Raises Malformed if pycrdt cannot read one, and then changes nothing.
    """
    condensed = folding.condense(snapshot, updates)
    return Folded(condensed.snapshot, condensed.state_vector, project_document(condensed.document), condensed.pending)


def project(update: bytes, limit: int = MAX_CONTENT_BYTES) -> Projection:
    """The content of a document's encoding (validated), without what is pending; at most `limit` bytes.

    Raises Malformed if it is not one.
    """
    return project_document(folding.load(update), limit)
