"""What unfolded logs cost a server that was killed: its start, first syncs, and folding what is left.

python -m benchmarks.recovery [--documents 200] [--rows 0 100 499]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pycrdt import Doc, Text

from collab_server.features.document_log.checksums import compute_row_checksum
from tests.peers import Peer
from tests.server import Server

LETTERS = 40
"""Characters that an edit types."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[0, 100, 499], help="rows of each log")
    options = parser.parse_args()
    print(f"{options.documents} documents; each row of a log types {LETTERS} characters\n")
    print("| rows of each log | bytes | ready after s | first sync p50 ms | p99 ms | all folded after s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rows in options.rows:
        asyncio.run(report(options.documents, rows))


def make_edits(count: int) -> list[bytes]:
    doc: Doc[Any] = Doc()
    text = doc.get("content", type=Text)
    edits = []
    for _ in range(count):
        before = doc.get_state()
        text.insert(len(text) // 2, "x" * LETTERS)
        edits.append(doc.get_update(before))
    return edits


async def report(documents: int, rows: int) -> None:
    # The server folds what is left from its start on: the first syncs meet logs that are not folded.
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder), fold_updates=10_000, fold_bytes=1 << 30) as server:
            names = [f"recovery-{number}" for number in range(documents)]
            ids = [await make(server, name) for name in names]
            edits = make_edits(rows)
            conn = await asyncpg.connect(server.owner_dsn)
            for document_id in ids:
                await append(conn, document_id, edits)
            await conn.close()
            await server.kill()
            started = time.monotonic()
            await server.start()
            ready = time.monotonic() - started
            delays = [await sync(server, name) for name in names[: documents // 2]]
            conn = await asyncpg.connect(server.owner_dsn)
            while await conn.fetchval("SELECT count(*) FROM app.compaction_backlog()"):
                await asyncio.sleep(0.2)
            folded = time.monotonic() - started
            await conn.close()
    size = sum(map(len, edits))
    p50, p99 = statistics.median(delays), sorted(delays)[int(len(delays) * 0.99)]
    print(f"| {rows} | {size} | {ready:.2f} | {p50 * 1000:.1f} | {p99 * 1000:.1f} | {folded:.1f} |", flush=True)


async def make(server: Server, name: str) -> UUID:
    """Make a document with a folded text."""
    peer = await Peer(server, "yws", name).sync()
    peer.type_mark()
    await peer.saved(60)
    await peer.close()
    return UUID((await server.document(name))["id"])


async def append(conn: "asyncpg.Connection[Any]", document_id: UUID, edits: list[bytes]) -> None:
    """Append each edit as a row, as a server that was killed before it folded them left it."""
    count = len(edits)
    if not count:
        return
    await conn.fetch(
        "SELECT app.append_edits($1, $2, $3, $4, $5, $6, $7, $8, true)",
        [document_id] * count,
        edits,
        [compute_row_checksum(edit) for edit in edits],
        [None] * count,
        ["{}"] * count,
        [None] * count,
        [None] * count,
        [None] * count,
    )


async def sync(server: Server, name: str) -> float:
    """Return the seconds until a new client has the document."""
    started = time.monotonic()
    peer = await Peer(server, "yws", name).sync()
    seconds = time.monotonic() - started
    await peer.close()
    return seconds


if __name__ == "__main__":
    main()
