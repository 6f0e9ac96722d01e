"""Who reads slowly, and many who read much at once, cost neither the server's memory nor the others' time."""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest

from tests.bystanders import memory
from tests.cluster.conftest import Cluster, FrugalNode, cluster
from tests.cluster.wires import CHUNK, SlowWire
from tests.peers import Family, Peer
from tests.raw_socket import encode_frame
from tests.server import Server
from tests.waiting import until

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
SLOW = 50_000
"""Bytes a second."""
PAGE = 500_000
PAGES_A_SECOND = 10
PAGES = 100
"""Written while some read slowly. Whoever kept these pages for them would need 50 MB, or more with a copy for each."""
GROWTH = 32_000_000
"""Bytes that a server may need more than before the first page, once the log is folded. What it needs until then
depends on how many pages come during a fold, not on who reads.
"""
WITHIN = 60.0
LARGE = 5_000_000
CROWD = int(os.environ.get("COLLAB_CROWD", "300"))
CROWD_GROWTH = 128_000_000
"""Bytes, for all who come: far below a copy for each."""


@dataclass(frozen=True, slots=True)
class Through:
    """A server as it is reached over a wire."""

    port: int

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def hocuspocus(self) -> str:
        return f"ws://127.0.0.1:{self.port}/hocuspocus"


class Flood:
    """Someone who writes a page anew, 5 MB a second, and how long each took to reach the readers."""

    def __init__(self, writer: Peer, readers: list[Peer]) -> None:
        self.writer, self.readers = writer, readers
        self.delays: list[float] = []
        self.sent = 0

    async def run(self, pages: int) -> None:
        """Write so many pages, each when the readers have the one before."""
        for _ in range(pages):
            started = time.perf_counter()
            with self.writer.doc.transaction():
                del self.writer.text[0 : len(self.writer.text)]
                mark = f"<{self.writer.author}.{self.sent}>"
                self.writer.text.insert(0, mark + chr(97 + self.sent % 26) * PAGE)
            self.sent += 1
            for reader in self.readers:
                await shows(reader, mark)
            self.delays.append(time.perf_counter() - started)
            await asyncio.sleep(max(0.0, 1 / PAGES_A_SECOND - (time.perf_counter() - started)))

    def median(self) -> float:
        return statistics.median(self.delays)


async def shows(peer: Peer, beginning: str) -> None:
    await peer.until(lambda: peer.content.startswith(beginning), beginning[:20], WITHIN)


@asynccontextmanager
async def watched(servers: list[Server]) -> AsyncIterator[Callable[[], list[int]]]:
    """While the block runs, each server's memory is looked at again and again; gives their peaks."""
    peaks = [memory(server) for server in servers]

    async def watch() -> None:
        while True:
            for number, server in enumerate(servers):
                peaks[number] = max(peaks[number], memory(server))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield lambda: peaks
    finally:
        watching.cancel()


def serving(server: Server) -> int:
    """Resident bytes of the process that holds the sockets. Its workers start and end as they are needed."""
    resident: int = psutil.Process(server.process.pid).memory_info().rss
    return resident


@pytest.fixture(scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    # A page takes ten seconds on a slow wire, and an answer to a ping comes behind it.
    patient = {"worker_processes": 1, "ping_timeout": 600}
    async with cluster(tmp_path_factory.mktemp("frugal"), 2, FrugalNode, **patient) as found:
        yield found


async def test_a_slow_reader_in_a_fast_room_costs_no_memory_and_nobody_waits_for_it(two: Cluster) -> None:
    one, other = two.servers
    writer = await Peer(one, "yws", "fast").sync()
    readers = [await Peer(one, "hocus", "fast").sync(), await Peer(other, "yws", "fast").sync()]
    await Flood(writer, readers).run(5)
    before = [serving(server) for server in two.servers]

    def grown() -> list[int]:
        return [serving(server) - then for server, then in zip(two.servers, before, strict=True)]

    async with SlowWire(one.port) as near, SlowWire(other.port) as far:
        alone = Flood(writer, readers)
        await alone.run(30)
        slow = [Peer(Through(wire.port), family, "fast") for wire in (near, far) for family in FAMILIES]
        await asyncio.gather(*(peer.sync(WITHIN) for peer in slow))
        near.rate = far.rate = SLOW
        together = Flood(writer, readers)
        together.sent = alone.sent
        await together.run(PAGES)
        print(
            f"grown by {grown()} bytes; median {alone.median() * 1000:.1f} ms, then {together.median() * 1000:.1f} ms"
        )
        await until(lambda: max(grown()) < GROWTH, f"memory falls below {GROWTH} bytes more than before", WITHIN)
        assert together.median() < 3 * alone.median() + 0.5
        assert not any(peer.content == writer.content for peer in slow)
        near.rate = far.rate = None
        for peer in slow:
            await shows(peer, writer.content)
        for peer in (*slow, *readers, writer):
            await peer.abort()


async def test_many_who_come_back_at_once_to_a_large_document_are_served_in_bounded_memory(two: Cluster) -> None:
    server = two.servers[0]
    author = await Peer(server, "yws", "large").sync()
    author.insert("".join(f"{number:07d} " for number in range(LARGE // 8)))
    await author.saved(WITHIN)
    assert len(await server.content("large")) == LARGE
    before = memory(server)
    started = time.perf_counter()
    async with watched([server]) as peaks:
        await asyncio.gather(*(take_all(server, "large") for _ in range(CROWD)))
        took = time.perf_counter() - started
        print(
            f"{CROWD} clients took {LARGE} bytes each in {took:.1f} s; peak {(peaks()[0] - before) / 1e6:.0f} MB more"
        )
        assert peaks()[0] - before < CROWD_GROWTH
    mark = author.type_mark()
    await author.saved(WITHIN)
    assert mark in author.acknowledged
    await author.abort()


async def take_all(server: Server, name: str) -> None:
    """Connect, ask for everything, and read until it has all come; what is read is forgotten at once."""
    host, _, port = server.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=CHUNK)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    writer.write(f"GET /ws/{name} HTTP/1.1\r\nHost: {server.host}\r\nConnection: Upgrade\r\n{key}".encode())
    writer.write(b"Upgrade: websocket\r\n\r\n")
    taken = 0
    try:
        async with asyncio.timeout(WITHIN):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(encode_frame(b"\0\0\1\0"))
            while taken < LARGE:
                octets = await reader.read(CHUNK)
                assert octets, f"the server hung up after {taken} bytes"
                taken += len(octets)
    finally:
        writer.transport.abort()
