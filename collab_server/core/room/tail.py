"""Merges of the updates after a document's snapshot. Each of them was found sound when it came."""

from collab_server.core.yjs.updates import diff, merge
from collab_server.errors import Malformed, Unavailable

GATHERED_BYTES = 65_536
"""Largest updates that `gathered` merges. Merging larger ones takes long; folding does it."""


def lacking(update: bytes, state_vector: bytes) -> bytes:
    """What a client with this state lacks of the update."""
    return update if state_vector == b"\0" else diff(update, state_vector)


def gathered(updates: list[bytes]) -> list[bytes]:
    """The same in the same order, neighbours merged where they are small together."""
    runs: list[list[bytes]] = []
    size = GATHERED_BYTES
    for update in updates:
        size += len(update)
        if size > GATHERED_BYTES:
            runs.append([])
            size = len(update)
        runs[-1].append(update)
    found: list[bytes] = []
    for run in runs:
        try:
            found.append(run[0] if len(run) == 1 else merge(run))
        except Malformed:
            found += run
    return found


def together(updates: list[bytes]) -> bytes:
    """Merged. What fails here is no fault of whoever asks: each update was found sound when it came."""
    try:
        return merge(updates)
    except Malformed as error:
        raise Unavailable(f"the document cannot be put together: {error.detail}") from error
