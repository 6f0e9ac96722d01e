"""One call writes to many sockets what single writes would: in order, to the end, and under the same back pressure."""

import asyncio
import gc
import random
import socket
import ssl
import struct
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop

from collab_server import _speedups
from collab_server.adapters.websocket.connection import HIGH_WATER, Connection
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.large_messages import Bounds
from collab_server.core.protocol.messages import encode_update
from collab_server.realtime.documents.document_connection import addressed
from tests.forms import form
from tests.redis_cluster import self_signed
from tests.seeds import choose_seed

__all__ = ["form"]
pytestmark = pytest.mark.usefixtures("form")

STEPS = 400


class Member:
    """A connection of the server over a pair of sockets, and its peer's end, which is read when the test says so."""

    connection: Connection
    peer: socket.socket

    def __init__(self) -> None:
        self.expected = bytearray()
        self.received = bytearray()
        self.writable = 0
        self.ends: list[Exception | None] = []

    async def open(self) -> "Member":
        ours, self.peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.peer.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
        self.connection = Connection(transport, Bounds(1_000_000, None, None), set(), b"", reading=True, lost=False)
        await self.connection.run(lambda _: None, self._on_writable, self.ends.append)
        return self

    def _on_writable(self) -> None:
        self.writable += 1

    def read(self, most: int) -> int:
        """Take at most so many bytes of what has arrived."""
        try:
            chunk = self.peer.recv(most)
        except BlockingIOError:
            return 0
        self.received += chunk
        return len(chunk)

    async def read_all(self) -> None:
        while self.connection.queued or self.read(1 << 20):
            self.read(1 << 20)
            await asyncio.sleep(0)

    async def close(self) -> None:
        self.connection._transport.abort()
        self.peer.close()
        await asyncio.sleep(0.01)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    uvloop.run(scenario)


def message(chance: random.Random) -> Outgoing:
    return Outgoing([chance.randbytes(chance.choice((1, 40, 200, 3_000, 9_000, 40_000)))])


def test_everybody_gets_everything_in_order_whoever_reads_when() -> None:
    async def scenario() -> None:
        chance = random.Random(choose_seed())
        members = [await Member().open() for _ in range(8)]
        fast, slow = members[:6], members[6:]
        assert all(member.connection.descriptor >= 0 for member in members)
        for _ in range(STEPS):
            what = chance.randrange(4)
            chosen = chance.sample(members, chance.randrange(1, 9))
            if what < 2:
                outgoing = message(chance)
                # As LiveDocument.flush does: nothing is written to a congested socket.
                able = [member for member in chosen if not member.connection.congested]
                _speedups.write_to_all([member.connection for member in able], outgoing)
                for member in able:
                    member.expected += outgoing.wire
            elif what == 2:
                outgoing = message(chance)
                chosen[0].connection.write(outgoing)
                chosen[0].expected += outgoing.wire
            else:
                await asyncio.sleep(0)
                for member in fast:
                    member.read(1 << 20)
                for member in slow:
                    member.read(chance.randrange(1, 2_000))
        assert any(member.connection.congested for member in slow), "nobody was slow"
        for member in members:
            await member.read_all()
        await asyncio.sleep(0)
        for member in members:
            assert member.received == member.expected
            assert not member.connection.congested
            await member.close()

    run(scenario())


def test_a_peer_that_does_not_read_becomes_congested_and_is_told_when_it_has_read() -> None:
    async def scenario() -> None:
        member = await Member().open()
        piece = Outgoing([bytes(10_000)])
        written = 0
        while not member.connection.congested:
            _speedups.write_to_all([member.connection], piece)
            written += len(piece.wire)
            assert written < 4 * HIGH_WATER
        assert HIGH_WATER < member.connection.queued <= HIGH_WATER + len(piece.wire)
        assert member.writable == 0
        await member.read_all()
        await asyncio.sleep(0)
        assert (member.writable, member.connection.congested) == (1, False)
        assert len(member.received) == written
        await member.close()

    run(scenario())


def test_who_has_gone_gets_nothing_and_the_others_do() -> None:
    async def scenario() -> None:
        members = [await Member().open() for _ in range(5)]
        kept, lost, ended, aborted, half = members
        # The peer is gone without a word, and nobody has noticed.
        lost.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        lost.peer.close()
        ended.connection.end(1000, "enough")
        aborted.connection._transport.abort()
        half.peer.shutdown(socket.SHUT_WR)
        outgoing = Outgoing([b"to all"])
        _speedups.write_to_all([member.connection for member in members], outgoing)
        await asyncio.sleep(0.01)
        _speedups.write_to_all([member.connection for member in members], outgoing)
        kept.read(1000)
        assert kept.received == outgoing.wire * 2
        ended.read(1000)
        assert outgoing.wire not in ended.received and ended.received[:1] == b"\x88"
        with suppress(OSError):
            assert not aborted.peer.recv(1000)
        assert [lost.ends, aborted.ends] == [[None], [None]]
        for member in members:
            await member.close()

    run(scenario())


def test_a_descriptor_of_the_past_is_not_used_for_who_has_it_now() -> None:
    async def scenario() -> None:
        for _ in range(20):
            former = await Member().open()
            descriptor = former.connection.descriptor
            former.connection._transport.abort()
            _speedups.write_to_all([former.connection], Outgoing([b"at the end"]))
            await asyncio.sleep(0.005)
            gc.collect()
            later = [await Member().open() for _ in range(4)]
            _speedups.write_to_all([former.connection], Outgoing([b"too late"]))
            await asyncio.sleep(0)
            assert all(member.read(1000) == 0 for member in later)
            found = descriptor in {member.connection.descriptor for member in later}
            for member in later:
                await member.close()
            former.peer.close()
            if found:
                return
        raise AssertionError("the number was never given again")

    run(scenario())


