"""SQL of limits of workspaces; see migrations/versions/0024_limit_documents/up.sql for the counters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Usage:
    """`documents`: with those in the trash. `used`, `limit`: bytes; `used`: without the history, which takes what
    documents leave.
    """

    kind: str
    documents: int
    used: int
    limit: int


async def find_usage(conn: Conn, workspace_id: UUID) -> Usage | None:
    """Find the usage of a workspace. None if the transaction's user may not read it."""
    row = await conn.fetchrow(
        """
        SELECT w.kind, u.document_count, u.storage_used_bytes, w.storage_limit_bytes
        FROM workspaces w JOIN workspace_usage u ON u.workspace_id = w.id WHERE w.id = $1
        """,
        workspace_id,
    )
    return Usage(*row) if row else None


async def find_settings(conn: Conn, workspace_id: UUID) -> dict[str, Any]:
    """Find the settings of a workspace; none if there is no such workspace. Needs app_service."""
    settings: str | None = await conn.fetchval("SELECT settings FROM workspaces WHERE id = $1", workspace_id)
    found: dict[str, Any] = json.loads(settings or "{}")
    return found


async def find_size(conn: Conn, document_id: UUID) -> int:
    """Return the counted bytes of a document without its attachments; 0 if it does not exist."""
    size: int | None = await conn.fetchval(
        """
        SELECT coalesce(octet_length(yjs_state), 0)::bigint + content_bytes
          + coalesce(octet_length(content_encrypted), 0)
        FROM documents WHERE id = $1
        """,
        document_id,
    )
    return size or 0


async def find_attachment_size(conn: Conn, document_id: UUID) -> int:
    """Return the bytes of the living attachments of a document."""
    size: int = await conn.fetchval(
        "SELECT coalesce(sum(size_bytes), 0)::bigint FROM attachments WHERE document_id = $1 AND deleted_at IS NULL",
        document_id,
    )
    return size


async def list_storage_left(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the bytes left in the workspaces of existing documents, negative above the limit. Needs app_service."""
    rows = await conn.fetch(
        """
        SELECT d.id, w.storage_limit_bytes - u.storage_used_bytes AS left
        FROM documents d JOIN workspaces w ON w.id = d.workspace_id JOIN workspace_usage u ON u.workspace_id = w.id
        WHERE d.id = ANY ($1::uuid[])
        """,
        document_ids,
    )
    return {row[0]: row[1] for row in rows}


async def has_space_for_versions(conn: Conn, document_id: UUID) -> bool:
    """Whether the workspace of a document is below its limit, or would be without the history that maintenance may
    remove. Needs app_service.
    """
    found: bool | None = await conn.fetchval(
        """
        SELECT u.storage_used_bytes + u.history_bytes < w.storage_limit_bytes OR u.storage_used_bytes + (
            SELECT coalesce(sum(v.stored_bytes), 0) FROM documents o JOIN document_versions v ON v.document_id = o.id
            WHERE o.workspace_id = w.id AND (v.label IS NOT NULL OR v.pinned)) < w.storage_limit_bytes
        FROM documents d JOIN workspaces w ON w.id = d.workspace_id JOIN workspace_usage u ON u.workspace_id = w.id
        WHERE d.id = $1
        """,
        document_id,
    )
    return bool(found)
