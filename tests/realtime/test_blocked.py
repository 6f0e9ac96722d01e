"""One document that PostgreSQL does not take edits of: the edits of all others are stored meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.adapters.bus import LocalBus
from collab_server.errors import DocumentBlocked, Unavailable
from collab_server.realtime.documents import group_commit
from collab_server.realtime.service import RealtimeService
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.realtime.document_harness import session_of
from tests.waiting import until

LOCKS = {
    "its head is locked": "SELECT FROM document_heads WHERE document_id = $1 FOR UPDATE",
    "it is being moved": "UPDATE documents SET workspace_id = (SELECT id FROM workspaces WHERE name = 'Other')"
    " WHERE id = $1",
    "it is being deleted": "DELETE FROM documents WHERE id = $1",
    # No lock that the writer could look for: only waiting tells.
    "its next row is being written": "INSERT INTO document_updates (document_id, seq, payload)"
    " SELECT document_id, head_seq + 1, 'x' FROM document_heads WHERE document_id = $1",
}


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as database:
        owner = await asyncpg.connect(database.owner_dsn)
        await owner.execute(
            "INSERT INTO workspaces (owner_id, name, kind) SELECT owner_id, 'Other', kind FROM workspaces LIMIT 1"
        )
        await owner.close()
        yield database


@asynccontextmanager
async def locking(database: databases.Database, statement: str, *arguments: UUID) -> AsyncIterator[None]:
    """Another transaction has run the statement, and does not end while the block runs."""
    conn = await asyncpg.connect(database.owner_dsn)
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(statement, *arguments)
        yield
    finally:
        await transaction.rollback()
        await conn.close()


async def clients(service: RealtimeService, database: databases.Database, count: int) -> list[Client]:
    """Clients of documents of their own, each of which has an edit that is stored."""
    made = [await joined(service, await new_document(database)) for _ in range(count)]
    for client in made:
        client.type("begin ", 0)
    await stored(*made)
    return made


async def stored(*some: Client) -> None:
    await until(lambda: all(client.document.room.saved for client in some), "the edits stored")


async def text_in(database: databases.Database, client: Client) -> str:
    """What a server that has just started reads."""
    async with node(database.login_dsn, LocalBus()) as service:
        return (await joined(service, client.document.id)).content


@pytest.mark.parametrize("kind", LOCKS)
async def test_a_locked_document_waits_alone_and_its_edits_keep_their_order(
    database: databases.Database, kind: str
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        locked, *others = await clients(service, database, 3)
        room = locked.document.room
        async with locking(database, LOCKS[kind], locked.document.id):
            for number in range(3):
                # All in one turn of the loop, so in one batch.
                for client in (locked, *others):
                    client.type(f"{number}", 1000)
                await stored(*others)
                assert not room.saved
            assert [document.id for document in service.group_commit.blocked.due(float("inf"))] == [locked.document.id]
            assert service.group_commit.failing_since is None and not service.group_commit.overloaded
            assert service.oldest_unsaved() == 0, "the other documents are stored"
            assert session_of(locked.member).acknowledged == 1
        await stored(locked)
        assert not len(service.group_commit.blocked)
        assert service.group_commit.unsaved_bytes == 0
        assert session_of(locked.member).acknowledged == 4
    assert await text_in(database, locked) == "begin 012"


async def test_what_is_typed_while_a_blocked_document_is_stored_is_stored_too(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        [client] = await clients(service, database, 1)
        count = 0
        async with locking(database, LOCKS["its head is locked"], client.document.id):
            client.type("x", 1000)
            await until(lambda: len(service.group_commit.blocked) == 1, "a blocked document")
        while len(service.group_commit.blocked):
            client.type("y", 1000)
            count += 1
            await asyncio.sleep(0)
        await stored(client)
        await service.group_commit.wait_flushed()
    assert await text_in(database, client) == "begin x" + "y" * count


async def test_rows_that_postgresql_refuses_do_not_hold_back_others(database: databases.Database) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        async with node(database.login_dsn, LocalBus()) as service:
            refused, *others = await clients(service, database, 3)
            await owner.execute(
                "ALTER TABLE document_updates ADD CONSTRAINT refusing"
                f" CHECK (document_id <> '{refused.document.id}') NOT VALID"
            )
            for number in range(2):
                for client in (refused, *others):
                    client.type(f"{number}", 1000)
                await stored(*others)
                assert not refused.document.room.saved
            await owner.execute("ALTER TABLE document_updates DROP CONSTRAINT refusing")
            await stored(refused)
        assert await text_in(database, refused) == "begin 01"
    finally:
        await owner.execute("ALTER TABLE document_updates DROP CONSTRAINT IF EXISTS refusing")
        await owner.close()


async def test_a_database_where_everything_is_locked_is_told_from_one_locked_document(
    database: databases.Database,
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        some = await clients(service, database, 5)
        async with locking(database, "LOCK TABLE document_updates IN SHARE MODE"):
            for client in some:
                client.type("x", 1000)
            await until(lambda: service.group_commit.failing_since is not None, "a database that fails")
            assert not any(client.document.room.saved for client in some)
            with pytest.raises(Unavailable):
                await service.group_commit.wait_committed(some[0].document)
        await stored(*some)
        assert service.group_commit.failing_since is None
    assert await text_in(database, some[4]) == "begin x"


async def test_a_document_that_is_blocked_for_too_long_closes_its_own_sockets_only(
    database: databases.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "BLOCKED_SECONDS", 0.0)
    async with node(database.login_dsn, LocalBus(), max_unsaved_seconds=0.5) as service:
        locked, other = await clients(service, database, 2)
        document = locked.document
        async with locking(database, LOCKS["its head is locked"], document.id):
            locked.type("x", 1000)
            await until(lambda: len(service.group_commit.blocked) == 1, "a blocked document")
            with pytest.raises(DocumentBlocked):
                await service.group_commit.wait_committed(document)
            await until(lambda: session_of(locked.member).ended is not None, "the end of its sockets")
            ended = session_of(locked.member).ended
            assert ended is not None and (ended.close_code, ended.code) == (1013, "document_blocked")
            with pytest.raises(DocumentBlocked):
                await joined(service, document.id)
            other.type("y", 1000)
            await stored(other)
            assert session_of(other.member).ended is None
            await joined(service, other.document.id)
        await stored(locked)
    assert await text_in(database, locked) == "begin x"


async def test_the_bytes_of_a_blocked_document_do_not_close_the_sockets_of_others(
    database: databases.Database,
) -> None:
    async with node(database.login_dsn, LocalBus(), max_unsaved_bytes=65536) as service:
        locked, other = await clients(service, database, 2)
        async with locking(database, LOCKS["its head is locked"], locked.document.id):
            locked.type("x" * 40_000, 1000)
            await until(lambda: session_of(locked.member).ended is not None, "the end of its sockets")
            assert not service.group_commit.overloaded
            other.type("y", 1000)
            await stored(other)
            assert session_of(other.member).ended is None
        await stored(locked)


async def test_a_locked_document_does_not_hold_a_place_for_folding(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus(), fold_unread_seconds=0.1, worker_processes=1) as service:
        locked, other = await clients(service, database, 2)
        async with locking(database, "SELECT FROM documents WHERE id = $1 FOR UPDATE", locked.document.id):
            await service.hub.flush_to_storage(other.document.id)
            await until(lambda: service.counts.fold_failures > 0, "a fold that met the lock")
            other.type("y", 1000)
            await service.hub.flush_to_storage(other.document.id)
            assert other.document.room.log_rows == 0
            assert locked.document.room.log_rows == 1


async def test_a_document_deleted_while_it_was_blocked_is_gone(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        [client] = await clients(service, database, 1)
        conn = await asyncpg.connect(database.owner_dsn)
        async with conn.transaction():
            await conn.execute(LOCKS["it is being deleted"], client.document.id)
            client.type("x", 1000)
            await until(lambda: len(service.group_commit.blocked) == 1, "a blocked document")
        await conn.close()
        await until(lambda: session_of(client.member).ended is not None, "the end of its sockets")
        ended = session_of(client.member).ended
        assert ended is not None and ended.code == "not_found"
        assert not len(service.group_commit.blocked)
        await service.group_commit.wait_flushed()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_statements_about_many_documents_pass_a_locked_one_by(version: databases.Version) -> None:
    async with databases.migrated(version) as made:
        locked, free = await new_document(made), await new_document(made)
        service = await asyncpg.connect(made.login_dsn, server_settings={"role": "app_service", "lock_timeout": "1s"})
        owner = await asyncpg.connect(made.owner_dsn)
        user = await owner.fetchval("INSERT INTO users (email) VALUES ('ann@example.org') RETURNING id")
        both = [locked, free]
        rows = (
            "SELECT document_id, head_seq FROM app.append_rows($1, '{x,y}', '{1,2}', '{NULL,NULL}', '{NULL,NULL}',"
            " '{NULL,NULL}', false) ORDER BY head_seq"
        )
        present = (
            "SELECT app.mirror_presence('node', (SELECT jsonb_agg(jsonb_build_object('connection_id', d::text,"
            " 'document_id', d, 'is_typing', false)) FROM unnest($1::uuid[]) d), $2, true)"
        )
        views = "SELECT app.add_views($1, '{2,3}', ARRAY[now(), now()], $1, ARRAY[$2, $2]::uuid[], ARRAY[now(), now()])"
        seen = "SELECT document_id, view_count FROM document_stats WHERE view_count > 0"
        queued = "SELECT array_agg(document_id) FROM search_queue"
        assert await service.fetchval(present, both, []) == 2
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("DELETE FROM documents WHERE id = $1", locked)
        assert [tuple(row) for row in await service.fetch(rows, both)] == [(free, 1), (locked, None)]
        assert await service.fetchval(present, both, [str(locked)]) == 2
        assert await service.fetchval(views, both, user) == [locked]
        assert [tuple(row) for row in await service.fetch(seen)] == [(free, 3)]
        await service.execute("SELECT app.refresh_search(20)")
        assert await service.fetchval("SELECT app.refresh_search(20)") == 0
        assert await service.fetchval(queued) == [locked]
        await transaction.rollback()
        assert [tuple(row) for row in await service.fetch(rows, both)] == [(locked, 1), (free, 2)]
        assert await service.fetchval(views, both, user) == []
        assert await service.fetchval("SELECT app.refresh_search(20)") == 1
        await service.close()
        await owner.close()


async def test_the_waiting_and_the_passing_statement_number_rows_alike(database: databases.Database) -> None:
    one, other, nowhere = await new_document(database), await new_document(database), uuid4()
    service = await asyncpg.connect(database.login_dsn, server_settings={"role": "app_service"})
    append = (
        "SELECT document_id, head_seq FROM app.append_rows($1, $2,"
        " array_fill(7::bigint, ARRAY[cardinality($1::uuid[])]), NULL, NULL, NULL, $3)"
    )
    for wait in (True, False):
        assert [row[0] for row in await service.fetch(append, [one], [b"a"], wait)] == [one]
        found = await service.fetch(append, [one, nowhere, other, one], [b"b", b"-", b"c", b"d"], wait)
        assert {row[0] for row in found} == {one, other}
    log = "SELECT seq, payload, checksum FROM document_updates WHERE document_id = $1 ORDER BY seq"
    rows = await service.fetch(log, one)
    assert [tuple(row) for row in rows] == [(seq, b"abd"[(seq - 1) % 3 : (seq - 1) % 3 + 1], 7) for seq in range(1, 7)]
    await service.close()
