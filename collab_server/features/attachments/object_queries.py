"""SQL of notes about objects that may have no row; see migrations/versions/0044_create_attachments/up.sql.

A note is written before its object and deleted in the transaction that makes the row. A note whose writer has died, or
whose row is gone, leads to the deletion of the object. Needs app_service.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from collab_server.adapters.postgres import Conn

_WRITERS = 0x66696C65
"""\"file\": the first number of the advisory locks of processes that write objects."""


async def hold_writer(conn: Conn, number: int) -> None:
    """Count as a living writer for as long as the connection lives."""
    await conn.execute("SELECT pg_advisory_lock_shared($1, $2)", _WRITERS, number)


async def release_writer(conn: Conn, number: int) -> None:
    """Count as a living writer of this number no more."""
    await conn.execute("SELECT pg_advisory_unlock_shared($1, $2)", _WRITERS, number)


async def note_object(conn: Conn, bucket: str, key: str, holder: int) -> int:
    """Note an object that is about to be written, after the end of a deletion of the same object. Return the number
    of the note.
    """
    await _lock(conn, bucket, key)
    note: int = await conn.fetchval(
        "INSERT INTO object_deletions (s3_bucket, s3_key, holder) VALUES ($1, $2, $3) RETURNING id",
        bucket,
        key,
        holder,
    )
    return note


async def note_orphans(conn: Conn, bucket: str, keys: Sequence[str]) -> int:
    """Note objects for deletion that have neither a row nor a note. Return how many."""
    status: str = await conn.execute(
        """
        INSERT INTO object_deletions (s3_bucket, s3_key)
        SELECT $1, k.key FROM unnest($2::text[]) k (key)
        WHERE NOT EXISTS (SELECT FROM object_deletions o WHERE o.s3_bucket = $1 AND o.s3_key = k.key)
          AND NOT EXISTS (SELECT FROM attachments a WHERE a.s3_bucket = $1 AND a.s3_key = k.key)
          AND NOT EXISTS (SELECT FROM uploads u
                          WHERE u.s3_bucket = $1 AND (k.key = ANY (u.parts) OR k.key = u.direct_key))
        """,
        bucket,
        list(keys),
    )
    return int(status.rpartition(" ")[2])


async def delete_note(conn: Conn, note: int) -> bool:
    """False: it is gone, and perhaps its object, too."""
    return (await conn.execute("DELETE FROM object_deletions WHERE id = $1", note)) == "DELETE 1"


async def release_note(conn: Conn, note: int) -> None:
    """Let the object of a note be deleted, unless a row or another note has it."""
    await conn.execute("UPDATE object_deletions SET holder = NULL WHERE id = $1", note)


@dataclass(frozen=True, slots=True)
class DueNote:
    """`is_needed`: an attachment, an upload or a living writer has the object."""

    id: int
    key: str
    is_needed: bool


async def take_due_note(conn: Conn, bucket: str) -> DueNote | None:
    """Take a note that nobody writes for, and keep others from writing its object until the end of the transaction."""
    row = await conn.fetchrow(
        """
        SELECT o.id, o.s3_key FROM object_deletions o
        WHERE o.s3_bucket = $1 AND o.due_at <= now() AND (o.holder IS NULL OR o.holder NOT IN (
          SELECT l.objid::bigint FROM pg_locks l
          WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $2
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))
        ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED
        """,
        bucket,
        _WRITERS,
    )
    if row is None:
        return None
    await _lock(conn, bucket, row["s3_key"])
    is_needed: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM attachments WHERE s3_bucket = $1 AND s3_key = $2)
          OR EXISTS (SELECT FROM uploads WHERE s3_bucket = $1 AND ($2 = ANY (parts) OR $2 = direct_key))
          OR EXISTS (SELECT FROM object_deletions o WHERE o.s3_bucket = $1 AND o.s3_key = $2 AND o.id <> $3
                     AND o.holder IS NOT NULL)
        """,
        bucket,
        row["s3_key"],
        row["id"],
    )
    return DueNote(row["id"], row["s3_key"], is_needed)


async def put_off(conn: Conn, note: int, reason: str, pause: timedelta) -> None:
    """Try the deletion again after a pause, which doubles with each attempt."""
    await conn.execute(
        """
        UPDATE object_deletions SET attempts = attempts + 1, last_error = left($2, 500),
          due_at = now() + least(interval '1 hour', $3 * power(2, least(attempts, 20)))
        WHERE id = $1
        """,
        note,
        reason,
        pause,
    )


async def _lock(conn: Conn, bucket: str, key: str) -> None:
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('object ' || $1 || ' ' || $2, 0))", bucket, key)
