"""Typing clients on raw sockets: what a y-websocket server delivers, how late, and what it costs the server."""

import asyncio
import base64
import os
import re
import statistics
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from pycrdt import Doc, Text

MARK = re.compile(rb"\$m(\d{7})")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Work:
    """`rate`: updates a second of each writer."""

    rooms: int
    clients: int
    writers: int
    updates: int
    rate: float


@dataclass(slots=True)
class Result:
    expected: int
    lost: int
    server_us: float
    all_us: float
    p50_ms: float
    p99_ms: float
    kb_per_connection: float


def var_uint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(128 | number & 127)
        number >>= 7
    out.append(number)
    return bytes(out)


def masked(payload: bytes) -> bytes:
    """A client's frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x82, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x82, 0x80 | 126, size)
    return head + b"\0\0\0\0" + payload


@dataclass(slots=True)
class Clock:
    sent: dict[int, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """`probe`: it notes when each mark arrives."""

    def __init__(self, host: str, path: str, clock: Clock, *, probe: bool) -> None:
        self.open = asyncio.get_running_loop().create_future()
        self.marks = 0
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self._clock = clock
        self._probe = probe
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, received: bytes) -> None:
        buffer = self._rest + received
        if not self.open.done():
            end = buffer.find(b"\r\n\r\n")
            self._rest = buffer
            if end < 0:
                return
            if b" 101 " not in buffer[:20]:
                self.open.set_exception(RuntimeError(repr(buffer[:200])))
                return
            self._rest, buffer = b"", buffer[end + 4 :]
            self.transport.write(masked(b"\x00\x00\x01\x00"))
            self.open.set_result(None)
        last = 0
        now = time.perf_counter()
        for mark in MARK.finditer(buffer):
            self.marks += 1
            last = mark.end()
            if self._probe and (sent := self._clock.sent.get(int(mark[1]))) is not None:
                self._clock.latencies.append(now - sent)
        # A mark may be cut in two by the network.
        self._rest = buffer[max(last, len(buffer) - 8) :]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(error or ConnectionError("closed in the handshake"))


def children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def cpu_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_kb(pid: int) -> int:
    line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1])


def keystrokes(count: int, first: int) -> list[bytes]:
    """Update frames of one writer who appends `count` marks, numbered from `first`."""
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    for number in range(first, first + count):
        text += f"$m{number:07d}"
    return [masked(b"\x00\x02" + var_uint(len(update)) + update) for update in updates]


async def measure(url: str, pid: int, work: Work) -> Result:
    """Run the work against the server at `url` (rooms are appended to it), whose process is `pid`."""
    loop = asyncio.get_running_loop()
    clock = Clock()
    place = urlsplit(url)
    host, port = place.hostname or "127.0.0.1", place.port or 80
    prefix = f"bench-{os.urandom(4).hex()}"
    before = resident_kb(pid)
    rooms: list[list[Client]] = []
    for room in range(work.rooms):
        members = []
        for seat in range(work.clients):
            path = f"{place.path}/{prefix}-{room}"
            probe = seat == work.clients - 1
            _, client = await loop.create_connection(
                lambda path=path, probe=probe: Client(place.netloc, path, clock, probe=probe),  # type: ignore[misc]
                host,
                port,
            )
            members.append(client)
        await asyncio.wait_for(asyncio.gather(*(client.open for client in members)), 30)
        rooms.append(members)
    await asyncio.sleep(1)
    connections = work.rooms * work.clients
    per_connection = (resident_kb(pid) - before) / connections

    writers = [client for members in rooms for client in members[: work.writers]]
    plans = [keystrokes(work.updates, number * work.updates) for number in range(len(writers))]
    family = children(pid)
    server_before, all_before = cpu_seconds([pid]), cpu_seconds(family)

    async def write(position: int) -> None:
        start = time.perf_counter() + position / len(writers) / work.rate
        for index, frame in enumerate(plans[position]):
            if (wait := start + index / work.rate - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            clock.sent[position * work.updates + index] = time.perf_counter()
            writers[position].transport.write(frame)

    await asyncio.gather(*(write(position) for position in range(len(writers))))
    total = work.writers * work.updates

    def missing() -> int:
        # A server may send an author his own edits back; that is not asked for.
        return sum(
            max(0, total - (work.updates if seat < work.writers else 0) - client.marks)
            for members in rooms
            for seat, client in enumerate(members)
        )

    deadline = time.perf_counter() + 30
    while missing() and time.perf_counter() < deadline:
        await asyncio.sleep(0.02)
    lost = missing()
    server = cpu_seconds([pid]) - server_before
    # PostgreSQL forks a process for each connection, some of them only now.
    everything = cpu_seconds(sorted({*family, *children(pid)})) - all_before
    for members in rooms:
        for client in members:
            client.transport.close()
    expected = work.rooms * total * (work.clients - 1)
    latencies = sorted(clock.latencies)
    return Result(
        expected=expected,
        lost=lost,
        server_us=server / expected * 1e6,
        all_us=everything / expected * 1e6,
        p50_ms=statistics.median(latencies) * 1e3,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1e3,
        kb_per_connection=per_connection,
    )
