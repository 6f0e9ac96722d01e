"""SQL of writing comments. The caller has checked the rights."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn

MAX_REACTIONS_OF_ONE = 20
"""Different emoji of one person on one comment."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A living comment, locked until the end of the transaction. `thread_author`: of the first of its thread."""

    id: UUID
    document_id: UUID
    thread_id: UUID
    author_id: UUID | None
    thread_author: UUID | None
    content: str
    row_version: int

    @property
    def is_root(self) -> bool:
        return self.thread_id == self.id


async def lock_comment(conn: Conn, comment_id: UUID) -> Locked | None:
    """Lock a comment. None if it is absent or deleted, or the transaction's user may not see it."""
    row = await conn.fetchrow(
        """
        SELECT c.id, c.document_id, c.thread_id, c.author_id,
          (SELECT r.author_id FROM comments r WHERE r.id = c.thread_id), c.content, c.row_version
        FROM comments c WHERE c.id = $1 AND c.deleted_at IS NULL FOR NO KEY UPDATE
        """,
        comment_id,
    )
    return Locked(*row) if row else None


async def find_document(conn: Conn, comment_id: UUID) -> UUID | None:
    """Find the document of a living comment; None if it is absent or the transaction's user may not see it."""
    found: UUID | None = await conn.fetchval(
        "SELECT document_id FROM comments WHERE id = $1 AND deleted_at IS NULL", comment_id
    )
    return found


@dataclass(frozen=True, slots=True)
class Existing:
    """What is stored under an id that a client chose."""

    document_id: UUID
    parent_id: UUID | None
    author_id: UUID | None
    author_kind: str
    author_name: str | None
    first_content: str
    deleted: bool


async def find_existing(conn: Conn, comment_id: UUID) -> Existing | None:
    """Find a comment by its id. `first_content`: before any edit."""
    row = await conn.fetchrow(
        """
        SELECT c.document_id, c.parent_id, c.author_id, c.author_kind, c.author_name,
          coalesce((SELECT e.old_content FROM comment_edits e WHERE e.comment_id = c.id ORDER BY e.id LIMIT 1),
                   c.content), c.deleted_at IS NOT NULL
        FROM comments c WHERE c.id = $1
        """,
        comment_id,
    )
    return Existing(*row) if row else None


async def insert_comment(conn: Conn, document_id: UUID, fields: dict[str, Any]) -> UUID | None:
    """Insert a comment. None if its `id` is used, or the document is absent. Raises ForeignKeyViolation for a parent
    that is not a living comment of the document, InsufficientPrivilege.
    """
    columns = list(fields)
    places = [_place(column, number) for number, column in enumerate(columns, 2)]
    made: UUID | None = await conn.fetchval(
        f"""
        INSERT INTO comments (document_id, workspace_id, {", ".join(columns)})
        SELECT d.id, d.workspace_id, {", ".join(places)} FROM documents d WHERE d.id = $1 AND d.deleted_at IS NULL
        ON CONFLICT DO NOTHING RETURNING id
        """,  # noqa: S608
        document_id,
        *map(_value, fields.values()),
    )
    return made


async def read_clock(conn: Conn) -> datetime:
    """Return the time at which the transaction began."""
    now: datetime = await conn.fetchval("SELECT now()")
    return now


async def update_comment(conn: Conn, comment_id: UUID, fields: dict[str, Any]) -> None:
    """Update columns of a comment. Raises InsufficientPrivilege."""
    changes = [f"{column} = {_place(column, number)}" for number, column in enumerate(fields, 2)]
    await conn.execute(
        f"UPDATE comments SET {', '.join(changes)} WHERE id = $1",  # noqa: S608
        comment_id,
        *map(_value, fields.values()),
    )


_TYPES = {
    "id": "uuid",
    "parent_id": "uuid",
    "author_id": "uuid",
    "unreachable": "text[]",
    "yjs_anchor": "bytea",
    "position": "text::jsonb",
    "anchor_generation": "bigint",
    "anchor_seq": "bigint",
    "resolved": "boolean",
    "created_at": "timestamptz",
}


def _place(column: str, number: int) -> str:
    return f"${number}::{_TYPES.get(column, 'text')}"


def _value(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


async def delete_comment(conn: Conn, comment_id: UUID) -> None:
    """Delete a comment softly."""
    await conn.execute("UPDATE comments SET deleted_at = now() WHERE id = $1", comment_id)


async def replace_mentions(conn: Conn, comment_id: UUID, users: Collection[UUID]) -> None:
    """Have a comment mention exactly these users."""
    wanted = sorted(users)
    await conn.execute("DELETE FROM comment_mentions WHERE comment_id = $1 AND user_id <> ALL ($2)", comment_id, wanted)
    if wanted:
        await conn.execute(
            "INSERT INTO comment_mentions (comment_id, user_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING",
            comment_id,
            wanted,
        )


async def insert_reaction(conn: Conn, comment_id: UUID, user_id: UUID, emoji: str) -> bool:
    """Add a reaction; harmless if it is there. False if the user has too many on this comment."""
    held = await conn.fetch(
        "SELECT emoji FROM comment_reactions WHERE comment_id = $1 AND user_id = $2", comment_id, user_id
    )
    if emoji in {row["emoji"] for row in held}:
        return True
    if len(held) >= MAX_REACTIONS_OF_ONE:
        return False
    await conn.execute(
        "INSERT INTO comment_reactions (comment_id, user_id, emoji) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        comment_id,
        user_id,
        emoji,
    )
    return True


async def delete_reaction(conn: Conn, comment_id: UUID, user_id: UUID, emoji: str) -> None:
    """Take a reaction away; harmless if there is none."""
    await conn.execute(
        "DELETE FROM comment_reactions WHERE comment_id = $1 AND user_id = $2 AND emoji = $3",
        comment_id,
        user_id,
        emoji,
    )
