"""Documents that nobody has open: the first who comes, a thousand who come back after a restart, and what each open
document takes.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.documents import document_pieces, keystrokes
from benchmarks.processes import Cpu, resident_mb
from benchmarks.report import Figures
from benchmarks.room_works import arrived, seed
from benchmarks.servers import MANY_CORES, SERVERS
from benchmarks.typing_works import drained
from benchmarks.wire import (
    Clock,
    LoadError,
    Reader,
    Sending,
    Target,
    close_all,
    open_all,
    percentile,
    room_name,
    send_all,
    update_message,
)

SYNC_SECONDS = 60.0
AT_ONCE = 50
STORM_KB = 10
TYPISTS, TYPIST_RATE = 20, 5.0
"""Rooms of two in which one person types on during the storm, and their updates a second."""


async def cold_joins(target: Target, *, documents: int, size: int) -> Figures:
    """Each of `documents` of `size` bytes is left by everybody, and later entered by one client, one after the other.

    The time is from the connection to the last byte of the document.
    """
    pieces = document_pieces(size)
    rooms = [room_name("cold") for _ in range(documents)]
    await _store(target, rooms, pieces)
    await asyncio.sleep(2 * target.quiet_seconds)
    took = []
    cpu = Cpu(target.pid)
    for room in rooms:
        client = Reader(target, room, Clock())
        start = time.perf_counter()
        await open_all(target, [client])
        await arrived(client, len(pieces), SYNC_SECONDS, "the document was sent")
        took.append(client.last_mark - start)
        close_all([client])
    return {
        "p50 ms": percentile(took, 0.5),
        "p99 ms": percentile(took, 0.99),
        "CPU ms/join": cpu.server() / documents * 1e3,
        "CPU ms/join, with database": cpu.all() / documents * 1e3,
        "KB encoded": sum(map(len, pieces)) / 1024,
    }


async def _store(target: Target, rooms: list[str], pieces: tuple[bytes, ...]) -> None:
    """Fill the rooms, and leave them."""
    for start in range(0, len(rooms), AT_ONCE):
        close_all(await asyncio.gather(*(seed(target, room, pieces) for room in rooms[start : start + AT_ONCE])))


async def open_documents(target: Target, *, rooms: int, size: int) -> Figures:
    """Memory of `rooms` open documents of `size` bytes, that of their clients' connections taken off: the second
    clients of the same rooms say what a connection takes.
    """
    pieces = document_pieces(size)
    names = [room_name("open") for _ in range(rooms)]
    warm = [await seed(target, room_name("warm"), pieces) for _ in range(20)]
    await asyncio.sleep(target.quiet_seconds)
    before = resident_mb(target.pid)
    first: list[Reader] = []
    for start in range(0, rooms, AT_ONCE):
        first += await asyncio.gather(*(seed(target, name, pieces) for name in names[start : start + AT_ONCE]))
    await asyncio.sleep(target.quiet_seconds)
    opened = resident_mb(target.pid)
    second = [Reader(target, name, Clock()) for name in names]
    await open_all(target, second, seconds=SYNC_SECONDS)
    await asyncio.sleep(target.quiet_seconds)
    connection = (resident_mb(target.pid) - opened) * 1024 / rooms
    figures = {
        "KB/open document": (opened - before) * 1024 / rooms - connection,
        "KB/connection": connection,
        "KB of it encoded": sum(map(len, pieces)) / 1024,
    }
    close_all([*warm, *first, *second])
    return figures


async def storm(folder: Path, *, documents: int) -> AsyncIterator[tuple[str, Figures]]:
    """Our server is stopped and started again. `documents` clients come at once, each to its own document, while others
    type. The points are of the typists alone, and of the storm.
    """
    if MANY_CORES:
        os.sched_setaffinity(0, {1})
    server = SERVERS["ours"]
    pieces = document_pieces(STORM_KB * 1000)
    names = [room_name("storm") for _ in range(documents)]
    with server.running(folder) as target:
        await _store(target, names, pieces)
        await asyncio.sleep(target.quiet_seconds)
    with server.running(folder) as target:
        clock = Clock()
        rooms = [room_name("typing") for _ in range(TYPISTS)]
        authors = [Reader(target, room, clock) for room in rooms]
        readers = [Reader(target, room, clock, probe=True) for room in rooms]
        await open_all(target, [*authors, *readers])
        yield "alone", await _typed_for(3.0, authors, readers, clock, 0)
        clock.latencies.clear()
        returning = [Reader(target, name, Clock()) for name in names]
        cpu = Cpu(target.pid)
        start_time = time.perf_counter()
        typing = asyncio.create_task(_typed_for(5.0, authors, readers, clock, 1))
        await open_all(target, returning, documents, SYNC_SECONDS)
        await asyncio.gather(*(arrived(one, len(pieces), SYNC_SECONDS, "the document was sent") for one in returning))
        took = [one.last_mark - start_time for one in returning]
        server_seconds, all_seconds = cpu.server(), cpu.all()
        figures = await typing
        yield (
            "storm",
            {
                **figures,
                "all synced s": max(took),
                "median synced s": percentile(took, 0.5) / 1e3,
                "CPU ms/client": server_seconds / documents * 1e3,
                "CPU ms/client, with database": all_seconds / documents * 1e3,
            },
        )
        close_all([*authors, *readers, *returning])


async def _typed_for(
    seconds: float, authors: list[Reader], readers: list[Reader], clock: Clock, turn: int
) -> dict[str, float]:
    each = round(seconds * TYPIST_RATE)
    before = sum(reader.marks for reader in readers)
    plan = [
        Sending((index + place / len(authors)) / TYPIST_RATE, author, author.framed(update_message(update)), number)
        for place, author in enumerate(authors)
        for first in ((turn * len(authors) + place) * each * 10,)
        for index, update in enumerate(keystrokes(each, first))
        for number in (first + index,)
    ]
    await send_all(plan, clock)

    def missing() -> int:
        return max(0, len(plan) + before - sum(reader.marks for reader in readers))

    await drained(missing, clock)
    if missing():
        raise LoadError(f"{missing()} edits did not arrive")
    nan = float("nan")
    return {
        "edits' p50 ms": percentile(clock.latencies, 0.5),
        "edits' p99 ms": percentile(clock.latencies, 0.99),
        "all synced s": nan,
        "median synced s": nan,
        "CPU ms/client": nan,
        "CPU ms/client, with database": nan,
    }
