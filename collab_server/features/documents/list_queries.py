"""SQL of lists of documents: filtered, in one of four orders, by pages without gaps and repetitions.

Each page needs one statement. app.documents_listed finds the documents, app.documents_shown their fields,
app.open_threads their numbers of comments. All check the caller's rights.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.features.documents.document_queries import SHOWN, Document, row_to_document, shown_from

Sort = Literal["updated", "created", "title", "edited"]
Order = Literal["asc", "desc"]
Position = tuple[datetime | str, UUID]
"""The sort key and the id of the last document of the page before."""

_KEYS: dict[Sort, str] = {
    "updated": "s.updated_at",
    "created": "s.created_at",
    "title": "lower(s.title)",
    "edited": "coalesce(s.last_edited_at, s.created_at)",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """None or empty: no filter. `tags`: slugs; a document must have all of them. `text`: part of the title. `deleted`:
    restorable documents in the trash instead of others.
    """

    types: tuple[str, ...] = ()
    status: str | None = None
    priority: str | None = None
    tags: tuple[str, ...] = ()
    category_id: UUID | None = None
    created_by: UUID | None = None
    text: str | None = None
    favourite: bool | None = None
    template: bool | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """`shown`: a row of SHOWN. `key`: its sort key."""

    shown: Row

    @property
    def id(self) -> UUID:
        found: UUID = self.shown["id"]
        return found

    @property
    def key(self) -> datetime | str:
        found: datetime | str = self.shown["sort_key"]
        return found

    @property
    def document(self) -> Document:
        return row_to_document(self.shown)


async def list_documents(
    conn: Conn, workspace_id: UUID, filters: Filters, sort: Sort, order: Order, limit: int, after: Position | None
) -> list[Listed]:
    direction, ties = ("ASC", "DESC") if order == "asc" else ("DESC", "ASC")
    listed = "app.documents_listed($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    rows = await conn.fetch(
        f"SELECT {SHOWN}, {_KEYS[sort]} AS sort_key FROM {shown_from(listed)} "  # noqa: S608
        f"ORDER BY sort_key {direction}, s.id {ties}",
        workspace_id,
        filters.types,
        filters.status,
        filters.priority,
        sorted(set(filters.tags)),
        filters.category_id,
        filters.created_by,
        filters.text or None,
        filters.favourite,
        filters.template,
        filters.deleted,
        sort,
        order == "asc",
        limit,
        str(after[0]) if after else None,
        after[1] if after else None,
    )
    return [Listed(row) for row in rows]


async def list_favourites(conn: Conn, limit: int, after: Position | None) -> list[Listed]:
    """The user's, the latest first, of all workspaces."""
    return await _list_of_mine(conn, "document_favourites", "created_at", limit, after)


async def list_recent(conn: Conn, limit: int, after: Position | None) -> list[Listed]:
    """List documents viewed by the user in all workspaces, the latest first."""
    return await _list_of_mine(conn, "document_views", "viewed_at", limit, after)


async def list_shared(conn: Conn, limit: int, after: Position | None) -> list[Listed]:
    """List documents shared with the user, those shared last first; by a link to many documents, the newest first."""
    return await _list_picked(
        conn,
        """
        SELECT s.document_id AS id, max(s.created_at) AS sort_key FROM shares s
        WHERE s.grantee_id = app.user_id() AND s.document_id = ANY (app.shared_documents('read')) GROUP BY 1
        UNION ALL
        SELECT d.id, d.created_at FROM documents d
        WHERE app.user_id() IS NULL AND d.id = ANY (app.shared_documents('read'))
        """,
        limit,
        after,
    )


async def _list_of_mine(conn: Conn, table: str, moment: str, limit: int, after: Position | None) -> list[Listed]:
    mine = (
        f"SELECT mine.document_id AS id, mine.{moment} AS sort_key FROM {table} mine WHERE mine.user_id = app.user_id()"  # noqa: S608
    )
    return await _list_picked(conn, mine, limit, after)


async def _list_picked(conn: Conn, mine: str, limit: int, after: Position | None) -> list[Listed]:
    """`mine`: SQL of ids and sort keys. Documents that are gone or not the user's to read are left out."""
    rows = await conn.fetch(
        f"""
        WITH picked AS MATERIALIZED (
          SELECT d.id, mine.sort_key FROM ({mine}) mine JOIN documents d ON d.id = mine.id
          WHERE d.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (mine.sort_key, d.id) < ($2, $3::uuid))
          ORDER BY mine.sort_key DESC, d.id DESC LIMIT $1)
        SELECT {SHOWN}, p.sort_key FROM {shown_from("ARRAY(SELECT id FROM picked)")}
          JOIN picked p USING (id)
        ORDER BY sort_key DESC, id DESC
        """,  # noqa: S608
        limit,
        after[0] if after else None,
        after[1] if after else None,
    )
    return [Listed(row) for row in rows]
