"""SQL of lists of documents: filtered, in one of four orders, by pages that never repeat or skip what stands still.

One statement each, whatever a page holds. Which documents these are is asked under the caller's row-level security;
what is shown of them comes from app.documents_shown, which looks at the caller's rights by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from collab_server.backends.db import Conn, Row
from collab_server.documents.document_queries import Document, read

Sort = Literal["updated", "created", "title", "edited"]
Order = Literal["asc", "desc"]
Position = tuple[datetime | str, UUID]
"""The sort key and the id of the last document of the page before."""

_KEYS: dict[Sort, tuple[str, str]] = {
    "updated": ("d.updated_at", "timestamptz"),
    "created": ("d.created_at", "timestamptz"),
    "title": ("lower(d.title)", "text"),
    "edited": ("coalesce(d.last_edited_at, d.created_at)", "timestamptz"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """None or empty: not asked for. `tags`: slugs, of which a document has all. `text`: somewhere in the title.

    `deleted`: what is in the trash and the user may bring back, instead of what is not.
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
    """`shown`: a row of app.documents_shown. `key`: by which it was sorted."""

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
        return read(self.shown)


async def list_documents(
    conn: Conn, workspace_id: UUID, filters: Filters, sort: Sort, order: Order, limit: int, after: Position | None
) -> list[Listed]:
    key, kind = _KEYS[sort]
    conditions, arguments = await _conditions(conn, workspace_id, filters)

    def place(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    # Ties go the other way, so that one index serves both orders.
    direction, ties, beyond, ties_beyond = ("ASC", "DESC", ">", "<") if order == "asc" else ("DESC", "ASC", "<", ">")
    if after is not None:
        last, last_id = f"{place(after[0])}::{kind}", place(after[1])
        conditions.append(f"{key} {beyond}= {last}")
        conditions.append(f"({key} {beyond} {last} OR d.id {ties_beyond} {last_id})")
    return await _shown(
        conn,
        f"SELECT d.id, {key} AS sort_key FROM documents d "  # noqa: S608
        f"WHERE {' AND '.join(conditions)} ORDER BY {key} {direction}, d.id {ties} LIMIT {place(limit)}",
        f"sort_key {direction}, id {ties}",
        arguments,
    )


async def _shown(conn: Conn, picked: str, order: str, arguments: Sequence[Any]) -> list[Listed]:
    """`picked`: selects id and sort_key of a page's documents."""
    rows = await conn.fetch(
        f"WITH picked AS MATERIALIZED ({picked}) SELECT s.*, p.sort_key "  # noqa: S608
        "FROM app.documents_shown(ARRAY(SELECT id FROM picked)) s JOIN picked p USING (id) "
        f"ORDER BY {order}",
        *arguments,
    )
    return [Listed(row) for row in rows]


async def _conditions(conn: Conn, workspace_id: UUID, filters: Filters) -> tuple[list[str], list[Any]]:
    conditions = ["d.workspace_id = $1"]
    arguments: list[Any] = [workspace_id]

    def add(condition: str, *values: Any) -> None:
        for value in values:
            arguments.append(value)
            condition = condition.replace("?", f"${len(arguments)}", 1)
        conditions.append(condition)

    if filters.deleted:
        conditions.append("d.deleted_at IS NOT NULL AND app.may_remove(d.workspace_id, d.created_by)")
    else:
        conditions.append("d.deleted_at IS NULL")
    if filters.types:
        add("d.type = ANY (?::text[]::document_type[])", list(filters.types))
    if filters.status is not None:
        add("d.status = ?", filters.status)
    if filters.priority is not None:
        add("d.priority = ?", filters.priority)
    if filters.category_id is not None:
        add("d.category_id = ?", filters.category_id)
    if filters.created_by is not None:
        add("d.created_by = ?", filters.created_by)
    if filters.template is not None:
        add("d.is_template = ?", filters.template)
    if filters.favourite is not None:
        mine = "SELECT f.document_id FROM document_favourites f WHERE f.user_id = app.user_id()"
        conditions.append(f"d.id {'' if filters.favourite else 'NOT '}IN ({mine})")
    if filters.text:
        pattern = f"%{escaped(filters.text)}%"
        few = None if filters.deleted else await _with_title_like(conn, workspace_id, filters.text)
        if few is None:
            add("EXISTS (SELECT WHERE d.title ILIKE ? OFFSET 0)", pattern)
        else:
            add("d.id = ANY (?::uuid[]) AND d.title ILIKE ?", few, pattern)
    if filters.tags:
        tags, documents = await _tagged(conn, workspace_id, filters.tags)
        if documents is None:
            for tag in tags:
                add(
                    "EXISTS (SELECT FROM document_tags x WHERE x.document_id = d.id AND x.tag_id = ? OFFSET 0)",
                    tag,
                )
        else:
            add("d.id = ANY (?::uuid[])", documents)
    return conditions, arguments


# What few documents have is collected first and looked up; what many have is met soon on the way through the list, if
# only the planner goes that way: it takes an EXISTS that it may not take apart (OFFSET 0) for a condition that half of
# all fulfil, and knows neither how many documents have a tag nor what stands in their titles.
_FEW = 1000


async def _tagged(conn: Conn, workspace_id: UUID, slugs: tuple[str, ...]) -> tuple[list[UUID], list[UUID] | None]:
    """The tags, and the documents that have them all where these are few."""
    row = await conn.fetchrow(
        "SELECT tags, documents FROM app.tagged_with($1, $2, $3)", workspace_id, sorted(set(slugs)), _FEW
    )
    assert row is not None
    return row["tags"], row["documents"]


async def _with_title_like(conn: Conn, workspace_id: UUID, text: str) -> list[UUID] | None:
    """Documents among which all are that have the text in their title; None where these are many or not known."""
    found: list[UUID] | None = await conn.fetchval("SELECT app.titles_containing($1, $2, $3)", workspace_id, text, _FEW)
    return found


def escaped(text: str) -> str:
    """The text as LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def list_favourites(conn: Conn, limit: int, after: Position | None) -> list[Listed]:
    """The user's, the latest first, of all workspaces."""
    return await _list_of_mine(conn, "document_favourites", "created_at", limit, after)


async def list_recent(conn: Conn, limit: int, after: Position | None) -> list[Listed]:
    """What the user has seen, the last first, of all workspaces."""
    return await _list_of_mine(conn, "document_views", "viewed_at", limit, after)


async def _list_of_mine(conn: Conn, table: str, moment: str, limit: int, after: Position | None) -> list[Listed]:
    return await _shown(
        conn,
        f"""
        SELECT d.id, mine.{moment} AS sort_key FROM {table} mine JOIN documents d ON d.id = mine.document_id
        WHERE mine.user_id = app.user_id() AND d.deleted_at IS NULL
          AND ($2::timestamptz IS NULL OR (mine.{moment}, d.id) < ($2, $3::uuid))
        ORDER BY mine.{moment} DESC, d.id DESC LIMIT $1
        """,  # noqa: S608
        "sort_key DESC, id DESC",
        [limit, after[0] if after else None, after[1] if after else None],
    )
