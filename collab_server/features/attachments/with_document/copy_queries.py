"""SQL of copies of attachments. Needs app_service."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Original:
    """`workspace_id`: of its document."""

    id: UUID
    workspace_id: UUID
    key: str
    size: int
    checksum: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """`key`: of the object of the copy, in `bucket`; None: the object of the original."""

    original: UUID
    id: UUID
    key: str | None


async def list_originals(conn: Conn, document_id: UUID) -> list[Original]:
    """List the living attachments of a document, the oldest first."""
    rows = await conn.fetch(
        "SELECT id, workspace_id, s3_key, size_bytes, checksum_sha256 FROM attachments "
        "WHERE document_id = $1 AND deleted_at IS NULL ORDER BY created_at, id",
        document_id,
    )
    return [Original(*row) for row in rows]


async def insert_copies(
    conn: Conn, document_id: UUID, copies: Sequence[Copy], bucket: str, region: str | None, user_id: UUID | None
) -> int:
    """Insert the attachments of a new document. Return how many; an original that is gone has no copy.

    The originals stay until the transaction ends, and with them their objects. A copy with an object of its own gets
    its thumbnails later.
    """
    status: str = await conn.execute(
        """
        WITH chosen AS (
          SELECT a.*, c.copy, c.own_key, c.place
          FROM unnest($2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY c (original, copy, own_key, place)
          JOIN attachments a ON a.id = c.original FOR KEY SHARE OF a)
        INSERT INTO attachments (id, document_id, workspace_id, file_name, original_name, content_type, size_bytes,
          checksum_sha256, s3_bucket, s3_key, s3_region, metadata, processing_status, thumbnail_s3_key, thumbnail_url,
          uploaded_by, created_at)
        SELECT c.copy, d.id, d.workspace_id, c.file_name, c.original_name, c.content_type, c.size_bytes,
          c.checksum_sha256, CASE WHEN c.own_key IS NULL THEN c.s3_bucket ELSE $5 END, coalesce(c.own_key, c.s3_key),
          CASE WHEN c.own_key IS NULL THEN c.s3_region ELSE $6 END, c.metadata,
          CASE WHEN c.processing_status = 'processing' OR (c.own_key IS NOT NULL AND c.thumbnail_s3_key IS NOT NULL)
            THEN 'pending' ELSE c.processing_status END,
          CASE WHEN c.own_key IS NULL THEN c.thumbnail_s3_key END,
          CASE WHEN c.own_key IS NULL AND c.thumbnail_s3_key IS NOT NULL
            THEN '/api/v1/attachments/' || c.copy || '/thumbnail' END,
          $7, now() + c.place * interval '1 microsecond'
        FROM chosen c, documents d WHERE d.id = $1
        """,
        document_id,
        [copy.original for copy in copies],
        [copy.id for copy in copies],
        [copy.key for copy in copies],
        bucket,
        region,
        user_id,
    )
    return int(status.rpartition(" ")[2])
