"""Stored bytes that were changed outside of the server: noticed wherever they are read, and of no other concern."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pycrdt import Doc, Text

from collab_server.access.identity import GUEST
from collab_server.adapters.bus import LocalBus
from collab_server.core.protocol.offline_sync import PullRequest, Refusal
from collab_server.errors import DocumentDamaged
from collab_server.features.document_log import checksums, damage_queries, log_queries, store
from collab_server.features.sync import pulling
from collab_server.realtime.documents.leftovers import Leftovers
from collab_server.realtime.service import RealtimeService
from tests import databases
from tests.cluster.test_lossy_bus import joined, new_document, node
from tests.realtime.document_harness import session_of
from tests.waiting import until

FLIPPED = "set_byte({0}, octet_length({0}) - 2, 255 - get_byte({0}, octet_length({0}) - 2))"
ROW = f"UPDATE document_updates SET payload = {FLIPPED.format('payload')} WHERE document_id = $1 AND seq = 2"
MISSING = "DELETE FROM document_updates WHERE document_id = $1 AND seq = 2"
SNAPSHOT = f"UPDATE documents SET yjs_state = {FLIPPED.format('yjs_state')} WHERE id = $1"
NO_SNAPSHOT = "UPDATE documents SET yjs_state = NULL WHERE id = $1"
VECTOR = "UPDATE documents SET yjs_state_vector = set_byte(yjs_state_vector, 0, 0) WHERE id = $1"
UNREADABLE = (
    "WITH old AS (UPDATE document_heads SET snapshot_clock = NULL WHERE document_id = $1)"
    " UPDATE documents SET yjs_state = 'nonsense' WHERE id = $1"
)
"""As a snapshot of an older version, which has no checksum."""


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as database:
        yield database


@asynccontextmanager
async def owning(database: databases.Database) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database.owner_dsn)
    try:
        yield conn
    finally:
        await conn.close()


def typed(*words: str) -> list[bytes]:
    """An update for each word, typed one after the other."""
    doc: Doc[Any] = Doc()
    text, updates = doc.get("content", type=Text), []
    for word in words:
        before = doc.get_state()
        text.insert(len(text), word)
        updates.append(doc.get_update(before))
    return updates


async def written(service: RealtimeService, database: databases.Database, *words: str) -> UUID:
    """A document that nobody has open, with a row of its log for each word."""
    document_id = await new_document(database)
    rows = typed(*words)
    async with service.db.as_service() as conn:
        await log_queries.append_rows(conn, [log_queries.LogRow(document_id, row, None, (), None) for row in rows], 10)
    return document_id


async def damage_of(database: databases.Database, document_id: UUID) -> str | None:
    """What is noted for operators."""
    async with owning(database) as owner:
        reason: str | None = await owner.fetchval(
            "SELECT reason FROM damaged_documents WHERE document_id = $1", document_id
        )
    return reason


@pytest.mark.parametrize(
    ("folded", "change"),
    [(False, ROW), (False, MISSING), (True, SNAPSHOT), (True, NO_SNAPSHOT), (True, VECTOR), (True, UNREADABLE)],
    ids=["a row", "a row less", "the snapshot", "no snapshot", "the state vector", "no checksum"],
)
async def test_a_change_is_noticed_by_whatever_reads_it_and_concerns_no_other_document(
    database: databases.Database, *, folded: bool, change: str
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        damaged = await written(service, database, "one ", "two ", "three")
        sound = await written(service, database, "other")
        if folded:
            await store.fold(service.db, service.workers, damaged)
        async with owning(database) as owner:
            await owner.execute(change, damaged)
        with pytest.raises(DocumentDamaged) as refused:
            await joined(service, damaged)
        assert (refused.value.status, refused.value.close_code, refused.value.code) == (500, 1011, "damaged_document")
        assert await damage_of(database, damaged) == refused.value.detail
        with pytest.raises(DocumentDamaged):
            await store.find_state(service.db, service.workers, damaged)
        with pytest.raises(DocumentDamaged):
            await store.fold(service.db, service.workers, damaged)
        with pytest.raises(DocumentDamaged):
            await store.load_later(service.db, service.workers, damaged, 0)
        with pytest.raises(DocumentDamaged):
            await service.rest_edits.missing(damaged, b"\0")
        wanted = [PullRequest(one) for one in (damaged, sound)]
        async with owning(database) as owner:
            await owner.execute("UPDATE documents SET is_public = true WHERE id = ANY ($1)", [damaged, sound])
        answers = [answer async for answer in pulling.iterate_answers(service.db, service.workers, GUEST, wanted)]
        assert isinstance(answers[0], Refusal) and answers[0].code == "damaged_document"
        assert not isinstance(answers[1], Refusal)
        assert (await joined(service, sound)).content == "other"
        assert damaged not in service.hub.documents


async def test_rows_of_an_older_version_have_no_checksum_and_are_read(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        document_id = await new_document(database)
        async with owning(database) as owner:
            for row in typed("one ", "two"):
                await owner.execute("SELECT app.append_updates(ARRAY[$1::uuid], ARRAY[$2::bytea])", document_id, row)
            assert (await joined(service, document_id)).content == "one two"
            state = await store.find_state(service.db, service.workers, document_id)
            assert state is not None
            await owner.execute(
                "SELECT app.compact_document($1, 0, 2, $2, $3)", document_id, state.update, state.state_vector
            )
            assert (await store.load(service.db, service.workers, document_id)).stored.seq == 2
            # The next fold gives it one.
            row = typed("x")[0]
            await owner.execute("SELECT app.append_updates(ARRAY[$1::uuid], ARRAY[$2::bytea])", document_id, row)
            await store.fold(service.db, service.workers, document_id)
            await owner.execute(SNAPSHOT, document_id)
        with pytest.raises(DocumentDamaged):
            await store.load(service.db, service.workers, document_id)


async def test_an_older_version_may_fold_what_has_a_checksum(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        document_id = await written(service, database, "one ", "two")
        await store.fold(service.db, service.workers, document_id)
        state = await store.find_state(service.db, service.workers, document_id)
        assert state is not None
        async with owning(database) as owner:
            row = typed("x")[0]
            await owner.execute("SELECT app.append_updates(ARRAY[$1::uuid], ARRAY[$2::bytea])", document_id, row)
            other = state.update + b""
            await owner.execute("SELECT app.compact_document($1, 2, 3, $2, '\\x00')", document_id, other)
        assert (await store.load(service.db, service.workers, document_id)).stored.seq == 3


async def test_the_logs_of_others_are_folded_though_one_cannot_be(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        damaged = await written(service, database, *map(str, range(9)))
        sound = await written(service, database, "one ", "two")
        async with owning(database) as owner:
            await owner.execute(ROW, damaged)
            leftovers = Leftovers(service.db, service.workers, lambda document_id: False)
            await leftovers.fold(1000.0)
            text = "SELECT content FROM documents WHERE id = $1"
            assert await owner.fetchval(text, sound) == "one two"
            backlog = "SELECT count(*) FROM app.compaction_backlog() WHERE document_id = $1"
            assert await owner.fetchval(backlog, damaged) == 1
            # It is tried again after a minute, then after two; not in every round.
            await owner.execute("DELETE FROM damaged_documents")
            for moment, tried in ((1059.0, False), (1061.0, True), (1180.0, False), (1182.0, True)):
                await leftovers.fold(moment)
                noted = await owner.execute("DELETE FROM damaged_documents WHERE document_id = $1", damaged)
                assert noted == f"DELETE {int(tried)}", moment


async def test_who_cannot_read_what_another_server_committed_is_told_that_the_document_is_damaged(
    database: databases.Database,
) -> None:
    exchange: set[LocalBus] = set()
    async with node(database.login_dsn, LocalBus(exchange)) as service:
        document_id = await written(service, database, "one ")
        client = await joined(service, document_id)
        assert client.content == "one "
        async with owning(database) as owner:
            await owner.execute("SELECT app.append_updates(ARRAY[$1::uuid], '{nonsense}')", document_id)
            await service.replication.refresh(client.document)
            await until(lambda: session_of(client.member).ended is not None, "the end of its sockets")
        ended = session_of(client.member).ended
        assert ended is not None and ended.code == "damaged_document"


async def test_large_documents_are_compared_in_a_thread_with_the_same_verdict() -> None:
    payload = bytes(checksums.THREAD_BYTES)
    right = checksums.compute_row_checksum(payload)
    for checksum, verdict in ((right, None), (right ^ 1, "row 5 of its log does not match its checksum"), (None, None)):
        found = await checksums.find_damage(None, None, None, first=5, head=5, payloads=[payload], checksums=[checksum])
        assert found == verdict


async def test_a_note_is_news_once(database: databases.Database) -> None:
    document_id = await new_document(database)
    async with node(database.login_dsn, LocalBus()) as service, service.db.as_service() as conn:
        assert await damage_queries.save_damage(conn, document_id, "a")
        assert not await damage_queries.save_damage(conn, document_id, "a")
        assert await damage_queries.save_damage(conn, document_id, "b")
        listed = await damage_queries.list_damage(conn, 10)
        assert [one.reason for one in listed if one.document_id == document_id] == ["b"]
        before = await damage_queries.count_damage(conn)
        await damage_queries.delete_damage(conn, document_id)
        assert await damage_queries.count_damage(conn) == before - 1
