"""Our reading of incoming frames and uvicorn's own take every byte stream alike, however it is cut."""

import asyncio
import itertools
import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import State
from websockets.utils import apply_mask

from collab_server.adapters.websocket.asgi import socket_of
from collab_server.adapters.websocket.socket import Socket
from collab_server.adapters.websocket.uvicorn_protocol import EXTENSION, FanOutProtocol
from tests.raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.seeds import choose_seed

LIMIT = 70_000
STREAMS = 300
HEAD = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    protocol: Any

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol


class Connection:
    """A protocol of this class, accepted, and what it gave to its application: messages, then how it ended."""

    def __init__(self, kind: type[WebSocketsSansIOProtocol]) -> None:
        self.messages: list[bytes | str] = []
        self.ends: list[Exception | None] = []
        self.take: Callable[[bytes], None] = self.messages.append
        self.is_ours = kind is FanOutProtocol
        self.open = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.wire = Wire()
        self.direct: Socket | None = None
        config = uvicorn.Config(
            self._app,
            ws=kind,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            ws_max_size=LIMIT,
            ws_per_message_deflate=False,
        )
        config.load()
        state = ServerState()
        self.wire.protocol = kind(config, state, {})
        self.wire.protocol.connection_made(self.wire)
        self.wire.protocol.data_received(HEAD)
        (self.task,) = state.tasks

    async def accepted(self) -> None:
        while not self._reading():
            assert not self.task.done(), self.task
            await asyncio.sleep(0)
        self.wire.written.clear()

    def _reading(self) -> bool:
        stock = isinstance(self.wire.protocol, WebSocketsSansIOProtocol)
        return self.wire.protocol.conn.state is State.OPEN and not self.is_ours if stock else self.direct is not None

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        ours = scope["extensions"].get(EXTENSION) is not None
        socket = socket_of(scope, receive, send) if ours else None
        self.open.set()
        await self.may_read.wait()
        if socket is not None:
            await socket.run(self.take, lambda: None, self.ends.append)
            self.direct = socket
            return
        while (event := await receive())["type"] == "websocket.receive":
            self.messages.append(event["bytes"] if event.get("bytes") is not None else event["text"])

    async def feed(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            if self.wire.closed:
                break
            await self.give(piece)

    async def give(self, data: bytes) -> None:
        """Have the data arrive, and all of it handled: on a slow machine that takes several turns."""
        self.wire.protocol.data_received(data)
        while getattr(self.wire.protocol, "_deferred", False):  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def lose(self) -> None:
        self.wire.closed = True
        self.wire.protocol.connection_lost(None)
        await asyncio.wait_for(self.task, 10)


def frame(payload: bytes, opcode: int, *, fin: bool = True, **odd: Any) -> bytes:
    """A client's frame under a random mask; `odd`: reserved bits, masked, declared length, the header's width."""
    first = (0x80 if fin else 0) | odd.get("reserved", 0) << 4 | opcode
    length = odd.get("declared", len(payload))
    width = max(odd.get("width", 0), 0 if length < 126 else 2 if length < 65_536 else 8)
    mask_bit = 0x80 if odd.get("masked", True) else 0
    if width == 0:
        head = bytes((first, mask_bit | length))
    elif width == 2:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    if not mask_bit:
        return head + payload
    mask = os.urandom(4)
    return head + mask + apply_mask(payload, mask)


def violation(rng: random.Random) -> bytes:
    return rng.choice(
        (
            lambda: frame(b"abc", BINARY, masked=False),
            lambda: frame(b"abc", rng.choice((3, 7, 11, 15))),
            lambda: frame(b"abc", rng.choice((BINARY, PING)), reserved=rng.randint(1, 7)),
            lambda: frame(b"", BINARY, declared=rng.choice((LIMIT + 1, 2**40, 2**64 - 1))),
            lambda: frame(b"x" * 126, PING),
            lambda: frame(b"x", PING, fin=False),
            lambda: frame(b"x", CONTINUATION),
            lambda: frame(b"x", BINARY, fin=False) + frame(b"y", BINARY),
            lambda: frame(b"x" * 40_000, BINARY, fin=False) + frame(b"y" * 40_000, CONTINUATION),
            lambda: frame(b"\x03", CLOSE),
            lambda: frame(b"\x00\x01", CLOSE),
            lambda: frame(b"x", BINARY, fin=False) + frame(b"", CLOSE),
        )
    )()


def stream(rng: random.Random) -> bytes:
    """Frames of a client: mostly binary messages, pings between them, at last perhaps an end or a violation."""
    parts: list[bytes] = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        size = rng.choice((0, 1, 3, 4, 7, 30, 124, 125, 126, 127, 300, 3000))
        if kind < 0.02:
            size = rng.choice((65_535, 65_536, LIMIT))
        payload = rng.randbytes(size)
        if kind < 0.55:
            parts.append(frame(payload, BINARY, width=rng.choice((0, 0, 0, 2, 8))))
        elif kind < 0.7:
            parts.append(frame(payload[:125], rng.choice((PING, PONG))))
        else:
            cuts = sorted(rng.randint(0, size) for _ in range(rng.randint(1, 3)))
            edges = [0, *cuts, size]
            for place, (begin, end) in enumerate(itertools.pairwise(edges)):
                last = place == len(edges) - 2
                parts.append(frame(payload[begin:end], BINARY if place == 0 else CONTINUATION, fin=last))
                if not last and rng.random() < 0.3:
                    parts.append(frame(b"between", PING))
    last_of_all = rng.random()
    if last_of_all < 0.4:
        parts.append(violation(rng))
    elif last_of_all < 0.6:
        parts.append(frame(rng.choice((b"", struct.pack("!H", 1000) + b"bye", struct.pack("!H", 4001))), CLOSE))
    if rng.random() < 0.5:
        parts.append(frame(b"after", BINARY))
        parts.append(frame(b"after", PING))
    whole = b"".join(parts)
    # We refuse a frame by its head, uvicorn some only when they are whole: a cut stream holds no violation.
    return whole[: rng.randint(0, len(whole))] if last_of_all >= 0.4 and rng.random() < 0.3 else whole


def cut(rng: random.Random, whole: bytes) -> Iterator[bytes]:
    mean = rng.choice((1.5, 8.0, 100.0, 5000.0, 1e9))
    position = 0
    while position < len(whole):
        length = 1 + int(rng.expovariate(1 / mean))
        yield whole[position : position + length]
        position += length


async def outcome(kind: type[WebSocketsSansIOProtocol], pieces: Iterator[bytes]) -> dict[str, Any]:
    connection = Connection(kind)
    await connection.accepted()
    await connection.feed(pieces)
    closed = connection.wire.closed
    await connection.lose()
    assert connection.ends == ([None] if connection.is_ours else [])
    return {
        "messages": connection.messages,
        # Pongs, and the close frame with its code; the words of its reason are our own.
        "written": [(o, p[:2] if o == CLOSE else p) for o, p in frames(bytes(connection.wire.written))],
        "closed": closed,
    }


def frames(written: bytes) -> Iterator[tuple[int, bytes]]:
    """(opcode, payload) of the short frames that a server wrote."""
    position = 0
    while position < len(written):
        length = written[position + 1]
        assert length < 126
        yield written[position] & 15, written[position + 2 : position + 2 + length]
        position += 2 + length


async def test_any_stream_in_any_pieces_is_taken_as_uvicorn_takes_it_byte_by_byte() -> None:
    """Byte by byte, for in larger pieces uvicorn drops the messages that came in one piece with a violation."""
    seed = choose_seed()
    for number in range(STREAMS):
        rng = random.Random(f"{seed} {number}")
        whole = stream(rng)
        stock = await outcome(WebSocketsSansIOProtocol, (whole[at : at + 1] for at in range(len(whole))))
        ours = await outcome(FanOutProtocol, cut(rng, whole))
        for what in stock:
            assert ours[what] == stock[what], f"stream {number}, {what}"


def close_code(connection: Connection) -> int:
    (code,) = [p[:2] for opcode, p in frames(bytes(connection.wire.written)) if opcode == CLOSE]
    return int.from_bytes(code, "big")


async def test_a_declared_length_above_the_limit_is_refused_from_the_header() -> None:
    connection = Connection(FanOutProtocol)
    await connection.accepted()
    await connection.give(frame(b"", BINARY, declared=LIMIT + 1)[:14])
    assert connection.wire.closed
    assert close_code(connection) == 1009
    await connection.lose()


async def test_a_session_that_ends_its_socket_gets_no_more_of_the_same_piece() -> None:
    connection = Connection(FanOutProtocol)
    seen: list[bytes] = []

    def end_at_b(message: bytes) -> None:
        seen.append(message)
        if message == b"b":
            assert connection.direct is not None
            connection.direct.end(4400, "enough")

    connection.take = end_at_b
    await connection.accepted()
    await connection.give(b"".join(frame(message, BINARY) for message in (b"a", b"b", b"c")))
    await connection.give(frame(b"d", BINARY) + frame(struct.pack("!H", 4400), CLOSE))
    assert seen == [b"a", b"b"]
    assert close_code(connection) == 4400
    assert connection.wire.closed
    await connection.lose()


async def test_a_text_message_ends_the_socket_though_binary_ones_surround_it() -> None:
    connection = Connection(FanOutProtocol)
    await connection.accepted()
    await connection.give(frame(b"a", BINARY) + frame(b"text", TEXT) + frame(b"b", BINARY))
    assert connection.messages == [b"a"]
    assert close_code(connection) == 1003
    await connection.lose()


async def test_a_quiet_peer_is_pinged_and_one_that_does_not_answer_is_hung_up_on() -> None:
    connection = Connection(FanOutProtocol)
    await connection.accepted()
    assert connection.direct is not None
    now = time.monotonic()
    for moment in (0.0, 19.0, 21.0, 22.0):
        connection.direct.tick(now + moment)
    assert list(frames(bytes(connection.wire.written))) == [(PING, b"")], "one ping, once 20 s were quiet"
    await connection.give(frame(b"", PONG))
    for moment in (23.0, 42.0, 44.0, 63.0):
        connection.direct.tick(now + moment)
    assert not connection.wire.closed
    connection.direct.tick(now + 65.0)
    assert connection.wire.closed
    assert close_code(connection) == 1011
    await connection.lose()


async def test_who_does_not_read_gets_no_pongs() -> None:
    connection = Connection(FanOutProtocol)
    await connection.accepted()
    connection.wire.protocol.pause_writing()
    await connection.give(frame(b"1", PING) * 1000)
    assert not connection.wire.written
    connection.wire.protocol.resume_writing()
    await connection.give(frame(b"2", PING))
    assert list(frames(bytes(connection.wire.written))) == [(PONG, b"2")]
    await connection.lose()


async def test_frames_that_come_before_and_across_the_start_of_the_session_are_taken_in_order() -> None:
    seed = choose_seed()
    for number in range(100):
        rng = random.Random(f"{seed} {number}")
        sent = [rng.randbytes(rng.choice((0, 5, 126, 400))) for _ in range(6)]
        parts = [frame(message, BINARY) for message in sent]
        middle = rng.randrange(6)
        half = len(parts[middle]) // 2
        parts[middle : middle + 1] = (
            [frame(sent[middle][:half], BINARY, fin=False), frame(sent[middle][half:], CONTINUATION)]
            if rng.random() < 0.5
            else [parts[middle]]
        )
        whole = b"".join(parts)
        begins = rng.randint(0, len(whole))
        connection = Connection(FanOutProtocol)
        connection.may_read.clear()
        await connection.open.wait()
        await connection.feed(cut(rng, whole[:begins]))
        connection.may_read.set()
        await connection.accepted()
        await connection.feed(cut(rng, whole[begins:]))
        await connection.lose()
        assert connection.messages == sent, f"stream {number}"


async def test_a_socket_whose_peer_left_before_its_session_ends_at_once() -> None:
    connection = Connection(FanOutProtocol)
    connection.may_read.clear()
    await connection.open.wait()
    connection.wire.closed = True
    connection.wire.protocol.connection_lost(None)
    connection.may_read.set()
    await asyncio.wait_for(connection.task, 10)
    assert connection.ends == [None]
    assert connection.direct is not None
    connection.direct.end(4400, "too late")
    assert not [o for o, _ in frames(bytes(connection.wire.written)[connection.wire.written.index(b"\r\n\r\n") + 4 :])]
