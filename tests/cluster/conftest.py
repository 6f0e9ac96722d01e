"""Several server processes on one PostgreSQL and one Redis."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests import databases
from tests.cluster.wired import KEY, Wired, wired
from tests.redis_server import RedisServer
from tests.server import Server


class Node(Server):
    """A server on a database that is not its own."""

    database = ""

    @property
    def owner_dsn(self) -> str:
        return self.database


class FrugalNode(Node):
    """Gives memory back as soon as it is free. Otherwise glibc keeps a heap as large as it was at its most."""

    new_interpreter = True

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(slots=True)
class Cluster:
    servers: list[Server]
    redis: RedisServer


@asynccontextmanager
async def cluster(directory: Path, nodes: int, kind: type[Node] = Node, **settings: object) -> AsyncIterator[Cluster]:
    async with (
        databases.migrated("18") as database,
        RedisServer(directory / "redis") as redis,
        AsyncExitStack() as stack,
    ):
        servers = [
            kind(
                directory / f"node{number}",
                database_url=database.login_dsn,
                secret_key=KEY,
                guest_role="editor",
                redis_url=redis.url,
                **settings,
            )
            for number in range(nodes)
        ]
        for server in servers:
            server.database = database.owner_dsn
            await stack.enter_async_context(server)
        yield Cluster(list(servers), redis)


@pytest.fixture(scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """For tests that leave the servers and Redis as they found them."""
    async with cluster(tmp_path_factory.mktemp("two"), 2, worker_processes=1) as found:
        yield found


@pytest.fixture
async def frail(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two servers for a test that breaks something."""
    async with cluster(tmp_path, 2) as found:
        yield found


@pytest.fixture(scope="package")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wired]:
    """On wires; who cuts them mends them."""
    async with wired(tmp_path_factory.mktemp("three"), 3) as found:
        yield found


@pytest.fixture(scope="package")
async def owner(three: Wired) -> AsyncIterator[asyncpg.Connection]:
    """Superuser access to the database of `three`."""
    conn = await asyncpg.connect(three.database)
    yield conn
    await conn.close()
