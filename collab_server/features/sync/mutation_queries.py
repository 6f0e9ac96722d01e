"""SQL of mutations from devices, their results and conflicts. Under the caller's rights."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Done:
    fingerprint: bytes
    result: dict[str, Any]


async def begin(conn: Conn, device: str, key: str, fingerprint: bytes) -> Done | None:
    """Reserve the key in this transaction. Return its earlier result, if any. Waits for a concurrent use of the key."""
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
    """Set the edit time of all changes until the end of the transaction, at most now. Return the set time."""
    bounded: datetime = await conn.fetchval("SELECT least($1::timestamptz, now())", edited_at)
    await conn.execute("SELECT set_config('app.edited_at', $1, true)", bounded.isoformat())
    return bounded


async def list_edit_times(conn: Conn, document_id: UUID) -> dict[str, datetime]:
    """Return the known times of the last edits by field."""
    rows = await conn.fetch("SELECT field, edited_at FROM document_edit_times WHERE document_id = $1", document_id)
    return {row[0]: row[1] for row in rows}


async def has_later_content(
    conn: Conn, document_id: UUID, after: datetime, user_id: UUID | None, device: str, known_version: int | None
) -> bool:
    """Return whether another device of any user edited the content after this time. Needs app_service.

    Folded edits are found in the change log, by the time of the fold. A device with the present row version knows them.
    """
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM document_updates u
            WHERE u.document_id = $1 AND u.created_at > least($2, now())
              AND (u.actor_id, u.device_id) IS DISTINCT FROM ($3, $4))
          OR EXISTS (
            SELECT FROM documents d JOIN sync_log s ON s.workspace_id = d.workspace_id AND s.entity_id = d.id
            WHERE d.id = $1 AND d.row_version IS DISTINCT FROM $5 AND s.created_at > least($2, now())
              AND s.entity_type = 'document' AND 'content' = ANY (s.changed_fields)
              AND (s.changed_by, s.device_id) IS DISTINCT FROM ($3, $4))
        """,
        document_id,
        after,
        user_id,
        device,
        known_version,
    )
    return found


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
    """Insert a conflict record and return its id. `row_version`: before the mutation. `kept`: the document's values are
    later and stay, so `overwritten` has the device's values.
    """
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
