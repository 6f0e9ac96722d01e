"""SQL of attachments. Functions whose transaction is of a user are bound by row-level security."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row

MAX_ATTACHMENTS: Final = 10_000
"""Living attachments of one document."""

Status = Literal["pending", "processing", "complete", "failed"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """`metadata`: of a picture its width and height. `uploader`: a name to show."""

    id: UUID
    document_id: UUID
    workspace_id: UUID
    file_name: str
    original_name: str
    content_type: str
    size_bytes: int
    checksum_sha256: bytes
    s3_bucket: str
    s3_key: str
    metadata: dict[str, Any]
    processing_status: Status
    thumbnail_s3_key: str | None
    uploaded_by: UUID | None
    uploader: str | None
    download_count: int
    last_accessed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    row_version: int


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """`metadata`, `status`: as in Attachment."""

    document_id: UUID
    file_name: str
    original_name: str
    content_type: str
    size_bytes: int
    checksum_sha256: bytes
    bucket: str
    key: str
    region: str | None
    status: Status
    uploaded_by: UUID | None
    idempotency_key: str | None


_COLUMNS = (
    "a.*, (SELECT coalesce(u.display_name, u.username, u.email) FROM users u WHERE u.id = a.uploaded_by) AS uploader"
)


def _to_attachment(row: Row) -> Attachment:
    values = {field.name: row[field.name] for field in fields(Attachment)}
    return Attachment(**{**values, "metadata": json.loads(row["metadata"])})


async def find_workspace(conn: Conn, document_id: UUID) -> UUID | None:
    """Find the workspace of a living document."""
    found: UUID | None = await conn.fetchval(
        "SELECT workspace_id FROM documents WHERE id = $1 AND deleted_at IS NULL", document_id
    )
    return found


async def insert_attachment(conn: Conn, new: NewAttachment) -> Attachment | None:
    """Insert an attachment. None: the document is gone or has MAX_ATTACHMENTS, or its idempotency key is taken."""
    row = await conn.fetchrow(
        f"""
        WITH a AS (
          INSERT INTO attachments (document_id, workspace_id, file_name, original_name, content_type, size_bytes,
            checksum_sha256, s3_bucket, s3_key, s3_region, processing_status, uploaded_by, idempotency_key)
          SELECT d.id, d.workspace_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM documents d
          WHERE d.id = $1 AND d.deleted_at IS NULL AND $13 >
            (SELECT count(*) FROM attachments o WHERE o.document_id = d.id AND o.deleted_at IS NULL)
          ON CONFLICT DO NOTHING RETURNING *)
        SELECT {_COLUMNS} FROM a
        """,  # noqa: S608 - constants
        new.document_id,
        new.file_name,
        new.original_name,
        new.content_type,
        new.size_bytes,
        new.checksum_sha256,
        new.bucket,
        new.key,
        new.region,
        new.status,
        new.uploaded_by,
        new.idempotency_key,
        MAX_ATTACHMENTS,
    )
    return _to_attachment(row) if row else None


async def find_by_key(conn: Conn, document_id: UUID, user_id: UUID | None, idempotency_key: str) -> Attachment | None:
    """Find the attachment, living or not, that a request with this idempotency key made."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM attachments a "  # noqa: S608 - constants
        "WHERE a.document_id = $1 AND a.idempotency_key = $2 AND a.uploaded_by IS NOT DISTINCT FROM $3",
        document_id,
        idempotency_key,
        user_id,
    )
    return _to_attachment(row) if row else None


async def count_attachments(conn: Conn, document_id: UUID) -> int:
    """Count the living attachments of a document."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM attachments WHERE document_id = $1 AND deleted_at IS NULL", document_id
    )
    return count


async def find_attachment(conn: Conn, attachment_id: UUID) -> Attachment | None:
    """Find an attachment, living or deleted, that the transaction may see."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM attachments a WHERE a.id = $1", attachment_id)  # noqa: S608
    return _to_attachment(row) if row else None


async def list_attachments(
    conn: Conn, document_id: UUID, limit: int, after: tuple[datetime, UUID] | None, *, deleted: bool
) -> list[Attachment]:
    """List the living or the deleted attachments of a document, the oldest first."""
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS} FROM attachments a
        WHERE a.document_id = $1 AND (a.deleted_at IS NOT NULL) = $5
          AND ($3::timestamptz IS NULL OR (a.created_at, a.id) > ($3, $4::uuid))
        ORDER BY a.created_at, a.id LIMIT $2
        """,  # noqa: S608 - constants
        document_id,
        limit,
        *(after or (None, None)),
        deleted,
    )
    return [_to_attachment(row) for row in rows]


async def rename_attachment(conn: Conn, attachment_id: UUID, file_name: str, expected: int | None) -> Attachment | None:
    """Rename a living attachment. None: it is gone, has another version, or the transaction may not."""
    row = await conn.fetchrow(
        f"""
        WITH a AS (UPDATE attachments SET file_name = $2
          WHERE id = $1 AND deleted_at IS NULL AND row_version = coalesce($3, row_version) RETURNING *)
        SELECT {_COLUMNS} FROM a
        """,  # noqa: S608 - constants
        attachment_id,
        file_name,
        expected,
    )
    return _to_attachment(row) if row else None


async def set_deleted(conn: Conn, attachment_id: UUID, *, deleted: bool) -> Attachment | None:
    """Delete or restore an attachment. None: the transaction may not."""
    row = await conn.fetchrow(
        f"""
        WITH a AS (UPDATE attachments SET deleted_at = CASE WHEN $2 THEN coalesce(deleted_at, now()) END
          WHERE id = $1 RETURNING *)
        SELECT {_COLUMNS} FROM a
        """,  # noqa: S608 - constants
        attachment_id,
        deleted,
    )
    return _to_attachment(row) if row else None


async def count_download(conn: Conn, attachment_id: UUID) -> None:
    """Needs app_service."""
    await conn.execute(
        "UPDATE attachments SET download_count = download_count + 1, last_accessed_at = now() WHERE id = $1",
        attachment_id,
    )


async def purge_deleted(conn: Conn, days: int) -> int:
    """Delete attachments for good that were deleted before, and uploads that were given up. Needs app_service."""
    status: str = await conn.execute(
        """
        DELETE FROM attachments WHERE id IN (
          SELECT id FROM attachments WHERE deleted_at < now() - make_interval(days => $1)
          ORDER BY deleted_at LIMIT 200 FOR UPDATE SKIP LOCKED)
        """,
        days,
    )
    ended: str = await conn.execute(
        "DELETE FROM uploads WHERE id IN ("
        "SELECT id FROM uploads WHERE expires_at < now() ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)"
    )
    return int(status.rpartition(" ")[2]) + int(ended.rpartition(" ")[2])
