"""Commits that fail in real PostgreSQL: which edits are retried, which wait alone, and what clients are told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest

from collab_server.adapters.bus import LocalBus
from collab_server.core.room.entries import Entry
from collab_server.features.document_log.log_queries import LogRow
from collab_server.realtime.documents import batch_writer
from collab_server.realtime.documents.batch_writer import Batch, BatchWriter
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.documents.log_rows import rows_of
from tests import databases
from tests.cluster.test_lossy_bus import Client, node
from tests.cluster.wires import Wire
from tests.realtime.document_harness import session_of
from tests.realtime.test_blocked import clients, stored, text_in
from tests.waiting import until

TRIGGER = """
CREATE SEQUENCE failures; CREATE SEQUENCE refusals;
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$ BEGIN {body} RETURN NEW; END $f$;
CREATE TRIGGER spoil BEFORE INSERT ON document_updates FOR EACH {each} EXECUTE FUNCTION spoil();
"""
"""A sequence counts on although the transaction fails."""
REPAIR = """
DROP TRIGGER IF EXISTS spoil ON document_updates; DROP FUNCTION IF EXISTS spoil;
DROP SEQUENCE IF EXISTS failures; DROP SEQUENCE IF EXISTS refusals;
"""
FAILURES = 3
PASSING = {
    "serialization failure": "RAISE serialization_failure;",
    "disk full": "RAISE disk_full;",
    "demoted to a standby": "RAISE read_only_sql_transaction;",
    "deadlock": "RAISE deadlock_detected;",
    "statement timeout": "RAISE query_canceled;",
    "killed session": "PERFORM pg_terminate_backend(pg_backend_pid());",
}


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as database:
        yield database


@asynccontextmanager
async def spoiled(database: databases.Database, body: str, *, each: str = "STATEMENT") -> AsyncIterator[None]:
    """Appends to the log run `body` (PL/pgSQL) first."""
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute(TRIGGER.format(body=body, each=each))
        yield
    finally:
        await owner.execute(REPAIR)
        await owner.close()


async def count(database: databases.Database, sequence: str) -> int:
    """How many times the sequence was taken from."""
    owner = await asyncpg.connect(database.owner_dsn)
    taken: int = await owner.fetchval(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
    await owner.close()
    return taken


async def log_rows(database: databases.Database, client: Client) -> list[int]:
    """The numbers of the document's rows in the log."""
    owner = await asyncpg.connect(database.owner_dsn)
    found = await owner.fetch(
        "SELECT seq FROM document_updates WHERE document_id = $1 ORDER BY seq", client.document.id
    )
    await owner.close()
    return [row["seq"] for row in found]


def acknowledged(client: Client) -> int:
    return session_of(client.member).acknowledged


