"""Whoever fetches a document whenever the feed names it ends with all its edits, though few edits are told of."""

import asyncio
import random
import time
from itertools import count
from uuid import UUID

import asyncpg
import pytest

from collab_server.features.changes import feed
from tests import databases
from tests.features.changes.worlds import World, world
from tests.seeds import choose_seed

SECONDS = 2.0
DOCUMENTS = 5
APPENDERS, FOLDERS = 4, 2


class Race:
    def __init__(self, world: World, documents: list[UUID], seed: int) -> None:
        self.world = world
        self.documents = documents
        self.seed = seed
        self.end = time.monotonic() + SECONDS
        self.appends = 0
        self.folds = 0
        self.texts = count()

    async def append(self, conn: asyncpg.Connection, dice: random.Random) -> None:
        """To some documents at once, in a transaction that is held open a moment and may be rolled back."""
        some = dice.sample(self.documents, dice.choice((1, 1, 3)))
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute("SELECT app.append_updates($1, $2)", some, [b"x"] * len(some))
        await asyncio.sleep(dice.choice((0, 0, 0.02)))
        await (transaction.rollback() if dice.random() < 0.1 else transaction.commit())
        self.appends += 1

    async def fold(self, conn: asyncpg.Connection, dice: random.Random) -> None:
        """All of the log or a part of it; the text changes or, with formatting say, does not."""
        document = dice.choice(self.documents)
        await self.fold_one(conn, document, text=dice.random() < 0.5, all_of_it=dice.random() < 0.7)
        await asyncio.sleep(dice.choice((0, 0.01, 0.1)))

    async def fold_one(self, conn: asyncpg.Connection, document: UUID, *, text: bool, all_of_it: bool) -> None:
        row = await conn.fetchrow("SELECT yjs_clock, head_seq FROM app.load_document($1)", document)
        assert row is not None
        upto = row["head_seq"] if all_of_it else (row["yjs_clock"] + row["head_seq"]) // 2
        if upto > row["yjs_clock"]:
            await asyncio.sleep(0.005)
            content = str(next(self.texts)) if text else None
            fold = "SELECT app.compact_document($1, $2, $3, 'x', 'x', $4)"
            self.folds += await conn.fetchval(fold, document, row["yjs_clock"], upto, content)

    async def repeat(self, number: int, *, folding: bool) -> None:
        dice = random.Random(self.seed + number)
        conn = await asyncpg.connect(self.world.dsn, server_settings={"role": "app_service"})
        try:
            while time.monotonic() < self.end:
                await (self.fold if folding else self.append)(conn, dice)
        finally:
            await conn.close()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_all_edits_are_fetched_in_the_end(version: databases.Version) -> None:
    seed = choose_seed()
    async with world(version) as made:
        insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'x') RETURNING id"
        documents = [await made.owner.fetchval(insert, made.workspaces[0]) for _ in range(DOCUMENTS)]
        race = Race(made, documents, seed)
        begin = (await made.page(None)).next
        held = dict.fromkeys(documents, 0)
        entries = 0
        reader = await asyncpg.connect(made.dsn, server_settings={"role": "app_service"})

        async def follow(cursor: feed.Cursor) -> feed.Cursor:
            nonlocal entries
            page = await made.page(cursor)
            entries += len(page.changes)
            for document in {change.entity_id for change in page.changes}:
                find = "SELECT head_seq FROM document_heads WHERE document_id = $1"
                held[document] = await reader.fetchval(find, document)
            return page.next

        writing = [race.repeat(n, folding=False) for n in range(APPENDERS)]
        writing += [race.repeat(100 + n, folding=True) for n in range(FOLDERS)]
        busy = asyncio.gather(*writing)
        cursor = begin
        while not busy.done():
            cursor = await follow(cursor)
            await asyncio.sleep(0)
        await busy
        for document in documents:  # at rest everything is folded
            await race.fold_one(reader, document, text=False, all_of_it=True)
        await made.passed()
        while (after := await follow(cursor)) != cursor:
            cursor = after
        find = "SELECT document_id, head_seq FROM document_heads WHERE document_id = ANY ($1)"
        heads = dict(map(tuple, await reader.fetch(find, documents)))
        await reader.close()
    print(f"{race.appends} appends, {race.folds} folds, {entries} entries")
    assert held == heads
    assert race.folds and entries < race.appends
