"""SQL of the worker for texts of attachments. Needs app_service."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class DueText:
    """`attempts`: with this one."""

    id: UUID
    key: str
    size: int
    content_type: str
    attempts: int


async def claim(conn: Conn, bucket: str, lease: timedelta) -> DueText | None:
    """Claim an attachment whose text is to be read, or that a server has not finished within the lease."""
    row = await conn.fetchrow(
        """
        UPDATE attachment_texts t SET status = 'processing', attempts = t.attempts + 1, claimed_at = now()
        FROM attachments a
        WHERE a.id = t.attachment_id AND t.attachment_id = (
          SELECT x.attachment_id FROM attachment_texts x JOIN attachments f ON f.id = x.attachment_id
          WHERE f.s3_bucket = $1 AND f.deleted_at IS NULL AND x.status IN ('pending', 'processing')
            AND (x.status = 'pending' OR x.claimed_at < now() - $2::interval)
          ORDER BY x.created_at LIMIT 1 FOR UPDATE OF x SKIP LOCKED)
        RETURNING a.id, a.s3_key, a.size_bytes, a.content_type, t.attempts
        """,
        bucket,
        lease,
    )
    return DueText(*row) if row else None


async def complete(conn: Conn, attachment_id: UUID, text: str, *, truncated: bool) -> None:
    """Store a text, and index it in the language of its document."""
    await conn.execute(
        """
        UPDATE attachment_texts t SET status = 'complete', problem = NULL, content = $2, truncated = $3 OR b.truncated,
          tsv = b.tsv, language = app.search_language(d.language)
        FROM documents d CROSS JOIN LATERAL app.build_tsv(app.fts_config(d.language), NULL, NULL, NULL, $2) b
        WHERE t.attachment_id = $1 AND d.id = t.document_id
        """,
        attachment_id,
        text,
        truncated,
    )


async def release(conn: Conn, attachment_id: UUID) -> None:
    """Let a claimed attachment be claimed again."""
    await conn.execute(
        "UPDATE attachment_texts SET status = 'pending' WHERE attachment_id = $1 AND status = 'processing'",
        attachment_id,
    )


async def fail(conn: Conn, attachment_id: UUID, reason: str) -> None:
    await conn.execute(
        "UPDATE attachment_texts SET status = 'failed', problem = left($2, 500), content = '', tsv = NULL "
        "WHERE attachment_id = $1",
        attachment_id,
        reason,
    )
