"""SQL of public pages. Functions that read for everybody need app_service: _SHOWN decides what is public."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.features.public_pages.article import Picture

_SHOWN: Final = (
    "d.is_public AND d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()) AND d.type <> 'password' "
    "AND d.content_encrypted IS NULL "
    "AND EXISTS (SELECT FROM workspaces w WHERE w.id = d.workspace_id AND w.deleted_at IS NULL)"
)
"""Whether a document has a page now, whoever asks and whatever guests may do."""
MAX_LISTED: Final = 50_000
"""Addresses in a sitemap, as its protocol demands."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, apart from the article. `is_behind`: the log has edits that the stored text lacks. `files`:
    changes with the attachments. `feed`: the slug of the workspace, of an indexable page only.
    """

    document_id: UUID
    slug: str
    indexable: bool
    live: bool
    published_at: datetime | None
    page_version: int
    title: str
    description: str | None
    language: str
    content_hash: str
    truncated: bool
    changed_at: datetime
    is_behind: bool
    files: str
    feed: str | None


_PAGE: Final = f"""
    SELECT d.id AS document_id, p.slug, p.indexable, p.live, p.published_at, p.row_version AS page_version, d.title,
      d.description, d.language, d.content_hash, d.content_truncated AS truncated,
      coalesce(d.last_edited_at, d.created_at) AS changed_at,
      coalesce((SELECT h.head_seq > d.yjs_clock FROM document_heads h WHERE h.document_id = d.id), false) AS is_behind,
      coalesce((SELECT count(*) || '.' || sum(a.row_version) FROM attachments a WHERE a.document_id = d.id), '')
        AS files,
      CASE WHEN p.indexable THEN (SELECT w.slug FROM workspaces w WHERE w.id = d.workspace_id) END AS feed
    FROM public_pages p JOIN documents d ON d.id = p.document_id
    WHERE p.slug = $1 AND {_SHOWN}
"""  # noqa: S608 - constants


async def find_page(conn: Conn, slug: str) -> Page | None:
    """Find the page of this slug that everybody may read."""
    row = await conn.fetchrow(_PAGE, slug)
    return Page(**row) if row else None


async def find_present_slug(conn: Conn, former: str) -> str | None:
    """Find the slug of the page that had this one before, if everybody may read it."""
    found: str | None = await conn.fetchval(
        f"""
        SELECT p.slug FROM former_page_slugs f JOIN public_pages p USING (document_id)
          JOIN documents d ON d.id = f.document_id
        WHERE f.slug = $1 AND {_SHOWN}
        """,  # noqa: S608 - constants
        former,
    )
    return found


async def list_live(conn: Conn, documents: list[UUID]) -> set[UUID]:
    """List those of the documents whose pages are live and everybody's to read."""
    rows = await conn.fetch(
        f"""
        SELECT d.id FROM documents d JOIN public_pages p ON p.document_id = d.id
        WHERE d.id = ANY ($1) AND p.live AND {_SHOWN}
        """,  # noqa: S608 - constants
        documents,
    )
    return {row["id"] for row in rows}


async def find_text(conn: Conn, document_id: UUID) -> tuple[str, str] | None:
    """Find the stored text and its hash."""
    row = await conn.fetchrow(
        "SELECT content, content_hash FROM documents WHERE id = $1 AND deleted_at IS NULL", document_id
    )
    return (row["content"], row["content_hash"]) if row else None


async def list_pictures(conn: Conn, document_id: UUID) -> dict[str, Picture]:
    """List the pictures among the attachments of a document, by id."""
    rows = await conn.fetch(
        """
        SELECT id, metadata::text, thumbnail_s3_key IS NOT NULL AS has_thumbnails FROM attachments
        WHERE document_id = $1 AND deleted_at IS NULL AND content_type LIKE 'image/%' ORDER BY created_at LIMIT 10000
        """,
        document_id,
    )
    return {str(row["id"]): _to_picture(row) for row in rows}


