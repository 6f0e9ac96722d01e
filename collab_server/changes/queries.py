"""SQL of the change feed. The entries are written by triggers: migrations/versions/0014_changes.py."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.backends.db import Conn, Row

_MOST_DEVICES = 500
"""Of one person: ids of devices are the clients' own."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the feed: after the entry of this number of this transaction."""

    xid: int
    id: int


@dataclass(frozen=True, slots=True)
class Change:
    """One entry. `operation`: create, update or delete. `document_id`: the document that it belongs to, if any."""

    position: Position
    workspace_id: UUID
    entity_type: str
    entity_id: UUID
    document_id: UUID | None
    operation: str
    changed_fields: tuple[str, ...]
    content_hash: str | None
    row_version: int | None
    changed_by: UUID | None
    device_id: str | None
    client_version: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What one statement saw. `is_current`: False where the history of transactions is another than the epoch's.

    `end`: the newest entry of all. `stale`: workspaces of which entries after the asked position have been purged.
    `changes` may have one more than the limit.
    """

    epoch: int
    is_current: bool
    end: Position
    readable: tuple[UUID, ...]
    stale: tuple[UUID, ...]
    changes: list[Change]


# Transactions that wait for each other's rows can end in another order than they began: a delete that is undone by now
# is told as an update, so that a reader never drops what is there. These are looked up one by one: with EXISTS the
# planner may read all documents instead.
_PAGE = """
    WITH place AS MATERIALIZED (
      SELECT p.*, pg_snapshot_xmin(pg_current_snapshot()) AS horizon, app.workspace_ids('can_read') AS readable
      FROM app.sync_position() p),
    wanted AS MATERIALIZED (
      SELECT w AS workspace_id, horizon FROM place, unnest(readable) w WHERE $4::uuid IS NULL OR w = $4),
    found AS (
      SELECT e.* FROM wanted w CROSS JOIN LATERAL (
        SELECT s.* FROM sync_log s
        WHERE s.workspace_id = w.workspace_id AND s.target_user_id IS NULL
          AND (s.xid, s.id) > ($1::text::xid8, $2::bigint) AND s.xid < w.horizon
        ORDER BY s.xid, s.id LIMIT $3) e
      UNION ALL
      SELECT e.* FROM place CROSS JOIN LATERAL (
        SELECT s.* FROM sync_log s
        WHERE s.target_user_id = (SELECT app.user_id()) AND ($4::uuid IS NULL OR s.workspace_id = $4)
          AND (s.xid, s.id) > ($1::text::xid8, $2::bigint) AND s.xid < place.horizon
        ORDER BY s.xid, s.id LIMIT $3) e),
    page AS (
      SELECT f.*, row_number() OVER (ORDER BY f.xid, f.id) AS number FROM found f ORDER BY f.xid, f.id LIMIT $3)
    SELECT place.epoch, place.is_current, place.xid::text::bigint AS end_xid, place.id AS end_id,
           CASE WHEN coalesce(page.number, 1) = 1 THEN place.readable END AS readable,
           CASE WHEN coalesce(page.number, 1) = 1 THEN ARRAY(
             SELECT f.workspace_id FROM sync_floors f JOIN wanted w USING (workspace_id)
             WHERE (f.floor_xid, f.floor_id) > ($1::text::xid8, $2::bigint)) END AS stale,
           page.xid::text::bigint AS xid, page.id, page.workspace_id, page.entity_type, page.entity_id,
           page.document_id, page.changed_fields, page.content_hash, page.row_version, page.changed_by,
           page.device_id, page.client_version, page.created_at,
           CASE WHEN page.operation = 'delete' AND CASE page.entity_type
             WHEN 'document' THEN (SELECT d.deleted_at IS NULL FROM documents d
               WHERE d.id = page.entity_id AND d.workspace_id = page.workspace_id)
             WHEN 'member' THEN (SELECT m.is_active FROM workspace_members m
               WHERE m.workspace_id = page.workspace_id AND m.user_id = page.entity_id)
             WHEN 'favourite' THEN (SELECT true FROM document_favourites v
               WHERE v.document_id = page.entity_id AND v.user_id = (SELECT app.user_id()))
             WHEN 'workspace' THEN page.entity_id = ANY (place.readable)
             END THEN 'update' ELSE page.operation::text END AS operation
    FROM place LEFT JOIN page ON true ORDER BY page.number
"""


async def find_page(conn: Conn, after: Position, limit: int, workspace_id: UUID | None) -> Found:
    """Up to `limit` + 1 entries after a position, under the row-level security of the transaction's user."""
    rows = await conn.fetch(_PAGE, str(after.xid), after.id, limit + 1, workspace_id)
    first = rows[0]
    return Found(
        first["epoch"],
        first["is_current"],
        Position(first["end_xid"], first["end_id"]),
        tuple(sorted(first["readable"])),
        tuple(sorted(first["stale"])),
        [_change(row) for row in rows if row["id"] is not None],
    )


