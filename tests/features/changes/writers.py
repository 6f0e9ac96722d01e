"""Several connections that change everything at once, in a process of their own: see test_proof.py.

`python -m tests.features.changes.writers DSN SECONDS SEED USER WORKSPACE...` prints what they did, as JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from uuid import UUID

import asyncpg

CONNECTIONS = 4
_ACT = "SELECT set_config('role', 'app_readwrite', true), set_config('app.current_user_id', $1, true)"


class Writer:
    def __init__(self, dsn: str, seconds: float, seed: int, user: UUID, workspaces: list[UUID]) -> None:
        self.dsn = dsn
        self.end = time.monotonic() + seconds
        self.dice = random.Random(seed)
        self.user = user
        self.workspaces = workspaces
        self.done: Counter[str] = Counter()
        self.own: list[UUID] = []
        self.made: list[UUID] = []

    async def run(self) -> Counter[str]:
        conn = await asyncpg.connect(self.dsn)
        try:
            while time.monotonic() < self.end:
                await self.transaction(conn)
        finally:
            await conn.close()
        return self.done

    async def transaction(self, conn: asyncpg.Connection) -> None:
        """One change or several, one in fifty in bulk; held open a moment, now and then for half a second."""
        self.made = []
        transaction = conn.transaction()
        await transaction.start()
        try:
            await conn.execute(_ACT, str(self.user))
            for _ in range(60 if self.dice.random() < 0.02 else self.dice.choice((1, 1, 2, 3))):
                await self.change(conn)
                if self.dice.random() < 0.1:
                    await self.within_savepoint(conn)
                stall = 0.5 if self.dice.random() < 0.02 else 0.0
                await asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.01, stall)))
        except asyncpg.PostgresError as error:
            await transaction.rollback()
            self.done[error.sqlstate] += 1
            return
        if self.dice.random() < 0.1:
            await transaction.rollback()
            self.done["rolled back"] += 1
        else:
            await transaction.commit()
            self.done["committed"] += 1
            self.own = (self.own + self.made)[-50:]

    async def change(self, conn: asyncpg.Connection) -> None:
        workspace = self.dice.choice(self.workspaces)
        kind = self.dice.choices(("make", "rename", "tag", "favour", "bin", "move", "edit"), (30, 25, 10, 5, 8, 7, 15))[
            0
        ]
        if kind == "make" or not self.own:
            insert = "INSERT INTO documents (workspace_id, title, created_by) VALUES ($1, 'new', $2) RETURNING id"
            self.made.append(await conn.fetchval(insert, workspace, self.user))
            return
        document = self.dice.choice(self.own)
        if kind == "rename":
            await conn.execute("UPDATE documents SET title = left(title || 'x', 400) WHERE id = $1", document)
        elif kind == "tag":
            name = f"t{self.dice.randrange(2**62)}"
            await conn.execute("INSERT INTO tags (workspace_id, name, slug) VALUES ($1, $2, $2)", workspace, name)
        elif kind == "favour":
            await conn.execute("DELETE FROM document_favourites WHERE document_id = $1", document)
            insert = "INSERT INTO document_favourites (user_id, document_id) VALUES ($1, $2)"
            await conn.execute(insert, self.user, document)
        elif kind == "bin":
            toggle = "UPDATE documents SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE id = $1"
            await conn.execute(toggle, document)
        elif kind == "move":
            await conn.execute("SELECT app.move_document($1, $2)", document, workspace)
        else:
            await conn.execute("SET LOCAL ROLE app_service")
            await conn.execute("SELECT app.append_updates($1, $2)", self.own[-3:], [b"x"] * len(self.own[-3:]))
            await conn.execute("SET LOCAL ROLE app_readwrite")

    async def within_savepoint(self, conn: asyncpg.Connection) -> None:
        savepoint = conn.transaction()
        await savepoint.start()
        await self.change(conn)
        self.done["savepoints"] += 1
        await (savepoint.rollback() if self.dice.random() < 0.5 else savepoint.commit())


async def main(dsn: str, seconds: str, seed: str, user: str, *workspaces: str) -> None:
    writers = [
        Writer(dsn, float(seconds), int(seed) + number, UUID(user), [UUID(w) for w in workspaces])
        for number in range(CONNECTIONS)
    ]
    done: Counter[str] = Counter()
    for each in await asyncio.gather(*(writer.run() for writer in writers)):
        done += each
    print(json.dumps(done))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
