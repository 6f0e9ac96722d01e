"""Ties suggestions to the characters of a document's next generation."""

from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.suggestions.proposing import carry_over
from collab_server.features.suggestions import queries


async def carry_suggestions_over(
    conn: Conn, workers: Workers, document_id: UUID, former: bytes, copy: bytes, generation: int
) -> None:
    """Carry the undecided suggestions of a document over, in the transaction that replaces it. former, copy: its bytes
    before and after. generation: the new one. Raises TooMany, Unavailable.
    """
    found = await queries.list_to_carry_over(conn, document_id)
    if found:
        hunks = await workers.run_within(
            WHOLE_DOCUMENT_SECONDS, carry_over, former, copy, [hunks for _, hunks in found]
        )
        carried = [(one, new) for (one, _), new in zip(found, hunks, strict=True)]
        await queries.save_carried_over(conn, carried, generation)