def _change(row: Row) -> Change:
    return Change(
        Position(row["xid"], row["id"]),
        row["workspace_id"],
        row["entity_type"],
        row["entity_id"],
        row["document_id"],
        row["operation"],
        tuple(row["changed_fields"] or ()),
        row["content_hash"],
        row["row_version"],
        row["changed_by"],
        row["device_id"],
        row["client_version"],
        row["created_at"],
    )


@dataclass(frozen=True, slots=True)
class News:
    """Whom entries concern that became readable after a position; `end`: the newest of them."""

    end: Position
    workspaces: frozenset[UUID]
    users: frozenset[UUID]


async def find_news(conn: Conn, after: Position | None) -> News:
    """For the server itself. `after` None: only where the feed ends."""
    rows = await conn.fetch(
        """
        SELECT p.xid::text::bigint AS end_xid, p.id AS end_id, n.workspace_id, n.target_user_id
        FROM app.sync_position() p LEFT JOIN LATERAL (
          SELECT DISTINCT CASE WHEN s.target_user_id IS NULL THEN s.workspace_id END AS workspace_id, s.target_user_id
          FROM sync_log s
          WHERE (s.xid::text::bigint, s.id) > ($1::bigint, $2::bigint)
            AND (s.xid::text::bigint, s.id) <= (p.xid::text::bigint, p.id)) n ON true
        """,
        after.xid if after else None,
        after.id if after else None,
    )
    return News(
        Position(rows[0]["end_xid"], rows[0]["end_id"]),
        frozenset(row["workspace_id"] for row in rows if row["workspace_id"]),
        frozenset(row["target_user_id"] for row in rows if row["target_user_id"]),
    )


async def check_epoch(conn: Conn) -> int:
    """Begin a new epoch if the database has been restored or failed over since the last look; the epoch."""
    epoch: int = await conn.fetchval("SELECT app.sync_check_epoch()")
    return epoch


async def find_lag(conn: Conn) -> float:
    """Seconds for which the oldest committed entry has been held back by an open transaction."""
    seconds: float = await conn.fetchval("SELECT extract(epoch FROM app.sync_lag())::float8")
    return seconds


@dataclass(frozen=True, slots=True)
class Holder:
    """An open transaction at the horizon of the feed: a session's (`pid`), or a prepared one (its name). `seconds`: its
    age; None where the asking login may not see it.
    """

    pid: int | None
    application: str
    database: str
    seconds: float | None
    prepared: str


_HOLDERS = """
    WITH horizon AS (
      SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text AS xid)
    SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.datname, '') AS database,
      extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds, '' AS prepared
    FROM horizon h JOIN pg_stat_activity a ON a.backend_xid::text = h.xid
    UNION ALL
    SELECT NULL, '', p.database, extract(epoch FROM clock_timestamp() - p.prepared)::float8, p.gid
    FROM horizon h JOIN pg_prepared_xacts p ON p.transaction::text = h.xid
    LIMIT 3
"""


async def list_holders(conn: Conn) -> list[Holder]:
    """Which transactions, of any database of the cluster, keep committed entries from the feed's readers."""
    rows = await conn.fetch(_HOLDERS)
    if any(row["seconds"] is None for row in rows):
        # The login itself may see the sessions of its own role.
        async with conn.transaction():
            await conn.execute("SET LOCAL ROLE NONE")
            rows = await conn.fetch(_HOLDERS)
    return [Holder(**row) for row in rows]


async def purge(conn: Conn, days: int) -> int:
    """Forget entries of more than so many days ago, at most 10,000; how many those were."""
    count: int = await conn.fetchval("SELECT app.purge_sync_log($1)", days)
    return count


async def note_device(conn: Conn, user_id: UUID, device_id: str, version: str | None, cursor: str | None) -> None:
    """That a device asked for changes, and up to where it has them; at most once a minute."""
    await conn.execute(
        """
        INSERT INTO devices AS d (user_id, id, client_version, acked_cursor, last_sync_at)
        SELECT $1, $2, $3, $4, now()
        WHERE NOT EXISTS (SELECT FROM devices WHERE user_id = $1 AND id = $2
                            AND last_sync_at > now() - interval '1 minute'
                            AND client_version IS NOT DISTINCT FROM coalesce($3, client_version))
          AND (EXISTS (SELECT FROM devices WHERE user_id = $1 AND id = $2)
               OR (SELECT count(*) FROM devices WHERE user_id = $1) < $5)
        ON CONFLICT (user_id, id) DO UPDATE
          SET client_version = coalesce(EXCLUDED.client_version, d.client_version),
            acked_cursor = coalesce(EXCLUDED.acked_cursor, d.acked_cursor), last_sync_at = now(), last_seen_at = now()
        """,
        user_id,
        device_id,
        version,
        cursor,
        _MOST_DEVICES,
    )
