"""Honest people in a room under attack, and the means of the attackers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import psutil

from tests.peers import Family, Peer, var_string
from tests.raw_socket import Ended, Socket
from tests.server import Server

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
GROWTH = 100_000_000
"""Bytes of resident memory that an attack may leave behind: caches and arenas, not what was declared or sent."""
TEXT = "what is written here stays as it is"


class Bystanders:
    """Honest people in the room under attack."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, f"attacked-{uuid4().hex[:8]}"
        self.people = [Peer(server, family, self.name) for family in FAMILIES]

    async def arrive(self) -> None:
        for peer in self.people:
            await peer.sync()
        self.people[0].insert(TEXT)
        await self.people[0].saved()
        await self.people[1].until(lambda: self.people[1].content == self.people[0].content)

    async def assert_undisturbed(self, *, forged: bool = False) -> None:
        """Everybody is still connected, reads the same, and can type; so can a newcomer.

        `forged`: there were edits that say two things under one client id. Which one a copy takes depends on what it
        heard first, so only those who heard the same must still agree.
        """
        newcomer = await Peer(self.server, "yws", self.name).sync()
        for peer in self.people:
            assert peer.connected, peer
            assert not peer.closes, peer
            assert not peer.unread, peer
        for peer in self.people:
            mark = peer.type_mark()
            for other in (*self.people, newcomer):
                await other.sees(mark)
            await peer.saved()
        assert len({peer.content for peer in self.people}) == 1
        if not forged:
            assert self.people[0].content.startswith(TEXT)
            assert newcomer.content == self.people[0].content
        await newcomer.close()

    async def leave(self) -> None:
        for peer in self.people:
            await peer.abort()


@asynccontextmanager
async def under_attack(server: Server) -> AsyncIterator[Bystanders]:
    """While the block runs, people are in a room; afterwards the server lives and has not grown by much."""
    people = Bystanders(server)
    await people.arrive()
    before = memory(server)
    yield people
    assert server.process.returncode is None, "the server died"
    grown = memory(server) - before
    assert grown < GROWTH, f"the attack left {grown / 1e6:.0f} MB behind"
    await people.leave()


def memory(server: Server) -> int:
    """Resident bytes of the server and its workers, without PostgreSQL."""
    process = psutil.Process(server.process.pid)
    found = 0
    for member in (process, *process.children(recursive=True)):
        # A worker may end at this moment.
        with suppress(psutil.NoSuchProcess):
            if member.name() != "postgres":
                found += member.memory_info().rss
    return found


async def dial(server: Server, family: Family, name: str) -> Socket:
    """A socket on the document: with Hocuspocus, logged in."""
    if family == "yws":
        return await Socket.dial(f"{server.ws}/{name}")
    socket = await Socket.dial(server.hocuspocus)
    socket.send(var_string(name) + b"\x02\x00\x00\x00")
    authenticated = var_string(name) + b"\x02\x02"
    await socket.until(lambda: any(message.startswith(authenticated) for message in socket.messages), "the login")
    return socket


def prefix(family: Family, name: str) -> bytes:
    return var_string(name) if family == "hocus" else b""


def assert_typed(ended: Ended, family: Family) -> None:
    """The server said why it ended the socket."""
    assert (ended.code, ended.reason.partition(":")[0]) in {
        (4400, "malformed"),
        (4401, "unauthenticated"),
        (1009, "too_large"),
        (4529, "too_many"),
    }, f"{family}: {ended}"
