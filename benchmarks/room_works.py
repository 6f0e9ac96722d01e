"""Joins of large documents, presence, a slow reader, and memory at rest."""

import asyncio
import json
import socket
import statistics
import time
from contextlib import suppress

from benchmarks.documents import document_pieces, keystrokes
from benchmarks.processes import Cpu, Peak, resident_mb
from benchmarks.report import Figures
from benchmarks.typing_works import drained
from benchmarks.wire import (
    Clock,
    LoadError,
    Reader,
    Sending,
    Target,
    close_all,
    greeting,
    open_all,
    percentile,
    room_name,
    send_all,
    update_message,
    var_bytes,
    var_uint,
)

SEED_SECONDS = 40.0
JOIN_SECONDS = 90.0


async def arrived(reader: Reader, marks: int, seconds: float, what: str) -> None:
    deadline = time.perf_counter() + seconds
    while reader.marks < marks:
        if reader.closed:
            raise LoadError(f"the server closed the socket before {what}")
        if time.perf_counter() > deadline:
            raise LoadError(f"{what}: {reader.marks} of {marks} pieces after {seconds:.0f} s")
        await asyncio.sleep(0.002)


async def seed(target: Target, room: str, pieces: tuple[bytes, ...]) -> Reader:
    """Fill a room; returns one client who stays in it and has seen all of it."""
    clock = Clock()
    author, witness = Reader(target, room, clock), Reader(target, room, clock)
    await open_all(target, [author, witness])
    for number, piece in enumerate(pieces):
        author.transport.write(author.framed(update_message(piece)))
        await arrived(witness, number + 1, SEED_SECONDS, "the document was stored")
    author.transport.close()
    return witness


async def joins(target: Target, *, size: int, joiners: int, at_rest: bool) -> Figures:
    """All at once enter a room that holds a document of `size` bytes, open and, `at_rest`, quiet for a while."""
    pieces = document_pieces(size)
    room = room_name("joins")
    witness = await seed(target, room, pieces)
    await asyncio.sleep(target.quiet_seconds if at_rest else 0.5)
    clients = [Reader(target, room, Clock()) for _ in range(joiners)]
    peak, cpu = Peak(target.pid), Cpu(target.pid)
    start = time.perf_counter()
    await open_all(target, clients, joiners, JOIN_SECONDS)
    await asyncio.gather(*(arrived(client, len(pieces), JOIN_SECONDS, "the document was sent") for client in clients))
    took = [client.last_mark - start for client in clients]
    figures = {
        "median joiner ms": statistics.median(took) * 1e3,
        "last joiner ms": max(took) * 1e3,
        "document MB": sum(map(len, pieces)) / 2**20,
        "peak RSS growth MB": peak.growth_mb(),
        "CPU ms/joiner": cpu.server() / joiners * 1e3,
        "CPU ms/joiner, with workers": cpu.all() / joiners * 1e3,
    }
    close_all([*clients, witness])
    return figures


def _cursor(client: int, clock: int, mark: int) -> bytes:
    state = json.dumps({"user": {"name": f"guest {client}", "color": "#30bced"}, "cursor": f"$m{mark:07d}"})
    return b"\x01" + var_bytes(b"\x01" + var_uint(client) + var_uint(clock) + var_bytes(state.encode()))


async def presence(target: Target, *, clients: int, seconds: int) -> Figures:
    """Each moves a cursor once a second in one room."""
    clock = Clock()
    room = room_name("presence")
    people = [Reader(target, room, clock, probe=seat % 50 == 0) for seat in range(clients)]
    await open_all(target, people)
    await asyncio.sleep(0.5)
    plan = [
        Sending(turn + seat / clients, person, person.framed(_cursor(seat + 1000, turn + 1, mark)), mark)
        for turn in range(seconds)
        for seat, person in enumerate(people)
        for mark in (turn * clients + seat,)
    ]
    already = sum(person.marks for person in people)
    cpu = Cpu(target.pid)
    start = await send_all(plan, clock)
    expected = clients * (clients - 1) * seconds
    await drained(lambda: max(0, expected + already - sum(person.marks for person in people)), clock)
    seen = sum(person.marks for person in people) - already
    figures = {
        "CPU % of a core": cpu.server() / max(clock.last - start, seconds) * 100,
        "CPU us/move seen": cpu.server() / max(1, seen) * 1e6,
        "moves seen/s": seen / max(1e-3, clock.last - start),
        "p50 ms": percentile(clock.latencies, 0.5),
        "p99 ms": percentile(clock.latencies, 0.99),
        "seen %": min(100.0, seen / expected * 100),
        "sockets lost": sum(person.closed for person in people),
    }
    close_all(people)
    return figures


