"""SQL of the pictures in earlier texts. Needs app_service."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def find_standings(
    conn: Conn, document_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Literal["living", "deleted", "gone"]]:
    """Find whether attachments are there. Those of other documents count as living: they are shown as they are."""
    rows = await conn.fetch(
        """
        SELECT i.id, CASE WHEN a.id IS NULL THEN 'gone'
          WHEN a.document_id = $1 AND a.deleted_at IS NOT NULL THEN 'deleted' ELSE 'living' END AS standing
        FROM unnest($2::uuid[]) i (id) LEFT JOIN attachments a ON a.id = i.id
        """,
        document_id,
        list(ids),
    )
    return {row["id"]: row["standing"] for row in rows}
