"""Transactions as the feed sees them: held back, rolled back, restored, and read from a million."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import pytest

from collab_server.adapters import migrations
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.adapters.postgres import Database
from collab_server.errors import CursorExpired
from collab_server.features.changes import feed, queries
from collab_server.features.changes.queries import Position
from tests import databases
from tests.features.changes.worlds import World, world
from tests.site import PLAYGROUND
from tests.waiting import until

HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
MAKE = "INSERT INTO documents (workspace_id, title) VALUES ($1, $2) RETURNING id"
each_version = pytest.mark.parametrize("version", databases.VERSIONS)


async def names(made: World, after: feed.Cursor) -> list[UUID]:
    return [change.entity_id for change in (await made.page(after)).changes]


@each_version
async def test_what_is_committed_waits_for_what_was_begun_before(version: databases.Version) -> None:
    async with world(version) as made:
        (space,) = made.workspaces
        begin = (await made.page(None)).next
        other = await asyncpg.connect(made.owner_dsn)
        slow = other.transaction()
        await slow.start()
        first = await other.fetchval(MAKE, space, "first")
        second = await made.owner.fetchval(MAKE, space, "second")
        page = await made.page(begin)
        assert page.changes == [] and page.next == begin, "the cursor does not pass what is open"
        async with made.db.as_service() as conn:
            assert await queries.find_lag(conn) > 0
        await slow.commit()
        await made.passed()
        assert await names(made, begin) == await names(made, page.next) == [first, second]
        async with made.db.as_service() as conn:
            assert await queries.find_lag(conn) == 0.0
        await other.close()


@each_version
async def test_what_one_transaction_does_to_one_thing_is_one_entry(version: databases.Version) -> None:
    async with world(version) as made:
        (space,) = made.workspaces
        begin = (await made.page(None)).next
        async with made.owner.transaction():
            plan = await made.owner.fetchval(MAKE, space, "a")
            await made.owner.execute("UPDATE documents SET title = 'b' WHERE id = $1", plan)
            await made.owner.execute("SELECT app.append_updates(ARRAY[$1::uuid], '{x}')", plan)
        async with made.owner.transaction():
            await made.owner.execute("UPDATE documents SET title = 'c' WHERE id = $1", plan)
            savepoint = made.owner.transaction()
            await savepoint.start()
            await made.owner.execute("UPDATE documents SET status = 'active' WHERE id = $1", plan)
            await savepoint.rollback()
            await made.owner.execute("UPDATE documents SET priority = 'high' WHERE id = $1", plan)
            await made.owner.execute("UPDATE documents SET priority = 'high' WHERE id = $1", plan)
        await made.passed()
        page = await made.page(begin)
        told = [(change.operation, change.changed_fields, change.row_version) for change in page.changes]
        assert told == [("create", (), 2), ("update", ("priority", "title"), 4)]


async def test_a_million_changes_of_others_do_not_slow_a_page() -> None:
    """A page reads its own entries off one index, under row-level security: the plan is the same for any number."""
    async with world("18", 2) as made:
        fill = """
            INSERT INTO sync_log (workspace_id, entity_type, entity_id, operation)
            SELECT w, 'document', gen_random_uuid(), 'update' FROM generate_series(1, 20000), unnest($1::uuid[]) w
        """
        begin = (await made.page(None)).next
        await made.owner.execute(fill, made.workspaces)
        await made.owner.execute("VACUUM ANALYZE sync_log")
        (space, _) = made.workspaces
        async with made.db.as_user(made.user) as conn:
            explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queries._PAGE
            plan = json.loads(await conn.fetchval(explain, str(begin.position.xid), begin.position.id, 501, space))
        found = nodes(plan[0]["Plan"])
        scans = [node for node in found if node.get("Relation Name") == "sync_log" and node["Actual Loops"]]
        [entries] = [node for node in scans if node["Index Name"] == "sync_log_pkey"]
        assert entries["Actual Rows"] == 501 and entries["Actual Loops"] == 1
        for part in ("workspace_id = ", "ROW(xid, id) > ", "(xid < "):
            assert part in entries["Index Cond"]
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
        assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 500
        assert len((await made.page(begin, 500, space)).changes) == 500


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@each_version
async def test_another_history_is_another_epoch(version: databases.Version) -> None:
    async with world(version) as made:
        (space,) = made.workspaces
        await made.owner.fetchval(MAKE, space, "x")
        await made.passed()
        old = (await made.page(None)).next
        async with made.db.as_service() as conn:
            assert await queries.check_epoch(conn) == old.epoch, "nothing happened"
        await made.owner.execute("UPDATE sync_meta SET history = '1/00000001/2'")
        async with made.db.as_user(made.user) as conn:
            assert not (await queries.find_page(conn, old.position, 1, None)).is_current
        async with made.db.as_service() as conn:
            assert await queries.check_epoch(conn) > old.epoch
        page = await made.page(old)
        assert page.resync == tuple(made.workspaces) and page.next.position == Position(0, 0)
        with pytest.raises(CursorExpired) as expired:
            await made.page(feed.Cursor(space, old.epoch, old.position), workspace=space)
        anew = feed.parse_cursor(expired.value.next_cursor, space)
        plan = await made.owner.fetchval(MAKE, space, "y")
        await made.passed()
        assert [change.entity_id for change in (await made.page(anew, workspace=space)).changes] == [plan]


async def test_a_crash_of_postgresql_skips_nothing(tmp_path: Path) -> None:
    """Ids of transactions that left nothing durable come again: a cursor must not stand behind them."""
    embedded = EmbeddedPostgres(tmp_path)
    await asyncio.to_thread(embedded.start)
    try:
        await migrations.upgrade(embedded.owner_dsn)
        await migrations.ensure_login(embedded.owner_dsn)
        owner = await asyncpg.connect(embedded.owner_dsn)
        await owner.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        await owner.execute("SELECT pg_reload_conf()")
        await owner.execute(MAKE, PLAYGROUND, "before")
        for _ in range(100):
            transaction = owner.transaction()
            await transaction.start()
            await owner.execute("SELECT pg_current_xact_id()")
            await transaction.rollback()
        horizon = await owner.fetchval(HORIZON)
        cursor = (await guest_page(embedded, None)).next
        process = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))
        process.send_signal(signal.SIGQUIT)
        await until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the crash")
        await asyncio.to_thread(embedded.ensure_running)
        owner = await asyncpg.connect(embedded.owner_dsn)
        assert await owner.fetchval(HORIZON) < horizon, "ids come again"
        plan = await owner.fetchval(MAKE, PLAYGROUND, "after")
        page = await guest_page(embedded, cursor)
        assert [change.entity_id for change in page.changes] == [plan]
        assert page.changes[0].position.xid < horizon
        await owner.close()
    finally:
        await asyncio.to_thread(embedded.stop)


async def guest_page(embedded: EmbeddedPostgres, after: feed.Cursor | None) -> feed.Page:
    db = Database(embedded.dsn, guest_role="viewer")
    await db.open()
    try:
        async with db.as_user(None) as conn:
            found = await queries.find_page(conn, after.position if after else feed.BEGINNING, 10, None)
    finally:
        await db.close()
    return feed.make_page(found, after, 10, None)
