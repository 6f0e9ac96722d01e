"""`python -m benchmarks.public_pages`: how soon the first byte of a public page of 10,000 words comes, as a table.

`first`: nothing is stored yet, a worker process renders. `from memory`: the process has the article. `not modified`:
with If-None-Match. `from the database`: after a restart. `while somebody types`: each request finds a new edit.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.test_public_pages import LONG
from tests.peers import Peer
from tests.people import people
from tests.server import Server


async def first_byte(url: str, etag: str = "") -> tuple[float, int, str]:
    """(milliseconds from the request on an open connection to the first byte, status, ETag)"""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    condition = f"if-none-match: {etag}\r\n" if etag else ""
    request = f"GET {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\nconnection: close\r\n{condition}\r\n"
    started = time.perf_counter()
    writer.write(request.encode())
    beginning = await reader.readexactly(1)
    elapsed = (time.perf_counter() - started) * 1000
    head = beginning + await reader.readuntil(b"\r\n\r\n")
    await reader.read()
    writer.close()
    lines = head.decode("latin-1").lower().split("\r\n")
    found = next((line.removeprefix("etag: ") for line in lines if line.startswith("etag: ")), "")
    return elapsed, int(lines[0].split()[1]), found


def row(name: str, times: list[float]) -> str:
    worst = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return f"| {name} | {len(times)} | {statistics.median(times):.1f} | {worst:.1f} | {max(times):.1f} |"


async def main(count: int) -> None:
    """Print the table for so many requests, one after the other."""
    print("| | requests | p50 ms | p99 ms | max ms |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder)) as server:
            [owner] = await people(server, "ann")
            space = (await owner.post("/workspaces", json={"name": "Team"})).json()["id"]
            body = {"title": "The plan", "content": LONG}
            made = (await owner.post(f"/workspaces/{space}/documents", json=body)).json()
            assert (await owner.patch(f"/documents/{made['id']}", json={"is_public": True})).status_code == 200
            url = (await owner.get(f"/documents/{made['id']}/public-page")).json()["url"]
            elapsed, status, etag = await first_byte(url)
            assert status == 200
            print(row("first", [elapsed]))
            print(row("from memory", [(await first_byte(url))[0] for _ in range(count)]))
            print(row("not modified", [(await first_byte(url, etag))[0] for _ in range(count)]))
            await server.terminate()
            await server.start()
            print(row("from the database", [(await first_byte(url))[0]]))
            peer = await Peer(server, "yws", made["id"], token=owner.token).sync()
            times = []
            for number in range(min(count, 50)):
                peer.insert(f"{number} ", 0)
                await peer.saved()
                times.append((await first_byte(url))[0])
            print(row("while somebody types", times))
            await peer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    asyncio.run(main(parser.parse_args().requests))
