"""`python -m benchmarks.feed`: how fast pages of the change feed are read from a long log, as a Markdown table."""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from collab_server.backends import migrate
from collab_server.backends.db import Database
from collab_server.backends.embedded import EmbeddedPostgres
from collab_server.changes import feed, queries
from collab_server.changes.queries import Position

WORKSPACES = 100
PER_TRANSACTION = 20
_FILL = """
    INSERT INTO sync_log (xid, workspace_id, entity_type, entity_id, document_id, operation, changed_fields,
                          content_hash, row_version, changed_by, device_id, client_version)
    SELECT ($3 + n / $4)::text::xid8, $1, 'document', d, d, 'update', '{content}', repeat('0', 64), n, $2, 'laptop', '1'
    FROM generate_series(1, $5::bigint) n, LATERAL (SELECT gen_random_uuid() AS d WHERE n > 0) x
"""


async def fill(conn: asyncpg.Connection, user: UUID, entries: int) -> tuple[list[UUID], int]:
    """Half of the entries in the first workspace, the rest spread over the others; (workspaces, the first xid)."""
    await conn.execute("INSERT INTO users (id, email) VALUES ($1, 'reader@example.org')", user)
    add = "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'W', 'team') RETURNING id"
    workspaces = [await conn.fetchval(add, user) for _ in range(WORKSPACES)]
    first = await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    shares = [entries // 2] + [entries // 2 // (WORKSPACES - 1)] * (WORKSPACES - 1)
    for workspace, share in zip(workspaces, shares, strict=True):
        await conn.execute(_FILL, workspace, user, first, PER_TRANSACTION, share)
    # The transactions that wrote so much have to have happened.
    while (
        await conn.fetchval("SELECT pg_current_xact_id()::text::bigint") < first + entries // 2 // PER_TRANSACTION + 1
    ):
        await conn.execute("DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    await conn.execute("VACUUM ANALYZE sync_log")
    return workspaces, first


async def measure(db: Database, user: UUID, after: Position, limit: int, workspace: UUID | None) -> tuple[int, float]:
    """(entries in the page, median milliseconds) of reading a page, the transaction included."""
    took = []
    found = None
    for _ in range(30):
        started = time.perf_counter()
        async with db.as_user(user) as conn:
            found = await queries.find_page(conn, after, limit, workspace)
        page = feed.page_of(found, feed.Cursor(workspace, found.epoch, after), limit, workspace)
        took.append((time.perf_counter() - started) * 1000)
    return len(page.changes), statistics.median(took[5:])


async def run(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        embedded = EmbeddedPostgres(Path(folder))
        embedded.start()
        try:
            await migrate.upgrade(embedded.owner_dsn)
            await migrate.ensure_login(embedded.owner_dsn)
            conn = await asyncpg.connect(embedded.owner_dsn)
            user = uuid4()
            workspaces, first = await fill(conn, user, entries)
            sizes = "SELECT pg_table_size('sync_log') / 1e6, pg_indexes_size('sync_log') / 1e6"
            rows = await conn.fetchrow(sizes)
            assert rows is not None
            await conn.close()
            db = Database(embedded.dsn)
            await db.open()
            begin = Position(first - 1, 2**62)
            middle = Position(first + entries // 4 // PER_TRANSACTION, 0)
            async with db.as_user(user) as reader:
                end = (await queries.find_page(reader, begin, 0, None)).end
            print(f"{entries:,} entries: {rows[0]:.0f} MB, indexes {rows[1]:.0f} MB\n")
            print("| page | entries | ms |\n| --- | --- | --- |")
            for name, after, limit, workspace in (
                ("largest workspace, from the start", begin, 500, workspaces[0]),
                ("largest workspace, from the middle", middle, 500, workspaces[0]),
                ("largest workspace, one entry", middle, 1, workspaces[0]),
                ("small workspace, from the start", begin, 500, workspaces[50]),
                ("largest workspace, nothing new", end, 500, workspaces[0]),
                (f"all {WORKSPACES} workspaces, from the start", begin, 500, None),
                (f"all {WORKSPACES} workspaces, nothing new", end, 500, None),
            ):
                count, took = await measure(db, user, after, limit, workspace)
                print(f"| {name} | {count} | {took:.1f} |")
            async with db.as_service() as service:
                started = time.perf_counter()
                for _ in range(50):
                    await queries.find_news(service, end)
                print(f"| look for those who wait | | {(time.perf_counter() - started) / 50 * 1000:.1f} |")
                started = time.perf_counter()
                for _ in range(50):
                    await queries.find_lag(service)
                print(f"| lag | | {(time.perf_counter() - started) / 50 * 1000:.1f} |")
            await db.close()
        finally:
            embedded.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asyncio.run(run(parser.parse_args().entries))


if __name__ == "__main__":
    main()
