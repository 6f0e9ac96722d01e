"""Which documents are folded at the same time, and what becomes of folds when the process stops."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from collab_server.adapters.bus import LocalBus
from collab_server.features.document_log import log_queries, store
from collab_server.realtime.documents import compactor
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
