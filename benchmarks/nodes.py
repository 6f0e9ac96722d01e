"""`python -m benchmarks.nodes`: how much later an edit reaches a client of the other node, as a Markdown table.

Two nodes on one PostgreSQL and one Redis of their own. In each room somebody types on the first node; one client reads
there, one on the second. Processes are not pinned.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import uvloop

from benchmarks.documents import keystrokes
from benchmarks.typing_works import drained
from benchmarks.wire import Clock, Reader, Sending, Target, close_all, open_all, percentile, send_all, update_message
from tests.cluster.conftest import cluster
from tests.server import Server


def target(server: Server) -> Target:
    return Target("y-websocket", "127.0.0.1", server.port, "/ws", server.process.pid, 0)


async def measure(one: Target, other: Target, rooms: int, rate: float, seconds: float) -> str:
    """A row of the table. `rate`: updates a second of each room."""
    near, far = Clock(), Clock()
    far.sent = near.sent
    names = [f"nodes-{rooms}-{rate:.0f}-{number}" for number in range(rooms)]
    authors = [Reader(one, name, near) for name in names]
    here = [Reader(one, name, near, probe=True) for name in names]
    there = [Reader(other, name, far, probe=True) for name in names]
    everyone = [*authors, *here, *there]
    for node, clients in ((one, authors), (one, here), (other, there)):
        await open_all(node, clients)
    each = max(1, round(rate * seconds))
    plan = [
        Sending((index + place / rooms) / rate, author, author.framed(update_message(update)), place * each + index)
        for place, author in enumerate(authors)
        for index, update in enumerate(keystrokes(each, place * each))
    ]
    await asyncio.sleep(0.5)
    await send_all(plan, near)
    await drained(lambda: sum(2 * each for _ in names) - sum(client.marks for client in (*here, *there)), far)
    lost = sum(each - client.marks for client in (*here, *there))
    close_all(everyone)
    cells = [percentile(clock.latencies, share) for clock in (near, far) for share in (0.5, 0.99)]
    shown = " | ".join(f"{cell:.1f}" for cell in (*cells, cells[2] - cells[0]))
    return f"| {rooms} x {rate:.0f} updates/s | {shown} | {lost} |"


async def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with cluster(Path(folder), 2) as found:
            one, other = map(target, found.servers)
            print("| load | here p50 ms | here p99 ms | other node p50 ms | other node p99 ms | added p50 ms | lost |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for rooms, rate in ((1, 5.0), (20, 5.0), (20, 20.0), (50, 20.0)):
                print(await measure(one, other, rooms, rate, seconds), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    uvloop.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
