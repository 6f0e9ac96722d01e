"""A large message leaves in slices whose bytes are those of a whole frame, and nothing comes between them."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close

from collab_server.adapters.websocket import connection
from collab_server.adapters.websocket.backlog import SLICE_BYTES
from collab_server.adapters.websocket.connection import HIGH_WATER, Connection
from collab_server.adapters.websocket.frame_parser import LARGE_BYTES, LargeOutgoing, Outgoing, control, outgoing
from collab_server.adapters.websocket.large_messages import Bounds
from collab_server.adapters.websocket.sending import MAX_BEHIND_BYTES
from collab_server.errors import TooMany
from tests.raw_socket import BINARY, CLOSE, PING, PONG, encode_frame
from tests.waiting import until

LOW_WATER = HIGH_WATER // 4
PATTERN = bytes(range(251)) * 8000
"""No power of two: a slice that is lost, doubled or moved shows."""


class Network(asyncio.Transport):
    """A transport with a buffer of its own, from which the peer takes as much as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self.buffers: deque[bytes | memoryview] = deque()
        self.buffered = self.most = 0
        self.paused = self.closing = self.replaced = self.reading = self.half_closed = False
        self.arrived = bytearray()

    def write(self, data: Any) -> None:
        self.writelines([data])

    def writelines(self, buffers: Iterable[Any]) -> None:
        assert not self.closing, "written to after its close"
        for buffer in buffers:
            self.buffers.append(buffer)
            self.buffered += len(buffer)
        self.most = max(self.most, self.buffered)
        if self.buffered > HIGH_WATER and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def take(self, count: int) -> None:
        """The peer reads up to `count` bytes."""
        while count and self.buffers:
            buffer = self.buffers.popleft()
            self.arrived += buffer[:count]
            if len(buffer) > count:
                self.buffers.appendleft(memoryview(buffer)[count:])
            taken = min(count, len(buffer))
            self.buffered -= taken
            count -= taken
        if self.paused and self.buffered <= LOW_WATER:
            self.paused = False
            self.protocol.resume_writing()
        self._end_if_sent()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == HIGH_WATER

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.reading = False
        self._end_if_sent()

    def _end_if_sent(self) -> None:
        if self.closing and not self.buffered:
            self.abort()

    def abort(self) -> None:
        self.closing = True
        self.buffers.clear()
        self.buffered = 0
        if not self.replaced:
            self.replaced = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Opened:
    """A connection over a Network, its session's side and its peer's."""

    def __init__(self) -> None:
        self.network = Network()
        self.all: set[Any] = set()
        self.ends: list[Exception | None] = []
        self.writable = 0
        bounds = Bounds(1_000_000, 20.0, 20.0)
        self.socket = Connection(self.network, bounds, self.all, b"", reading=True, lost=False)

    async def begin(self) -> None:
        await self.socket.run(lambda _: None, self._on_writable, self.ends.append)

    def _on_writable(self) -> None:
        assert not self.socket.congested
        self.writable += 1

    def send(self, *sizes: int) -> bytes:
        """A run of messages of these sizes; as whole frames."""
        messages = [(b"\0\1head", PATTERN[size % 97 : size % 97 + size]) for size in sizes]
        what = outgoing(messages)
        if isinstance(what, LargeOutgoing):
            self.socket.write_large(what)
        else:
            self.socket.write(what)
        return Outgoing([head + content for head, content in messages]).wire

    def hear(self, payload: bytes, opcode: int) -> None:
        if self.network.reading:
            self.socket.data_received(encode_frame(payload, opcode))

    async def everything_taken(self) -> None:
        idle = 0
        while idle < 3:
            await asyncio.sleep(0)
            idle = 0 if self.network.buffered else idle + 1
            self.network.take(1 << 30)


def frames(wire: bytes) -> list[tuple[int, bytes]]:
    """(opcode, the frame's bytes) of whole frames; fails on what is left over."""
    found, position = [], 0
    while position < len(wire):
        length, start = wire[position + 1], position + 2
        if length > 125:
            width = 2 if length == 126 else 8
            length, start = int.from_bytes(wire[start : start + width], "big"), start + width
        assert wire[position] & 0xF0 == 0x80, "whole frames without reserved bits"
        found.append((wire[position] & 15, wire[position : start + length]))
        position = start + length
    assert position == len(wire)
    return found


SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from([65_530, 65_535, LARGE_BYTES - 1]),
    st.integers(-9, 9).map(lambda off: LARGE_BYTES + 9 + off),
    st.tuples(st.integers(3, 8), st.integers(-20, 20)).map(lambda at: at[0] * SLICE_BYTES + at[1]),
    st.integers(LARGE_BYTES, 1_500_000),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.lists(SIZES, min_size=1, max_size=3)),
        st.tuples(st.just("take"), st.integers(1, 700_000)),
        st.tuples(st.just("turns"), st.integers(1, 4)),
        st.tuples(st.just("ping"), st.binary(max_size=8)),
        st.tuples(st.just("tick"), st.integers(1, 30)),
    ),
    max_size=25,
)


@given(steps=STEPS, ends=st.booleans())
def test_what_arrives_is_what_whole_frames_would_be_in_the_order_of_writing(
    steps: list[tuple[str, Any]], ends: bool
) -> None:
    async def scenario() -> None:
        opened = Opened()
        await opened.begin()
        expected, pings, now = b"", [], opened.socket.last_sent
        for step, what in steps:
            if step == "send":
                expected += opened.send(*what)
            elif step == "take":
                opened.network.take(what)
            elif step == "turns":
                for _ in range(what):
                    await asyncio.sleep(0)
            elif step == "ping":
                opened.hear(what, PING)
                pings.append(control(PONG, what))
            else:
                now += what
                opened.socket.tick(now)
                # A peer that takes nothing may be hung up on: not here.
                opened.hear(b"", PONG)
            assert opened.socket.congested or opened.socket.queued == opened.network.buffered
        if ends:
            opened.socket.end(4403, "forbidden: no")
            opened.send(10)
            expected += control(CLOSE, Close(4403, "forbidden: no").serialize())
        await opened.everything_taken()
        found = frames(bytes(opened.network.arrived))
        assert b"".join(frame for opcode, frame in found if opcode in (BINARY, CLOSE)) == expected
        assert not ends or found[-1][0] == CLOSE
        pongs = [frame for opcode, frame in found if opcode == PONG]
        left = iter(pings)
        assert all(pong in left for pong in pongs), "answers to pings, in their order, each once"
        assert not opened.socket.congested
        assert opened.socket.queued == 0
        opened.network.abort()

    asyncio.run(scenario())


