"""Whether COPY would write the rows of a commit for less than the arrays of app.append_edits do.

python -m benchmarks.copying [--rows 1 12 50 500] [--commits 300]
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import psutil

from collab_server.features.document_log.checksums import compute_row_checksum
from collab_server.features.document_log.log_queries import LogRow, append_rows
from tests import databases

PAYLOAD = bytes(range(40))
Commit = Callable[[list[UUID]], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1, 12, 50, 500], help="rows of a commit, each of a document"
    )
    parser.add_argument("--commits", type=int, default=300)
    options = parser.parse_args()
    asyncio.run(report(options.rows, options.commits))


async def report(sizes: list[int], commits: int) -> None:
    async with databases.migrated() as database:
        conn = await asyncpg.connect(database.owner_dsn)
        backend = psutil.Process(await conn.fetchval("SELECT pg_backend_pid()"))
        workspace = await conn.fetchval("SELECT id FROM workspaces LIMIT 1")
        documents = [
            await conn.fetchval(
                "INSERT INTO documents (workspace_id, title) VALUES ($1, $2) RETURNING id", workspace, uuid4().hex
            )
            for _ in range(max(sizes))
        ]
        print("| rows of a commit | way | us of the client | us of PostgreSQL | us until committed |")
        print("| --- | --- | --- | --- | --- |")
        for size in sizes:
            for _ in range(2):
                await measure(backend, "arrays", lambda ids: append(conn, ids), documents[:size], commits)
                await measure(backend, "COPY", lambda ids: copy(conn, ids), documents[:size], commits)
        await conn.close()


async def measure(backend: psutil.Process, way: str, commit: Commit, documents: list[UUID], commits: int) -> None:
    before, started, own = backend.cpu_times(), time.perf_counter(), time.process_time()
    for _ in range(commits):
        await commit(documents)
    own, passed = time.process_time() - own, time.perf_counter() - started
    after = backend.cpu_times()
    its = after.user + after.system - before.user - before.system
    figures = " | ".join(f"{1e6 * seconds / commits:.0f}" for seconds in (own, its, passed))
    print(f"| {len(documents)} | {way} | {figures} |", flush=True)


async def append(conn: asyncpg.Connection, documents: list[UUID]) -> None:
    await append_rows(conn, [LogRow(one, PAYLOAD, None, (1,), None) for one in documents], 15)


async def copy(conn: asyncpg.Connection, documents: list[UUID]) -> None:
    """Lock the heads and take numbers, then COPY the rows, as one transaction."""
    async with conn.transaction():
        heads = await conn.fetch(
            """
            WITH locked AS (SELECT document_id FROM document_heads WHERE document_id = ANY ($1)
                            ORDER BY document_id FOR UPDATE)
            UPDATE document_heads h SET head_seq = h.head_seq + 1,
              announced_seq = coalesce(h.announced_seq, h.head_seq + 1)
            FROM locked, documents d
            WHERE h.document_id = locked.document_id AND d.id = h.document_id AND d.deleted_at IS NULL
            RETURNING h.document_id, h.head_seq
            """,
            documents,
        )
        checksum = compute_row_checksum(PAYLOAD)
        await conn.copy_records_to_table(
            "document_updates",
            records=[(head["document_id"], head["head_seq"], PAYLOAD, checksum, [1]) for head in heads],
            columns=["document_id", "seq", "payload", "checksum", "client_ids"],
        )


if __name__ == "__main__":
    main()
