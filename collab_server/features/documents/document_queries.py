"""SQL of one document: read, create, change.

Runs under the caller's row-level security, except functions named unchecked. Lists are in list_queries.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.core.markdown.excerpts import MAX_HEADING_POSITION, first_heading


@dataclass(frozen=True, slots=True)
class Tag:
    id: UUID
    name: str
    slug: str
    color: str


@dataclass(frozen=True, slots=True)
class Present:
    """A person with the document open. `id`: None for a guest. `name`: None if the reader may not know it."""

    id: UUID | None
    name: str | None
    avatar_url: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """`permission`: of the transaction's user: read, comment, write, admin or None. `own`: the user is the author.
    `people`: number of people with the document open; `present`: the first few of them.
    """

    id: UUID
    workspace_id: UUID
    workspace_slug: str | None
    name: str | None
    title: str
    description: str | None
    type: str
    status: str
    priority: str
    language: str
    metadata: dict[str, Any]
    settings: dict[str, Any]
    tags: list[Tag]
    category_id: UUID | None
    is_template: bool
    template_id: UUID | None
    is_public: bool
    is_favourite: bool
    view_count: int
    created_by: UUID | None
    created_by_name: str | None
    updated_by: UUID | None
    updated_by_name: str | None
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None
    published_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None
    content_bytes: int
    word_count: int | None
    excerpt: str
    row_version: int
    permission: str | None
    own: bool
    people: int
    present: list[Present]
    title_is_set: bool
    comment_count: int


SHOWN_PEOPLE = 5
SHOWN = (
    "s.*, app.is_shadowed(s.name) AS shadowed, app.title_is_set(s.id) AS title_is_set, "
    "coalesce((n.threads ->> s.id::text)::integer, 0) AS comment_count"
)
"""Columns of `shown_from`. `shadowed`: see Addresses.address_of."""


def shown_from(ids: str, shown: str = "app.documents_shown(i.ids)") -> str:
    """SQL: the FROM of SHOWN, for documents of these ids (an SQL array). Open threads are counted once for all."""
    return (
        f"(SELECT {ids} AS ids OFFSET 0) i CROSS JOIN LATERAL {shown} s "
        "CROSS JOIN LATERAL app.open_threads(i.ids) n (threads)"
    )


def row_to_document(row: Row) -> Document:
    """A row of SHOWN."""
    fields = dict(row)
    fields.pop("shadowed")
    fields.pop("sort_key", None)
    fields["metadata"] = json.loads(fields["metadata"])
    fields["settings"] = json.loads(fields["settings"])
    tags = json.loads(fields["tags"] or "[]")
    fields["tags"] = [Tag(UUID(tag["id"]), tag["name"], tag["slug"], tag["color"]) for tag in tags]
    fields["people"], here = json.loads(fields["present"] or "[0, []]")
    fields["present"] = read_present([[one["user_id"], one["name"], one["avatar_url"]] for one in here])
    return Document(**fields)


def read_present(people: list[list[str | None]]) -> list[Present]:
    """Convert lists of [user id, name, address of the picture] from PostgreSQL's JSON."""
    return [Present(UUID(user_id) if user_id else None, name, picture) for user_id, name, picture in people]


async def find_shown(conn: Conn, document_id: UUID, *, deleted: bool = False) -> Row | None:
    """Find all shown fields of a document: a row of SHOWN. `deleted`: in the trash. None if the user may not see it."""
    condition = "IS NOT NULL" if deleted else "IS NULL"
    return await conn.fetchrow(
        f"""
        SELECT {SHOWN}
        FROM {shown_from(f"ARRAY(SELECT id FROM documents WHERE id = $1 AND deleted_at {condition})")}
        """,  # noqa: S608
        document_id,
    )


async def find_shown_unchecked(conn: Conn, document_id: UUID) -> Row | None:
    """Like `find_shown`, for the bearer of a connect token, whose right is in the token; ignore `permission` and
    `comment_count`.
    """
    ids = "ARRAY(SELECT d.id FROM documents d WHERE d.id = $1 AND d.deleted_at IS NULL)"
    source = shown_from(ids, "app.document_details(i.ids, true)")
    return await conn.fetchrow(f"SELECT {SHOWN} FROM {source}", document_id)  # noqa: S608


async def find_document(conn: Conn, document_id: UUID, *, deleted: bool = False) -> Document | None:
    """Like `find_shown`, as a Document."""
    row = await find_shown(conn, document_id, deleted=deleted)
    return row_to_document(row) if row else None


async def find_document_unchecked(conn: Conn, document_id: UUID) -> Document | None:
    """Like `find_shown_unchecked`, as a Document."""
    row = await find_shown_unchecked(conn, document_id)
    return row_to_document(row) if row else None


async def may_share(conn: Conn, document_id: UUID) -> bool:
    """Whether the transaction's user decides who may open the document: a share to write is not enough."""
    found: bool = await conn.fetchval("SELECT app.may_share($1)", document_id)
    return found


