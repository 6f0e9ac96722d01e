"""Replaces a document by a fresh copy of the same content, without what was deleted."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import Conflict, NotFound, UnprocessableContent
from collab_server.features.comments.anchoring import carry_over_anchors
from collab_server.features.document_log import generation_queries, generations, store
from collab_server.features.history.reading import read_history
from collab_server.features.suggestions.carrying_over import carry_suggestions_over
from collab_server.web.rooms import Rooms

LEAST_GAIN = 2
"""A document is replaced if its copy is at most one part in so many of its size."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """generation: the new one. seq: its last row. bytes_before, bytes_after: of the document as clients load it."""

    generation: int
    seq: int
    bytes_before: int
    bytes_after: int


async def compact_history(
    db: Database, rooms: Rooms, workers: Workers, user_id: UUID | None, document_id: UUID
) -> Compacted:
    """Replace a document whose deletions weigh more than its content. Nobody can edit it meanwhile; the edits of who
    has it open are carried over. The caller checks rights.

    Raises NotFound, Conflict (there is too little to gain), UnprocessableContent, LostRace, TooLarge, TooMany,
    TooMuchWork, DocumentDamaged, Unavailable.
    """
    await rooms.settle(document_id)
    async with db.as_service() as conn, conn.transaction():
        generation = await generation_queries.lock_document(conn, document_id)
        if generation is None:
            raise NotFound(ABSENT)
        folded = await store.fold(db, workers, document_id, locked=conn)
        if not folded.has_text:
            raise UnprocessableContent("this document is encrypted: its owner's device has its content")
        history = await read_history(db, document_id)
        former = folded.stored
        copy = await generations.make_copy(workers, history.stored, former.seq)
        before, after = len(former.snapshot), len(copy.update)
        if after * LEAST_GAIN > before:
            raise Conflict(
                f"the deletions of this document weigh less than its content: it has {before} bytes, and a copy would "
                f"have {after}"
            )
        await generations.replace_document(conn, document_id, generation, former, copy, user_id)
        await carry_suggestions_over(conn, workers, document_id, former.snapshot, copy.update, generation + 1)
        last_seq = copy.segment.last_seq
        await carry_over_anchors(conn, workers, document_id, former.snapshot, copy.update, generation + 1, last_seq)
    rooms.end_generation(document_id)
    return Compacted(generation + 1, last_seq, before, after)
