"""SQL of automatic versions and of their thinning, under app_service."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def claim_unversioned(conn: Conn, seconds: float) -> UUID | None:
    """Claim a document whose first edits without a version were folded so many seconds ago; None without one.

    Nobody else gets it for ten minutes, or as long as it has been due, at most a day. If the version fails, this is the
    time until the next attempt.
    """
    document_id: UUID | None = await conn.fetchval(
        """
        UPDATE document_heads SET version_retry_at = now() + least(interval '1 day', greatest(interval '10 minutes',
          now() - unversioned_since - make_interval(secs => $1)))
        WHERE document_id = (
          SELECT h.document_id FROM document_heads h JOIN documents d ON d.id = h.document_id
          WHERE h.unversioned_since <= now() - make_interval(secs => $1)
            AND (h.version_retry_at IS NULL OR h.version_retry_at <= now())
            AND d.deleted_at IS NULL AND d.type <> 'password'
          ORDER BY h.unversioned_since LIMIT 1 FOR NO KEY UPDATE OF h SKIP LOCKED)
        RETURNING document_id
        """,
        seconds,
    )
    return document_id


async def next_unversioned(conn: Conn, seconds: float) -> float | None:
    """Return the seconds until the next document can be claimed, negative if overdue; None without one."""
    due: float | None = await conn.fetchval(
        """
        SELECT extract(epoch FROM min(greatest(h.unversioned_since + make_interval(secs => $1), h.version_retry_at))
          - clock_timestamp())::float8
        FROM document_heads h JOIN documents d ON d.id = h.document_id
        WHERE h.unversioned_since IS NOT NULL AND d.deleted_at IS NULL AND d.type <> 'password'
        """,
        seconds,
    )
    return due


async def list_removals(conn: Conn, document_id: UUID) -> list[int]:
    """List the rows of a document that perhaps removed much of the text, and wait for a version of the text before."""
    removals: list[int] | None = await conn.fetchval(
        "SELECT removals FROM document_heads WHERE document_id = $1", document_id
    )
    return removals or []


async def note_version(conn: Conn, document_id: UUID, seq: int, removals: Sequence[int]) -> None:
    """Note that the rows up to `seq` have a version, and that `removals` wait no more. Later rows that are folded
    already wait for the next one.
    """
    await conn.execute(
        """
        UPDATE document_heads h SET version_retry_at = NULL, removals = left_over.seqs,
          unversioned_since = CASE WHEN h.snapshot_clock > $2 OR left_over.seqs <> '{}' THEN now() END
        FROM (SELECT ARRAY(SELECT r FROM document_heads o, unnest(o.removals) r
                           WHERE o.document_id = $1 AND r <> ALL ($3)) AS seqs) left_over
        WHERE h.document_id = $1
        """,
        document_id,
        seq,
        removals,
    )


async def thin_versions(conn: Conn) -> int:
    """Delete versions that are too close together."""
    count: int = await conn.fetchval("SELECT app.thin_versions()")
    return count
