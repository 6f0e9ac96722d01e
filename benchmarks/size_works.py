"""What grows with the size of a document, and what should not."""

import asyncio
import statistics
import time
from collections.abc import Sequence

from benchmarks.documents import document_with_keystrokes, written_at_the_end
from benchmarks.processes import Cpu
from benchmarks.report import Figures
from benchmarks.room_works import JOIN_SECONDS, arrived, seed
from benchmarks.typing_works import Author, drained
from benchmarks.wire import (
    Client,
    Clock,
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


async def typing_at_the_end(target: Target, *, size: int, rooms: int, rate: float, seconds: float) -> Figures:
    """In each of `rooms` one author types `rate` updates a second at the end of a text of `size` bytes of his own, and
    one client reads.
    """
    each = max(1, round(rate * seconds))
    clock, acks = Clock(), Clock()
    acks.sent = clock.sent
    stayed: list[Client] = []
    readers: list[Reader] = []
    authors: list[Author] = []
    plan: list[Sending] = []
    for place in range(rooms):
        room = room_name("end")
        first = place * each
        written, keys = written_at_the_end(size, 1000 + place, first, each)
        if written:
            stayed.append(await seed(target, room, written))
        reader = Reader(target, room, clock, probe=True)
        author = Author(target, room, acks, first)
        await open_all(target, [reader, author])
        readers.append(reader)
        authors.append(author)
        plan += [
            Sending((index + place / rooms) / rate, author, author.framed(update_message(update)), first + index)
            for index, update in enumerate(keys)
        ]
    await asyncio.sleep(target.quiet_seconds)
    before = sum(reader.marks for reader in readers)
    cpu = Cpu(target.pid)
    await send_all(plan, clock)

    def missing() -> int:
        unseen = len(plan) + before - sum(reader.marks for reader in readers)
        unsaved = sum(each - author.acknowledged for author in authors) if target.acknowledges else 0
        return max(0, unseen) + unsaved

    await drained(missing, clock)
    figures = {
        "CPU us/update": cpu.server() / len(plan) * 1e6,
        "CPU us/update, with database": cpu.all() / len(plan) * 1e6,
        "p50 ms": percentile(clock.latencies, 0.5),
        "p50 ms acknowledged": percentile(acks.latencies, 0.5),
        "missing": float(missing()),
    }
    close_all([*stayed, *readers, *authors])
    return figures


async def document_cost(target: Target, *, size: int, joiners: int, rate: float, seconds: float) -> Figures:
    """A quiet document of `size` bytes is joined by some at once; then one of them types at its end."""
    first, each = 1_000_000, max(1, round(rate * seconds))
    pieces, keys = document_with_keystrokes(size, first, each)
    room = room_name("size")
    witness = await seed(target, room, pieces)
    await asyncio.sleep(target.quiet_seconds)
    clock = Clock()
    clients = [Reader(target, room, clock, probe=True) for _ in range(joiners)]
    cpu = Cpu(target.pid)
    start = time.perf_counter()
    await open_all(target, clients, joiners, JOIN_SECONDS)
    await asyncio.gather(*(arrived(client, len(pieces), JOIN_SECONDS, "the document was sent") for client in clients))
    took = [client.last_mark - start for client in clients]
    joined = cpu.server()
    typing = Cpu(target.pid)
    author = clients[0]
    await send_all(_typed(author, keys, first, rate), clock)
    others = [witness, *clients[1:]]
    expected = (len(pieces) + each) * len(others)
    await drained(lambda: max(0, expected - sum(client.marks for client in others)), clock)
    figures = {
        "median joiner ms": statistics.median(took) * 1e3,
        "CPU ms/joiner": joined / joiners * 1e3,
        "CPU us/update": typing.server() / each * 1e6,
        "p50 ms of an update": percentile(clock.latencies, 0.5),
        "lost": float(max(0, expected - sum(client.marks for client in others))),
    }
    close_all([*clients, witness])
    return figures


def _typed(author: Reader, updates: Sequence[bytes], first: int, rate: float) -> list[Sending]:
    return [
        Sending(index / rate, author, author.framed(update_message(update)), first + index)
        for index, update in enumerate(updates)
    ]
