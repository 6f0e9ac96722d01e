"""Append, load and compaction against each other: nothing lost, nothing twice, nothing torn, no deadlock.

Every update is the 8 bytes of a number, and "merging" is concatenation, so that whatever goes wrong shows in the bytes.
"""

import asyncio
import itertools
import random
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from tests import databases
from tests.seeds import choose_seed
from tests.site import PLAYGROUND

Act: TypeAlias = Callable[[asyncpg.Connection, random.Random], Awaitable[None]]

WITHIN = 120.0
"""Seconds until all of ENOUGH must have happened, on however slow a machine."""
DOCUMENTS = 12
APPENDERS, COMPACTORS, READERS = 8, 3, 2


ENOUGH = {"rolled_back": 20, "compactions": 100, "lost_races": 5, "loads": 500}
"""What must have happened before the proof ends."""


@dataclass
class Tally:
    committed: dict[UUID, list[int]] = field(default_factory=dict)
    rolled_back: int = 0
    compactions: int = 0
    lost_races: int = 0
    loads: int = 0
    torn: int = 0

    def is_enough(self) -> bool:
        return all(getattr(self, name) >= count for name, count in ENOUGH.items())


def numbers(blob: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack(">Q", blob)]


class Proof:
    def __init__(self, dsn: str, seed: int) -> None:
        self.dsn = dsn
        self.seed = seed
        self.documents: list[UUID] = []
        self.counter = itertools.count(1)
        self.tally = Tally()

    async def load(self, conn: asyncpg.Connection, document: UUID) -> tuple[bytes, int, int, list[bytes]]:
        found = "SELECT coalesce(yjs_state, ''), yjs_clock, head_seq, pending FROM app.load_document($1)"
        row = await conn.fetchrow(found, document)
        assert row is not None
        return row[0], row[1], row[2], row[3]

    async def append(self, conn: asyncpg.Connection, dice: random.Random) -> None:
        """Batches over several documents, in any order, held open a moment, one in ten rolled back."""
        batch = [(dice.choice(self.documents), next(self.counter)) for _ in range(dice.choice((1, 5, 40)))]
        transaction = conn.transaction()
        await transaction.start()
        payloads = [struct.pack(">Q", number) for _, number in batch]
        await conn.execute("SELECT app.append_updates($1, $2)", [document for document, _ in batch], payloads)
        for _ in range(dice.choice((0, 0, 3))):
            await conn.execute("SELECT")
        if dice.random() < 0.1:
            await transaction.rollback()
            self.tally.rolled_back += 1
            return
        await transaction.commit()
        for document, number in batch:
            self.tally.committed[document].append(number)

    async def compact(self, conn: asyncpg.Connection, dice: random.Random) -> None:
        document = dice.choice(self.documents)
        state, clock, _, pending = await self.load(conn, document)
        upto = dice.randint(0, len(pending))
        for _ in range(dice.choice((0, 3, 6))):
            await conn.execute("SELECT")
        state += b"".join(pending[:upto])
        compact = "SELECT app.compact_document($1, $2, $3, $4, NULL)"
        if await conn.fetchval(compact, document, clock, clock + upto, state):
            self.tally.compactions += 1
        else:
            self.tally.lost_races += 1

    async def read(self, conn: asyncpg.Connection, dice: random.Random) -> None:
        state, clock, head, pending = await self.load(conn, dice.choice(self.documents))
        self.tally.loads += 1
        self.tally.torn += len(state) != 8 * clock or clock + len(pending) != head

    async def run(self) -> None:
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as tasks:
            actors = [self.append] * APPENDERS + [self.compact] * COMPACTORS + [self.read] * READERS
            for index, act in enumerate(actors):
                tasks.create_task(self._repeat(act, random.Random(f"{self.seed} {index}")))

    async def _repeat(self, act: Act, dice: random.Random) -> None:
        conn = await asyncpg.connect(self.dsn, server_settings={"role": "app_service"})
        try:
            while not self.tally.is_enough():
                await act(conn, dice)
        finally:
            await conn.close()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_concurrent_appends_compactions_and_loads_lose_repeat_and_tear_nothing(
    version: databases.Version,
) -> None:
    seed = choose_seed()
    async with databases.migrated(version) as database:
        proof = Proof(database.login_dsn, seed)
        owner = await asyncpg.connect(database.owner_dsn)
        insert = "INSERT INTO documents (workspace_id, title) SELECT $1, 'x' FROM generate_series(1, $2) RETURNING id"
        proof.documents = [row["id"] for row in await owner.fetch(insert, PLAYGROUND, DOCUMENTS)]
        tally = proof.tally
        tally.committed = {document: [] for document in proof.documents}
        await proof.run()
        lost = twice = 0
        for document in proof.documents:
            state, _, head, pending = await proof.load(owner, document)
            stored = numbers(state + b"".join(pending))
            assert len(stored) == head, "a gap in the numbering"
            lost += len(set(tally.committed[document]) - set(stored))
            twice += len(stored) - len(set(stored))
            assert set(stored) <= set(tally.committed[document]), "an update that was rolled back"
        await owner.close()
    print(sum(map(len, tally.committed.values())), "updates", replace(tally, committed={}))
    assert (lost, twice, tally.torn) == (0, 0, 0)
    assert tally.is_enough()
