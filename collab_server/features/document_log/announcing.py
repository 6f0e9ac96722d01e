"""Tells the change feed of edits whose log is not folded yet. The function is in migrations/objects."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def announce(conn: Conn, document_ids: Sequence[UUID]) -> set[UUID]:
    """Write an entry for each document that has edits which no entry tells of.

    Returns the documents of which the feed now tells everything: all but those locked by other transactions.
    """
    return set(await conn.fetchval("SELECT app.announce_edits($1)", list(document_ids)))
