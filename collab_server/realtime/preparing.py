"""What takes long to work out from a large document is worked out by a worker, so that nobody's edits wait for it.

One at a time, persons in turn: each hands the whole document over, and many clients who come back want the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collab_server.backends.workers import WHOLE_DOCUMENT_SECONDS
from collab_server.crdt import updates
from collab_server.crdt.pieces import Piece, taken_apart
from collab_server.crdt.updates import UpdateSummary
from collab_server.realtime.live import LiveDocument

if TYPE_CHECKING:
    from collab_server.realtime.hub import Hub

ATTEMPTS = 3


async def prepare_answer(hub: Hub, document: LiveDocument, state_vector: bytes) -> None:
    """Have the document loaded, and at hand what its answer to this (well-formed) state vector needs.

    Raises NotFound, Unavailable.
    """
    for _ in range(ATTEMPTS):
        await hub.load(document)
        if document.room.undiffed(state_vector) is None:
            return
        async with hub.preparing.place():
            # Somebody before us may have asked the same.
            while (part := document.room.undiffed(state_vector)) is not None:
                lacking = await hub.workers.run(updates.diff, part, state_vector)
                document.room.diffed(part, state_vector, lacking)
    await hub.load(document)


async def answer_from(hub: Hub, document: LiveDocument, state_vector: bytes) -> bytes:
    """What a client with this state lacks, worked out by a worker from beginning to end: for large state vectors.

    Raises Malformed, NotFound, Unavailable.
    """
    await hub.load(document)
    async with hub.preparing.place():
        return await hub.workers.run(updates.lacking, document.room.parts(), state_vector)


async def take_apart(hub: Hub, document: LiveDocument, update: bytes) -> list[Piece]:
    """What of a very large update from outside is news for the document, validated, in pieces.

    Raises Malformed, TooMuchWork, Unavailable, and TooLarge where the document has no room for all of them.
    """
    clocks = dict(document.room.clocks)
    async with hub.preparing.place():
        pieces = await hub.workers.run_within(WHOLE_DOCUMENT_SECONDS, taken_apart, update, clocks)
    if any(summary.structs for _, summary in pieces):
        document.room.check_space(sum(len(piece) for piece, _ in pieces))
    return pieces


async def prepare_comparison(hub: Hub, document: LiveDocument, summary: UpdateSummary) -> None:
    """Have at hand what tells whether the deletes of an update are known. Raises Unavailable."""
    if document.room.unread_deletes(summary) is None:
        return
    async with hub.preparing.place():
        if (parts := document.room.unread_deletes(summary)) is not None:
            document.room.deletes_read(await hub.workers.run(updates.deletes_of, parts))
