"""Servers on one database that cannot hear each other are told, and one at a time maintains."""

import asyncio
from pathlib import Path

import httpx

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.features.maintenance import queries
from collab_server.features.maintenance.jobs import run_once
from collab_server.settings import Settings
from tests import databases
from tests.cluster.conftest import Cluster
from tests.cluster.wired import KEY
from tests.redis_server import RedisServer
from tests.server import Server, free_port
from tests.test_serve import run
from tests.waiting import until

DEAF = "several servers work on this database"


async def count(server: Server, name: str) -> float:
    async with httpx.AsyncClient(base_url=server.http) as client:
        text = (await client.get("/metrics")).text
    return float(text.partition(f"\n{name} ")[2].split()[0])


async def test_servers_with_redis_count_each_other_and_are_content(two: Cluster) -> None:
    for server in two.servers:
        await until(lambda server=server: _counts(server, 2), "both servers to be counted")  # type: ignore[misc]
        assert DEAF not in server.log
    async with databases.flushing(databases.embedded_cluster().owner_dsn):
        assert "ok    servers: 2" in await two.servers[0].command("doctor")


async def _counts(server: Server, servers: int) -> bool:
    return await count(server, "collab_servers") == servers


async def test_a_server_without_redis_does_not_start_beside_another_but_after_it(tmp_path: Path) -> None:
    async with databases.migrated("18") as database:
        where = {"database_url": database.login_dsn, "secret_key": KEY, "shutdown_grace": 0.1}
        one, successor = (Server(tmp_path / name, **where) for name in ("one", "successor"))
        await one.start()
        await until(lambda: _counts(one, 1), "the server to be counted")
        status, output, errors = await run("serve", port=free_port(), **where)
        assert (status, output) == (1, "")
        assert errors.strip().endswith("give COLLAB_REDIS_URL to all of them, or stop the others")
        starting = asyncio.create_task(successor.start())
        await one.terminate()
        await starting
        await successor.terminate()


async def test_a_server_with_redis_beside_one_without_says_so_and_doctor_too(tmp_path: Path) -> None:
    async with databases.migrated("18") as database, RedisServer(tmp_path / "redis") as redis:
        where = {"database_url": database.login_dsn, "secret_key": KEY}
        async with Server(tmp_path / "one", **where) as one:
            assert DEAF not in one.log
            async with Server(tmp_path / "other", redis_url=redis.url, **where) as other:
                await until(lambda: DEAF in one.log and DEAF in other.log, "a word from both")
                async with databases.flushing(database.owner_dsn):
                    status, output, _ = await run("doctor", **where)
                assert status == 1
                assert "FAIL  servers: 2 at work, 1 of them without COLLAB_REDIS_URL" in output
            await until(lambda: _counts(one, 1), "the other to be gone")


async def test_one_node_at_a_time_maintains(tmp_path: Path) -> None:
    """As the scheduler of each node does every hour: of two at the same moment one finds the other at it."""
    async with databases.migrated("18") as database:
        nodes = [Database(database.login_dsn) for _ in range(2)]
        settings, workers = Settings(_env_file=None), Workers()  # type: ignore[call-arg]
        store = ObjectStore.open("", tmp_path)
        for node in nodes:
            await node.open()
        try:
            async with nodes[0].as_service() as conn, conn.transaction():
                assert await queries.try_lock(conn)
                assert await run_once(nodes[1], workers, settings, store) is None
            assert await run_once(nodes[1], workers, settings, store) is not None
            assert await run_once(nodes[0], workers, settings, store) is not None, "the lock went with its holder's run"
        finally:
            await workers.close()
            for node in nodes:
                await node.close()
