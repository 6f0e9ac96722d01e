"""SQL of reading comments, under the row-level security of the transaction's user: a member of the workspace."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.errors import NotFound

NO_COMMENT = "there is no such comment"
SHOWN_REACTORS = 10

State = Literal["open", "resolved", "orphan"]


@dataclass(frozen=True, slots=True)
class Person:
    """`name`: None if the reader may not know it."""

    id: UUID
    name: str | None


@dataclass(frozen=True, slots=True)
class Reaction:
    """`people`: names of the first of them."""

    emoji: str
    count: int
    mine: bool
    people: list[str]


@dataclass(frozen=True, slots=True)
class Anchor:
    """`position`: start and end in the content after row `seq` of `generation`; None: the words are gone."""

    anchor: bytes
    text: str
    position: tuple[int, int] | None
    generation: int
    seq: int


@dataclass(frozen=True, slots=True)
class Comment:
    """`author_name`: of an API token, a guest or a user of an application; `user_name`: of the account."""

    id: UUID
    document_id: UUID
    thread_id: UUID
    parent_id: UUID | None
    depth: int
    author_id: UUID | None
    author_kind: str
    author_name: str | None
    user_name: str | None
    avatar_url: str | None
    content: str
    content_html: str
    unreachable: list[str]
    anchor: Anchor | None
    resolved: bool
    resolved_by: Person | None
    resolved_at: datetime | None
    edited: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    row_version: int
    mentions: list[Person]
    reactions: list[Reaction]


_SHOWN = """
    SELECT c.id, c.document_id, c.thread_id, c.parent_id, c.depth, c.author_id, c.author_kind, c.author_name,
      coalesce(a.display_name, a.username, a.email) AS user_name, a.avatar_url, c.content, c.content_html,
      c.unreachable, c.yjs_anchor, c.anchor_text, c.position::text AS position, c.anchor_generation, c.anchor_seq,
      c.resolved, c.resolved_by, coalesce(b.display_name, b.username, b.email) AS resolver_name, c.resolved_at,
      c.edited, c.created_at, c.updated_at, c.deleted_at, c.row_version
    FROM comments c LEFT JOIN users a ON a.id = c.author_id LEFT JOIN users b ON b.id = c.resolved_by
"""
_KEPT = """
    (c.deleted_at IS NULL OR EXISTS (
      WITH RECURSIVE below AS (
        SELECT r.id, r.deleted_at FROM comments r WHERE r.parent_id = c.id
        UNION ALL SELECT r.id, r.deleted_at FROM below JOIN comments r ON r.parent_id = below.id)
      SELECT FROM below WHERE below.deleted_at IS NULL))
