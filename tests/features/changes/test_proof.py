"""Sixteen connections write while readers follow: nothing is skipped, repeated, or lost without being announced.

COLLAB_FEED_SECONDS: how long each of the runs takes.
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest

from collab_server.errors import CursorExpired
from collab_server.features.changes import feed
from collab_server.features.changes.queries import Position
from tests import databases
from tests.features.changes.worlds import World, world
from tests.require import ROOT
from tests.seeds import choose_seed

SECONDS = float(os.environ.get("COLLAB_FEED_SECONDS", "2.5"))
PROCESSES = 4
WORKSPACES = 4
_PURGED = """
    CREATE TABLE purged (id bigint, xid xid8, workspace_id uuid, target_user_id uuid);
    CREATE FUNCTION note_purged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO purged VALUES (OLD.id, OLD.xid, OLD.workspace_id, OLD.target_user_id); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER DELETE ON sync_log FOR EACH ROW EXECUTE FUNCTION note_purged();
"""


class Reader:
    """Follows a feed from its end, at most `limit` entries at a time. `gaps`: what was announced as not kept any more:
    (workspace, after, up to).
    """

    def __init__(self, world: World, workspace: UUID | None, limit: int, pause: float) -> None:
        self.world = world
        self.workspace = workspace
        self.limit = limit
        self.pause = pause
        self.seen: list[Position] = []
        self.gaps: list[tuple[UUID, Position, Position]] = []
        self.pages = 0
        self.cursor: feed.Cursor | None = None

    async def page(self) -> feed.Page | None:
        """None: expired."""
        try:
            page = await self.world.page(self.cursor, self.limit, self.workspace)
        except CursorExpired as expired:
            assert self.workspace is not None and self.cursor is not None
            now = feed.parse_cursor(expired.next_cursor, self.workspace)
            self.gaps.append((self.workspace, self.cursor.position, now.position))
            self.cursor = now
            return None
        if self.cursor is not None:
            self.gaps += [(workspace, self.cursor.position, page.next.position) for workspace in page.resync]
        self.seen += [change.position for change in page.changes]
        self.pages += 1
        self.cursor = feed.parse_cursor(str(page.next), self.workspace)
        return page

    async def follow(self, writing: asyncio.Event) -> None:
        """Until everybody has written everything and nothing is left."""
        await self.page()
        while True:
            over = not writing.is_set()
            page = await self.page()
            if over and page is not None and not page.changes:
                return
            await asyncio.sleep(self.pause * random.random())

    def announced(self, workspace: UUID, position: Position) -> bool:
        return any(gap[0] == workspace and gap[1] < position <= gap[2] for gap in self.gaps)


async def write(world: World, seed: int) -> Counter[str]:
    async def process(number: int) -> Counter[str]:
        arguments = [world.dsn, str(SECONDS), str(seed + 100 * number), str(world.user), *map(str, world.workspaces)]
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.features.changes.writers", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await started.communicate()
        assert started.returncode == 0
        return Counter(json.loads(output))

    return sum(await asyncio.gather(*(process(number) for number in range(PROCESSES))), Counter[str]())


async def purge(world: World, writing: asyncio.Event) -> None:
    """What is a second old goes, a few at a time."""
    conn, owner = await asyncpg.connect(world.dsn), await asyncpg.connect(world.owner_dsn)
    try:
        while writing.is_set():
            await owner.execute(
                "UPDATE sync_log SET created_at = created_at - interval '1 day' "
                "WHERE created_at BETWEEN now() - interval '1 hour' AND now() - interval '1 s'"
            )
            async with conn.transaction():
                await conn.execute("SET LOCAL ROLE app_service")
                await conn.execute("SELECT app.purge_sync_log(1, 300)")
            await asyncio.sleep(0.1)
    finally:
        await conn.close()
        await owner.close()


@pytest.mark.parametrize("version", databases.VERSIONS)
@pytest.mark.parametrize("purging", [False, True], ids=["kept", "purged"])
async def test_nothing_is_skipped_or_repeated(version: databases.Version, *, purging: bool) -> None:
    seed = choose_seed()
    async with world(version, WORKSPACES) as made:
        await made.owner.execute(_PURGED)
        readers = [Reader(made, workspace, 37, 0.02) for workspace in made.workspaces]
        readers += [Reader(made, None, 53, 0.01), Reader(made, None, 500, 2.0 if purging else 0.4)]
        begin = {reader: (await reader.page(), reader.cursor)[1] for reader in readers}
        writing = asyncio.Event()
        writing.set()
        following = [asyncio.create_task(reader.follow(writing)) for reader in readers]
        purger = asyncio.create_task(purge(made, writing)) if purging else None
        done = await write(made, seed)
        await made.passed()
        writing.clear()
        await asyncio.gather(*following, *([purger] if purger else []))
        kept = "SELECT id, xid::text::bigint AS xid, workspace_id, target_user_id FROM sync_log"
        rows = await made.owner.fetch(f"{kept} UNION ALL {kept.replace('sync_log', 'purged')}")
        gone = await made.owner.fetchval("SELECT count(*) FROM purged")
    entries = {Position(row["xid"], row["id"]): row for row in rows}
    by_number = sorted(entries, key=lambda position: position.id)
    late = sum(before.xid > after.xid for before, after in pairwise(by_number))
    print(f"{dict(done)}; {len(entries)} entries, {gone} of them purged, {late} against the order of their numbers")
    assert min(done["committed"], done["rolled back"], done["savepoints"], late) > 0, "nothing was put to the test"
    assert not [state for state in done if state.startswith(("XX", "53", "57"))], done
    for reader in readers:
        start = begin[reader]
        assert start is not None
        wanted = {
            position
            for position, row in entries.items()
            if position > start.position
            and (reader.workspace is None or row["workspace_id"] == reader.workspace)
            and row["target_user_id"] in (None, made.user)
        }
        missed = wanted - set(reader.seen)
        silent = [p for p in missed if not reader.announced(entries[p]["workspace_id"], p)]
        print(
            f"  {reader.workspace}: {reader.pages} pages, {len(reader.seen)} entries, {len(missed)} missed (announced)"
        )
        assert not silent
        assert reader.seen == sorted(set(reader.seen)), "in order, each once"
        assert purging or not missed
        assert set(reader.seen) <= wanted
    assert not purging or gone > 0
