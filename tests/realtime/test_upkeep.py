"""When logs are folded, edits announced and bytes let go: by need, and not for documents that nobody reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from collab_server.access.identity import GUEST, Identity
from collab_server.adapters.bus import LocalBus
from collab_server.realtime.service import RealtimeService
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.waiting import until

NEVER = 3600.0
IDLE = 0.1


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as made:
        yield made


@asynccontextmanager
async def resting(database: databases.Database, bus: LocalBus | None = None) -> AsyncIterator[RealtimeService]:
    """A node whose documents rest soon, and are folded only if somebody reads them."""
    changes = {"room_idle_seconds": IDLE, "fold_seconds": NEVER, "fold_unread_seconds": NEVER}
    async with node(database.login_dsn, bus or LocalBus(), **changes) as service:
        yield service


async def type_twice(client: Client) -> None:
    """The feed tells of the first edit at once, and not of the second."""
    for _ in range(2):
        client.type("x", 0)
        await client.service.group_commit.wait_committed(client.document)


async def count_entries(database: databases.Database, document_id: UUID) -> int:
    conn = await asyncpg.connect(database.owner_dsn)
    try:
        found: int = await conn.fetchval("SELECT count(*) FROM sync_log WHERE entity_id = $1", document_id)
        return found
    finally:
        await conn.close()


async def make_member(database: databases.Database, document_id: UUID) -> Identity:
    """An owner of the workspace of a document."""
    conn = await asyncpg.connect(database.owner_dsn)
    try:
        user = await conn.fetchval(
            "INSERT INTO users (email) VALUES (gen_random_uuid() || '@example.org') RETURNING id"
        )
        await conn.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) "
            "SELECT workspace_id, $1, 'editor' FROM documents WHERE id = $2",
            user,
            document_id,
        )
    finally:
        await conn.close()
    return Identity("user", user, "Ann")


async def test_a_text_that_nobody_reads_is_not_folded_but_the_feed_tells_of_its_edits(
    database: databases.Database,
) -> None:
    async with resting(database) as service:
        client = await joined(service, await new_document(database))
        before = await count_entries(database, client.document.id)
        await type_twice(client)
        assert await count_entries(database, client.document.id) == before + 1
        await until(lambda: client.document.unannounced_since is None, "the announcement is asked for")

        async def is_announced() -> bool:
            return await count_entries(database, client.document.id) == before + 2

        await until(is_announced, "an entry of the second edit")
        await until(lambda: not client.document.room.loaded, "its bytes are let go")
        assert client.document.room.log_rows == 2
        assert service.counts.folds == 0
        # What was let go without a fold is there for who comes.
        late = await joined(service, client.document.id)
        assert late.content == "xx"
        # After an announcement the next edit is told of at once again.
        client.type("y", 0)
        await service.group_commit.wait_committed(client.document)
        assert await count_entries(database, client.document.id) == before + 3


async def test_a_text_is_folded_while_a_member_of_its_workspace_reads(database: databases.Database) -> None:
    async with resting(database) as service:
        client = await joined(service, await new_document(database))
        await type_twice(client)
        service.readers.note_request(await make_member(database, client.document.id), None)
        await until(lambda: client.document.room.log_rows == 0, "the fold")
        # It stays read for a while.
        await type_twice(client)
        await until(lambda: client.document.room.log_rows == 0, "another fold")


async def test_a_text_is_folded_for_who_asks_for_its_document(database: databases.Database) -> None:
    async with resting(database) as service:
        client, other = [await joined(service, await new_document(database)) for _ in range(2)]
        for one in (client, other):
            await type_twice(one)
        service.readers.note_request(GUEST, client.document.id)
        await until(lambda: client.document.room.log_rows == 0, "the fold")
        assert other.document.room.log_rows == 2


async def test_readers_of_another_node_count(database: databases.Database) -> None:
    exchange: set[LocalBus] = set()
    async with (
        resting(database, LocalBus(exchange)) as writing,
        resting(database, LocalBus(exchange)) as reading,
    ):
        listening = asyncio.create_task(writing.notices.run())
        await until(lambda: writing.notices.listening, "the notices")
        client = await joined(writing, await new_document(database))
        await type_twice(client)
        reading.readers.note_request(await make_member(database, client.document.id), None)
        await until(lambda: client.document.room.log_rows == 0, "the fold")
        listening.cancel()


async def test_a_text_that_nobody_reads_is_folded_in_the_end(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus(), fold_unread_seconds=0.5) as service:
        client = await joined(service, await new_document(database))
        await type_twice(client)
        await until(lambda: client.document.room.log_rows == 0, "the fold")


async def test_edits_are_announced_before_the_process_ends(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus(), room_idle_seconds=NEVER) as service:
        client = await joined(service, await new_document(database))
        before = await count_entries(database, client.document.id)
        await type_twice(client)
        await service.drain(5)
        assert await count_entries(database, client.document.id) == before + 2


async def test_edits_of_a_locked_document_are_announced_later(database: databases.Database) -> None:
    async with resting(database) as service:
        locked, other = [await joined(service, await new_document(database)) for _ in range(2)]
        before = [await count_entries(database, client.document.id) for client in (locked, other)]
        for client in (locked, other):
            await type_twice(client)
        conn = await asyncpg.connect(database.owner_dsn)
        async with conn.transaction():
            await conn.execute("SELECT FROM document_heads WHERE document_id = $1 FOR UPDATE", locked.document.id)

            async def other_is_announced() -> bool:
                return await count_entries(database, other.document.id) == before[1] + 2

            await until(other_is_announced, "an entry of the other document")
            assert await count_entries(database, locked.document.id) == before[0] + 1
        await conn.close()

        async def is_announced() -> bool:
            return await count_entries(database, locked.document.id) == before[0] + 2

        await until(is_announced, "an entry of the document that was locked")


async def test_quiet_documents_are_not_looked_at(database: databases.Database) -> None:
    async with resting(database) as service:
        client = await joined(service, await new_document(database))
        await until(lambda: not client.document.room.loaded, "its bytes are let go")
        assert len(service.upkeep) == 0


async def test_a_fault_in_one_document_leaves_the_others_looked_after(
    database: databases.Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with resting(database) as service:
        faulty, other = [await joined(service, await new_document(database)) for _ in range(2)]

        def fail() -> None:
            raise ValueError("a fault")

        faulty.document.evict = fail  # type: ignore[method-assign]
        await until(lambda: not other.document.room.loaded, "the bytes of the other are let go")
        await until(lambda: "looking at a document failed" in caplog.text, "a line in the log")
        del faulty.document.evict
        await until(lambda: not faulty.document.room.loaded, "it is looked at again")
