"""`python -m benchmarks.feed`: how fast pages of the change feed are read from a long log, as a Markdown table.

The same pages from a log of a tenth of the size too, for what grows with it. One PostgreSQL of its own, no server.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from benchmarks.report import Figures, Found, single_rows
from collab_server.adapters import migrations
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.adapters.postgres import Database
from collab_server.features.changes import feed, queries
from collab_server.features.changes.queries import Position

WORKSPACES = 100
PER_TRANSACTION = 20
PAGE = 500
PAGE_NAME = "largest workspace, from the middle"
"""The page that the goal speaks of."""
_FILL = """
    INSERT INTO sync_log (xid, workspace_id, entity_type, entity_id, document_id, operation, changed_fields,
                          content_hash, row_version, changed_by, device_id, client_version)
    SELECT ($3 + n / $4)::text::xid8, $1, 'document', d, d, 'update', '{content}', repeat('0', 64), n, $2, 'laptop', '1'
    FROM generate_series($5::bigint, $6::bigint) n, LATERAL (SELECT gen_random_uuid() AS d WHERE n > 0) x
"""


async def people(conn: asyncpg.Connection, user: UUID) -> tuple[list[UUID], int]:
    """(workspaces of the user, the first xid of the log)."""
    await conn.execute("INSERT INTO users (id, email) VALUES ($1, 'reader@example.org')", user)
    add = "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'W', 'team') RETURNING id"
    workspaces = [await conn.fetchval(add, user) for _ in range(WORKSPACES)]
    return workspaces, await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


async def grow(conn: asyncpg.Connection, user: UUID, workspaces: list[UUID], first: int, old: int, new: int) -> None:
    """From `old` to `new` entries: half of them in the first workspace, the rest spread over the others."""
    for place, workspace in enumerate(workspaces):
        old_share, new_share = (
            entries // 2 if place == 0 else entries // 2 // (WORKSPACES - 1) for entries in (old, new)
        )
        await conn.execute(_FILL, workspace, user, first, PER_TRANSACTION, old_share + 1, new_share)
    # The transactions that wrote so much have to have happened.
    while await conn.fetchval("SELECT pg_current_xact_id()::text::bigint") < first + new // 2 // PER_TRANSACTION + 1:
        await conn.execute("DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    await conn.execute("VACUUM ANALYZE sync_log")


def log_scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of an explained plan that read the log."""
    if plan.get("Relation Name") == "sync_log":
        yield plan
    for child in plan.get("Plans", []):
        yield from log_scans(child)


async def in_database(db: Database, user: UUID, after: Position, limit: int, workspace: UUID | None) -> Figures:
    """What PostgreSQL itself says of a page whose statement is prepared, as the server's is."""
    planned, took, scans = [], [], []
    async with db.as_user(user) as conn:
        await conn.execute(f"PREPARE page_of_feed (text, bigint, bigint, uuid) AS {queries._PAGE}")
        scope = f"'{workspace}'" if workspace else "NULL"
        explain = (
            "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) "
            f"EXECUTE page_of_feed('{after.xid}', {after.id}, {limit + 1}, {scope})"
        )
        for _ in range(30):
            found = json.loads(await conn.fetchval(explain))[0]
            planned.append(found["Planning Time"])
            took.append(found["Planning Time"] + found["Execution Time"])
            scans = list(log_scans(found["Plan"]))
        await conn.execute("DEALLOCATE page_of_feed")
    # A subquery of each workspace is one node that runs in loops.
    rows = sum((scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"] for scan in scans)
    indexed = ("Index Scan", "Index Only Scan")
    return {
        "ms in the database": statistics.median(took[5:]),
        "ms of it planning": statistics.median(planned[5:]),
        "rows of the log read": rows,
        "scans without index": sum(scan["Node Type"] not in indexed for scan in scans),
    }


async def measure(db: Database, user: UUID, after: Position, limit: int, workspace: UUID | None) -> Figures:
    """Of a page: read over a connection, the transaction included; and in the database alone."""
    took = []
    found = None
    for _ in range(30):
        started = time.perf_counter()
        async with db.as_user(user) as conn:
            found = await queries.find_page(conn, after, limit, workspace)
        page = feed.make_page(found, feed.Cursor(workspace, found.epoch, after), limit, workspace)
        took.append((time.perf_counter() - started) * 1000)
    return {
        "entries": len(page.changes),
        "ms for the reader": statistics.median(took[5:]),
        **await in_database(db, user, after, limit, workspace),
    }


async def pages(folder: Path, *sizes: int) -> AsyncIterator[tuple[str, Figures]]:
    """Each kind of page, at each size of the log in turn. `folder`: of the database."""
    embedded = EmbeddedPostgres(folder)
    await asyncio.to_thread(embedded.start)
    db = Database(embedded.dsn)
    try:
        await migrations.upgrade(embedded.owner_dsn)
        await migrations.ensure_login(embedded.owner_dsn)
        conn = await asyncpg.connect(embedded.owner_dsn)
        user = uuid4()
        workspaces, first = await people(conn, user)
        await db.open()
        for old, size in zip((0, *sizes), sizes, strict=False):
            await grow(conn, user, workspaces, first, old, size)
            begin = Position(first - 1, 2**62)
            middle = Position(first + size // 4 // PER_TRANSACTION, 0)
            async with db.as_user(user) as reader:
                end = (await queries.find_page(reader, begin, 0, None)).end
            for name, after, limit, workspace in (
                (PAGE_NAME, middle, PAGE, workspaces[0]),
                ("largest workspace, from the start", begin, PAGE, workspaces[0]),
                ("largest workspace, one entry", middle, 1, workspaces[0]),
                ("small workspace, from the start", begin, PAGE, workspaces[50]),
                ("largest workspace, nothing new", end, PAGE, workspaces[0]),
                (f"all {WORKSPACES} workspaces, from the start", begin, PAGE, None),
                (f"all {WORKSPACES} workspaces, nothing new", end, PAGE, None),
            ):
                yield label(size, name), await measure(db, user, after, limit, workspace)
        await conn.close()
    finally:
        await db.close()
        await asyncio.to_thread(embedded.stop)


def label(size: int, page: str = PAGE_NAME) -> str:
    return f"{size:,} entries: {page}"


async def run(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = Found()
        async for name, figures in pages(Path(folder), entries // 10, entries):
            found.add(name, figures)
        print("\n".join(single_rows("page", found)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asyncio.run(run(parser.parse_args().entries))


if __name__ == "__main__":
    main()
