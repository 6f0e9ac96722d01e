"""Servers that reach PostgreSQL and Redis over wires that a test can cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests import databases
from tests.cluster.wires import BusWire, Wire
from tests.redis_server import RedisServer
from tests.server import Server

KEY = "a key that several servers share"


class Node(Server):
    """A server that reaches PostgreSQL and Redis over wires of its own."""

    def __init__(
        self, directory: Path, number: int, database: databases.Database, to_postgres: Wire, to_redis: BusWire
    ) -> None:
        login = urlsplit(database.login_dsn)
        super().__init__(
            directory / f"node{number}",
            database_url=f"postgresql://{login.username}@127.0.0.1:{to_postgres.port}{login.path}?sslmode=disable",
            redis_url=f"redis://127.0.0.1:{to_redis.port}/0",
            secret_key=KEY,
            guest_role="none",
            # The log is folded under people's hands, and rooms let go of their bytes as soon as nobody types.
            fold_updates=20,
            fold_seconds=1,
            room_idle_seconds=0.5,
        )
        self.number, self.to_postgres, self.to_redis = number, to_postgres, to_redis
        self.unharmed = asyncio.Lock()
        self._owner_dsn = database.owner_dsn

    @property
    def owner_dsn(self) -> str:
        return self._owner_dsn


@dataclass(slots=True)
class Wired:
    """Nodes on wires, with one PostgreSQL and one Redis. `database`: its owner's DSN."""

    nodes: list[Node]
    redis: RedisServer
    redis_unharmed: asyncio.Lock
    database: str


@asynccontextmanager
async def wired(directory: Path, nodes: int) -> AsyncIterator[Wired]:
    async with (
        databases.migrated("18") as database,
        RedisServer(directory / "redis") as redis,
        AsyncExitStack() as stack,
    ):
        login = urlsplit(database.login_dsn)
        [folder] = parse_qs(login.query)["host"]
        path = f"{folder}/.s.PGSQL.5432"
        made = []
        for number in range(nodes):
            to_postgres = await stack.enter_async_context(Wire(lambda: asyncio.open_unix_connection(path)))
            to_redis = await stack.enter_async_context(
                BusWire(lambda: asyncio.open_connection("127.0.0.1", redis.port))
            )
            made.append(Node(directory, number, database, to_postgres, to_redis))
        await asyncio.gather(*(stack.enter_async_context(node) for node in made))
        yield Wired(made, redis, asyncio.Lock(), database.owner_dsn)
