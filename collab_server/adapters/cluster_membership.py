"""Counts the servers on this database. A server without Redis does not start beside another."""

import asyncio
import time

from collab_server.adapters.cluster_queries import Servers, count_servers, take_place
from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.postgres_errors import reporting
from collab_server.background import run_periodically
from collab_server.errors import ConfigurationError
from collab_server.observability.logging import log

INTERVAL = 3.0
LEAVING = 5.0
"""Seconds beyond the grace of a server that ends, until it is not counted any more."""


async def wait_until_alone(dsn: str, patience: float) -> None:
    """Wait for the previous server to end; used without Redis. Raises ConfigurationError after `patience` s."""
    async with reporting():
        conn = await Database(dsn).connect_service()
        try:
            deadline = time.monotonic() + patience
            while others := await _others(conn):
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"{others} other server(s) work on this database, and without Redis their clients would not "
                        "see each other's edits in time: give COLLAB_REDIS_URL to all of them, or stop the others"
                    )
                await asyncio.sleep(0.1)
        finally:
            conn.terminate()


async def _others(conn: Conn) -> int:
    servers = await count_servers(conn)
    return servers.with_bus + servers.without_bus


class ClusterMembership:
    """`has_bus`: whether this server has COLLAB_REDIS_URL. `found`: as of the last look."""

    def __init__(self, db: Database, *, has_bus: bool) -> None:
        self._db = db
        self._has_bus = has_bus
        self.found = Servers(int(has_bus), int(not has_bus))

    async def run(self) -> None:
        """Register this server, count the others and warn, until cancelled."""
        await run_periodically("counting the servers", self._count, INTERVAL)

    async def _count(self) -> None:
        """Count over one connection until it fails. The connection is this server's entry in the count."""
        async with reporting():
            conn = await self._db.connect_service()
            try:
                await take_place(conn, has_bus=self._has_bus)
                while True:
                    self._compare(await count_servers(conn))
                    await asyncio.sleep(INTERVAL)
            finally:
                conn.terminate()

    def _compare(self, servers: Servers) -> None:
        if servers.deaf and not self.found.deaf:
            log.error(
                "several servers work on this database, and not all have COLLAB_REDIS_URL: edits reach the clients of "
                "another server late, and presence not at all",
                extra={"with_redis": servers.with_bus, "without_redis": servers.without_bus},
            )
        self.found = servers
