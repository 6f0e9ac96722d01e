"""Clients on raw sockets that speak y-websocket or Hocuspocus: enough of both for a load, and cheap."""

import asyncio
import base64
import os
import re
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

Family = Literal["y-websocket", "Hocuspocus"]

MARK = re.compile(rb"\$m(\d{7})")
"""What the load's edits are known by. The servers pass text on as it is, merged or not."""

CLOSE = re.compile(rb"\x88[\x02-\x7d]([\x03-\x13][\x00-\xff])([\x20-\x7e]*)\Z")
"""A frame that closes, at the end of what arrived: code and reason."""

PING, PONG = b"\x89\x00", b"\x8a\x80\0\0\0\0"
"""The frames that servers send to who is silent, and the answer that they wait for. Both bytes together stand in no
number that Yjs writes: one that ends in 0 is 0. A client that answers without need does no harm.
"""

AT_ONCE = 50
CONNECT_SECONDS = 15.0


class LoadError(Exception):
    """The work cannot be done against this server; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that runs. `path`: of the socket; y-websocket appends the room. `quiet_seconds`: after which it has put
    a document at rest. `acknowledges`: whether it says what it has saved.
    """

    family: Family
    host: str
    port: int
    path: str
    pid: int
    quiet_seconds: float
    acknowledges: bool = False


def var_uint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(128 | number & 127)
        number >>= 7
    out.append(number)
    return bytes(out)


def var_bytes(content: bytes) -> bytes:
    return var_uint(len(content)) + content


def update_message(update: bytes) -> bytes:
    return b"\x00\x02" + var_bytes(update)


def masked(payload: bytes) -> bytes:
    """A client's WebSocket frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        head = bytes((0x82, 0x80 | size))
    elif size < 65536:
        head = struct.pack("!BBH", 0x82, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x82, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


def payloads(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete frames of a server off the front of `buffer`."""
    position = 0
    while len(buffer) - position >= 2:
        size, start = buffer[position + 1], position + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < start + width:
                break
            size = int.from_bytes(buffer[start : start + width])
            start += width
        if len(buffer) < start + size:
            break
        position = start + size
        yield bytes(buffer[start:position])
    del buffer[:position]


def greeting(target: Target, room: str, query: str = "") -> tuple[bytes, bytes, bytes]:
    """The request for the socket, what a client says on it first, and what precedes each of its messages."""
    path = target.path
    prefix = login = b""
    if target.family == "Hocuspocus":
        prefix = var_bytes(room.encode())
        login = masked(prefix + b"\x02\x00" + var_bytes(b"") + var_bytes(b"4.7.0"))
    else:
        path += f"/{room}{query}"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    return request.encode(), login + masked(prefix + b"\x00\x00\x01\x00"), prefix


class Client(asyncio.Protocol):
    """One socket in one room. `opened` is done when the server has said something in the room."""

    def __init__(self, target: Target, room: str, query: str = "") -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self.closed = False
        self.reason = ""
        self.room = room
        self._request, self._hello, self.prefix = greeting(target, room, query)
        self._handshake: bytes | None = b""
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, chunk: bytes) -> None:
        if self._handshake is not None:
            self._handshake += chunk
            head, end, chunk = self._handshake.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head[:20]:
                self._fail(f"the server refused the socket: {head[:80]!r}")
                return
            self._handshake = None
            self.transport.write(self._hello)
        if chunk:
            if not self.opened.done():
                self.opened.set_result(None)
            if PING in chunk or self._last + chunk[:1] == PING:
                self.transport.write(PONG)
            self._last = chunk[-1:]
            if (said := CLOSE.search(chunk[-128:])) is not None:
                self.reason = f": {int.from_bytes(said[1])} {said[2].decode(errors='replace')}".rstrip()
            self.received(chunk)

    def received(self, chunk: bytes) -> None:
        """Bytes of the server's frames."""

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._fail("the server closed the socket")

    def _fail(self, reason: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(LoadError(reason))

    def framed(self, message: bytes) -> bytes:
        return masked(self.prefix + message)


@dataclass(slots=True)
class Clock:
    """When each mark was sent, and how long the probes waited for it."""

    sent: dict[int, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    last: float = 0.0


class Reader(Client):
    """Counts the marks that arrive; as a `probe` it notes when."""

    def __init__(self, target: Target, room: str, clock: Clock, *, probe: bool = False) -> None:
        super().__init__(target, room)
        self.marks = 0
        self.last_mark = 0.0
        self._clock = clock
        self._probe = probe
        self._rest = b""

    def received(self, chunk: bytes) -> None:
        buffer = self._rest + chunk
        # A mark may be cut in two by the network; eight bytes never hold a whole one.
        self._rest = buffer[-8:]
        if b"$m" not in buffer:
            return
        found = MARK.findall(buffer)
        self.marks += len(found)
        now = self._clock.last = self.last_mark = time.perf_counter()
        if self._probe:
            sent = self._clock.sent
            self._clock.latencies += [now - sent[number] for mark in found if (number := int(mark)) in sent]


async def open_all(
    target: Target, clients: Sequence[Client], at_once: int = AT_ONCE, seconds: float = CONNECT_SECONDS
) -> None:
    """Connect them, one of each room first: pycrdt-websocket cannot start a room for two who enter at once.

    Raises LoadError when some are not in their rooms after `seconds`.
    """
    loop = asyncio.get_running_loop()
    first_of = {client.room: client for client in reversed(clients)}
    rest = [client for client in clients if client is not first_of[client.room]]

    async def enter(client: Client) -> None:
        await loop.create_connection(lambda: client, target.host, target.port)
        await client.opened

    try:
        async with asyncio.timeout(seconds):
            for group in (list(first_of.values()), rest):
                for start in range(0, len(group), at_once):
                    await asyncio.gather(*(enter(client) for client in group[start : start + at_once]))
    except TimeoutError:
        inside = sum(client.opened.done() for client in clients)
        raise LoadError(f"{inside} of {len(clients)} clients were in after {seconds:.0f} s") from None


def close_all(clients: Sequence[Client]) -> None:
    for client in clients:
        client.transport.close()


@dataclass(frozen=True, slots=True)
class Sending:
    """`at`: seconds after the start. `mark`: its number, to be timed."""

    at: float
    client: Client
    frame: bytes
    mark: int


async def send_all(plan: list[Sending], clock: Clock) -> float:
    """Write each frame at its time; returns when the first was due (perf_counter).

    Raises LoadError when the server has closed a writer's socket.
    """
    start = time.perf_counter()
    for number, sending in enumerate(sorted(plan, key=lambda item: item.at)):
        if (wait := start + sending.at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif number % 16 == 0:
            await asyncio.sleep(0)
        if sending.client.closed or sending.client.transport.is_closing():
            raise LoadError(f"the server closed a writer's socket{sending.client.reason}")
        clock.sent[sending.mark] = time.perf_counter()
        sending.client.transport.write(sending.frame)
    return start


def room_name(label: str) -> str:
    """A name that no run has used."""
    return f"bench-{label}-{os.urandom(6).hex()}"


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds, of seconds; nan of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1e3 if ranked else float("nan")
