"""SQL of mutations that devices bring: which were done already, and what they overwrote. Under the caller's rights."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.backends.db import Conn


@dataclass(frozen=True, slots=True)
class Done:
    fingerprint: bytes
    result: dict[str, Any]


async def begin(conn: Conn, device: str, key: str, fingerprint: bytes) -> Done | None:
    """Reserve the key for this transaction; what was done under it already. Waits for another that is at it."""
    reserved = await conn.fetchval(
        """
        INSERT INTO sync_mutations (user_id, device_id, key, fingerprint) VALUES (app.user_id(), $1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        device,
        key,
        fingerprint,
    )
    if reserved:
        return None
    row = await conn.fetchrow(
        """
        SELECT fingerprint, result::text FROM sync_mutations
        WHERE user_id = app.user_id() AND device_id = $1 AND key = $2
        """,
        device,
        key,
    )
    return Done(row[0], json.loads(row[1])) if row else None


async def finish(conn: Conn, device: str, key: str, result: dict[str, Any]) -> None:
    await conn.execute(
        """
        UPDATE sync_mutations SET result = $3::text::jsonb
        WHERE user_id = app.user_id() AND device_id = $1 AND key = $2
        """,
        device,
        key,
        json.dumps(result),
    )


async def set_edit_time(conn: Conn, edited_at: datetime) -> datetime:
    """From here to the transaction's end, fields are edited at this time, or now where that is in the future; which."""
    bounded: datetime = await conn.fetchval("SELECT least($1::timestamptz, now())", edited_at)
    await conn.execute("SELECT set_config('app.edited_at', $1, true)", bounded.isoformat())
    return bounded


async def list_edit_times(conn: Conn, document_id: UUID) -> dict[str, datetime]:
    """When each field was last edited, as far as that is known."""
    rows = await conn.fetch("SELECT field, edited_at FROM document_edit_times WHERE document_id = $1", document_id)
    return {row[0]: row[1] for row in rows}


async def insert_conflict(
    conn: Conn,
    document_id: UUID,
    workspace_id: UUID,
    device: str,
    kind: str,
    overwritten: dict[str, Any],
    written: dict[str, Any],
    base_version: int | None,
    row_version: int,
    *,
    kept: bool,
) -> UUID:
    """`row_version`: that the device met. `kept`: what it met is later and stays, so `overwritten` is the device's."""
    made: UUID = await conn.fetchval(
        """
        INSERT INTO sync_conflicts
          (document_id, workspace_id, user_id, device_id, kind, overwritten, written, base_version, row_version, kept)
        VALUES ($1, $2, app.user_id(), $3, $4, $5::text::jsonb, $6::text::jsonb, $7, $8, $9) RETURNING id
        """,
        document_id,
        workspace_id,
        device,
        kind,
        json.dumps(overwritten),
        json.dumps(written),
        base_version,
        row_version,
        kept,
    )
    return made


@dataclass(frozen=True, slots=True)
class Conflict:
    id: UUID
    document_id: UUID
    user_id: UUID | None
    device_id: str
    kind: str
    overwritten: dict[str, Any]
    written: dict[str, Any]
    base_version: int | None
    row_version: int
    created_at: datetime
    kept: bool


async def list_conflicts(
    conn: Conn, document_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[Conflict]:
    """The latest first; `after`: (created_at, id) of the last one of the page before."""
    rows = await conn.fetch(
        """
        SELECT id, document_id, user_id, device_id, kind, overwritten::text AS overwritten,
               written::text AS written, base_version, row_version,
               created_at, kept
        FROM sync_conflicts
        WHERE document_id = $1 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $2
        """,
        document_id,
        limit,
        after[0] if after else None,
        after[1] if after else None,
    )
    read = [
        {**dict(row), "overwritten": json.loads(row["overwritten"]), "written": json.loads(row["written"])}
        for row in rows
    ]
    return [Conflict(**fields) for fields in read]


async def purge(conn: Conn) -> int:
    """Mutations and conflicts of 90 days ago, some of them; how many. Under app_service."""
    count: int = await conn.fetchval("SELECT app.purge_sync_mutations()")
    return count