def test_over_tls_nothing_goes_around_the_encryption(tmp_path: Path) -> None:
    async def scenario() -> None:
        certificate, key = self_signed(tmp_path)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        opened: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

        class Server(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                bounds = Bounds(1_000_000, None, None)
                opened.set_result(Connection(transport, bounds, set(), b"", reading=True, lost=False))

        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=ssl.create_default_context(cafile=certificate)
        )
        connection = await opened
        assert isinstance(connection._transport.get_extra_info("ssl_object"), ssl.SSLObject | ssl.SSLSocket)
        assert connection.descriptor == -1
        outgoing = Outgoing([b"secret" * 100])
        _speedups.write_to_all([connection], outgoing)
        assert await reader.readexactly(len(outgoing.wire)) == outgoing.wire
        writer.transport.abort()
        server.close()

    run(scenario())


def test_a_socket_of_another_kind_is_written_to_by_its_own_method() -> None:
    class Other:
        descriptor = -1

        def __init__(self) -> None:
            self.written: list[object] = []

        def write(self, outgoing: object) -> None:
            self.written.append(outgoing)

    class Broken(Other):
        def write(self, outgoing: object) -> None:
            raise RuntimeError("not now")

    first, last, outgoing = Other(), Other(), Outgoing([b"x"])
    _speedups.write_to_all([first, last], outgoing)
    assert first.written == last.written == [outgoing]
    with pytest.raises(RuntimeError, match="not now"):
        _speedups.write_to_all([first, Broken(), last], outgoing)
    assert (len(first.written), len(last.written)) == (2, 1)


def test_a_list_that_changes_meanwhile_is_read_as_it_is() -> None:
    sockets: list[Any] = []

    class Leaving:
        descriptor = -1

        def write(self, outgoing: object) -> None:
            sockets.clear()

    sockets += [Leaving(), Leaving(), Leaving()]
    _speedups.write_to_all(sockets, Outgoing([b"x"]))
    assert sockets == []


def test_what_is_written_is_kept_by_nobody() -> None:
    async def scenario() -> None:
        members = [await Member().open() for _ in range(3)]
        sockets = [member.connection for member in members]
        outgoing = Outgoing([b"some bytes of a frame"])
        wire = outgoing.wire
        before = sys.getrefcount(wire), sys.getrefcount(sockets[0]), sys.getrefcount(sockets[0]._transport)
        for _ in range(100):
            _speedups.write_to_all(sockets, outgoing)
            for member in members:
                member.read(1 << 20)
        assert (sys.getrefcount(wire), sys.getrefcount(sockets[0]), sys.getrefcount(sockets[0]._transport)) == before
        for member in members:
            await member.close()

    run(scenario())


class Reader:
    """What `write_update` looks at of a DocumentConnection."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.ready = True
        self.address: str | None = None
        self.lagging_from: dict[int, int] | None = None


@pytest.mark.parametrize(
    "addresses", [(None, None), ("notes", "notes"), (None, "x" * 2_560), ("Straße 😀", "notes\0session")], ids=str
)
def test_an_update_goes_to_everybody_but_its_author(form: str, addresses: tuple[str | None, str | None]) -> None:
    async def scenario() -> None:
        chance = random.Random(choose_seed())
        members = [await Member().open() for _ in range(4)]
        readers = {key: Reader(member.connection) for key, member in enumerate(members, 1)}
        readers[4].ready = False
        readers[1].address, readers[3].address = addresses
        for size in (2, 100, 114, 115, 116, 121, 122, 123, 127, 128, 4_096):
            update = chance.randbytes(size)
            written = _speedups.write_update(readers, 2, update)
            assert written == (2 if form == "compiled" else None)
            for member in (members[0], members[2]) if written else ():
                address = addresses[member is members[2]]
                member.expected += Outgoing(addressed(address, (encode_update(update),))).wire
        assert _speedups.write_update(readers, 2, bytes(4_097)) is None
        for member in members:
            await member.read_all()
            assert member.received == member.expected
            await member.close()

    run(scenario())


@pytest.mark.parametrize("case", ["address", "lagging", "congested", "closing", "other", "author"])
def test_an_update_is_left_to_python_where_one_connection_is_not_plain(case: str) -> None:
    async def scenario() -> None:
        members = [await Member().open() for _ in range(3)]
        readers: dict[int, Any] = {key: Reader(member.connection) for key, member in enumerate(members)}
        last, connection = readers[2], members[2].connection
        if case == "address":
            last.address = "x" * 4_097
        elif case in ("lagging", "author"):
            last.lagging_from = {}
        elif case == "congested":
            connection.pause_writing()
        elif case == "closing":
            connection.end(1000, "enough")
        else:
            last.socket = SimpleNamespace(descriptor=-1)
        assert _speedups.write_update(readers, 2 if case == "author" else 0, b"\0\0") is None
        assert [member.read(1000) for member in members[:2]] == [0, 0], "nobody got anything"
        for member in members:
            await member.close()

    run(scenario())


def test_a_slow_reader_of_updates_becomes_congested_and_gets_all_that_was_written(form: str) -> None:
    async def scenario() -> None:
        member = await Member().open()
        readers = {1: Reader(member.connection)}
        update, written = bytes(4_000), 0
        while (count := _speedups.write_update(readers, 2, update)) is not None:
            assert count == 1
            written += 1
            assert written < 1_000
        assert member.connection.congested is (form == "compiled")
        await member.read_all()
        assert member.received == Outgoing([encode_update(update)] * written).wire
        await member.close()

    run(scenario())
