"""SQL of views and visits. What a server writes runs under app_service, what people read under their rights."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Visit:
    """A person has a document open. `opened`: since when; None: it was open before. `seen`: when it was last open."""

    opened: datetime | None
    seen: datetime


async def note_visits(conn: Conn, visits: Mapping[tuple[UUID, UUID], Visit]) -> set[UUID]:
    """Note visits by (document, user). Deleted documents are skipped. Return the documents locked by another
    transaction; nothing of these is written.
    """
    locked = await conn.fetchval(
        "SELECT app.note_visits($1, $2, $3, $4)",
        [document_id for document_id, _ in visits],
        [user_id for _, user_id in visits],
        [visit.opened for visit in visits.values()],
        [visit.seen for visit in visits.values()],
    )
    return set(locked)


async def find_previous_visit(conn: Conn, document_id: UUID) -> datetime | None:
    """Find when the user's visit before the present one ended. None: there was none."""
    found: datetime | None = await conn.fetchval(
        "SELECT previous_at FROM document_views WHERE document_id = $1 AND user_id = app.user_id()", document_id
    )
    return found
