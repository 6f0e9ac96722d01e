"""One node after the other is restarted under load: nothing acknowledged is lost, nothing is there twice."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.cluster.conftest import cluster
from tests.peers import Family, Peer
from tests.proxy import PreferringProxy
from tests.raw_socket import Refused
from tests.test_crash import assert_stored
from tests.waiting import until

DOCUMENTS = 3
PEOPLE = 2
FAMILIES: tuple[Family, Family] = ("yws", "hocus")
BACK_WITHIN = 5.0
"""Seconds from the close of a socket until its client is synchronised with another node."""


class Person:
    """Types without pause, and dials again whenever its socket is closed."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.ends: list[int] = []

    async def type_on(self, done: Callable[[], bool]) -> None:
        peer = self.peer
        while not done():
            if not peer.connected:
                await self.come_back()
            peer.type_mark()
            await peer.until(lambda: not peer.unacknowledged or not peer.connected, "an acknowledgement")

    async def come_back(self) -> None:
        assert self.peer.socket is not None and self.peer.socket.ended is not None
        self.ends.append(self.peer.socket.ended.code)
        await until(self._dial, f"another node for {self.peer!r}", BACK_WITHIN)

    async def _dial(self) -> bool:
        try:
            await self.peer.connect()
        except (Refused, OSError):
            return False
        await self.peer.until(lambda: self.peer.synced or not self.peer.connected, "synchronised")
        return self.peer.synced


async def test_a_rolling_restart_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with cluster(tmp_path, 2, drain_seconds=0.5) as running, PreferringProxy(running.servers) as proxy:
        people = [
            Person(Peer(proxy, FAMILIES[number % 2], f"rolling-{document}", author=f"d{document}p{number}"))
            for document in range(DOCUMENTS)
            for number in range(PEOPLE)
        ]
        for person in people:
            await person.peer.sync()
        over = False
        async with asyncio.TaskGroup() as typing:
            for person in people:
                typing.create_task(person.type_on(lambda: over))
            for node in running.servers:
                assert await node.terminate() == 0
                assert '"unsaved_documents": 0' in node.log
                before = {person: len(person.peer.acknowledged) for person in people}

                def all_go_on(before: dict[Person, int] = before) -> bool:
                    return all(
                        person.peer.connected and len(person.peer.acknowledged) > count
                        for person, count in before.items()
                    )

                await until(all_go_on, "everybody to type on", 15)
                await node.start()
                await until(lambda node=node: node in proxy.ready, "the proxy to notice")  # type: ignore[misc]
            over = True
        for person in people:
            if not person.peer.connected:
                await person.come_back()
            await person.peer.saved()
        moved = [code for person in people for code in person.ends]
        assert len(moved) >= len(people), "each node had clients to send away"
        assert set(moved) == {1012}
        peers = [person.peer for person in people]
        for server in running.servers:
            await assert_stored(server, peers, everything=True)
        for peer in peers:
            await peer.close()
