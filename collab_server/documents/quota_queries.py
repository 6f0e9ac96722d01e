"""SQL of what a workspace may still hold; see migrations/versions/0024_document_bounds.py for how it is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.db import Conn


@dataclass(frozen=True, slots=True)
class Usage:
    """`documents`: with those in the trash. `used`, `limit`: bytes."""

    kind: str
    documents: int
    used: int
    limit: int


async def find_usage(conn: Conn, workspace_id: UUID) -> Usage | None:
    """None where the transaction's user may not read the workspace."""
    row = await conn.fetchrow(
        """
        SELECT w.kind, u.document_count, u.storage_used_bytes, w.storage_limit_bytes
        FROM workspaces w JOIN workspace_usage u ON u.workspace_id = w.id WHERE w.id = $1
        """,
        workspace_id,
    )
    return Usage(*row) if row else None


async def find_size(conn: Conn, document_id: UUID) -> int:
    """Bytes that count for its workspace; 0 where it is not there."""
    size: int | None = await conn.fetchval(
        """
        SELECT coalesce(octet_length(yjs_state), 0)::bigint + content_bytes
          + coalesce(octet_length(content_encrypted), 0)
        FROM documents WHERE id = $1
        """,
        document_id,
    )
    return size or 0


async def list_storage_left(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Of documents that are there: bytes by which their workspaces may still grow, negative above the limit.

    Under app_service.
    """
    rows = await conn.fetch(
        """
        SELECT d.id, w.storage_limit_bytes - u.storage_used_bytes AS left
        FROM documents d JOIN workspaces w ON w.id = d.workspace_id JOIN workspace_usage u ON u.workspace_id = w.id
        WHERE d.id = ANY ($1::uuid[])
        """,
        document_ids,
    )
    return {row[0]: row[1] for row in rows}
