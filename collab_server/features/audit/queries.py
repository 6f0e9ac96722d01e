"""SQL of the audit log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def insert_entry(
    conn: Conn,
    action: str,
    entity_type: str,
    entity_id: str,
    data: Mapping[str, object] | None = None,
    *,
    workspace_id: UUID | None = None,
) -> None:
    """Insert an entry for an action without a trigger. The actor and the address come from the transaction
    (`adapters.postgres.acting`).
    """
    await conn.execute(
        "SELECT app.log_activity($1, $2, $3, p_data => $4::jsonb, p_workspace => $5)",
        action,
        entity_type,
        entity_id,
        json.dumps(dict(data or {})),
        workspace_id,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """`actor_name`: the name at that time; `operator` for a command on the server. `data`: values without secrets."""

    id: int
    at: datetime
    actor_id: UUID | None
    actor_name: str | None
    action: str
    entity_type: str
    entity_id: str
    workspace_id: UUID | None
    changed_fields: list[str] | None
    data: dict[str, Any]
    ip_address: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """None matches everything. `since` is inclusive, `until` exclusive."""

    actor: UUID | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    workspace_id: UUID | None = None
    ip_address: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_entries(conn: Conn, wanted: Filter, limit: int, before: int | None) -> list[Entry]:
    """The newest first (under row-level security: all to a server administrator). `before`: the id of the last one of
    the page before.
    """
    rows = await conn.fetch(
        """
        SELECT id, created_at AS at, actor_id, actor_name, action, entity_type, entity_id, workspace_id,
               changed_fields, data, ip_address, user_agent
        FROM activity_log
        WHERE ($2::bigint IS NULL OR id < $2) AND ($3::uuid IS NULL OR actor_id = $3)
          AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR entity_type = $5)
          AND ($6::text IS NULL OR entity_id = $6) AND ($7::text IS NULL OR ip_address = $7)
          AND ($10::uuid IS NULL OR workspace_id = $10)
          AND ($8::timestamptz IS NULL OR created_at >= $8) AND ($9::timestamptz IS NULL OR created_at < $9)
        ORDER BY id DESC LIMIT $1
        """,
        limit,
        before,
        wanted.actor,
        wanted.action,
        wanted.entity_type,
        wanted.entity_id,
        wanted.ip_address,
        wanted.since,
        wanted.until,
        wanted.workspace_id,
    )
    return [Entry(**{**row, "data": json.loads(row["data"])}) for row in rows]
