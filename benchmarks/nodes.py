"""`python -m benchmarks.nodes`: two nodes over Redis, as Markdown tables.

How much later an edit reaches a client of the other node; and what an edit costs the node of its author when more and
more clients read it on the other one. One PostgreSQL and one Redis of their own. Processes are not pinned.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from benchmarks.documents import keystrokes
from benchmarks.processes import Cpu
from benchmarks.report import Figures, Found, single_rows
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
from tests.cluster.conftest import cluster
from tests.require import redis_program
from tests.server import Server

LOADS = ((1, 5.0), (20, 20.0), (50, 20.0))
QUICK_LOADS = ((20, 20.0),)
READERS = (1, 10, 40)
"""Of each of FAR_ROOMS rooms, on the other node."""
QUICK_READERS = (1, 10)
FAR_ROOMS, FAR_RATE = 10, 20.0


def target(server: Server) -> Target:
    return Target("y-websocket", "127.0.0.1", server.port, "/ws", server.process.pid, 0)


def load_label(rooms: int, rate: float, readers: int = 1) -> str:
    return f"{rooms} x {rate:.0f} updates/s, {readers} on the other node"


async def measure(one: Target, other: Target, rooms: int, rate: float, seconds: float, readers: int = 1) -> Figures:
    """In each room somebody types `rate` updates a second on the first node; one client reads there, `readers` on the
    other.
    """
    near, far = Clock(), Clock()
    far.sent = near.sent
    names = [room_name("nodes") for _ in range(rooms)]
    authors = [Reader(one, name, near) for name in names]
    here = [Reader(one, name, near, probe=True) for name in names]
    there = [Reader(other, name, far, probe=seat == readers - 1) for name in names for seat in range(readers)]
    for node, clients in ((one, authors), (one, here), (other, there)):
        await open_all(node, clients)
    each = max(1, round(rate * seconds))
    plan = [
        Sending((index + place / rooms) / rate, author, author.framed(update_message(update)), place * each + index)
        for place, author in enumerate(authors)
        for index, update in enumerate(keystrokes(each, place * each))
    ]
    await asyncio.sleep(0.5)
    own, others = Cpu(one.pid), Cpu(other.pid)
    await send_all(plan, near)

    def missing() -> int:
        return sum(each - client.marks for client in (*here, *there))

    await drained(missing, far)
    cells = [percentile(clock.latencies, share) for clock in (near, far) for share in (0.5, 0.99)]
    figures = {
        "here p50 ms": cells[0],
        "here p99 ms": cells[1],
        "other node p50 ms": cells[2],
        "other node p99 ms": cells[3],
        "added p50 ms": cells[2] - cells[0],
        "CPU us/update": own.server() / len(plan) * 1e6,
        "CPU us/update of the other node": others.server() / len(plan) * 1e6,
        "lost": float(missing()),
    }
    close_all([*authors, *here, *there])
    await asyncio.sleep(0.3)
    return figures


async def loads(folder: Path, seconds: float, *, quick: bool = False) -> AsyncIterator[tuple[str, Figures]]:
    """Raises LoadError where there is no Redis."""
    if redis_program() is None:
        raise LoadError("there is no redis-server")
    async with cluster(folder, 2) as found:
        one, other = map(target, found.servers)
        # The first rooms pay for what a process loads when it is first needed.
        await measure(one, other, 5, 20, 1)
        for rooms, rate in QUICK_LOADS if quick else LOADS:
            yield load_label(rooms, rate), await measure(one, other, rooms, rate, seconds)
        for readers in QUICK_READERS if quick else READERS:
            figures = await measure(one, other, FAR_ROOMS, FAR_RATE, seconds, readers)
            yield load_label(FAR_ROOMS, FAR_RATE, readers), figures


async def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = Found()
        async for name, figures in loads(Path(folder), seconds):
            found.add(name, figures)
        print("\n".join(single_rows("load", found)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    uvloop.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
