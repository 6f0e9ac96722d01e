"""Many join a large document and read slowly: they share its bytes, and it costs the server no copy for each."""

import re
from pathlib import Path

import httpx
import psutil
import pytest

from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.server import Server
from tests.waiting import until

PIECE = 6_600_000
PIECES = 3
JOINERS = 30
TAKEN = 11_000_000
"""What the kernel may hold of one connection: 4 MB to send, 6 MB received."""
GROWTH = 150_000_000
"""Bytes; with a copy for each joiner it were four times as much."""


async def queued(client: httpx.AsyncClient) -> int:
    answer = await client.get("/metrics")
    found = re.search(r"queued_bytes(?:\{[^}]*\})? ([0-9.e+]+)$", answer.text, re.MULTILINE)
    assert found, answer.text
    return int(float(found[1]))


@pytest.mark.parametrize("family", FAMILIES)
async def test_joiners_of_a_large_document_share_its_bytes_while_others_type(tmp_path: Path, family: Family) -> None:
    """Hocuspocus providers each have an address of their own."""
    async with (
        Server(tmp_path, room_idle_seconds=3600) as server,
        httpx.AsyncClient(base_url=server.http) as metrics,
    ):
        typist = await Peer(server, "yws", "large").sync()
        for _ in range(PIECES):
            typist.insert("a line of some length, and the next one\n" * (PIECE // 40), 0)
            await typist.saved(60)
        await server.content("large")
        warm = await Peer(server, family, "large").sync(60)
        before = psutil.Process(server.process.pid).memory_info().rss
        joiners = []
        for number in range(JOINERS):
            name = f"large\0{number}" if family == "hocus" else "large"
            joiner = Peer(server, family, name)
            await joiner.connect()
            assert joiner.socket is not None
            joiner.socket.pause()
            joiners.append(joiner)
            least = len(joiners) * (PIECE * PIECES - TAKEN)

            async def answered(least: int = least) -> bool:
                return await queued(metrics) >= least

            await until(answered, f"{least} bytes to wait for joiner {number}")
            typist.insert(f"typed when {number} had joined. ", 0)
            await typist.saved()
        grown = psutil.Process(server.process.pid).memory_info().rss - before
        assert grown < GROWTH, f"{grown / 1e6:.0f} MB for {JOINERS} joiners"
        for joiner in joiners[2:]:
            await joiner.abort()
        for reader in (warm, *joiners[:2]):
            assert reader.socket is not None
            reader.socket.resume()
            # Comparing the texts, of 20 MB, again and again would take the time that the reader needs.
            await reader.until(lambda reader=reader: reader.doc.get_state() == typist.doc.get_state(), "the text", 60)  # type: ignore[misc]
            assert reader.content == typist.content

        async def nothing_waits() -> bool:
            return await queued(metrics) == 0

        await until(nothing_waits, "all to be sent or let go")
        for peer in (typist, warm, *joiners[:2]):
            await peer.close()