async def count_open_threads(conn: Conn, document_id: UUID) -> int:
    """Count the open threads of a document that the transaction's user may read."""
    counts: dict[str, Any] = json.loads(await conn.fetchval("SELECT app.open_threads($1)::text", [document_id]))
    return int(counts.get(str(document_id), 0))


@dataclass(frozen=True, slots=True)
class Encrypted:
    content: bytes | None
    encryption: dict[str, Any] | None


async def find_encrypted(conn: Conn, document_id: UUID) -> Encrypted:
    row = await conn.fetchrow("SELECT content_encrypted, encryption::text FROM documents WHERE id = $1", document_id)
    if row is None:
        return Encrypted(None, None)
    return Encrypted(row[0], json.loads(row[1]) if row[1] else None)


@dataclass(frozen=True, slots=True)
class Locked:
    """A document locked until the end of the transaction. The transaction's user may change it."""

    workspace_id: UUID
    type: str
    row_version: int
    own: bool
    metadata: dict[str, Any]


async def lock_document(conn: Conn, document_id: UUID, *, deleted: bool = False) -> Locked | None:
    """Lock a document. None if it is absent or the user may not change it. `deleted`: in the trash."""
    condition = "IS NOT NULL" if deleted else "IS NULL"
    row = await conn.fetchrow(
        f"""
        SELECT d.workspace_id, d.type::text, d.row_version, coalesce(d.created_by = app.user_id(), false),
               d.metadata::text
        FROM documents d WHERE d.id = $1 AND d.deleted_at {condition} FOR NO KEY UPDATE
        """,  # noqa: S608
        document_id,
    )
    return Locked(row[0], row[1], row[2], row[3], json.loads(row[4])) if row else None


_CASTS = {"type": "::text::document_type", "metadata": "::text::jsonb", "settings": "::text::jsonb"}
_CASTS["encryption"] = "::text::jsonb"
_COLUMNS = frozenset(
    {
        "name",
        "title",
        "title_is_set",
        "description",
        "type",
        "status",
        "priority",
        "language",
        "metadata",
        "settings",
        "category_id",
    }
    | {"id", "is_template", "template_id", "is_public", "expires_at", "content_encrypted", "encryption"}
)


def _to_columns(fields: Mapping[str, Any], first: int) -> tuple[list[str], list[str], list[Any]]:
    """(columns, placeholders from $first on, arguments)"""
    assert fields.keys() <= _COLUMNS
    columns = list(fields)
    places = [f"${number}{_CASTS.get(column, '')}" for number, column in enumerate(columns, first)]
    arguments = [json.dumps(value) if isinstance(value, dict) else value for value in fields.values()]
    return columns, places, arguments


async def insert_document(conn: Conn, workspace_id: UUID, fields: Mapping[str, Any]) -> UUID | None:
    """Insert a document. Return its id, or None if the name is used. `fields`: values by column.

    Raises InsufficientPrivilege if the user may not create here, UniqueViolation for a used `id`, ForeignKeyViolation
    for a category of another workspace.
    """
    columns, places, arguments = _to_columns(fields, 2)
    created: UUID | None = await conn.fetchval(
        f"""
        INSERT INTO documents (workspace_id, created_by, {", ".join(columns)})
        VALUES ($1, app.user_id(), {", ".join(places)})
        ON CONFLICT (workspace_id, name) WHERE name IS NOT NULL AND deleted_at IS NULL DO NOTHING
        RETURNING id
        """,  # noqa: S608
        workspace_id,
        *arguments,
    )
    return created


async def update_document(
    conn: Conn, document_id: UUID, fields: Mapping[str, Any], *, expected_version: int | None
) -> bool:
    """Update columns. False if the document is deleted, not writable, or at another version than `expected_version`.

    `published_at` follows the status. An unset title follows the first heading. Raises UniqueViolation for a used name,
    ForeignKeyViolation like `insert_document`, InsufficientPrivilege.
    """
    columns, places, arguments = _to_columns(fields, 3)
    changes = [f"{column} = {place}" for column, place in zip(columns, places, strict=True)]
    if "status" in fields:
        published = "coalesce(published_at, now())" if fields["status"] == "published" else "NULL"
        changes.append(f"published_at = {published}")
    done: bool | None = await conn.fetchval(
        f"""
        UPDATE documents SET {", ".join(changes)}
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR row_version = $2) RETURNING true
        """,  # noqa: S608
        document_id,
        expected_version,
        *arguments,
    )
    if done and fields.get("title_is_set") is False:
        beginning = await conn.fetchval(
            "SELECT left(content, $2) FROM documents WHERE id = $1", document_id, MAX_HEADING_POSITION
        )
        await conn.execute("SELECT app.follow_heading($1, $2)", document_id, first_heading(beginning))
    return bool(done)
