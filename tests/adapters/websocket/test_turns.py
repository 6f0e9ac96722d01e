"""What one peer sends at once is handled in several turns of the event loop, in order, with others' turns between."""

import asyncio
import time

import pytest

from collab_server.adapters.websocket.connection import IGNORED_FRAMES, TURN_SECONDS
from tests.adapters.websocket.test_slices import Opened
from tests.raw_socket import BINARY, CLOSE, CONTINUATION, PING, encode_frame


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def test_many_messages_in_one_piece_of_data_leave_the_loop_to_others() -> None:
    opened = Opened()
    handled: list[bytes] = []

    def slow(message: bytes) -> None:
        spin(TURN_SECONDS / 4)
        handled.append(message)

    await opened.socket.run(slow, lambda: None, opened.ends.append)
    messages = [b"%d" % number for number in range(60)]
    opened.socket.data_received(b"".join(encode_frame(message, BINARY) for message in messages))
    turns = 1
    while len(handled) < len(messages):
        assert len(handled) <= turns * 6
        assert not opened.network.reading
        await asyncio.sleep(0)
        turns += 1
    await asyncio.sleep(0)
    assert handled == messages
    assert opened.network.reading
    opened.network.abort()


async def test_a_message_that_is_worked_on_holds_back_the_next_until_it_is_done() -> None:
    opened = Opened()
    handled: list[bytes] = []
    gates = [asyncio.Event() for _ in range(4)]

    async def work(message: bytes) -> None:
        await gates[int(message)].wait()
        handled.append(message)

    await opened.socket.run(work, lambda: None, opened.ends.append)
    data = b"".join(encode_frame(b"%d" % number, BINARY) for number in range(4))
    opened.socket.data_received(data[:-3])
    # The transport may have had this in hand already.
    opened.socket.data_received(data[-3:])
    for number, gate in enumerate(gates):
        assert not opened.network.reading
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(handled) == number + 1
    assert opened.network.reading
    assert handled == [b"0", b"1", b"2", b"3"]
    opened.network.abort()


async def test_pings_without_end_end_the_socket() -> None:
    opened = Opened()
    await opened.begin()
    for _ in range(100):
        opened.socket.data_received(encode_frame(b"", PING) * 50)
        opened.network.take(1 << 30)
        await asyncio.sleep(0)
    while not opened.ends:  # noqa: ASYNC110 - no pause: the rest is handled in the next turns
        await asyncio.sleep(0)
    assert len(opened.ends) == 1
    assert "too many" in str(opened.ends[0])
    opened.network.abort()


FURTHER = {
    "pings": (b"", encode_frame(b"", PING)),
    "messages": (b"", encode_frame(b"x", BINARY)),
    "fragments": (encode_frame(b"x", BINARY, fin=False), encode_frame(b"x", CONTINUATION, fin=False)),
}


@pytest.mark.parametrize("kind", FURTHER)
async def test_a_peer_that_sends_on_after_our_close_is_looked_at_for_a_bounded_number_of_frames(kind: str) -> None:
    opened = Opened()
    await opened.begin()
    first, again = FURTHER[kind]
    opened.socket.data_received(first)
    opened.socket.end(4529, "too_many: too many messages in too short a time")
    for _ in range(IGNORED_FRAMES):
        opened.socket.data_received(again)
    assert not opened.network.half_closed
    opened.socket.data_received(again)
    assert opened.network.half_closed
    opened.socket.data_received(encode_frame(b"", CLOSE))
    assert opened.network.reading and not opened.network.closing, "it is read without a look at it"
    opened.network.abort()


async def test_a_peer_that_answers_our_close_after_its_last_messages_ends_as_always() -> None:
    opened = Opened()
    await opened.begin()
    opened.socket.end(4529, "too_many: too many messages in too short a time")
    fragments = encode_frame(b"x", BINARY, fin=False) + encode_frame(b"y", CONTINUATION)
    opened.socket.data_received(encode_frame(b"x", BINARY) * 10 + fragments + encode_frame(b"\x11\xb1", CLOSE))
    while not opened.network.closing:  # noqa: ASYNC110 - no pause: the rest is handled in the next turns
        await asyncio.sleep(0)
    opened.network.abort()
