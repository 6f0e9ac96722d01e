"""Typing: what a delivery costs and how late it is, and how long an edit waits for its acknowledgement."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.documents import keystrokes
from benchmarks.processes import Cpu
from benchmarks.report import Figures
from benchmarks.wire import (
    CONNECT_SECONDS,
    Client,
    Clock,
    Reader,
    Sending,
    Target,
    close_all,
    masked,
    open_all,
    payloads,
    percentile,
    room_name,
    send_all,
    update_message,
)

DRAIN_SECONDS = 15.0
STALL_SECONDS = 2.0
"""After this long without a new mark nothing more is expected."""


@dataclass(frozen=True, slots=True)
class Typing:
    """`writers` of each room's `clients` type `rate` updates a second each, for `seconds`."""

    rooms: int
    clients: int
    writers: int
    rate: float
    seconds: float


async def drained(missing: Callable[[], int], clock: Clock) -> None:
    """Wait until `missing()` is 0, or nothing has come for long."""
    now = time.perf_counter()
    deadline = now + DRAIN_SECONDS
    while missing() and now < deadline and now - max(clock.last, deadline - DRAIN_SECONDS) < STALL_SECONDS:
        await asyncio.sleep(0.02)
        now = time.perf_counter()


async def typing(target: Target, load: Typing) -> Figures:
    clock = Clock()
    rooms = [room_name("typing") for _ in range(load.rooms)]
    members = [
        [Reader(target, room, clock, probe=seat == load.clients - 1) for seat in range(load.clients)] for room in rooms
    ]
    everyone = [client for room in members for client in room]
    # Durable servers make each new document first.
    await open_all(target, everyone, seconds=CONNECT_SECONDS * max(1.0, load.rooms / 250))
    await asyncio.sleep(0.5)

    each = max(1, round(load.rate * load.seconds))
    writers = [client for room in members for client in room[: load.writers]]
    plan = [
        Sending((index + place / len(writers)) / load.rate, writer, writer.framed(update_message(update)), number)
        for place, writer in enumerate(writers)
        for index, update in enumerate(keystrokes(each, place * each))
        for number in (place * each + index,)
    ]
    cpu = Cpu(target.pid)
    start = await send_all(plan, clock)
    total = load.writers * each

    def missing() -> int:
        # A server may send an author his own edits back; that is not asked for.
        return sum(
            max(0, total - (each if seat < load.writers else 0) - client.marks)
            for room in members
            for seat, client in enumerate(room)
        )

    await drained(missing, clock)
    lost = missing()
    delivered = load.rooms * total * (load.clients - 1) - lost
    # One client alone has nobody to wait for.
    per_delivery = 1e6 / delivered if delivered else float("nan")
    figures = {
        "CPU us/delivery": cpu.server() * per_delivery,
        "CPU us/delivery, with database": cpu.all() * per_delivery,
        "CPU us/update": cpu.server() / (load.rooms * total) * 1e6,
        "deliveries/s": delivered / max(1e-3, clock.last - start),
        "p50 ms": percentile(clock.latencies, 0.5),
        "p99 ms": percentile(clock.latencies, 0.99),
        "lost": lost,
        "sockets lost": sum(client.closed for client in everyone),
    }
    close_all(everyone)
    return figures


class Author(Client):
    """Types alone, and notes when each of its updates is acknowledged."""

    def __init__(self, target: Target, room: str, clock: Clock, first: int) -> None:
        super().__init__(target, room, "?acks=1")
        self.acknowledged = 0
        self._clock = clock
        self._first = first
        self._buffer = bytearray()
        self._status = self.prefix + b"\x08"
        self._counts = target.family == "y-websocket"

    def received(self, chunk: bytes) -> None:
        self._buffer += chunk
        now = time.perf_counter()
        for payload in payloads(self._buffer):
            if payload.startswith(self._status):
                upto = _read_count(payload) if self._counts else self.acknowledged + 1
                while self.acknowledged < upto:
                    sent = self._clock.sent.get(self._first + self.acknowledged)
                    if sent is not None:
                        self._clock.latencies.append(now - sent)
                    self.acknowledged += 1
                self._clock.last = now


def _read_count(payload: bytes) -> int:
    """Of the frame 8, varUint: how many of this socket's edits are committed."""
    return sum((byte & 127) << (7 * place) for place, byte in enumerate(payload[1:]))


async def acknowledgements(target: Target, *, authors: int, rate: float, seconds: float) -> Figures:
    """`authors` of a room each type `rate` updates a second."""
    clock = Clock()
    each = max(1, round(rate * seconds))
    clients = [Author(target, room_name("acks"), clock, place * each) for place in range(authors)]
    await open_all(target, clients)
    await asyncio.sleep(0.5)
    plan = [
        Sending((index + place / authors) / rate, client, masked(client.prefix + update_message(update)), number)
        for place, client in enumerate(clients)
        for index, update in enumerate(keystrokes(each, place * each))
        for number in (place * each + index,)
    ]
    cpu = Cpu(target.pid)
    await send_all(plan, clock)

    def missing() -> int:
        return sum(each - client.acknowledged for client in clients)

    await drained(missing, clock)
    edits = authors * each
    figures = {
        "p50 ms": percentile(clock.latencies, 0.5),
        "p99 ms": percentile(clock.latencies, 0.99),
        "CPU us/edit": cpu.server() / edits * 1e6,
        "CPU us/edit, with database": cpu.all() / edits * 1e6,
        "not acknowledged": missing(),
    }
    close_all(clients)
    return figures
