"""kill -9 of the server while people type: whatever was acknowledged is there afterwards."""

import asyncio
import os
import random
from collections.abc import Iterable
from pathlib import Path

from tests.peers import Family, Peer
from tests.seeds import choose_seed
from tests.server import Server

ROUNDS = int(os.environ.get("COLLAB_CRASH_ROUNDS", "8"))
DOCUMENTS = 4
PEOPLE = 5
FAMILIES: tuple[Family, Family] = ("yws", "hocus")
AHEAD = 3
"""Messages that a person lets wait for their acknowledgement before typing on."""


async def type_until_the_line_breaks(peer: Peer) -> None:
    while peer.connected:
        peer.type_mark()
        await peer.until(lambda: peer.unacknowledged < AHEAD or not peer.connected, "an acknowledgement")


async def assert_stored(server: Server, people: Iterable[Peer], *, everything: bool) -> None:
    """A newcomer finds each acknowledged mark (with `everything`: each mark typed), and none twice."""
    by_document: dict[str, list[Peer]] = {}
    for peer in people:
        by_document.setdefault(peer.name, []).append(peer)
    for name, peers in by_document.items():
        reader = await Peer(server, "yws", name).sync()
        content = reader.content
        await reader.close()
        for peer in peers:
            expected = peer.typed if everything else peer.acknowledged
            lost = sorted(expected - reader.marks)
            assert not lost, f"{peer.author} ({peer.family}) lost {len(lost)} acknowledged marks, such as {lost[:5]}"
        for mark in reader.marks:
            assert content.count(mark.decode()) == 1, f"{mark!r} is there more than once"


async def test_no_acknowledged_edit_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    seed = choose_seed()
    chance = random.Random(seed)
    async with Server(tmp_path) as server:
        people = [
            Peer(server, FAMILIES[person % 2], f"crash-{document}", author=f"d{document}p{person}")
            for document in range(DOCUMENTS)
            for person in range(PEOPLE)
        ]
        for _ in range(ROUNDS):
            await asyncio.gather(*(peer.sync() for peer in people))
            async with asyncio.TaskGroup() as typing:
                for peer in people:
                    typing.create_task(type_until_the_line_breaks(peer))
                # the kill comes at a moment that has nothing to do with what the server is doing
                await asyncio.sleep(chance.uniform(0.02, 0.5))
                await server.kill()
            await server.start()
            await assert_stored(server, people, everything=False)
        await asyncio.gather(*(peer.sync() for peer in people))
        for peer in people:
            await peer.saved()
        await server.kill()
        await server.start()
        await assert_stored(server, people, everything=True)
        acknowledged = sum(len(peer.acknowledged) for peer in people)
        print(f"{ROUNDS} kills, {sum(len(peer.typed) for peer in people)} marks typed, {acknowledged} acknowledged")
        assert acknowledged > ROUNDS * len(people)
