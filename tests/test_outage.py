"""PostgreSQL stops answering, or dies, while people type."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from tests.peers import Family, Peer
from tests.server import Server

OUTAGE = float(os.environ.get("COLLAB_OUTAGE_SECONDS", "10"))
FAMILIES: tuple[Family, Family] = ("yws", "hocus")
HEALED = 60.0
"""Seconds after an outage within which everything must be stored."""


@asynccontextmanager
async def frozen(postmaster: psutil.Process) -> AsyncIterator[None]:
    """PostgreSQL and all its sessions do nothing while the block runs."""
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


async def ready(server: Server) -> int:
    """The status of /health/ready."""
    async with httpx.AsyncClient(timeout=10) as client:
        return (await client.get(f"{server.http}/health/ready")).status_code


async def until_ready_is(server: Server, status: int, within: float) -> None:
    """Ask until it is; each question waits for its answer."""
    async with asyncio.timeout(within):
        while await ready(server) != status:
            continue


async def type_for(people: list[Peer], seconds: float) -> set[bytes]:
    """Everybody types a mark ten times a second; the marks."""
    typed = set()
    for _ in range(int(seconds * 10)):
        typed |= {peer.type_mark() for peer in people}
        await asyncio.sleep(0.1)
    return typed


async def until_saved(people: list[Peer], within: float = HEALED) -> None:
    for peer in people:
        await peer.saved(within)


async def assert_all_stored(server: Server, people: list[Peer]) -> None:
    """After a kill -9 of the server, which would lose whatever was only in its memory."""
    await server.kill()
    await server.start()
    for name in {peer.name for peer in people}:
        reader = await Peer(server, "hocus", name).sync()
        await reader.close()
        for peer in people:
            if peer.name == name:
                lost = sorted(peer.typed - reader.marks)
                assert not lost, f"{peer.author} lost {lost[:5]}"


async def people_in(server: Server, documents: int, each: int) -> list[Peer]:
    people = [
        Peer(server, FAMILIES[person % 2], f"outage-{document}", author=f"d{document}p{person}")
        for document in range(documents)
        for person in range(each)
    ]
    await asyncio.gather(*(peer.sync() for peer in people))
    return people


async def test_while_postgresql_is_frozen_nothing_is_acknowledged_and_afterwards_all_is(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        people = await people_in(server, documents=3, each=4)
        await type_for(people, 0.5)
        await until_saved(people)
        assert await ready(server) == 200
        pid = server.process.pid
        async with frozen(psutil.Process(server.postgres_pid)):
            typing = asyncio.create_task(type_for(people, OUTAGE))
            await until_ready_is(server, 503, within=OUTAGE)
            typed = await typing
            for peer in people:
                await peer.sees(*(mark for other in people if other.name == peer.name for mark in other.typed))
            acknowledged = {mark for peer in people for mark in peer.acknowledged}
            assert not typed & acknowledged, "acknowledged while PostgreSQL was frozen"
            assert all(peer.connected for peer in people)
        await until_saved(people)
        await until_ready_is(server, 200, within=HEALED)
        assert all(peer.connected and 0 not in peer.status for peer in people)
        assert server.process.pid == pid
        await assert_all_stored(server, people)


async def test_a_killed_postgresql_comes_back_and_nothing_is_lost(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        people = await people_in(server, documents=2, each=4)
        await type_for(people, 0.5)
        pid = server.process.pid
        for _ in range(2):
            postmaster = psutil.Process(server.postgres_pid)
            typing = asyncio.create_task(type_for(people, 2))
            await people[0].until(lambda: people[0].unacknowledged > 0, "an edit on its way")
            postmaster.kill()
            await typing
            await until_saved(people)
            await until_ready_is(server, 200, within=HEALED)
        assert server.process.pid == pid
        assert all(peer.connected for peer in people)
        await assert_all_stored(server, people)


async def test_an_outage_beyond_the_bound_closes_1013_and_the_clients_keep_their_edits(tmp_path: Path) -> None:
    async with Server(tmp_path, max_unsaved_seconds=2) as server:
        people = await people_in(server, documents=1, each=4)
        await type_for(people, 0.3)
        await until_saved(people)
        async with frozen(psutil.Process(server.postgres_pid)):
            for peer in people:
                peer.type_mark()
            for peer in people:
                assert peer.socket is not None
                assert (await peer.socket.end()).code == 1013
                assert peer.typed - peer.acknowledged
            for peer in people:
                peer.type_mark()
        await until_ready_is(server, 200, within=HEALED)
        await asyncio.gather(*(peer.sync(HEALED) for peer in people))
        await until_saved(people)
        await assert_all_stored(server, people)