"""
"""A deleted comment stays while a comment below it lives."""


async def list_comments(
    conn: Conn,
    document_id: UUID,
    limit: int,
    after: tuple[datetime, UUID] | None,
    *,
    me: UUID | None,
    thread_id: UUID | None,
    resolved: bool | None,
    threads: Sequence[UUID] | None,
    mine: bool,
) -> list[Comment]:
    """List comments, the oldest first, deleted ones only above living ones. `me`: the reader, if they have
    an account. `resolved`: of the thread. `threads`: only of these. `mine`: threads that `me` wrote in or is
    mentioned in.
    """
    rows = await conn.fetch(
        f"""
        {_SHOWN}
        WHERE c.document_id = $1 AND ($3::timestamptz IS NULL OR (c.created_at, c.id) > ($3, $4::uuid))
          AND ($5::uuid IS NULL OR c.thread_id = $5)
          AND ($6::boolean IS NULL OR (SELECT r.resolved FROM comments r WHERE r.id = c.thread_id) = $6)
          AND ($7::uuid[] IS NULL OR c.thread_id = ANY ($7))
          AND (NOT $8::boolean OR EXISTS (
            SELECT FROM comments m WHERE m.thread_id = c.thread_id AND m.deleted_at IS NULL
              AND (m.author_id = $9 OR EXISTS (
                SELECT FROM comment_mentions x WHERE x.comment_id = m.id AND x.user_id = $9))))
          AND {_KEPT}
        ORDER BY c.created_at, c.id LIMIT $2
        """,  # noqa: S608
        document_id,
        limit,
        after[0] if after else None,
        after[1] if after else None,
        thread_id,
        resolved,
        threads,
        mine,
        me,
    )
    return await _to_comments(conn, rows, me)


async def get_comment(conn: Conn, comment_id: UUID, me: UUID | None) -> Comment:
    """Read one comment. `me`: the reader, if they have an account. Raises NotFound."""
    rows = await conn.fetch(_SHOWN + f"WHERE c.id = $1 AND {_KEPT}", comment_id)
    if not rows:
        raise NotFound(NO_COMMENT)
    return (await _to_comments(conn, rows, me))[0]


async def list_anchored(conn: Conn, document_id: UUID) -> list[tuple[UUID, Anchor]]:
    """List the anchors of all threads of a document."""
    rows = await conn.fetch(
        """
        SELECT id, yjs_anchor, anchor_text, position::text AS position, anchor_generation, anchor_seq FROM comments
        WHERE document_id = $1 AND yjs_anchor IS NOT NULL ORDER BY created_at, id
        """,
        document_id,
    )
    return [(row["id"], anchor) for row in rows if (anchor := _to_anchor(row)) is not None]


async def _to_comments(conn: Conn, rows: Sequence[Row], me: UUID | None) -> list[Comment]:
    living = [row["id"] for row in rows if row["deleted_at"] is None]
    mentions = await _list_mentions(conn, living)
    reactions = await _list_reactions(conn, living, me)
    found = []
    for row in rows:
        fields = dict(row)
        anchor = _to_anchor(row)
        for column in ("yjs_anchor", "anchor_text", "position", "anchor_generation", "anchor_seq"):
            del fields[column]
        resolver = fields.pop("resolver_name")
        fields["resolved_by"] = Person(row["resolved_by"], resolver) if row["resolved_by"] else None
        found.append(
            Comment(
                **fields, anchor=anchor, mentions=mentions.get(row["id"], []), reactions=reactions.get(row["id"], [])
            )
        )
    return found


def _to_anchor(row: Row) -> Anchor | None:
    if row["yjs_anchor"] is None:
        return None
    stored = json.loads(row["position"]) if row["position"] else None
    position = (stored["start"], stored["end"]) if stored else None
    return Anchor(row["yjs_anchor"], row["anchor_text"], position, row["anchor_generation"], row["anchor_seq"])


async def _list_mentions(conn: Conn, comments: Sequence[UUID]) -> dict[UUID, list[Person]]:
    rows = await conn.fetch(
        """
        SELECT x.comment_id, x.user_id, coalesce(u.display_name, u.username, u.email) AS name
        FROM comment_mentions x LEFT JOIN users u ON u.id = x.user_id
        WHERE x.comment_id = ANY ($1) ORDER BY lower(coalesce(u.display_name, u.username, u.email)), x.user_id
        """,
        comments,
    )
    found: dict[UUID, list[Person]] = {}
    for row in rows:
        found.setdefault(row["comment_id"], []).append(Person(row["user_id"], row["name"]))
    return found


async def _list_reactions(conn: Conn, comments: Sequence[UUID], me: UUID | None) -> dict[UUID, list[Reaction]]:
    rows = await conn.fetch(
        """
        SELECT r.comment_id, r.emoji, count(*) AS count, coalesce(bool_or(r.user_id = $3), false) AS mine,
          coalesce((array_agg(coalesce(u.display_name, u.username, u.email) ORDER BY r.created_at, r.user_id)
            FILTER (WHERE u.id IS NOT NULL))[1:$2], '{}') AS people
        FROM comment_reactions r LEFT JOIN users u ON u.id = r.user_id
        WHERE r.comment_id = ANY ($1) GROUP BY r.comment_id, r.emoji ORDER BY min(r.created_at), r.emoji
        """,
        comments,
        SHOWN_REACTORS,
        me,
    )
    found: dict[UUID, list[Reaction]] = {}
    for row in rows:
        reaction = Reaction(row["emoji"], row["count"], row["mine"], list(row["people"]))
        found.setdefault(row["comment_id"], []).append(reaction)
    return found


@dataclass(frozen=True, slots=True)
class Edit:
    """An earlier text. `at`: when it was replaced."""

    id: int
    content: str
    at: datetime


async def list_edits(conn: Conn, comment_id: UUID, limit: int, before: int | None) -> list[Edit]:
    """List earlier texts of a comment, the latest first."""
    rows = await conn.fetch(
        """
        SELECT id, old_content, edited_at FROM comment_edits
        WHERE comment_id = $1 AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $2
        """,
        comment_id,
        limit,
        before,
    )
    return [Edit(*row) for row in rows]
