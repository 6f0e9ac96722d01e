"""When the writer commits: a few edits wait for company, many do not, and nobody waits for a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from collab_server.adapters.bus import LocalBus
from collab_server.realtime.documents.group_commit import MOST_GATHERED, SMALL_BATCH
from collab_server.realtime.service import RealtimeService
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.realtime.document_harness import session_of
from tests.waiting import until

QUIET = 600.0
"""Seconds; a commit that waits for them fails its test."""


@asynccontextmanager
async def typing(bus: LocalBus, *, is_told: bool = True) -> AsyncIterator[tuple[RealtimeService, Client]]:
    """Somebody whose first edit is committed, on a node that would wait very long for the second. `is_told`: of
    commits; for others the node would wait even longer.
    """
    intervals = {"commit_quiet_interval": QUIET, "commit_unwaited_interval": QUIET * 2}
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, bus, **intervals) as service,
    ):
        client = await joined(service, await new_document(database))
        session_of(client.member).tells_of_commits = is_told
        client.type("a", 0)
        await until(lambda: service.counts.commits == 1, "the first commit")
        yield service, client


async def test_a_few_edits_are_one_commit_and_many_do_not_wait() -> None:
    async with typing(LocalBus()) as (service, client):
        for _ in range(SMALL_BATCH - 1):
            client.type("b", 0)
            # More than the interval between commits that many edits have.
            await asyncio.sleep(service.settings.commit_interval)
        assert service.counts.commits == 1
        client.type("c", 0)
        await until(lambda: client.document.room.saved, "the commit")
        assert service.counts.commits == 2


async def test_who_waits_for_a_commit_gets_it_at_once() -> None:
    async with typing(LocalBus()) as (service, client):
        client.type("b", 0)
        await asyncio.wait_for(service.group_commit.wait_committed(client.document), 60)
        assert client.document.room.saved
        client.type("c", 0)
        await asyncio.wait_for(service.group_commit.wait_flushed(), 60)
        assert service.counts.commits == 3


async def test_edits_gather_for_longer_while_nobody_is_told_of_their_commit() -> None:
    async with typing(LocalBus(), is_told=False) as (service, client):
        for _ in range(2 * SMALL_BATCH):
            client.type("b", 0)
            await asyncio.sleep(service.settings.commit_interval)
        assert service.counts.commits == 1
        session_of(client.member).tells_of_commits = True
        client.type("c", 0)
        await until(lambda: client.document.room.saved, "the commit")
        assert service.counts.commits == 2


async def test_edits_that_nobody_waits_for_are_committed_when_they_are_many_bytes() -> None:
    async with typing(LocalBus(), is_told=False) as (service, client):
        client.type("b" * MOST_GATHERED, 0)
        await until(lambda: client.document.room.saved, "the commit")
        assert service.counts.commits == 2


async def test_who_waits_gets_also_edits_of_which_nobody_is_told() -> None:
    async with typing(LocalBus(), is_told=False) as (service, client):
        client.type("b", 0)
        await asyncio.wait_for(service.group_commit.wait_committed(client.document), 60)
        assert client.document.room.saved


@pytest.mark.parametrize("is_told", [True, False])
async def test_other_servers_do_not_wait_for_company(is_told: bool) -> None:
    exchange: set[LocalBus] = set()
    async with typing(LocalBus(exchange), is_told=is_told) as (service, client):
        client.type("b", 0)
        await until(lambda: client.document.room.saved, "the second commit")
        assert service.counts.commits == 2
