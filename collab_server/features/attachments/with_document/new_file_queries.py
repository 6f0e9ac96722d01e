"""SQL of attachments that are made with their document. Needs app_service."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.attachments.queries import NewAttachment


@dataclass(frozen=True, slots=True)
class NewRow:
    """`new.document_id` is not used: the document is not made yet."""

    id: UUID
    new: NewAttachment


async def insert_files(conn: Conn, document_id: UUID, rows: Sequence[NewRow]) -> None:
    """Insert attachments of a new document, in this order."""
    await conn.executemany(
        """
        INSERT INTO attachments (id, document_id, workspace_id, file_name, original_name, content_type, size_bytes,
          checksum_sha256, s3_bucket, s3_key, s3_region, processing_status, uploaded_by, created_at)
        SELECT $1, d.id, d.workspace_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
          now() + $13::integer * interval '1 microsecond'
        FROM documents d WHERE d.id = $2
        """,
        [
            (
                row.id,
                document_id,
                row.new.file_name,
                row.new.original_name,
                row.new.content_type,
                row.new.size_bytes,
                row.new.checksum_sha256,
                row.new.bucket,
                row.new.key,
                row.new.region,
                row.new.status,
                row.new.uploaded_by,
                place,
            )
            for place, row in enumerate(rows)
        ],
    )
