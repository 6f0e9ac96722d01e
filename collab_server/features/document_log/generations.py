"""Generations of documents: a fresh copy takes a document's place, and edits of the former one are carried over."""

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.generations.carrying_over import CarriedOver, Seam, carry_over
from collab_server.core.generations.fresh_copy import FreshCopy, copy_fresh
from collab_server.core.history.stored_history import StoredHistory
from collab_server.core.room.entries import Stored
from collab_server.core.yjs.updates import EMPTY_UPDATE, decode_state_vector
from collab_server.errors import LostRace, StaleGeneration
from collab_server.features.document_log import generation_queries

ATTEMPTS = 3
"""How often edits are carried over again, because people typed meanwhile. Then they merge with what was typed."""


class Present(Protocol):
    """The current generation of a document that is open. revision: grows with each edit. parts: updates that are all of
    it. clients: its Yjs client ids.
    """

    def revision(self) -> int: ...
    def parts(self) -> Sequence[bytes]: ...
    def clients(self) -> Collection[int]: ...


_NOT_KEPT = "the document was replaced, and its former generation is not kept; load it again"


async def make_copy(workers: Workers, stored: StoredHistory, head: int) -> FreshCopy:
    """Copy the document of a history, up to row `head`, without what was deleted.

    Raises Malformed, TooMuchWork, UnprocessableContent, TooMany, Unavailable.
    """
    now = int(datetime.now(UTC).timestamp() * 1000)
    client = secrets.randbelow(2**31) + 1
    return await workers.run_within(WHOLE_DOCUMENT_SECONDS, copy_fresh, stored, client, head, now)


async def replace_document(
    conn: Conn,
    document_id: UUID,
    generation: int,
    former: Stored,
    copy: FreshCopy,
    user_id: UUID | None,
) -> None:
    """Let a copy take the place of a document that is folded and locked. Raises LostRace if it is not."""
    clients = list(decode_state_vector(former.state_vector))
    if not await generation_queries.replace_document(conn, document_id, generation, former, copy, clients, user_id):
        raise LostRace("the document was edited or replaced at this moment; try again")


async def carry(
    db: Database,
    workers: Workers,
    document_id: UUID,
    update: bytes,
    generation: int,
    current: int,
    present: Present,
) -> bytes:
    """Carry an update of a former generation over to the current one, through those between them.

    An update with clients of another generation than it says is refused: its content would be there twice.

    Returns the update for the current one; EMPTY_UPDATE where everything in it is there. Raises StaleGeneration where a
    former generation is not kept or not the one of the update, UnprocessableContent for a text that cannot become one
    of the other kind, LostRace, Malformed, TooMuchWork, TooMany, Unavailable.
    """
    if generation > current:
        raise StaleGeneration(f"the document is at generation {current}")
    async with db.as_service() as conn:
        clients = await generation_queries.find_clients(conn, document_id)
    own = clients.pop(generation, frozenset())
    foreign = frozenset(present.clients()).union(*clients.values()) - own
    while generation < current and update != EMPTY_UPDATE:
        async with db.as_service() as conn, conn.transaction():
            # Locked: the next edits of this generation are compared with the result.
            seam = await generation_queries.find_seam(conn, document_id, generation)
            if seam is None:
                raise StaleGeneration(_NOT_KEPT)
            carried = await _carry_one(conn, workers, document_id, seam, update, foreign, present, generation, current)
            if carried.seam is not seam:
                await generation_queries.save_seam(conn, document_id, generation, carried.seam)
        update, foreign = carried.update, frozenset()
        generation += 1
    return update


async def _carry_one(
    conn: Conn,
    workers: Workers,
    document_id: UUID,
    seam: Seam,
    update: bytes,
    foreign: Collection[int],
    present: Present,
    generation: int,
    current: int,
) -> CarriedOver:
    """Carry an update over to the next generation, whose seam is locked."""
    for _ in range(ATTEMPTS):
        revision = present.revision()
        parts: Sequence[bytes] = ()
        if seam.converted_to is not None and generation + 1 == current:
            parts = present.parts()
        elif seam.converted_to is not None:
            following = await generation_queries.find_seam(conn, document_id, generation + 1)
            parts = (following.former,) if following is not None else ()
        client = secrets.randbelow(2**31) + 1
        carried = await workers.run_within(WHOLE_DOCUMENT_SECONDS, carry_over, seam, update, client, foreign, parts)
        if not parts or present.revision() == revision:
            break
    return carried


async def list_former_clients(db: Database, document_id: UUID) -> frozenset[int]:
    """List the Yjs client ids of the former generations of a document. Raises Unavailable."""
    async with db.as_service() as conn:
        clients = await generation_queries.find_clients(conn, document_id)
    return frozenset().union(*clients.values())
