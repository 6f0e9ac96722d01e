"""`python -m benchmarks.attachments`: what large uploads and many downloads cost, and those who type meanwhile, as a
Markdown table.

Two people are in a document; every delivery from one to the other is timed, without and during uploads and downloads of
another process. Memory: the most that the server process, and the processes that make thumbnails, held.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from benchmarks.exports import idle, measured
from tests.peers import Peer
from tests.people import people
from tests.server import Server

_UPLOAD = (
    "import os, sys, httpx\n"
    "url, token, size = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
    "piece = os.urandom(1 << 20)\n"
    "def body():\n"
    "    left = size\n"
    "    while left:\n"
    "        part = piece[:left]\n"
    "        left -= len(part)\n"
    "        yield part\n"
    "headers = {'authorization': 'Bearer ' + token, 'content-length': str(size)}\n"
    "answer = httpx.post(url, content=body(), headers=headers, timeout=900)\n"
    "answer.raise_for_status()\n"
    "print(answer.json()['id'])\n"
)
_DOWNLOAD = (
    "import asyncio, sys, httpx\n"
    "url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
    "async def one(client):\n"
    "    size = 0\n"
    "    async with client.stream('GET', url) as answer:\n"
    "        answer.raise_for_status()\n"
    "        async for piece in answer.aiter_raw(65536):\n"
    "            size += len(piece)\n"
    "    return size\n"
    "async def main():\n"
    "    limits = httpx.Limits(max_connections=count)\n"
    "    headers = {'authorization': 'Bearer ' + token}\n"
    "    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=900) as client:\n"
    "        print(sum(await asyncio.gather(*(one(client) for _ in range(count)))))\n"
    "asyncio.run(main())\n"
)


async def run(program: str, *arguments: str) -> str:
    """Run a client in a process of its own, and return its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def main(megabytes: int, downloads: int) -> None:
    """Print the table for a file of so many megabytes, and for so many downloads of a twentieth of it at a time."""
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder), max_attachment_bytes=megabytes << 20) as server:
            [owner] = await people(server, "ann", admin=True)
            slug = f"s{uuid4().hex[:8]}"
            live = (await owner.post("/workspaces", json={"name": "Live", "slug": slug})).json()["id"]
            limit = {"storage_limit_bytes": 1 << 40}
            assert (await owner.patch(f"/workspaces/{live}", json=limit)).status_code == 200
            made = (await owner.post(f"/workspaces/{live}/documents", json={"title": "Live", "name": "live"})).json()
            pair = [await Peer(server, "yws", f"@{slug}/live", token=owner.token).sync() for _ in range(2)]
            url = f"{server.api}/documents/{made['id']}/attachments"
            ids: list[str] = []

            async def upload(size: int) -> int:
                ids.append(await run(_UPLOAD, url, owner.token, str(size)))
                return size

            async def download(count: int) -> int:
                content = f"{server.api}/attachments/{ids[-1]}/content"
                return int(await run(_DOWNLOAD, content, owner.token, str(count)))

            print("| | s | MB | deliveries | p50 ms | p99 ms | max ms | server MB | processes MB |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
            author, reader = pair
            print(await measured("nothing else", server, idle(10), (author, reader)), flush=True)
            print(await measured("one upload", server, upload(megabytes << 20), (author, reader)), flush=True)
            print(await measured("one download", server, download(1), (author, reader)), flush=True)
            await upload((megabytes << 20) // 20)
            print(await measured(f"{downloads} downloads", server, download(downloads), (author, reader)), flush=True)
            for peer in pair:
                await peer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--downloads", type=int, default=200)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.megabytes, arguments.downloads))
