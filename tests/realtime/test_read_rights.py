"""A change of rights that is committed while they are read is told with its own reason."""

import hashlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.access import live_queries
from collab_server.access.identity import Credential, Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import Database
from collab_server.errors import NotFound, Unauthenticated
from collab_server.realtime.revocation import decide, read_rights
from tests import databases

STATEMENTS = ("find_permissions", "find_documents", "list_active_users", "list_valid_credentials")


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as database:
        yield database


async def found(owner: asyncpg.Connection) -> tuple[UUID, UUID, UUID]:
    """(user, session, document of a team that the user edits)"""
    user, session, key = uuid4(), uuid4(), uuid4().hex
    boss = await owner.fetchval("INSERT INTO users (email) VALUES ($1 || '@example.org') RETURNING id", f"boss-{key}")
    await owner.execute("INSERT INTO users (id, email) VALUES ($1, $2 || '@example.org')", user, key)
    place = await owner.fetchval(
        "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'Team', 'team') RETURNING id", boss
    )
    await owner.execute(
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')", place, user
    )
    await owner.execute(
        "INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')",
        session,
        user,
        hashlib.sha256(session.bytes).digest(),
    )
    document = await owner.fetchval(
        "INSERT INTO documents (workspace_id, title) VALUES ($1, 'Plan') RETURNING id", place
    )
    return user, session, document


ERASE = "WITH w AS (DELETE FROM workspace_members WHERE user_id = $1) DELETE FROM users WHERE id = $1"


@pytest.mark.parametrize("after", range(len(STATEMENTS) + 1))
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE users SET is_active = false WHERE id = $1", Unauthenticated),
        (
            "WITH w AS (DELETE FROM workspace_members WHERE user_id = $1) DELETE FROM users WHERE id = $1",
            Unauthenticated,
        ),
        ("UPDATE documents SET deleted_at = now() WHERE id = $2 OR id = $1", NotFound),
    ],
)
async def test_a_change_in_the_middle_is_told_with_its_reason(
    database: databases.Database, monkeypatch: pytest.MonkeyPatch, change: str, reason: type[Exception], after: int
) -> None:
    db = Database(database.login_dsn, pool_size=2)
    await db.open()
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        user, session, document = await found(owner)
        identity = Identity("user", user, "Ed", credential=Credential("session", session))
        joined: Any = [(SimpleNamespace(id=document), SimpleNamespace(identity=identity))]
        done = 0

        async def change_now() -> None:
            await owner.execute(change, *((user, document) if "$2" in change else (user,)))

        def counted(function: Any) -> Any:
            async def call(*arguments: Any) -> Any:
                nonlocal done
                answer = await function(*arguments)
                done += 1
                if done == after:
                    await change_now()
                return answer

            return call

        for name in STATEMENTS:
            monkeypatch.setattr(live_queries, name, counted(getattr(live_queries, name)))
        if after == 0:
            await change_now()
        verdict = decide(identity, document, await read_rights(db, joined, {document}))
        assert done == len(STATEMENTS)
        assert isinstance(verdict, reason) or (after > 0 and verdict is Role.EDITOR)
        again = decide(identity, document, await read_rights(db, joined, {document}))
        assert isinstance(again, reason)
    finally:
        await owner.close()
        await db.close()
