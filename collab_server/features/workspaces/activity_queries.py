"""SQL of the activity log."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Entry:
    """`entity_name`: its present name, if visible to the reader. `data`: `old` and `new` values of non-sensitive
    columns.
    """

    id: int
    at: datetime
    actor_id: UUID | None
    actor_name: str | None
    action: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    changed_fields: list[str] | None
    data: dict[str, Any]


async def list_activity(
    conn: Conn, workspace_id: UUID, limit: int, before: int | None, actor: UUID | None, entity_type: str | None
) -> list[Entry]:
    """The newest first. `before`: the id of the last one of the page before."""
    rows = await conn.fetch(
        """
        SELECT id, created_at AS at, actor_id, actor_name, action, entity_type, entity_id,
          CASE entity_type
            WHEN 'member' THEN
              (SELECT coalesce(u.display_name, u.username, u.email) FROM users u WHERE u.id = entity_id::uuid)
            WHEN 'document' THEN (SELECT d.title FROM documents d WHERE d.id = entity_id::uuid)
          END AS entity_name, changed_fields, data
        FROM activity_log
        WHERE workspace_id = $1 AND ($3::bigint IS NULL OR id < $3) AND ($4::uuid IS NULL OR actor_id = $4)
          AND ($5::text IS NULL OR entity_type = $5)
        ORDER BY id DESC LIMIT $2
        """,
        workspace_id,
        limit,
        before,
        actor,
        entity_type,
    )
    return [Entry(**{**row, "data": json.loads(row["data"])}) for row in rows]
