"""A person with workspaces in a fresh database, met as a server meets it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg

from collab_server.adapters.postgres import Database
from collab_server.features.changes import feed, queries
from tests import databases
from tests.waiting import until


@dataclass
class World:
    """`owner`: the database's superuser; `db`: what a server has; `dsn`: of its login."""

    dsn: str
    owner_dsn: str
    owner: asyncpg.Connection
    db: Database
    user: UUID
    workspaces: list[UUID] = field(default_factory=list)

    async def passed(self) -> None:
        """Wait until no transaction that is open, of whatever test in this cluster, holds anything back."""
        held = "SELECT NOT EXISTS (SELECT FROM sync_log WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))"

        async def all_is_told() -> bool:
            told: bool = await self.owner.fetchval(held)
            return told

        await until(all_is_told, "the transactions of others")

    async def page(self, after: feed.Cursor | None, limit: int = 500, workspace: UUID | None = None) -> feed.Page:
        """What the person reads. Raises CursorExpired."""
        async with self.db.as_user(self.user) as conn:
            position = after.position if after else feed.BEGINNING
            found = await queries.find_page(conn, position, limit if after else 0, workspace)
        return feed.make_page(found, after, limit, workspace)


@asynccontextmanager
async def world(version: databases.Version, workspaces: int = 1) -> AsyncIterator[World]:
    async with databases.migrated(version) as database:
        owner, db = await asyncpg.connect(database.owner_dsn), Database(database.login_dsn)
        await db.open()
        try:
            user = uuid4()
            await owner.execute("INSERT INTO users (id, email) VALUES ($1, 'ann@example.org')", user)
            made = World(database.login_dsn, database.owner_dsn, owner, db, user)
            add = "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'W', 'team') RETURNING id"
            made.workspaces = [await owner.fetchval(add, user) for _ in range(workspaces)]
            await made.passed()
            yield made
        finally:
            await db.close()
            await owner.close()
