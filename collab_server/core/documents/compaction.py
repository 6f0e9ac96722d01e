"""Compacts a document's log: one snapshot of the last snapshot and all updates after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collab_server.core.documents.loading import Document, load
from collab_server.core.documents.projection import Projection, project_document
from collab_server.core.yjs import tree
from collab_server.core.yjs.hide_contents import restore_contents
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.updates import encode_state_vector, merge
from collab_server.errors import Malformed

PORTION: Final = 20_000
"""Updates merged at once: a Doc joins consecutive typed characters at quadratic cost."""


@dataclass(frozen=True, slots=True)
class MergedLog:
    """A document with its encoding.

    `document`: the integrated part. `snapshot`: an update with the integrated and the pending part. `state_vector`: of
    the integrated part. `pending`: something waits for a missing update.
    """

    document: Document
    snapshot: bytes
    state_vector: bytes
    pending: bool


@dataclass(frozen=True, slots=True)
class CompactedDocument:
    """A new snapshot of a document, with the document's content.

    `snapshot`: an update with the integrated and the pending part. `state_vector`: encoded, of the integrated part
    alone, so that a server with this state vector asks for the missing updates. `pending`: something waits for a
    missing update.
    """

    snapshot: bytes
    state_vector: bytes
    projection: Projection
    pending: bool


def compact(snapshot: bytes | None, updates: Sequence[bytes]) -> CompactedDocument:
    """Compact validated updates, in any order and also repeated ones, into the snapshot.

    Raises Malformed if the bytes cannot be read.
    """
    merged = merge_log(snapshot, updates)
    return CompactedDocument(merged.snapshot, merged.state_vector, project_document(merged.document), merged.pending)


def merge_log(snapshot: bytes | None, updates: Sequence[bytes]) -> MergedLog:
    """Merge and load validated updates; if nothing is pending, deleted content is removed from the snapshot.

    Raises Malformed if the bytes cannot be read.
    """
    while len(updates) > PORTION:
        snapshot, updates = merge_log(snapshot, updates[:PORTION]).snapshot, updates[PORTION:]
    merged = merge([snapshot, *updates] if snapshot else updates)
    document = load(merged)
    if isinstance(document, tree.Tree):
        return MergedLog(document, merged, encode_state_vector(document.clocks), document.pending)
    collected = restore_contents(document.get_update())
    # The Doc's encoding is smaller after deletions, and larger if many runs were split.
    if len(collected) < len(merged) and _has_same_clocks(collected, merged):
        merged = collected
    return MergedLog(document, merged, document.get_state(), pending=False)


def remove_deleted(update: bytes) -> bytes:
    """Return a validated update without its deleted content, also where this makes it larger. It stays as it is if
    something in it waits for a missing update. Raises Malformed if the bytes cannot be read.
    """
    document = load(update)
    if isinstance(document, tree.Tree):
        return update
    collected = restore_contents(document.get_update())
    return collected if _has_same_clocks(collected, update) else update


def _has_same_clocks(collected: bytes, update: bytes) -> bool:
    try:
        return sorted(inspect(collected).structs) == sorted(inspect(update).structs)
    except Malformed:
        return False
