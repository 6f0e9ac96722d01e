"""Maintenance holds its right to maintain while it works, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.features.maintenance.jobs import run_once
from collab_server.settings import Settings
from tests import databases

ELSEWHERE = "FROM pg_stat_activity WHERE application_name = 'collab_server' AND datname = current_database()"


@pytest.fixture
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated() as made:
        yield made


async def until(conn: asyncpg.Connection, query: str) -> None:
    async with asyncio.timeout(20):
        while not await conn.fetchval(query):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_no_transaction_is_idle_while_a_job_takes_long(database: databases.Database, tmp_path: Path) -> None:
    settings, store = Settings(data_dir=tmp_path), ObjectStore.open("", tmp_path)
    db, workers = Database(database.login_dsn, pool_size=2), Workers()
    await db.open()
    other, watching = [await asyncpg.connect(database.owner_dsn) for _ in range(2)]
    try:
        held = other.transaction()
        await held.start()
        await other.execute("LOCK TABLE presence IN ACCESS EXCLUSIVE MODE")
        running = asyncio.create_task(run_once(db, workers, settings, store))
        await until(watching, f"SELECT EXISTS (SELECT {ELSEWHERE} AND wait_event_type = 'Lock')")
        # embedded, PostgreSQL ends a transaction that is idle for 15 s, and the lock with it
        assert await watching.fetchval(f"SELECT count(*) {ELSEWHERE} AND state = 'idle in transaction'") == 0
        # while the job works, nobody else maintains
        assert await run_once(db, workers, settings, store) is None
        await held.rollback()
        done = await running
        assert done is not None and None not in done.values()
    finally:
        await other.close()
        await watching.close()
        await workers.close()
        await db.close()


async def test_maintenance_counts_what_it_did(database: databases.Database, tmp_path: Path) -> None:
    settings, store = Settings(data_dir=tmp_path, trash_days=7), ObjectStore.open("", tmp_path)
    db, workers = Database(database.login_dsn, pool_size=1), Workers()
    await db.open()
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        user = await owner.fetchval("INSERT INTO users (email) VALUES ('ann@example.com') RETURNING id")
        team = "INSERT INTO workspaces (owner_id, name, slug) VALUES ($1, 'Team', 'team') RETURNING id"
        workspace = await owner.fetchval(team, user)
        insert = "INSERT INTO documents (workspace_id, title, deleted_at, expires_at) VALUES ($1, $2, $3, $4)"
        now = datetime.now(UTC)
        async with owner.transaction():
            await owner.execute("SET LOCAL session_replication_role = replica")  # without the triggers
            for days in (8, 9, 6):
                await owner.execute(insert, workspace, f"{days} days in the trash", now - timedelta(days=days), None)
            await owner.execute(insert, workspace, "expired", None, now - timedelta(seconds=1))
        done = await run_once(db, workers, settings, store)
        assert done is not None and (done["documents"], done["expired documents"]) == (2, 1)
        assert await owner.fetchval("SELECT count(*) FROM document_archive") == 2
        assert await owner.fetchval("SELECT count(*) FROM documents WHERE deleted_at IS NOT NULL") == 2
        done = await run_once(db, workers, settings, store)
        assert done is not None and (done["documents"], done["expired documents"]) == (0, 0)
    finally:
        await owner.close()
        await workers.close()
        await db.close()
