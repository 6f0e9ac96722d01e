"""SQL of the change feed. The entries are written by triggers: migrations/versions/0014_create_change_feed/up.sql."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row

_MOST_DEVICES = 500  # of one person; clients choose the ids


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the feed: after the entry of this number of this transaction."""

    xid: int
    id: int


@dataclass(frozen=True, slots=True)
class Change:
    """One entry. `operation`: create, update or delete. `document_id`: the document of the entity, if any."""

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
    """`is_current`: False if the history of transactions has changed since the epoch began. `end`: the newest entry of
    all. `stale`, `stale_shared`: those of `readable` and `shared` with purged entries after the asked position.
    `changes` may have one more than the limit. `shared`: readable documents of other workspaces than the readable ones.
    """

    epoch: int
    is_current: bool
    end: Position
    readable: tuple[UUID, ...]
    shared: tuple[UUID, ...]
    stale: tuple[UUID, ...]
    stale_shared: tuple[UUID, ...]
    changes: list[Change]


# Transactions waiting for each other's rows can commit in another order than they began. An undone delete is therefore
# reported as an update, so that a reader keeps the entity. The rows are looked up one by one: with EXISTS the planner
# may read all documents instead.
_PAGE = """
    WITH place AS MATERIALIZED (
      SELECT p.*, pg_snapshot_xmin(pg_current_snapshot()) AS horizon, r.readable,
        app.shared_outside(r.readable) AS shared
      FROM app.sync_position() p, app.workspace_ids('can_read') r (readable)),
    wanted AS MATERIALIZED (
      SELECT w AS workspace_id, horizon FROM place, unnest(readable) w WHERE $4::uuid IS NULL OR w = $4),
    given AS MATERIALIZED (
      SELECT d.workspace_id, horizon, array_agg(d.id) AS documents
      FROM place CROSS JOIN unnest(place.shared) g (id) JOIN documents d ON d.id = g.id
      WHERE $4::uuid IS NULL OR d.workspace_id = $4 GROUP BY d.workspace_id, horizon),
    late AS NOT MATERIALIZED (
      SELECT workspace_id FROM sync_floors WHERE (floor_xid, floor_id) > ($1::text::xid8, $2::bigint)),
    found AS (
      SELECT e.* FROM wanted w CROSS JOIN LATERAL (
        SELECT s.* FROM sync_log s
        WHERE s.workspace_id = w.workspace_id AND s.target_user_id IS NULL
          AND (s.xid, s.id) > ($1::text::xid8, $2::bigint) AND s.xid < w.horizon
        ORDER BY s.xid, s.id LIMIT $3) e
      UNION ALL
      SELECT e.* FROM given g CROSS JOIN LATERAL (
        SELECT s.* FROM sync_log s
        WHERE s.workspace_id = g.workspace_id AND s.target_user_id IS NULL AND s.document_id = ANY (g.documents)
          AND (s.xid, s.id) > ($1::text::xid8, $2::bigint) AND s.xid < g.horizon
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
           CASE WHEN coalesce(page.number, 1) = 1 THEN place.shared END AS shared,
           CASE WHEN coalesce(page.number, 1) = 1
             THEN ARRAY(SELECT workspace_id FROM wanted JOIN late USING (workspace_id)) END AS stale,
           CASE WHEN coalesce(page.number, 1) = 1
             THEN ARRAY(SELECT unnest(g.documents) FROM given g JOIN late USING (workspace_id)) END AS stale_shared,
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
             WHEN 'comment' THEN (SELECT c.deleted_at IS NULL FROM comments c WHERE c.id = page.entity_id)
             WHEN 'attachment' THEN (SELECT a.deleted_at IS NULL FROM attachments a WHERE a.id = page.entity_id)
             WHEN 'workspace' THEN page.entity_id = ANY (place.readable)
             END THEN 'update' ELSE page.operation::text END AS operation
    FROM place LEFT JOIN page ON true ORDER BY page.number
"""


