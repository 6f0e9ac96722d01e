"""SQL of search. The functions check the rights of the transaction's user (migration 0008)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.documents.kinds import Kind
from collab_server.features.search.terms import Terms


@dataclass(frozen=True, slots=True)
class Hit:
    """`snippet`, `title_marked`: see features/search/snippets.py. `shadowed`: see Addresses.address_of.
    `attachment_id`, `file_name`: of the attachment whose text was found, and not the document's.
    """

    id: UUID
    workspace_id: UUID
    workspace_slug: str | None
    name: str | None
    title: str
    type: Kind
    updated_at: datetime
    rank: float
    snippet: str
    title_marked: str
    shadowed: bool
    attachment_id: UUID | None = None
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Titled:
    """`similarity`: the share of the query found in the title, 0 to 1."""

    id: UUID
    workspace_id: UUID
    workspace_slug: str | None
    name: str | None
    title: str
    type: Kind
    similarity: float
    shadowed: bool


_COLUMNS = "id, workspace_id, workspace_slug, name, title, type, updated_at, rank, snippet, title_marked"


async def search_documents(
    conn: Conn,
    terms: Terms,
    *,
    workspace_id: UUID | None,
    kind: str | None,
    tags: list[str],
    limit: int,
    after: tuple[float, UUID] | None,
    attachments: bool,
) -> list[Hit]:
    """Search documents, the best first. `tags`: slugs; a document must have all of them. `after`: (rank, id) of the
    last hit of the previous page. `attachments`: also by the texts of attachments.
    """
    asked = (terms.text, terms.last, workspace_id, kind, tags or None, limit, *(after or (None, None)))
    rows = await conn.fetch(
        "SELECT *, app.is_shadowed(name) FROM app.search_documents($1, $2, $3, $4, $5, $6, $7, $8)", *asked
    )
    found = [Hit(*row) for row in rows]
    if attachments:
        rows = await conn.fetch(
            f"""
            SELECT {_COLUMNS}, app.is_shadowed(name), attachment_id, file_name
            FROM app.search_attachments($1, $2, $3, $4, $5, $6, $7, $8)
            """,  # noqa: S608 - constants
            *asked,
        )
        found = sorted([*found, *(Hit(*row) for row in rows)], key=lambda hit: (hit.rank, hit.id), reverse=True)
    return found[:limit]


async def search_titles(conn: Conn, typed: str, workspace_id: UUID | None, limit: int) -> list[Titled]:
    """The most similar first."""
    rows = await conn.fetch(
        "SELECT *, app.is_shadowed(name) FROM app.search_titles($1, $2, $3)", typed, workspace_id, limit
    )
    return [Titled(*row) for row in rows]
