"""The beginning of a document's log, at the edges of what a row of it may hold."""

from collections.abc import AsyncIterator

import pytest

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents.new_text import new_text_document
from collab_server.core.room.entries import Author
from collab_server.errors import TooLarge
from collab_server.features.document_log import store
from collab_server.features.documents import creation
from tests import databases
from tests.site import PLAYGROUND


@pytest.fixture
async def db() -> AsyncIterator[Database]:
    async with databases.migrated() as database:
        opened = Database(database.login_dsn, guest_role="editor")
        await opened.open()
        yield opened
        await opened.close()


def state(text: str) -> store.State:
    made = new_text_document(text, 7)
    said = made.projection
    return store.State(made.snapshot, made.state_vector, said.content, said.words, said.truncated)


@pytest.mark.parametrize("letters", [1, 9_000_000])
async def test_a_beginning_of_any_size_is_all_there_and_can_be_written_on(db: Database, letters: int) -> None:
    begun = state("é" * letters)
    assert (len(begun.update) > creation.MAX_LOG_ROW) == (letters > 1)
    async with db.as_user(None) as conn:
        made = await creation.make(conn, PLAYGROUND, Author(None), {"title": "T"}, [], begun, max_bytes=64_000_000)
    workers = Workers(1)
    try:
        loaded = (await store.load(db, workers, made)).stored
        assert loaded.snapshot == begun.update
        async with db.as_service() as conn:
            rows = await conn.fetchrow(
                "SELECT content_bytes, content_truncated, word_count, head_seq, yjs_clock FROM documents d "
                "JOIN document_heads h ON h.document_id = d.id WHERE d.id = $1",
                made,
            )
        assert tuple(rows or ()) == (min(2 * letters, 10_485_760), letters > 1, 1, 1, 1)
    finally:
        await workers.close()


async def test_a_beginning_that_is_too_large_leaves_nothing(db: Database) -> None:
    with pytest.raises(TooLarge):
        async with db.as_user(None) as conn:
            await creation.make(
                conn, PLAYGROUND, Author(None), {"title": "T"}, ["tag"], state("x" * 2000), max_bytes=1000
            )
    async with db.as_service() as conn:
        assert await conn.fetchval("SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM tags)") == 0