async def find_page(conn: Conn, after: Position, limit: int, workspace_id: UUID | None) -> Found:
    """Find up to `limit` + 1 entries after a position, under the row-level security of the transaction's user."""
    rows = await conn.fetch(_PAGE, str(after.xid), after.id, limit + 1, workspace_id)
    first = rows[0]
    return Found(
        first["epoch"],
        first["is_current"],
        Position(first["end_xid"], first["end_id"]),
        tuple(sorted(first["readable"])),
        tuple(first["shared"]),
        tuple(sorted(first["stale"])),
        tuple(sorted(first["stale_shared"])),
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
class NewEntry:
    """An entry, read for all listeners. `target_user_id`: its only recipient; None: all readers of the workspace."""

    position: Position
    workspace_id: UUID
    target_user_id: UUID | None
    entity_type: str
    entity_id: UUID
    document_id: UUID | None
    operation: str
    row_version: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """The result of one poll. `end`: the newest readable entry. `has_more`: there were more entries than the limit, and
    `entries` is empty.
    """

    epoch: int
    end: Position
    entries: list[NewEntry]
    has_more: bool


async def find_news(conn: Conn, after: Position | None, limit: int) -> News:
    """Find entries after a position, for the server itself. `after` None: only the end of the feed."""
    rows = await conn.fetch(
        """
        SELECT p.epoch, p.xid::text::bigint AS end_xid, p.id AS end_id, n.*
        FROM app.sync_position() p LEFT JOIN LATERAL (
          SELECT s.xid::text::bigint AS xid, s.id, s.workspace_id, s.target_user_id, s.entity_type, s.entity_id,
            s.document_id, s.operation::text AS operation, s.row_version, s.created_at
          FROM sync_log s
          WHERE (s.xid::text::bigint, s.id) > ($1::bigint, $2::bigint)
            AND (s.xid::text::bigint, s.id) <= (p.xid::text::bigint, p.id)
          ORDER BY s.xid::text::bigint, s.id LIMIT $3) n ON true
        """,
        after.xid if after else None,
        after.id if after else None,
        limit + 1,
    )
    entries = [_new_entry(row) for row in rows if row["id"] is not None]
    has_more = len(entries) > limit
    end = Position(rows[0]["end_xid"], rows[0]["end_id"])
    return News(rows[0]["epoch"], end, [] if has_more else entries, has_more)


def _new_entry(row: Row) -> NewEntry:
    return NewEntry(
        Position(row["xid"], row["id"]),
        row["workspace_id"],
        row["target_user_id"],
        row["entity_type"],
        row["entity_id"],
        row["document_id"],
        row["operation"],
        row["row_version"],
        row["created_at"],
    )


async def list_readable(conn: Conn) -> tuple[list[UUID], list[UUID]]:
    """List the workspaces that the transaction's user may read, and the documents of others shared with the user."""
    row = await conn.fetchrow("SELECT r, app.shared_outside(r) FROM app.workspace_ids('can_read') r")
    assert row is not None
    return row[0], row[1]


async def has_shared(conn: Conn, workspace_id: UUID) -> bool:
    """Whether documents of this workspace are shared with the transaction's user."""
    found: bool = await conn.fetchval("SELECT $1 = ANY (app.sharing_workspaces())", workspace_id)
    return found


async def check_epoch(conn: Conn) -> int:
    """Begin a new epoch if the database has been restored or failed over since the last look; the epoch."""
    return int(await conn.fetchval("SELECT app.sync_check_epoch()"))


async def find_lag(conn: Conn) -> float:
    """Return how many seconds an open transaction has held back the oldest committed entry."""
    return float(await conn.fetchval("SELECT extract(epoch FROM app.sync_lag())::float8"))


@dataclass(frozen=True, slots=True)
class Holder:
    """An open transaction at the horizon of the feed: of a session (`pid`), or a prepared one (its name). `seconds`:
    its age; None if the login may not see it.
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
    """List open transactions of the cluster that hold back committed entries."""
    rows = await conn.fetch(_HOLDERS)
    if any(row["seconds"] is None for row in rows):
        # The login itself may see the sessions of its own role.
        async with conn.transaction():
            await conn.execute("SET LOCAL ROLE NONE")
            rows = await conn.fetch(_HOLDERS)
    return [Holder(**row) for row in rows]


async def purge(conn: Conn, days: int) -> int:
    """Delete entries older than so many days, at most 10,000. Return their number."""
    return int(await conn.fetchval("SELECT app.purge_sync_log($1)", days))


async def note_device(conn: Conn, user_id: UUID, device_id: str, version: str | None, cursor: str | None) -> None:
    """Store the time and the cursor of a device's last request, at most once a minute."""
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
