"""When the writer commits: a few edits wait for company, many do not, and nobody waits for a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collab_server.backends.bus import LocalBus
from collab_server.realtime.hub import Hub
from collab_server.realtime.writer import FEW
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.waiting import until

QUIET = 10.0


@asynccontextmanager
async def typing(bus: LocalBus) -> AsyncIterator[tuple[Hub, Client]]:
    """Somebody whose first edit is committed, on a node that would wait very long for the second."""
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, bus, commit_quiet_interval=QUIET) as hub,
    ):
        client = await joined(hub, await new_document(database))
        client.type("a", 0)
        await until(lambda: hub.counts.commits == 1, "the first commit", QUIET / 2)
        yield hub, client


async def test_a_few_edits_are_one_commit_and_many_do_not_wait() -> None:
    async with typing(LocalBus()) as (hub, client):
        for _ in range(FEW - 1):
            client.type("b", 0)
            # More than the interval between commits that many edits have.
            await asyncio.sleep(hub.settings.commit_interval)
        assert hub.counts.commits == 1
        client.type("c", 0)
        await until(lambda: client.member.document.room.saved, "the commit", QUIET / 2)
        assert hub.counts.commits == 2


async def test_who_waits_for_a_commit_gets_it_at_once() -> None:
    async with typing(LocalBus()) as (hub, client):
        client.type("b", 0)
        await asyncio.wait_for(hub.committed(client.member.document), QUIET / 2)
        assert client.member.document.room.saved
        client.type("c", 0)
        await asyncio.wait_for(hub.writer.flushed(), QUIET / 2)
        assert hub.counts.commits == 3


async def test_other_servers_do_not_wait_for_company() -> None:
    exchange: set[LocalBus] = set()
    async with typing(LocalBus(exchange)) as (hub, client):
        client.type("b", 0)
        await until(lambda: client.member.document.room.saved, "the second commit", QUIET / 2)
        assert hub.counts.commits == 2
