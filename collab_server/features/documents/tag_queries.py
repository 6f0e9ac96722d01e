"""SQL of tags, categories and favourites, under the caller's row-level security."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import ForeignKeyViolation
from collab_server.errors import LimitReached, LostRace
from collab_server.features.documents.slugs import make_slug

MAX_TAGS = 1000
MAX_CATEGORIES = 500


@dataclass(frozen=True, slots=True)
class Tag:
    """`documents`: number of documents with the tag, without the trash."""

    id: UUID
    name: str
    slug: str
    color: str
    description: str | None
    documents: int


_TAG = """
    SELECT t.id, t.name, t.slug, t.color, t.description, app.tagged_documents(t.workspace_id, t.id) AS documents
    FROM tags t
"""


async def list_tags(conn: Conn, workspace_id: UUID, limit: int, after: tuple[str, UUID] | None) -> list[Tag]:
    """List tags by name; `after`: (name, id) of the last tag of the previous page."""
    rows = await conn.fetch(
        _TAG
        + """
        WHERE t.workspace_id = $1 AND ($3::text IS NULL OR (lower(t.name), t.id) > (lower($3), $4::uuid))
        ORDER BY lower(t.name), t.id LIMIT $2
        """,
        workspace_id,
        limit,
        after[0] if after else None,
        after[1] if after else None,
    )
    return [Tag(*row) for row in rows]


async def find_tag(conn: Conn, workspace_id: UUID, tag_id: UUID) -> Tag | None:
    row = await conn.fetchrow(_TAG + "WHERE t.workspace_id = $1 AND t.id = $2", workspace_id, tag_id)
    return Tag(*row) if row else None


async def insert_tag(conn: Conn, workspace_id: UUID, name: str, color: str | None, description: str | None) -> UUID:
    """Raises UniqueViolation for an existing slug, LimitReached."""
    created: UUID | None = await conn.fetchval(
        """
        INSERT INTO tags (workspace_id, name, slug, color, description)
        SELECT $1, $2, $3, coalesce($4, '#3B82F6'), $5
        WHERE (SELECT count(*) FROM tags WHERE workspace_id = $1) < $6 RETURNING id
        """,
        workspace_id,
        name,
        make_slug(name),
        color,
        description,
        MAX_TAGS,
    )
    if created is None:
        raise LimitReached(f"a workspace has at most {MAX_TAGS} tags")
    return created


async def update_tag(conn: Conn, workspace_id: UUID, tag_id: UUID, fields: Mapping[str, Any]) -> bool:
    return await _update(conn, "tags", workspace_id, tag_id, fields)


async def delete_tag(conn: Conn, workspace_id: UUID, tag_id: UUID) -> bool:
    done: bool | None = await conn.fetchval(
        "DELETE FROM tags WHERE workspace_id = $1 AND id = $2 RETURNING true", workspace_id, tag_id
    )
    return bool(done)


async def replace_tags(conn: Conn, document_id: UUID, workspace_id: UUID, names: Sequence[str]) -> None:
    """Set the tags of a document. Missing tags are created. Raises LimitReached, LostRace, InsufficientPrivilege."""
    by_slug: dict[str, str] = {}
    for name in names:
        by_slug.setdefault(make_slug(name), name)
    slugs = sorted(by_slug)
    await conn.execute(
        """
        INSERT INTO tags (workspace_id, name, slug)
        SELECT $1, n.name, n.slug FROM unnest($2::text[], $3::text[]) n (name, slug)
        WHERE NOT EXISTS (SELECT FROM tags t WHERE t.workspace_id = $1 AND t.slug = n.slug)
          AND (SELECT count(*) FROM tags WHERE workspace_id = $1) + cardinality($2) <= $4
        ORDER BY n.slug ON CONFLICT (workspace_id, slug) DO NOTHING
        """,
        workspace_id,
        [by_slug[slug] for slug in slugs],
        slugs,
        MAX_TAGS,
    )
    await conn.execute(
        """
        DELETE FROM document_tags x USING tags t
        WHERE x.document_id = $1 AND t.id = x.tag_id AND NOT t.slug = ANY ($2::text[])
        """,
        document_id,
        slugs,
    )
    try:
        found = await conn.fetchval(
            """
            WITH wanted AS (SELECT id FROM tags WHERE workspace_id = $2 AND slug = ANY ($3::text[])),
              added AS (INSERT INTO document_tags (document_id, tag_id, workspace_id)
                        SELECT $1, id, $2 FROM wanted ORDER BY id ON CONFLICT DO NOTHING)
            SELECT count(*) FROM wanted
            """,
            document_id,
            workspace_id,
            slugs,
        )
    except ForeignKeyViolation:
        raise LostRace("a tag was deleted or the document was moved at the same time") from None
    if found != len(slugs):
        raise LimitReached(f"a workspace has at most {MAX_TAGS} tags")


@dataclass(frozen=True, slots=True)
class Category:
    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    color: str | None
    icon: str | None
    description: str | None
    position: int
    documents: int


_CATEGORY = """
    SELECT c.id, c.parent_id, c.name, c.slug, c.color, c.icon, c.description, c.position,
           (SELECT count(*) FROM documents d WHERE d.category_id = c.id AND d.deleted_at IS NULL) AS documents
    FROM categories c
