"""SQL of files that arrive in parts. Functions whose transaction is of a user are bound by row-level security."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row

HOURS = 24
"""An upload ends this long after its last part."""


@dataclass(frozen=True, slots=True)
class Upload:
    """`parts`: keys of the objects with what has come, in order. `without_metadata`: is dropped from a picture.
    `direct_key`: of the object that a client puts; None for others and complete ones. `checksum_sha256`: that the bytes
    must have.
    """

    id: UUID
    document_id: UUID
    file_name: str
    content_type: str | None
    without_metadata: bool
    size_bytes: int
    received_bytes: int
    parts: list[str]
    direct_key: str | None
    checksum_sha256: bytes | None
    attachment_id: UUID | None
    expires_at: datetime


def _to_upload(row: Row) -> Upload:
    return Upload(**{field.name: row[field.name] for field in fields(Upload)})


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload that begins. `bucket`: of its objects."""

    document_id: UUID
    file_name: str
    content_type: str | None
    without_metadata: bool
    size_bytes: int
    bucket: str
    direct_key: str | None
    checksum_sha256: bytes | None


async def insert_upload(conn: Conn, new: NewUpload) -> Upload | None:
    """Insert an upload. None: the document is gone."""
    row = await conn.fetchrow(
        """
        INSERT INTO uploads (document_id, workspace_id, file_name, content_type, without_metadata, size_bytes,
          s3_bucket, direct_key, checksum_sha256, expires_at)
        SELECT d.id, d.workspace_id, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(hours => $9) FROM documents d
        WHERE d.id = $1 AND d.deleted_at IS NULL RETURNING *
        """,
        new.document_id,
        new.file_name,
        new.content_type,
        new.without_metadata,
        new.size_bytes,
        new.bucket,
        new.direct_key,
        new.checksum_sha256,
        HOURS,
    )
    return _to_upload(row) if row else None


async def find_upload(conn: Conn, upload_id: UUID) -> Upload | None:
    """Find an upload that has not expired and that the transaction may see."""
    row = await conn.fetchrow("SELECT * FROM uploads WHERE id = $1 AND expires_at > now()", upload_id)
    return _to_upload(row) if row else None


async def add_part(conn: Conn, upload_id: UUID, offset: int, key: str, size: int) -> int | None:
    """Add a part at an offset, and return the next offset. None: the upload has ended, or another request has added
    that part. Needs app_service.
    """
    received: int | None = await conn.fetchval(
        """
        UPDATE uploads SET received_bytes = received_bytes + $4, parts = parts || $3::text,
          expires_at = now() + make_interval(hours => $5)
        WHERE id = $1 AND received_bytes = $2 AND attachment_id IS NULL RETURNING received_bytes
        """,
        upload_id,
        offset,
        key,
        size,
        HOURS,
    )
    return received


async def complete_upload(conn: Conn, upload_id: UUID, attachment_id: UUID) -> None:
    """Note the attachment of an upload. Its objects are deleted. Needs app_service."""
    await conn.execute(
        "UPDATE uploads SET attachment_id = $2, parts = '{}', direct_key = NULL "
        "WHERE id = $1 AND attachment_id IS NULL",
        upload_id,
        attachment_id,
    )


async def delete_upload(conn: Conn, upload_id: UUID) -> bool:
    """False: it is gone, or the transaction may not."""
    return (await conn.execute("DELETE FROM uploads WHERE id = $1", upload_id)) == "DELETE 1"
