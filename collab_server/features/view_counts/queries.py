"""SQL of views, under app_service."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def add_views(
    conn: Conn, counts: Mapping[UUID, tuple[int, datetime]], people: Mapping[tuple[UUID, UUID], datetime]
) -> set[UUID]:
    """Add views in one transaction. `counts`: document -> (views, last time). `people`: (document, user) -> time.
    Deleted documents are skipped. Return the documents locked by another transaction; nothing of these is written.
    """
    locked = await conn.fetchval(
        "SELECT app.add_views($1, $2, $3, $4, $5, $6)",
        list(counts),
        [count for count, _ in counts.values()],
        [last for _, last in counts.values()],
        [document_id for document_id, _ in people],
        [user_id for _, user_id in people],
        list(people.values()),
    )
    return set(locked)