async def test_a_fast_peer_gets_a_slice_in_a_turn_and_a_slow_one_as_it_takes_them() -> None:
    opened = Opened()
    await opened.begin()
    size = 10 * SLICE_BYTES
    frame = opened.send(size)
    for turn in range(1, 5):
        assert opened.network.buffered == SLICE_BYTES
        assert opened.socket.queued == len(frame) - (turn - 1) * SLICE_BYTES
        opened.network.take(SLICE_BYTES)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert HIGH_WATER < opened.network.buffered <= HIGH_WATER + SLICE_BYTES
    assert opened.socket.queued == len(frame) - 4 * SLICE_BYTES
    opened.network.take(opened.network.buffered - LOW_WATER - 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert opened.network.buffered == LOW_WATER + 1, "nothing more before it is drained to the low mark"
    assert opened.writable == 0
    await opened.everything_taken()
    assert opened.network.most <= HIGH_WATER + SLICE_BYTES
    assert opened.network.arrived == frame
    assert opened.writable == 1
    opened.network.abort()


async def test_a_large_message_for_a_slow_peer_waits_until_it_reads() -> None:
    opened = Opened()
    await opened.begin()
    expected = b"".join(opened.send(100_000) for _ in range(3))
    assert opened.socket.congested
    expected += opened.send(1_000_000)
    for _ in range(3):
        await asyncio.sleep(0)
    assert opened.network.buffered < 301_000
    await opened.everything_taken()
    assert opened.network.arrived == expected
    opened.network.abort()


async def test_nothing_is_read_after_hanging_up_though_a_message_was_still_worked_on() -> None:
    opened = Opened()
    gate = asyncio.Event()

    async def slow(message: bytes) -> None:
        await gate.wait()

    await opened.socket.run(slow, lambda: None, opened.ends.append)
    opened.hear(b"slow", BINARY)
    opened.send(1_000_000)
    opened.socket.shutdown()
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not opened.network.reading
    await opened.everything_taken()
    assert opened.ends == [None]


async def test_all_who_are_sent_a_document_hold_the_same_bytes() -> None:
    content = PATTERN[:1_000_000]
    shared = LargeOutgoing([(b"\0\1", content)])
    own = [LargeOutgoing([(b"address %d" % number, content)]) for number in range(5)]
    everybody = [Opened() for _ in range(10)]
    for opened, what in zip(everybody, [shared] * 5 + own, strict=True):
        await opened.begin()
        opened.socket.write_large(what)
        for _ in range(5):
            await asyncio.sleep(0)
        views = [buffer for buffer in opened.network.buffers if len(buffer) > 100]
        assert len(views) > 1
        assert all(isinstance(view, memoryview) and view.obj is content for view in views)
        opened.network.abort()


async def test_a_socket_that_is_lost_midway_lets_go_of_everything() -> None:
    content = PATTERN[:1_000_000]
    before = sys.getrefcount(content)
    opened = Opened()
    await opened.begin()
    opened.socket.write_large(LargeOutgoing([(b"\0\1", content)]))
    opened.socket.write(Outgoing((b"later",)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert sys.getrefcount(content) > before
    assert opened.all == {opened.socket}
    opened.network.abort()
    for _ in range(3):
        await asyncio.sleep(0)
    assert opened.ends == [None]
    assert sys.getrefcount(content) == before
    assert opened.all == set()
    opened.socket.write(Outgoing((b"too late",)))
    opened.socket.write_large(LargeOutgoing([(b"\0\1", content)]))
    assert sys.getrefcount(content) == before


async def test_the_latest_ping_within_a_large_message_is_answered_behind_it() -> None:
    opened = Opened()
    await opened.begin()
    frame = opened.send(1_000_000)
    for number in range(500):
        opened.hear(b"%d" % number, PING)
    await opened.everything_taken()
    assert opened.network.arrived == frame + control(PONG, b"499")
    opened.network.abort()


async def test_our_ping_waits_for_the_end_of_a_large_message() -> None:
    opened = Opened()
    await opened.begin()
    frame = opened.send(1_000_000)
    now = opened.socket.last_sent
    for seconds in (0.0, 21.0, 22.0):
        opened.socket.tick(now + seconds)
    await opened.everything_taken()
    assert opened.network.arrived == frame + control(PING, b"")
    opened.network.abort()


def peer_closes(opened: Opened) -> None:
    opened.hear(b"\x03\xe8", CLOSE)


def peer_errs(opened: Opened) -> None:
    opened.hear(b"\xff" * 3, 3)


def server_stops(opened: Opened) -> None:
    opened.socket.shutdown()


@pytest.mark.parametrize(("how", "code"), [(peer_closes, 1000), (peer_errs, 1002), (server_stops, 1012)])
async def test_who_hangs_up_midway_still_gets_whole_frames_and_the_reason(
    how: Callable[[Opened], None], code: int
) -> None:
    opened = Opened()
    await opened.begin()
    frame = opened.send(1_000_000)
    how(opened)
    assert not opened.network.reading
    assert not opened.network.closing
    opened.send(10)
    await opened.everything_taken()
    assert opened.network.arrived.startswith(frame)
    ((opcode, last),) = frames(bytes(opened.network.arrived[len(frame) :]))
    assert (opcode, int.from_bytes(last[2:4], "big")) == (CLOSE, code)
    assert opened.ends == [None]


@pytest.mark.parametrize("how", [peer_closes, peer_errs, server_stops, lambda opened: opened.socket.end(4403, "no")])
@pytest.mark.parametrize("size", [200_000, 1_000_000])
async def test_who_hangs_up_and_reads_nothing_does_not_hold_the_socket(
    how: Callable[[Opened], None], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT", 0.01)
    opened = Opened()
    await opened.begin()
    opened.send(size)
    how(opened)
    await until(lambda: bool(opened.ends), "the end")
    assert opened.all == set()
    assert opened.network.replaced


async def test_what_is_written_to_a_peer_that_does_not_read_has_a_bound() -> None:
    opened = Opened()
    await opened.begin()
    for _ in range(400):
        opened.send(60_000)
    await asyncio.sleep(0)
    assert opened.network.buffered < HIGH_WATER + MAX_BEHIND_BYTES + 200_000
    assert [type(end) for end in opened.ends] == [TooMany]
    opened.network.abort()


async def test_a_peer_that_reads_late_may_be_written_to_again() -> None:
    opened = Opened()
    await opened.begin()
    expected = b""
    for _ in range(30):
        while not opened.socket.congested:
            expected += opened.send(100_000)
        expected += opened.send(200_000)
        await opened.everything_taken()
    assert opened.network.arrived == expected
    assert opened.ends == []
    opened.network.abort()
