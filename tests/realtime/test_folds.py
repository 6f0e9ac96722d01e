"""Which documents are folded at the same time, and what becomes of folds when the process stops."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from collab_server.adapters.bus import LocalBus
from collab_server.errors import Unavailable
from collab_server.features.document_log import fold_queries, log_queries, store
from collab_server.realtime.documents import compactor
from collab_server.realtime.documents.leftovers import Ages, Leftovers
from tests import databases
from tests.cluster.test_lossy_bus import joined, new_document, node
from tests.waiting import until


async def test_documents_that_fold_slowly_leave_a_slot_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    slow: set[UUID] = set()
    running: set[UUID] = set()
    may_end = asyncio.Event()
    fold = store.fold

    async def gated(db: Any, workers: Any, document_id: UUID) -> Any:
        if document_id in slow:
            running.add(document_id)
            await may_end.wait()
        return await fold(db, workers, document_id)

    monkeypatch.setattr(store, "fold", gated)
    monkeypatch.setattr(compactor, "SMALL_BYTES", -1)
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus(), worker_processes=2) as service,
    ):
        first, second, quick = [await joined(service, await new_document(database)) for _ in range(3)]

        async def type_and_fold(*clients: Any) -> list[asyncio.Task[None]]:
            for client in clients:
                client.type("x", 0)
                await client.document.next_commit()
            return [
                task for c in clients if (task := service.compactor.fold_soon(c.document, at_once=True)) is not None
            ]

        monkeypatch.setattr(compactor, "SLOW_SECONDS", 0.0)
        await asyncio.wait(await type_and_fold(first, second))
        monkeypatch.setattr(compactor, "SLOW_SECONDS", 1000.0)
        slow |= {first.document.id, second.document.id}
        waiting = await type_and_fold(first, second)
        await until(lambda: bool(running), "a fold that does not end")
        await asyncio.wait_for(asyncio.wait(await type_and_fold(quick)), 30)
        assert quick.document.room.log_rows == 0
        assert len(running) == 1 and not any(task.done() for task in waiting)
        may_end.set()
        await asyncio.wait(waiting)
        assert first.document.room.log_rows == second.document.room.log_rows == 0
        for client in (first, second, quick):
            client.leave()


async def test_folds_end_before_the_process_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: set[UUID] = set()
    never = asyncio.Event()

    async def gated(db: Any, workers: Any, document_id: UUID) -> Any:
        begun.add(document_id)
        await never.wait()

    monkeypatch.setattr(compactor, "SMALL_BYTES", -1)
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus(), worker_processes=1) as service,
    ):
        clients = [await joined(service, await new_document(database)) for _ in range(3)]
        for client in clients:
            client.type("x", 0)
            await client.document.next_commit()
        fold = store.fold
        monkeypatch.setattr(store, "fold", gated)
        tasks = [service.compactor.fold_soon(client.document, at_once=True) for client in clients[:2]]
        await until(lambda: bool(begun), "a fold that does not end")
        assert await service.compactor.end(0.0) == 2
        assert all(task is not None and task.cancelled() for task in tasks)
        assert len(begun) == 1
        assert service.compactor.fold_soon(clients[2].document, at_once=True) is None
        assert [client.document.room.log_rows for client in clients] == [1, 1, 1]
        assert not [record for record in caplog.records if "fold" in record.message]
        # A request that is still answered gets what was committed.
        monkeypatch.setattr(store, "fold", fold)
        asked = clients[0].document.id
        await service.hub.flush_to_storage(asked)
        async with service.db.as_service() as conn:
            assert (await log_queries.find_stored_text(conn, asked))[0] == "x"
        for client in clients:
            client.leave()


async def test_small_documents_are_folded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[UUID] = []
    fold = store.fold

    async def noting(db: Any, workers: Any, document_id: UUID) -> Any:
        alone.append(document_id)
        return await fold(db, workers, document_id)

    monkeypatch.setattr(store, "fold", noting)
    monkeypatch.setattr(store, "LOCKED_SECONDS", 0.0)
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus()) as service,
    ):
        clients = [await joined(service, await new_document(database)) for _ in range(5)]
        owner = await asyncpg.connect(database.owner_dsn)
        for number, client in enumerate(clients):
            client.type(f"# Number {number}\n", 0)
        await service.group_commit.wait_flushed()
        locked, damaged = clients[2].document.id, clients[3].document.id
        await owner.execute("UPDATE documents SET title_is_set = false")
        await owner.execute("UPDATE document_updates SET checksum = 1 WHERE document_id = $1", damaged)
        async with owner.transaction():
            await owner.execute("SELECT FROM documents WHERE id = $1 FOR UPDATE", locked)
            tasks = [service.compactor.fold_soon(client.document) for client in clients]
            await asyncio.gather(*[task for task in tasks if task is not None])
        assert set(alone) == {locked, damaged}, "those that are special, and no other"
        assert [client.document.room.log_rows for client in clients] == [0, 0, 1, 1, 0]
        async with service.db.as_service() as conn:
            for number in (0, 1, 4):
                row = await conn.fetchrow(
                    "SELECT title, content FROM documents WHERE id = $1", clients[number].document.id
                )
                assert row is not None and tuple(row) == (f"Number {number}", f"# Number {number}\n")
        # A second fold joins the segment of the first.
        clients[0].type("more", 100)
        await service.group_commit.wait_flushed()
        task = service.compactor.fold_soon(clients[0].document)
        assert task is not None
        await task
        rows = await owner.fetch(
            "SELECT first_seq, last_seq, row_count FROM history_segments WHERE document_id = $1", clients[0].document.id
        )
        assert [tuple(row) for row in rows] == [(1, 2, 2)]
        await owner.close()


async def test_a_request_waits_for_the_fold_of_a_document_that_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0
    fold_rows = fold_queries.fold_rows

    async def counting(*given: Any, **named: Any) -> bool:
        nonlocal attempts
        attempts += 1
        return await fold_rows(*given, **named)

    monkeypatch.setattr(fold_queries, "fold_rows", counting)
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus()) as service,
    ):
        client = await joined(service, await new_document(database))
        owner = await asyncpg.connect(database.owner_dsn)
        locking = "SELECT FROM documents WHERE id = $1 FOR UPDATE"
        stored = "SELECT content FROM documents WHERE id = $1"
        client.type("first", 0)
        await service.group_commit.wait_flushed()
        async with owner.transaction():
            await owner.execute(locking, client.document.id)
            request = asyncio.create_task(service.hub.flush_to_storage(client.document.id))
            await until(lambda: attempts > 1, "another attempt")
            assert not request.done()
        await request
        assert await owner.fetchval(stored, client.document.id) == "first"
        # The content that is stored is not given out as the present one.
        monkeypatch.setattr(store, "LOCKED_SECONDS", 0.0)
        client.type("second", 0)
        await service.group_commit.wait_flushed()
        async with owner.transaction():
            await owner.execute(locking, client.document.id)
            with pytest.raises(Unavailable):
                await service.hub.flush_to_storage(client.document.id)
        await service.hub.flush_to_storage(client.document.id)
        assert await owner.fetchval(stored, client.document.id) == "secondfirst"
        await owner.close()


async def test_logs_of_servers_that_died_are_folded_and_those_of_living_ones_are_left() -> None:
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus()) as service,
    ):
        clients = [await joined(service, await new_document(database)) for _ in range(3)]
        for client in clients:
            client.type("x", 0)
        await service.group_commit.wait_flushed()
        owner = await asyncpg.connect(database.owner_dsn)
        old = clients[0].document.id
        await owner.execute(
            "UPDATE document_updates SET created_at = now() - interval '10 minutes' WHERE document_id = $1", old
        )
        unfolded = "SELECT document_id FROM app.compaction_backlog()"
        living = {client.document.id for client in clients[1:]}
        await Leftovers(service.db, service.workers, lambda _: False, ages=Ages(360, 360)).fold(0.0)
        assert {row[0] for row in await owner.fetch(unfolded)} == living
        is_open = {clients[1].document.id}
        await Leftovers(service.db, service.workers, is_open.__contains__).fold(0.0)
        assert {row[0] for row in await owner.fetch(unfolded)} == is_open
        await owner.close()


async def test_a_cluster_is_told_of_the_last_edits_of_a_server_that_died_before_they_are_folded() -> None:
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus(), room_idle_seconds=3600) as service,
    ):
        client = await joined(service, await new_document(database))
        owner = await asyncpg.connect(database.owner_dsn)
        entries = "SELECT count(*) FROM sync_log WHERE entity_id = $1"
        before = await owner.fetchval(entries, client.document.id)
        for _ in range(2):
            client.type("x", 0)
            await service.group_commit.wait_committed(client.document)
        leftovers = Leftovers(service.db, service.workers, lambda _: False, ages=Ages(30, 360))
        await leftovers.fold(0.0)
        assert await owner.fetchval(entries, client.document.id) == before + 1, "its server may live"
        await owner.execute("UPDATE document_updates SET created_at = now() - interval '1 minute'")
        for _ in range(2):
            await leftovers.fold(0.0)
            assert await owner.fetchval(entries, client.document.id) == before + 2
        assert client.document.room.log_rows == 2
        assert await owner.fetchval("SELECT count(*) FROM app.compaction_backlog()") == 1
        await owner.close()


async def test_a_fault_after_the_fold_of_one_document_does_not_hold_up_the_others() -> None:
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus()) as service,
    ):
        clients = [await joined(service, await new_document(database)) for _ in range(2)]
        for client in clients:
            client.type("x", 0)
        await service.group_commit.wait_flushed()

        def fail() -> None:
            raise ValueError("a fault")

        clients[0].document.forget_answers = fail  # type: ignore[method-assign]
        tasks = [service.compactor.fold_soon(client.document) for client in clients]
        await asyncio.wait_for(asyncio.gather(*[task for task in tasks if task is not None]), 60)
        assert [client.document.room.log_rows for client in clients] == [0, 0]
        assert not any(service.compactor.is_busy(client.document.id) for client in clients)
        del clients[0].document.forget_answers
