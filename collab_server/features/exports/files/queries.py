"""SQL of attachments that go into exported files. Needs app_service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A living attachment. `key`: of its object."""

    id: UUID
    file_name: str
    original_name: str
    content_type: str
    size: int
    checksum: bytes
    key: str
    created_at: datetime


_COLUMNS = "id, file_name, original_name, content_type, size_bytes, checksum_sha256, s3_key, created_at"


async def list_files(conn: Conn, document_id: UUID) -> list[ExportedFile]:
    """List the living attachments of a document, the oldest first."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM attachments "  # noqa: S608 - constants
        "WHERE document_id = $1 AND deleted_at IS NULL ORDER BY created_at, id",
        document_id,
    )
    return [ExportedFile(*row) for row in rows]


async def find_files(conn: Conn, document_id: UUID, ids: Sequence[UUID], *, earlier: bool) -> dict[UUID, ExportedFile]:
    """Find the attachments of a document among these ids. `earlier`: also deleted ones."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM attachments "  # noqa: S608 - constants
        "WHERE document_id = $1 AND (deleted_at IS NULL OR $3) AND id = ANY ($2::uuid[])",
        document_id,
        list(ids),
        earlier,
    )
    return {row["id"]: ExportedFile(*row) for row in rows}
