"""`serve --workers N`: several processes on one port behave as one server."""

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from tests import databases
from tests.peers import Peer
from tests.raw_socket import Refused, Socket
from tests.redis_server import RedisServer
from tests.server import Server
from tests.test_serve import run
from tests.waiting import until

PROCESSES = 2
KEY = "a key that several processes share"


class Several(Server):
    processes = PROCESSES
    new_interpreter = True


@pytest.fixture(scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> AsyncIterator[Server]:
    directory = tmp_path_factory.mktemp("processes")
    async with Several(directory, redis_url=redis.url) as running:
        yield running


def serving(server: Server) -> list[psutil.Process]:
    """The processes that take connections."""
    found = []
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child)
    return found


async def goes_on(peer: Peer, marks: list[bytes]) -> bool:
    """Whether the peer is connected and has the marks, after another attempt if need be."""
    if not (peer.connected and peer.synced):
        with suppress(OSError, Refused, AssertionError):
            await peer.sync(within=5)
    return peer.connected and peer.synced and peer.marks.issuperset(marks)


async def samples(server: Server, name: str) -> dict[str, float]:
    """Process -> value of the metric, as whichever process answers tells it."""
    async with httpx.AsyncClient(base_url=server.http) as client:
        text = (await client.get("/metrics")).text
    return {number: float(value) for number, value in re.findall(rf'^{name}{{process="(\d)"}} (\S+)$', text, re.M)}


async def test_clients_of_all_processes_edit_the_same_document(server: Server) -> None:
    peers = [await Peer(server, family, "shared").sync() for family in ("yws", "hocus") for _ in range(6)]
    marks = [peer.type_mark() for peer in peers]
    for peer in peers:
        await peer.sees(*marks)
        await peer.saved()
    assert len({peer.content for peer in peers}) == 1
    for peer in peers:
        await peer.close()


async def test_connections_spread_over_the_processes_and_metrics_count_them_all(server: Server) -> None:
    async def open_sockets() -> float:
        return sum((await samples(server, "collab_sockets_open")).values())

    before = await open_sockets()
    sockets = [await Socket.dial(f"{server.ws}/spread") for _ in range(40)]

    async def are_counted() -> bool:
        return await open_sockets() == before + len(sockets)

    # A client knows of its socket before the process has counted it.
    await until(are_counted, "all sockets in the metrics")
    counted = await samples(server, "collab_sockets_open")
    assert counted.keys() == {"0", "1"}
    # 40 coins: none of a fair set falls 40 times on one side.
    assert min(counted.values()) > 0
    assert await samples(server, "collab_process_up") == {"0": 1, "1": 1}
    for socket in sockets:
        await socket.abort()


async def test_each_log_line_names_its_node(server: Server) -> None:
    sockets = [await Socket.dial(f"{server.ws}/named") for _ in range(40)]
    named = partial(re.findall, r'"node": "([0-9a-f]{16})"')
    await until(lambda: len(set(named(server.log))) >= PROCESSES, "lines of all processes")
    for socket in sockets:
        await socket.abort()


async def test_the_port_is_taken_for_a_second_server_with_several_processes(
    server: Server, redis: RedisServer, tmp_path: Path
) -> None:
    status, _, errors = await run("serve", "--workers", "2", data_dir=tmp_path, port=server.port, redis_url=redis.url)
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{server.port}" in errors


async def test_a_process_that_dies_is_started_again_and_its_clients_go_on(server: Server) -> None:
    peers = [await Peer(server, "yws", "killed").sync() for _ in range(8)]
    marks = [peer.type_mark() for peer in peers]
    for peer in peers:
        await peer.saved()
    before = {child.pid for child in serving(server)}
    assert len(before) == PROCESSES
    os.kill(min(before), signal.SIGKILL)
    await until(lambda: any(not peer.connected for peer in peers) or len(serving(server)) < PROCESSES, "the death")
    for peer in peers:
        # The port is open while the dead process still has a place among those that listen.
        # A peer may also learn of the death later than this.
        await until(partial(goes_on, peer, marks), "a connection to a process that lives")

    async def both_again() -> bool:
        up = await samples(server, "collab_process_up")
        return up == {"0": 1, "1": 1} and {child.pid for child in serving(server)} != before

    await until(both_again, "another process in its place")
    assert "a server process died and is started again" in server.log
    for peer in peers:
        await peer.close()


async def test_a_signal_drains_all_and_ends_the_database(tmp_path: Path, redis: RedisServer) -> None:
    server = Several(tmp_path, redis_url=redis.url)
    await server.start()
    assert server.process.stdout is not None
    way_in = await server.process.stdout.readline()
    assert b"this link signs in once" in way_in
    peers = [await Peer(server, "yws", "drained").sync() for _ in range(8)]
    children, postgres = serving(server), server.postgres_pid
    for peer in peers:
        peer.type_mark()
    assert await server.terminate() == 0
    for peer in peers:
        await peer.refused()
        assert peer.socket is not None and peer.socket.ended is not None
        assert peer.socket.ended.code == 1012
    assert await server.process.stdout.read() == b"", "what is printed once was printed again"
    assert server.log.count('"unsaved_documents": 0') == PROCESSES
    assert not any(child.is_running() for child in children)
    assert not psutil.pid_exists(postgres)


async def test_processes_do_not_outlive_their_parent(tmp_path: Path, redis: RedisServer) -> None:
    async with (
        databases.migrated("18") as database,
        Several(tmp_path, database_url=database.login_dsn, secret_key=KEY, redis_url=redis.url) as server,
    ):
        children = serving(server)
        await server.kill()
        await until(lambda: not any(child.is_running() for child in children), "the end of the processes")
        assert server.log.count('"unsaved_documents": 0') == PROCESSES


async def test_a_process_that_cannot_start_ends_them_all(tmp_path: Path) -> None:
    async with databases.migrated("18") as database:
        server = Several(
            tmp_path, database_url=database.login_dsn, secret_key=KEY, redis_url="redis://127.0.0.1:port/0"
        )
        with pytest.raises(AssertionError):
            await server.start()
        assert await server.process.wait() == 1
    assert "COLLAB_REDIS_URL cannot be read" in server.log
    assert "a server process could not start" in server.log