def _to_picture(row: Row) -> Picture:
    metadata = json.loads(row["metadata"])
    widths = sorted(metadata.get("widths", [])) if row["has_thumbnails"] else []
    return Picture(metadata.get("width"), metadata.get("height"), widths)


@dataclass(frozen=True, slots=True)
class Listed:
    """An indexable page in a list. `beginning`: of its text, to make an excerpt of."""

    document_id: UUID
    slug: str
    title: str
    description: str | None
    published_at: datetime
    changed_at: datetime
    beginning: str


@dataclass(frozen=True, slots=True)
class Feed:
    """The pages of a workspace, the last published first."""

    name: str
    pages: list[Listed]


_LISTED: Final = f"""
    SELECT d.id AS document_id, p.slug, d.title, d.description, p.published_at,
      coalesce(d.last_edited_at, d.created_at) AS changed_at, left(d.content, $2) AS beginning
    FROM public_pages p JOIN documents d ON d.id = p.document_id
    WHERE p.indexable AND p.published_at IS NOT NULL AND {_SHOWN} %s ORDER BY p.published_at DESC, d.id LIMIT $1
"""  # noqa: S608 - constants


async def list_indexable(conn: Conn) -> list[Listed]:
    """List the indexable pages of the server, at most MAX_LISTED, without the beginnings of their texts."""
    return [Listed(**row) for row in await conn.fetch(_LISTED % "", MAX_LISTED, 0)]


async def list_pages(conn: Conn, limit: int, beginning: int, after: tuple[datetime, UUID] | None) -> list[Listed]:
    """List indexable pages, the last published first. `after`: (published_at, document id) of the last one before."""
    place = "AND ($3::timestamptz IS NULL OR p.published_at < $3 OR (p.published_at = $3 AND d.id > $4::uuid))"
    return [Listed(**row) for row in await conn.fetch(_LISTED % place, limit, beginning, *(after or (None, None)))]


async def find_feed(conn: Conn, slug: str, limit: int, beginning: int) -> Feed | None:
    """Find the feed of a workspace. None where it has no indexable page: its existence is nobody's business."""
    rows = await conn.fetch(
        _LISTED % "AND d.workspace_id = (SELECT id FROM workspaces WHERE slug = $3 AND deleted_at IS NULL)",
        limit,
        beginning,
        slug,
    )
    if not rows:
        return None
    name: str = await conn.fetchval("SELECT name FROM workspaces WHERE slug = $1 AND deleted_at IS NULL", slug)
    return Feed(name, [Listed(**row) for row in rows])


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The row of a document's page, as who reads the document sees it; the defaults before it was ever public."""

    is_public: bool
    slug: str | None
    indexable: bool
    live: bool
    published_at: datetime | None
    row_version: int


async def find_settings(conn: Conn, document_id: UUID) -> PageSettings | None:
    """Find the settings of a page; None if the transaction's user may not see the document."""
    row = await conn.fetchrow(
        """
        SELECT d.is_public AND d.type <> 'password' AS is_public, p.slug, coalesce(p.indexable, false) AS indexable,
          coalesce(p.live, false) AS live, CASE WHEN d.is_public THEN p.published_at END AS published_at,
          coalesce(p.row_version, 0) AS row_version
        FROM documents d LEFT JOIN public_pages p ON p.document_id = d.id WHERE d.id = $1 AND d.deleted_at IS NULL
        """,
        document_id,
    )
    return PageSettings(**row) if row else None


async def set_page(conn: Conn, document_id: UUID, slug: str | None, indexable: bool | None, live: bool | None) -> bool:  # noqa: FBT001
    """Set up a page; None keeps a value. False: another page has or had the slug. Raises InsufficientPrivilege."""
    done: bool = await conn.fetchval("SELECT app.set_public_page($1, $2, $3, $4)", document_id, slug, indexable, live)
    return done
