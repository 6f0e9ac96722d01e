"""A team, its people and a document, in a fresh database, met as a server meets it.

The login has no rights and takes on a role in each transaction.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from tests import databases

SYSTEM_USER = UUID(int=1)
PLAYGROUND = UUID(int=2)


class Site:
    """A team of Ann (owner), Ed (editor), Vic (viewer); Eve is nowhere. One connection: what leaks would show."""

    def __init__(self, owner: asyncpg.Connection, login: asyncpg.Connection) -> None:
        self.owner = owner
        self.login = login
        self.people: dict[str, UUID] = {}
        self.team = UUID(int=0)
        self.plan = UUID(int=0)

    @asynccontextmanager
    async def acting(self, who: str | None, guest_role: str = "") -> AsyncIterator[asyncpg.Connection]:
        """A transaction of a person, of a guest (None), or of the server itself ("server")."""
        async with self.login.transaction():
            if who == "server":
                await self.login.execute("SET LOCAL ROLE app_service")
            else:
                await self.login.execute(
                    "SELECT set_config('role', 'app_readwrite', true), set_config('app.current_user_id', $1, true), "
                    "set_config('app.guest_role', $2, true)",
                    "" if who is None else str(self.people[who]),
                    guest_role,
                )
            yield self.login

    async def value(self, who: str | None, query: str, *arguments: Any, guest_role: str = "") -> Any:
        async with self.acting(who, guest_role) as conn:
            return await conn.fetchval(query, *arguments)

    async def run(self, who: str | None, query: str, *arguments: Any, guest_role: str = "") -> str:
        async with self.acting(who, guest_role) as conn:
            done: str = await conn.execute(query, *arguments)
            return done

    async def row(self, query: str, *arguments: Any) -> tuple[Any, ...]:
        """The one row that the owner sees."""
        found = await self.owner.fetchrow(query, *arguments)
        assert found is not None
        return tuple(found)

    async def document(self, workspace: UUID, title: str = "Plan") -> UUID:
        made: UUID = await self.value(
            "server", "INSERT INTO documents (workspace_id, title) VALUES ($1, $2) RETURNING id", workspace, title
        )
        return made

    async def append(self, *rows: tuple[UUID, bytes]) -> list[tuple[Any, ...]]:
        found = "SELECT document_id, first_seq, head_seq FROM app.append_updates($1, $2) ORDER BY first_seq, head_seq"
        async with self.acting("server") as conn:
            return [tuple(row) for row in await conn.fetch(found, [d for d, _ in rows], [p for _, p in rows])]


@asynccontextmanager
async def open_site(version: databases.Version) -> AsyncIterator[Site]:
    async with databases.migrated(version) as database:
        owner, login = await asyncpg.connect(database.owner_dsn), await asyncpg.connect(database.login_dsn)
        site = Site(owner, login)
        for name in ("ann", "ed", "vic", "eve"):
            insert = "INSERT INTO users (email, display_name) VALUES ($1, $2) RETURNING id"
            site.people[name] = await site.value("server", insert, f"{name}@Example.com", name)
        insert = "INSERT INTO workspaces (owner_id, name, kind) VALUES (app.user_id(), 'Team', 'team') RETURNING id"
        site.team = await site.value("ann", insert)
        join = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)"
        await site.run("ann", join, site.team, site.people["ed"], "editor")
        await site.run("ann", join, site.team, site.people["vic"], "viewer")
        insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'Plan of the house') RETURNING id"
        site.plan = await site.value("ed", insert, site.team)
        try:
            yield site
        finally:
            await login.close()
            await owner.close()