"""


async def list_categories(conn: Conn, workspace_id: UUID) -> list[Category]:
    """All, siblings in their order."""
    rows = await conn.fetch(
        _CATEGORY + "WHERE c.workspace_id = $1 ORDER BY c.position, lower(c.name), c.id LIMIT $2",
        workspace_id,
        MAX_CATEGORIES * 2,
    )
    return [Category(*row) for row in rows]


async def find_category(conn: Conn, workspace_id: UUID, category_id: UUID) -> Category | None:
    row = await conn.fetchrow(_CATEGORY + "WHERE c.workspace_id = $1 AND c.id = $2", workspace_id, category_id)
    return Category(*row) if row else None


async def insert_category(conn: Conn, workspace_id: UUID, fields: Mapping[str, Any]) -> UUID:
    """Raises UniqueViolation (a sibling of that name), ForeignKeyViolation (unknown parent), CheckViolation (too deep),
    LimitReached.
    """
    columns = list(fields)
    places = [f"${number}" for number in range(4, 4 + len(columns))]
    types = {"parent_id": "::uuid", "position": "::integer"}
    created: UUID | None = await conn.fetchval(
        f"""
        INSERT INTO categories (workspace_id, slug, {", ".join(columns)})
        SELECT $1, $2, {", ".join(p + types.get(c, "::text") for c, p in zip(columns, places, strict=True))}
        WHERE (SELECT count(*) FROM categories WHERE workspace_id = $1) < $3 RETURNING id
        """,  # noqa: S608
        workspace_id,
        make_slug(fields["name"]),
        MAX_CATEGORIES,
        *fields.values(),
    )
    if created is None:
        raise LimitReached(f"a workspace has at most {MAX_CATEGORIES} categories")
    return created


async def update_category(conn: Conn, workspace_id: UUID, category_id: UUID, fields: Mapping[str, Any]) -> bool:
    """Raises as insert_category, and CheckViolation where it would be within itself."""
    return await _update(conn, "categories", workspace_id, category_id, fields)


async def _update(conn: Conn, table: str, workspace_id: UUID, row_id: UUID, fields: Mapping[str, Any]) -> bool:
    if "name" in fields:
        fields = {**fields, "slug": make_slug(fields["name"])}
    changes = ", ".join(f"{column} = ${number}" for number, column in enumerate(fields, 3))
    done: bool | None = await conn.fetchval(
        f"UPDATE {table} SET {changes} WHERE workspace_id = $1 AND id = $2 RETURNING true",  # noqa: S608
        workspace_id,
        row_id,
        *fields.values(),
    )
    return bool(done)


async def delete_category(conn: Conn, workspace_id: UUID, category_id: UUID) -> bool:
    """Its children move up to its parent; its documents stay without a category.

    Raises UniqueViolation where a child has the name of one of its new siblings.
    """
    await conn.execute(
        """
        UPDATE categories child SET parent_id = gone.parent_id FROM categories gone
        WHERE gone.workspace_id = $1 AND gone.id = $2 AND child.parent_id = gone.id
        """,
        workspace_id,
        category_id,
    )
    done: bool | None = await conn.fetchval(
        "DELETE FROM categories WHERE workspace_id = $1 AND id = $2 RETURNING true", workspace_id, category_id
    )
    return bool(done)


async def insert_favourite(conn: Conn, document_id: UUID) -> None:
    """Raises InsufficientPrivilege where the user may not see the document."""
    await conn.execute(
        "INSERT INTO document_favourites (user_id, document_id) VALUES (app.user_id(), $1) ON CONFLICT DO NOTHING",
        document_id,
    )


async def delete_favourite(conn: Conn, document_id: UUID) -> None:
    await conn.execute(
        "DELETE FROM document_favourites WHERE user_id = app.user_id() AND document_id = $1", document_id
    )
