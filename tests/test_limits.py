"""Bounds on how much one client, and all of them, may ask for."""

from pathlib import Path

import pytest

from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.raw_socket import Refused
from tests.server import Server
from tests.waiting import until


async def test_a_full_document_sends_newcomers_away_for_now(tmp_path: Path) -> None:
    async with Server(tmp_path, max_document_connections=2) as server:
        first = await Peer(server, "yws", "plan").sync()
        second = await Peer(server, "hocus", "plan").sync()
        third = Peer(server, "yws", "plan")
        await third.connect()
        assert third.socket is not None
        end = await third.socket.end()
        assert (end.code, end.reason.partition(":")[0]) == (4529, "too_many")
        fourth = Peer(server, "hocus", "plan")
        await fourth.connect()
        await fourth.until(lambda: fourth.denied, "a refusal")
        assert fourth.denied[0].startswith("too_many")
        await first.close()
        await until(lambda: _joins(server, "yws"), "a place to become free")
        for peer in (second, fourth):
            await peer.close()


async def _joins(server: Server, family: Family) -> bool:
    peer = Peer(server, family, "plan")
    try:
        await peer.connect()
        await peer.until(lambda: peer.synced or not peer.connected, "an answer")
        return peer.synced
    except (Refused, OSError):
        return False
    finally:
        await peer.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_full_server_sends_newcomers_away_for_now(tmp_path: Path, family: Family) -> None:
    async with Server(tmp_path, max_connections=1) as server:
        first = await Peer(server, family, "plan").sync()
        second = Peer(server, family, "other")
        await second.connect()
        assert second.socket is not None
        assert (await second.socket.end()).code == 4529
        mark = first.type_mark()
        await first.saved()
        assert mark in first.acknowledged
        await first.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_who_sends_too_much_for_too_long_is_sent_away_and_others_are_not(tmp_path: Path, family: Family) -> None:
    async with Server(tmp_path, rate_updates=50, rate_burst=50) as server:
        calm = await Peer(server, family, "plan").sync()
        flood = await Peer(server, family, "plan").sync()
        for _ in range(500):
            flood.type_mark()
        assert flood.socket is not None
        assert (await flood.socket.end()).code == 4529
        calm.type_mark()
        await calm.saved()
        assert calm.connected
        await calm.close()


async def test_a_full_document_refuses_growth_and_says_so(tmp_path: Path) -> None:
    async with Server(tmp_path, max_document_bytes=65536) as server:
        typist = await Peer(server, "hocus", "plan").sync()
        other = await Peer(server, "yws", "plan").sync()
        typist.insert("x" * 60_000)
        await typist.saved()
        typist.insert("y" * 10_000)
        await typist.until(lambda: typist.status[-1:] == [0], "a refusal")
        other.insert("z" * 10_000)
        await other.until(lambda: other.denied, "a refusal")
        assert other.denied[0].startswith("too_large")
        assert await server.content("plan") == "x" * 60_000
        for peer in (typist, other):
            assert peer.connected
            await peer.close()