async def _read_slowly(target: Target, room: str, rate: int, entered: asyncio.Event) -> int:
    """Take `rate` bytes a second until cancelled or cut off."""
    loop = asyncio.get_running_loop()
    request, hello, _ = greeting(target, room)
    with socket.socket() as reader:
        reader.settimeout(0)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        await loop.sock_connect(reader, (target.host, target.port))
        await loop.sock_sendall(reader, request)
        await loop.sock_recv(reader, 2000)
        await loop.sock_sendall(reader, hello)
        entered.set()
        while await loop.sock_recv(reader, rate // 10):
            await asyncio.sleep(0.1)
    return 0


async def slow_reader(target: Target, *, seconds: float, bytes_a_second: int) -> Figures:
    """Two authors of long inserts and one reader in a room, and one more who reads 50 KB/s."""
    clock = Clock()
    room = room_name("slow")
    filler, authors = 10_000, 2
    rate = bytes_a_second / filler / authors
    members = [Reader(target, room, clock, probe=seat == authors) for seat in range(authors + 1)]
    await open_all(target, members)
    entered = asyncio.Event()
    slow = asyncio.create_task(_read_slowly(target, room, 50_000, entered))
    await asyncio.wait_for(entered.wait(), 10)
    each = round(rate * seconds)
    plan = [
        Sending((index + place / authors) / rate, member, member.framed(update_message(update)), place * each + index)
        for place, member in enumerate(members[:authors])
        for index, update in enumerate(keystrokes(each, place * each, filler))
    ]
    await asyncio.sleep(0.5)
    peak = Peak(target.pid)
    await send_all(plan, clock)
    await drained(lambda: max(0, authors * each - members[-1].marks), clock)
    figures = {
        "sent MB": authors * each * filler / 1e6,
        "peak RSS growth MB": peak.growth_mb(),
        "RSS growth at the end MB": max(0.0, resident_mb(target.pid) - peak.before),
        "p99 ms of the others": percentile(clock.latencies, 0.99),
        "lost for the others": max(0, authors * each - members[-1].marks),
        "slow reader cut off": float(slow.done()),
    }
    slow.cancel()
    with suppress(asyncio.CancelledError, OSError):
        await slow
    close_all(members)
    return figures


async def rest(target: Target, *, rooms: int, documents: int, size: int) -> Figures:
    """`rooms` x 5 clients who do nothing; then `documents` of `size` bytes with one such client each, who then leave;
    and as many other documents.

    As many as enter at once are there before, so that what entering takes for a moment is nobody's. Allocators keep
    memory that is free: what a closed document leaves is what the second ones add to it.
    """
    clock = Clock()
    warm = [Reader(target, name, clock) for name in [room_name("warm") for _ in range(20)] for _ in range(5)]
    await open_all(target, warm)
    await asyncio.sleep(0.5)
    before = resident_mb(target.pid)
    idle = [Reader(target, name, clock) for name in [room_name("idle") for _ in range(rooms)] for _ in range(5)]
    await open_all(target, idle)
    await asyncio.sleep(1)
    connected = resident_mb(target.pid)
    pieces = document_pieces(size)
    quiet, closed = [], []
    for _ in range(2):
        witnesses = [await seed(target, room_name("quiet"), pieces) for _ in range(documents)]
        await asyncio.sleep(target.quiet_seconds)
        quiet.append(resident_mb(target.pid))
        close_all(witnesses)
        await asyncio.sleep(target.quiet_seconds)
        closed.append(resident_mb(target.pid))
    connection = (connected - before) * 1024 / len(idle)
    figures = {
        "KB/connection": connection,
        "KB/quiet document": (quiet[0] - connected) * 1024 / documents - connection,
        "KB of it encoded": sum(map(len, pieces)) / 1024,
        "KB kept when closed": (closed[0] - connected) * 1024 / documents,
        "KB/closed document": (closed[1] - closed[0]) * 1024 / documents,
    }
    close_all([*warm, *idle])
    return figures