@pytest.mark.parametrize("kind", PASSING)
async def test_a_commit_that_fails_for_a_while_is_retried_until_all_is_stored_once(
    database: databases.Database, kind: str
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        some = await clients(service, database, 3)
        async with spoiled(database, f"IF nextval('failures') <= {FAILURES} THEN {PASSING[kind]} END IF;"):
            for client in some:
                client.type("1", 1000)
            await until(lambda: service.counts.commit_failures > 0, "a failed commit")
            for client in some:
                client.type("2", 1000)
            await stored(*some)
            assert await count(database, "failures") > FAILURES
            await service.group_commit.wait_flushed()
        assert service.group_commit.unsaved_bytes == 0 and not service.group_commit.overloaded
        assert service.group_commit.failing_since is None
        for client in some:
            assert acknowledged(client) == 3
            assert session_of(client.member).ended is None
            rows = await log_rows(database, client)
            assert rows == list(range(1, len(rows) + 1))
    for client in some:
        assert await text_in(database, client) == "begin 12"


async def test_nothing_is_acknowledged_before_the_retry_succeeds(database: databases.Database) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        some = await clients(service, database, 2)
        async with spoiled(database, "PERFORM nextval('failures'); RAISE serialization_failure;"):
            for client in some:
                client.type("x", 1000)
            for attempts in (1, 2, 3):
                await until(lambda least=attempts: _at_least(database, least), "another attempt")  # type: ignore[misc]
                assert [acknowledged(client) for client in some] == [1, 1]
                assert not any(client.document.room.saved for client in some)
        await stored(*some)
        assert [acknowledged(client) for client in some] == [2, 2]
    assert await text_in(database, some[1]) == "begin x"


async def _at_least(database: databases.Database, attempts: int) -> bool:
    return await count(database, "failures") >= attempts


async def test_one_refused_document_leaves_its_batch_and_the_others_are_stored_one_by_one(
    database: databases.Database,
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        refused, *others = some = await clients(service, database, 4)
        body = f"IF NEW.document_id = '{refused.document.id}' THEN PERFORM nextval('refusals');"
        async with spoiled(database, body + " RAISE check_violation; END IF;", each="ROW"):
            for client in some:
                client.type("x", 1000)
            await stored(*others)
            assert [acknowledged(client) for client in some] == [1, 2, 2, 2]
            assert [await log_rows(database, client) for client in some] == [[1], [1, 2], [1, 2], [1, 2]]
            assert service.group_commit.failing_since is None
            # The document is tried again by itself, and only its own edits are attempted.
            refusals = await count(database, "refusals")
            others[0].type("y", 1000)
            await stored(others[0])
            await until(lambda: _refused_again(database, refusals), "another attempt of the refused document")
            refused.type("y", 1000)
        await stored(refused)
        assert acknowledged(refused) == 3
    assert await text_in(database, refused) == "begin xy"
    assert await text_in(database, others[0]) == "begin xy"


async def _refused_again(database: databases.Database, before: int) -> bool:
    return await count(database, "refusals") > before


@pytest.mark.parametrize("kind", ["serialization failure", "killed session"])
async def test_one_by_one_ends_where_the_database_fails_and_the_rest_is_retried(
    database: databases.Database, kind: str
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        refused, before, failing, after = some = await clients(service, database, 4)
        # The failure waits for the second refusal, so that it meets a document that is committed by itself.
        body = f"""
        IF NEW.document_id = '{refused.document.id}' THEN
          PERFORM nextval('refusals'); RAISE check_violation;
        ELSIF NEW.document_id = '{failing.document.id}' AND (SELECT last_value FROM refusals) > 1 THEN
          IF nextval('failures') = 1 THEN {PASSING[kind]} END IF;
        END IF;
        """
        async with spoiled(database, body, each="ROW"):
            for client in some:
                client.type("x", 1000)
            await stored(before, failing, after)
            assert await count(database, "failures") > 1
            assert [acknowledged(client) for client in some] == [1, 2, 2, 2]
        await stored(refused)
        await service.group_commit.wait_flushed()
        assert service.group_commit.unsaved_bytes == 0 and service.group_commit.failing_since is None
        for client in some:
            assert await log_rows(database, client) == [1, 2]
    for client in some:
        assert await text_in(database, client) == "begin x"


class DeafWire(Wire):
    """Loses the target's answers while `deaf`; `lost` counts their bytes."""

    deaf = False
    lost = 0

    async def _back(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65_536):
            if self.deaf:
                self.lost += len(octets)
            else:
                await self._write(near, octets)


async def test_edits_whose_commit_succeeded_unheard_are_appended_again_and_acknowledged_once(
    database: databases.Database,
) -> None:
    parts = urlsplit(database.login_dsn)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    async with DeafWire(lambda: asyncio.open_unix_connection(socket)) as wire:
        dsn = f"postgresql://{parts.username}@127.0.0.1:{wire.port}{parts.path}?sslmode=disable"
        async with node(dsn, LocalBus()) as service:
            [client] = await clients(service, database, 1)
            wire.deaf = True
            client.type("x", 1000)
            await until(lambda: wire.lost > 0, "an answer that is lost")

            async def committed() -> bool:
                return await log_rows(database, client) == [1, 2]

            await until(committed, "the commit")
            assert acknowledged(client) == 1
            wire.deaf = False
            wire.cut()
            client.type("y", 1000)
            await stored(client)
            assert acknowledged(client) == 3
            assert len(await log_rows(database, client)) > 2
            assert service.group_commit.unsaved_bytes == 0
    assert await text_in(database, client) == "begin xy"


async def test_a_fault_in_a_callback_holds_back_no_other_document(
    database: databases.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        faulty, *others = some = await clients(service, database, 3)
        publish = service.replication.publish_commit
        faults = 0

        def publish_or_fail(document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
            nonlocal faults
            if document is faulty.document:
                faults += 1
                raise ValueError("a fault of this server")
            publish(document, payloads, head)

        monkeypatch.setattr(service.replication, "publish_commit", publish_or_fail)
        for client in some:
            client.type("x", 1000)
        await until(lambda: faults > 0, "the fault")
        await stored(*some)
        assert [acknowledged(client) for client in some] == [2, 2, 2]
        assert service.group_commit.failing_since is None and service.group_commit.unsaved_bytes == 0
        for client in some:
            assert await log_rows(database, client) == [1, 2]
        # Further edits are stored although the callback fails each time.
        for client in some:
            client.type("y", 1000)
        await stored(*some)
        await service.group_commit.wait_flushed()
    assert [await text_in(database, client) for client in (faulty, others[0])] == ["begin xy"] * 2


async def test_edits_that_cannot_be_made_into_rows_wait_alone(
    database: databases.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        faulty, *others = some = await clients(service, database, 3)

        def make_rows_or_fail(document_id: UUID, entries: list[Entry], generation: int | None) -> list[LogRow]:
            if document_id == faulty.document.id:
                raise ValueError("a fault of this server")
            return rows_of(document_id, entries, generation)

        with monkeypatch.context() as patched:
            patched.setattr(batch_writer, "rows_of", make_rows_or_fail)
            for client in some:
                client.type("x", 1000)
            await stored(*others)
            assert [acknowledged(client) for client in some] == [1, 2, 2]
            assert faulty.document.id in service.group_commit.blocked
        await stored(faulty)
        await service.group_commit.wait_flushed()
        assert service.group_commit.unsaved_bytes == 0
    assert await text_in(database, faulty) == "begin x"


async def test_all_documents_are_scheduled_again_after_a_fault_of_the_commit_itself(
    database: databases.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node(database.login_dsn, LocalBus()) as service:
        some = await clients(service, database, 3)
        write = BatchWriter.write
        faults = 0

        async def fail_once(writer: BatchWriter, batch: Batch, *, wait: bool) -> bool:
            nonlocal faults
            faults += 1
            if faults == 1:
                raise ValueError("a fault of this server")
            return await write(writer, batch, wait=wait)

        monkeypatch.setattr(BatchWriter, "write", fail_once)
        for client in some:
            client.type("x", 1000)
        await until(lambda: faults > 0, "the fault")
        await service.group_commit.wait_flushed()
        assert all(client.document.room.saved for client in some)
        assert [acknowledged(client) for client in some] == [2, 2, 2]
        assert service.group_commit.failing_since is None and service.group_commit.unsaved_bytes == 0
    assert await text_in(database, some[2]) == "begin x"
