"""Maintenance holds its right to maintain while it works, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from collab_server.backends.db import Database
from collab_server.maintenance.jobs import run_once
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
    settings = Settings(data_dir=tmp_path)
    db = Database(database.login_dsn, pool_size=2)
    await db.open()
    other, watching = [await asyncpg.connect(database.owner_dsn) for _ in range(2)]
    try:
        held = other.transaction()
        await held.start()
        await other.execute("LOCK TABLE presence IN ACCESS EXCLUSIVE MODE")
        running = asyncio.create_task(run_once(db, settings))
        await until(watching, f"SELECT EXISTS (SELECT {ELSEWHERE} AND wait_event_type = 'Lock')")
        # embedded, PostgreSQL ends a transaction that is idle for 15 s, and the lock with it
        assert await watching.fetchval(f"SELECT count(*) {ELSEWHERE} AND state = 'idle in transaction'") == 0
        # while the job works, nobody else maintains
        assert await run_once(db, settings) is None
        await held.rollback()
        done = await running
        assert done is not None and None not in done.values()
    finally:
        await other.close()
        await watching.close()
        await db.close()
