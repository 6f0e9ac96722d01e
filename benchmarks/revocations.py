"""`python -m benchmarks.revocations`: how soon a share that is changed by REST on one server changes on another.

Two servers on one PostgreSQL. A client of each protocol has the document open at the second by a link that writes.
Each row: milliseconds from the request to the first server until the client knows. `revoked`: its socket, or its
document, was closed. `lowered`: it is told that it only reads.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from tests.cluster.conftest import cluster
from tests.features.workspaces.teams import ok
from tests.peers import Family, Peer
from tests.realtime.team import found_team

FAMILIES: tuple[Family, Family] = ("yws", "hocus")


def row(name: str, times: list[float]) -> str:
    worst = statistics.quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]
    return f"| {name} | {len(times)} | {statistics.median(times):.1f} | {worst:.1f} | {max(times):.1f} |"


async def knows_of_the_end(peer: Peer) -> float:
    await peer.until(lambda: peer.closes or not peer.connected, "the end")
    return time.perf_counter()


async def knows_that_it_reads(peer: Peer) -> float:
    await peer.until(lambda: peer.denied or peer.scope == "readonly", "the refusal")
    return time.perf_counter()


async def main(count: int) -> None:
    """Print the table for so many links."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with cluster(Path(folder), 2, worker_processes=1) as found:
            here, there = found.servers
            owner = await asyncpg.connect(here.owner_dsn)
            team = await found_team(here, owner)
            await owner.close()

            async def measure(name: str, peers: list[Peer], wait: Callable[[Peer], Awaitable[float]]) -> None:
                waits = [asyncio.ensure_future(wait(peer)) for peer in peers]
                started = time.perf_counter()
                if name == "lowered":
                    ok(await team.ann.patch(f"/shares/{made['id']}", json={"permission": "read"}))
                else:
                    ok(await team.ann.delete(f"/shares/{made['id']}"), 204)
                for peer, ended in zip(peers, await asyncio.gather(*waits), strict=True):
                    times.setdefault(f"{name}, {peer.family}", []).append((ended - started) * 1000)

            for _ in range(count):
                body = {"kind": "link", "permission": "write"}
                made = ok(await team.ann.post(f"/documents/{team.document}/shares", json=body), 201)
                peers = [Peer(there, family, str(team.document), share=made["token"]) for family in FAMILIES]
                for peer in peers:
                    await peer.sync()
                await measure("lowered", peers, knows_that_it_reads)
                await measure("revoked", peers, knows_of_the_end)
                for peer in peers:
                    await peer.abort()
    print("| | changes | p50 ms | p99 ms | max ms |\n| --- | --- | --- | --- | --- |")
    for name, measured in sorted(times.items()):
        print(row(name, measured))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=100)
    asyncio.run(main(parser.parse_args().changes))
