"""SQL of automatic versions and of their thinning, under app_service."""

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


async def note_version(conn: Conn, document_id: UUID, seq: int) -> None:
    """Note that the rows up to `seq` have a version. Later rows that are folded already wait for the next one."""
    await conn.execute(
        "UPDATE document_heads SET version_retry_at = NULL, "
        "unversioned_since = CASE WHEN snapshot_clock > $2 THEN now() END WHERE document_id = $1",
        document_id,
        seq,
    )


async def thin_versions(conn: Conn) -> int:
    """Delete versions that are too close together."""
    count: int = await conn.fetchval("SELECT app.thin_versions()")
    return count
