"""`python -m benchmarks.exports`: what large exports cost, and those who type meanwhile, as a Markdown table.

Two people are in a document; every delivery from one to the other is timed, without and during exports that another
process fetches. Memory: the most that the server process, and the process that makes files, held.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from tests.peers import Peer
from tests.people import Person, people
from tests.server import Server

EVERY = 0.02
"""Seconds between two letters."""
_FETCH = (
    "import sys, httpx\n"
    "count = 0\n"
    "headers = {'authorization': 'Bearer ' + sys.argv[2]}\n"
    "with httpx.stream('GET', sys.argv[1], headers=headers, timeout=900) as answer:\n"
    "    answer.raise_for_status()\n"
    "    for piece in answer.iter_raw(65536):\n"
    "        count += len(piece)\n"
    "print(count)\n"
)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    seconds: float
    size: int
    delays: list[float]
    server: float
    children: float

    def __str__(self) -> str:
        ordered = sorted(self.delays)
        at = [1000 * ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99, 1.0)]
        shown = " | ".join(f"{value:.1f}" for value in at)
        return (
            f"| {self.name} | {self.seconds:.1f} | {self.size / 1e6:.1f} | {len(ordered)} | {shown} | "
            f"{self.server:.0f} | {self.children:.0f} |"
        )


async def measured(name: str, server: Server, work: Awaitable[int], pair: tuple[Peer, Peer]) -> Row:
    """Types until `work` is done."""
    author, reader = pair
    delays: list[float] = []
    process = psutil.Process(server.process.pid)
    most = [0, 0]
    started = time.perf_counter()
    task = asyncio.ensure_future(work)
    while not task.done():
        sent = time.perf_counter()
        await reader.sees(author.type_mark())
        delays.append(time.perf_counter() - sent)
        most[0] = max(most[0], process.memory_info().rss)
        children = [
            child.memory_info().rss for child in process.children() if "worker_process" in "".join(child.cmdline())
        ]
        most[1] = max(most[1], sum(children))
        await asyncio.sleep(EVERY)
    return Row(name, time.perf_counter() - started, await task, delays, most[0] / 1e6, most[1] / 1e6)


async def fetched(url: str, token: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _FETCH, url, token, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return int(output)


async def idle(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return 0


async def filled(server: Server, owner: Person, count: int) -> str:
    """A workspace of `count` documents of about 2 KB, half of them by import."""
    workspace = str((await owner.post("/workspaces", json={"name": "Large"})).json()["id"])
    text = "# Heading {}\n\n" + "Some words that are not very many, and a [link](https://example.org).\n" * 28
    for start in range(0, count, 5000):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(start, min(count, start + 5000)):
                archive.writestr(f"{number}.md", text.format(number))
        answer = await owner.post(f"/workspaces/{workspace}/import?name=a.zip", content=file.getvalue(), timeout=1800)
        assert answer.json()["created"] == min(count, start + 5000) - start, answer.text[:500]
    return workspace


async def main(count: int, megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder)) as server:
            [owner] = await people(server, "ann")
            slug = f"s{uuid4().hex[:8]}"
            live = (await owner.post("/workspaces", json={"name": "Live", "slug": slug})).json()["id"]
            await owner.post(f"/workspaces/{live}/documents", json={"title": "Live", "name": "live"})
            author, reader = [await Peer(server, "yws", f"@{slug}/live", token=owner.token).sync() for _ in range(2)]
            large = (await owner.post(f"/workspaces/{live}/documents", json={"title": "20 MB", "name": "large"})).json()
            writer = await Peer(server, "yws", f"@{slug}/large", token=owner.token).sync()
            for _ in range(megabytes // 4):
                writer.insert("Some words of a very long text.\n" * 125_000)
                await writer.saved(120)
            await writer.close()
            print("| | s | MB | deliveries | p50 ms | p99 ms | max ms | server MB | processes MB |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
            pair = (author, reader)
            print(await measured("nothing else", server, idle(10), pair), flush=True)
            for form in ("md", "yjs", "json"):
                url = f"{server.api}/documents/{large['id']}/export?format={form}"
                print(
                    await measured(f"{megabytes} MB as {form}", server, fetched(url, owner.token), pair),
                    flush=True,
                )
            middle = (
                await owner.post(
                    f"/workspaces/{live}/documents",
                    json={"title": "M", "content": "# A\n\nwords *and* more\n\n- x\n" * 30_000},
                )
            ).json()
            for form in ("html", "docx", "pdf"):
                url = f"{server.api}/documents/{middle['id']}/export?format={form}"
                try:
                    print(await measured(f"1 MB as {form}", server, fetched(url, owner.token), pair), flush=True)
                except AssertionError:
                    print(f"| 1 MB as {form} | refused: takes too long |", flush=True)
            started = time.perf_counter()
            workspace = await filled(server, owner, count)
            print(f"| import of {count} documents | {time.perf_counter() - started:.1f} |", flush=True)
            url = f"{server.api}/workspaces/{workspace}/export"
            print(await measured(f"{count} documents", server, fetched(url, owner.token), pair), flush=True)
            for peer in pair:
                await peer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.documents, arguments.megabytes))
