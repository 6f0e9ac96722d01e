"""SQL of versions. The function that numbers them is in migrations/objects."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.core.history.segment import HistoryAuthor, author_from_json, author_to_json


@dataclass(frozen=True, slots=True)
class Version:
    """A version without its content. seq: the row of the log that it was made after."""

    id: UUID
    number: int
    kind: str
    label: str | None
    pinned: bool
    title: str
    content_hash: str
    truncated: bool
    size_bytes: int
    generation: int
    seq: int
    authors: list[HistoryAuthor]
    changes_summary: dict[str, int]
    change_description: str | None
    created_by: UUID | None
    created_at: datetime
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be inserted. if_new: not if the last version has the same state and title. created_at None: now."""

    kind: str
    label: str | None
    change_description: str | None
    content: str
    content_hash: str
    truncated: bool
    seq: int
    snapshot: bytes
    state_hash: bytes
    changes_summary: dict[str, int]
    diff_patch: str | None
    authors: Sequence[HistoryAuthor]
    created_by: UUID | None
    if_new: bool
    created_at: datetime | None = None


async def insert_version(conn: Conn, document_id: UUID, new: NewVersion) -> tuple[int, bool] | None:
    """Insert a version. Return (its number, whether it is new); None if the document is absent."""
    row = await conn.fetchrow(
        "SELECT number, is_new FROM app.add_version("
        "$1, $2, $3, $4, false, $5, $6, $7, $8, $9, $10, NULL, $11::jsonb, $12, $13::jsonb, $14, $15, $16)",
        document_id,
        new.seq,
        new.kind,
        new.label,
        new.change_description,
        new.content,
        new.content_hash,
        new.truncated,
        new.snapshot,
        new.state_hash,
        json.dumps(new.changes_summary),
        new.diff_patch,
        json.dumps([author_to_json(author) for author in new.authors], ensure_ascii=False),
        new.created_by,
        new.if_new,
        new.created_at,
    )
    return (row["number"], row["is_new"]) if row else None


async def find_version(conn: Conn, document_id: UUID, number: int) -> Version | None:
    """Find a version by its number."""
    found = await list_versions(conn, document_id, 1, number + 1)
    return found[0] if found and found[0].number == number else None


_VERSION = """
    SELECT id, version_number, kind, label, pinned, title, content_hash, content_truncated, size_bytes, generation,
           yjs_clock, authors, changes_summary, change_description, created_by, created_at, metadata_snapshot
    FROM document_versions
"""


async def find_version_before(conn: Conn, document_id: UUID, generation: int, seq: int) -> Version | None:
    """Find the last version of a generation that was made before a row of the log."""
    row = await conn.fetchrow(
        _VERSION
        + "WHERE document_id = $1 AND generation = $2 AND yjs_clock < $3 ORDER BY yjs_clock DESC, version_number DESC "
        "LIMIT 1",
        document_id,
        generation,
        seq,
    )
    return _to_version(row) if row else None


async def list_versions(conn: Conn, document_id: UUID, limit: int, before: int | None) -> list[Version]:
    """List versions with numbers below `before`, the newest first."""
    rows = await conn.fetch(
        _VERSION
        + """
        WHERE document_id = $1 AND ($3::bigint IS NULL OR version_number < $3) ORDER BY version_number DESC LIMIT $2
        """,
        document_id,
        limit,
        before,
    )
    return [_to_version(row) for row in rows]


async def find_content(conn: Conn, document_id: UUID, number: int) -> str | None:
    """Find the content of a version."""
    content: str | None = await conn.fetchval(
        "SELECT content FROM document_versions WHERE document_id = $1 AND version_number = $2", document_id, number
    )
    return content


async def update_version(
    conn: Conn, document_id: UUID, number: int, *, label: str | None, description: str | None, pinned: bool
) -> bool:
    """Replace what people say of a version. False: it is absent."""
    return bool(
        await conn.fetchval(
            "UPDATE document_versions SET label = $3, change_description = $4, pinned = $5 "
            "WHERE document_id = $1 AND version_number = $2 RETURNING true",
            document_id,
            number,
            label,
            description,
            pinned,
        )
    )


async def delete_version(conn: Conn, document_id: UUID, number: int) -> bool:
    """Delete a version. False: it is absent."""
    return bool(
        await conn.fetchval(
            "DELETE FROM document_versions WHERE document_id = $1 AND version_number = $2 RETURNING true",
            document_id,
            number,
        )
    )


def _to_version(row: Row) -> Version:
    return Version(
        row["id"],
        row["version_number"],
        row["kind"],
        row["label"],
        row["pinned"],
        row["title"],
        row["content_hash"],
        row["content_truncated"],
        row["size_bytes"],
        row["generation"],
        row["yjs_clock"],
        [author_from_json(author) for author in json.loads(row["authors"])],
        json.loads(row["changes_summary"]),
        row["change_description"],
        row["created_by"],
        row["created_at"],
        json.loads(row["metadata_snapshot"]),
    )
