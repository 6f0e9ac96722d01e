"""Tells the change feed of edits whose log is not folded yet. The function is in migrations/objects."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def list_unannounced(conn: Conn, older_than: float, limit: int) -> list[UUID]:
    """List documents with edits that no entry tells of, the last of which is older than so many seconds."""
    rows = await conn.fetch(
        """
        SELECT h.document_id FROM document_heads h
          JOIN document_updates u ON u.document_id = h.document_id AND u.seq = h.head_seq
        WHERE h.head_seq > h.announced_seq AND u.created_at < now() - $1::float8 * interval '1 second'
        LIMIT $2
        """,
        older_than,
        limit,
    )
    return [row["document_id"] for row in rows]


async def announce(conn: Conn, document_ids: Sequence[UUID]) -> set[UUID]:
    """Write an entry for each document that has edits which no entry tells of.

    Returns the documents of which the feed now tells everything: all but those locked by other transactions.
    """
    return set(await conn.fetchval("SELECT app.announce_edits($1)", list(document_ids)))
