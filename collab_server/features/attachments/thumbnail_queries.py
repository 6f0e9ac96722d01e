"""SQL of the worker for thumbnails. Needs app_service."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Claimed:
    """`attempts`: with this one."""

    id: UUID
    key: str
    size: int
    attempts: int


async def claim(conn: Conn, bucket: str, lease: timedelta, most: int) -> Claimed | None:
    """Claim a picture that waits, or that a server has not finished within the lease."""
    row = await conn.fetchrow(
        """
        UPDATE attachments SET processing_status = 'processing', attempts = attempts + 1, claimed_at = now()
        WHERE id = (SELECT id FROM attachments
          WHERE s3_bucket = $1 AND (processing_status = 'pending'
            OR (processing_status = 'processing' AND claimed_at < now() - $2::interval))
          ORDER BY attempts > $3, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, s3_key, size_bytes, attempts
        """,
        bucket,
        lease,
        most,
    )
    return Claimed(*row) if row else None


async def complete(conn: Conn, attachment_id: UUID, metadata: str, thumbnail_key: str) -> None:
    """`metadata`: JSON that is added to the attachment's."""
    await conn.execute(
        """
        UPDATE attachments SET processing_status = 'complete', metadata = metadata || $2::jsonb, thumbnail_s3_key = $3,
          thumbnail_url = '/api/v1/attachments/' || id || '/thumbnail'
        WHERE id = $1
        """,
        attachment_id,
        metadata,
        thumbnail_key,
    )


async def release(conn: Conn, attachment_id: UUID) -> None:
    """Let a claimed picture be claimed again."""
    await conn.execute(
        "UPDATE attachments SET processing_status = 'pending' WHERE id = $1 AND processing_status = 'processing'",
        attachment_id,
    )


async def fail(conn: Conn, attachment_id: UUID, reason: str) -> None:
    await conn.execute(
        "UPDATE attachments SET processing_status = 'failed', "
        "metadata = metadata || jsonb_build_object('problem', left($2, 500)) WHERE id = $1",
        attachment_id,
        reason,
    )
