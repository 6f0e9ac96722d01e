"""Notes of objects whose writes failed are due although the process lives on. Those of other writes are not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import Unavailable
from collab_server.features.attachments import object_queries
from collab_server.features.attachments.writers import ObjectWriters
from tests import databases
from tests.waiting import until

BUCKET = "notes"


@pytest.fixture
async def db() -> AsyncIterator[Database]:
    async with databases.migrated("18") as database:
        db = Database(database.login_dsn)
        await db.open()
        yield db
        await db.close()


@pytest.fixture
async def writers(db: Database) -> AsyncIterator[ObjectWriters]:
    writers = ObjectWriters(db, BUCKET)
    running = asyncio.create_task(writers.run())
    yield writers
    running.cancel()
    await asyncio.wait([running])


async def list_due(db: Database) -> list[str]:
    keys: list[str] = []
    async with db.as_service() as conn, conn.transaction():
        while (note := await object_queries.take_due_note(conn, BUCKET)) is not None:
            keys.append(note.key)
            await object_queries.delete_note(conn, note.id)
    return keys


async def fail(*_: object) -> None:
    raise Unavailable("the database cannot answer now")


async def test_a_note_that_could_not_be_released_is_due_when_other_writes_have_ended(
    db: Database, writers: ObjectWriters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writers.writing("other"):
        with monkeypatch.context() as patched:
            patched.setattr(object_queries, "release_note", fail)
            with pytest.raises(ValueError, match="the write failed"):
                async with writers.writing("failed"):
                    raise ValueError("the write failed")
        async with writers.writing("later") as note, db.as_service() as conn:
            assert await list_due(db) == []
            await object_queries.delete_note(conn, note)
    await until_due(db, {"failed", "other"})


async def test_a_note_whose_answer_was_lost_is_due(
    db: Database, writers: ObjectWriters, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_object = object_queries.note_object

    async def note_and_lose_the_answer(conn: Conn, bucket: str, key: str, holder: int) -> int:
        async with db.as_service() as other:
            await note_object(other, bucket, key, holder)
        raise Unavailable("the database cannot answer now")

    with monkeypatch.context() as patched:
        patched.setattr(object_queries, "note_object", note_and_lose_the_answer)
        with pytest.raises(Unavailable):
            async with writers.writing("lost"):
                raise AssertionError("the block does not begin")
    await until_due(db, {"lost"})


async def until_due(db: Database, keys: set[str]) -> None:
    found: set[str] = set()

    async def are_due() -> bool:
        found.update(await list_due(db))
        return found >= keys

    await until(are_due, f"{keys} are due")
    assert found == keys
