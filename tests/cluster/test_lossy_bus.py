"""Two nodes in one process on a bus that drops, doubles, delays and swaps every second message."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pycrdt import Doc, Text
from pydantic import SecretStr

from collab_server.access.identity import GUEST
from collab_server.adapters.bus import LocalBus
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.yjs.updates import validate
from collab_server.features.document_log import store
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents import compactor
from collab_server.realtime.documents.document_connection import DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.service import RealtimeService
from collab_server.settings import Settings
from tests import databases
from tests.cluster.wired import KEY
from tests.peers import awareness_payload
from tests.realtime.document_harness import ListSession, session_of, updates_to
from tests.seeds import choose_seed
from tests.waiting import until


class FaultyBus(LocalBus):
    """`rng` None: sound."""

    def __init__(self, exchange: set[LocalBus], rng: random.Random) -> None:
        super().__init__(exchange)
        self.rng: random.Random | None = rng

    def publish(self, channel: str, message: bytes) -> None:
        rng = self.rng
        if rng is None or rng.random() < 0.5:
            super().publish(channel, message)
            return
        fault = rng.choice(("drop", "double", "delay", "swap"))
        if fault == "double":
            super().publish(channel, message)
            super().publish(channel, message)
        elif fault != "drop":
            seconds = rng.uniform(0.0, 0.01 if fault == "swap" else 0.3)
            asyncio.get_running_loop().call_later(seconds, super().publish, channel, message)


class Client:
    """A member of a service's document with a Doc of its own."""

    def __init__(self, service: RealtimeService, document: LiveDocument, member: DocumentConnection) -> None:
        self.service, self.document, self.member = service, document, member
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("content", type=Text)
        self.taken = 0
        member.ready = True
        document.answer_sync(member, b"\0", with_step1=False)

    def leave(self) -> None:
        self.service.hub.leave(self.document, self.member)

    def hear(self) -> None:
        found = updates_to(self.member)
        for update in found[self.taken :]:
            self.doc.apply_update(update)
        self.taken = len(found)

    def type(self, text: str, index: int) -> None:
        self.hear()
        before = self.doc.get_state()
        self.text.insert(min(index, len(self.text)), text)
        update = self.doc.get_update(before)
        self.document.receive_content(self.member, update, validate(update), is_answer=False)

    @property
    def content(self) -> str:
        self.hear()
        return str(self.text)


@asynccontextmanager
async def node(dsn: str, bus: LocalBus, **changes: object) -> AsyncIterator[RealtimeService]:
    """The real-time part of a server without its endpoints. `changes`: settings, also beyond the limits of the command
    line.
    """
    db, workers = Database(dsn), Workers(1)
    await db.open()
    settings = Settings(_env_file=None, secret_key=SecretStr(KEY)).model_copy(update=changes)  # type: ignore[call-arg]
    service = RealtimeService(settings, db, workers, Counts(), bus)
    tasks = [
        asyncio.create_task(run())
        for run in (
            service.group_commit.run,
            service.sweep,
            service.replication.run,
            service.upkeep.run,
            service.readers.run,
        )
    ]
    try:
        yield service
    finally:
        await service.drain(5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await workers.close()
        await db.close()


async def joined(service: RealtimeService, document_id: UUID) -> Client:
    session = ListSession()
    document, member = await service.hub.join(session, GUEST, document_id, address=None, can_edit=True, device=None)
    return Client(service, document, member)


async def new_document(database: databases.Database) -> UUID:
    owner = await asyncpg.connect(database.owner_dsn)
    made: UUID = await owner.fetchval(
        "INSERT INTO documents (workspace_id, title) SELECT id, 'a plan' FROM workspaces RETURNING id"
    )
    await owner.close()
    return made


async def test_every_second_message_lost_doubled_late_or_swapped_costs_time_only() -> None:
    seed = choose_seed()
    rng = random.Random(seed)
    exchange: set[LocalBus] = set()
    buses = [FaultyBus(exchange, rng) for _ in range(2)]
    async with databases.migrated("18") as database:
        document_id = await new_document(database)
        async with node(database.login_dsn, buses[0]) as one, node(database.login_dsn, buses[1]) as other:
            clients = [await joined(service, document_id) for service in (one, other, one, other)]
            for number in range(200):
                client = rng.choice(clients)
                client.type(f"<{number}>", rng.randint(0, 1000))
                if rng.random() < 0.3:
                    entry = (clients.index(client), number, json.dumps({"at": number}))
                    client.document.receive_awareness(client.member, awareness_payload([entry]))
                await asyncio.sleep(rng.random() * 0.02)
            await until(lambda: len({c.content for c in clients}) == 1, "the same text everywhere", 15)
            assert len(clients[0].content) == sum(len(f"<{number}>") for number in range(200))
            leaver = clients.pop()
            leaver.leave()
            assert session_of(leaver.member).ended is None

            def nobody_else() -> bool:
                return all(
                    {client for client, _ in hub_document.presence.states()} <= {0, 1, 2}
                    for hub_document in (clients[0].document, clients[1].document)
                )

            await until(nobody_else, "no ghost", 15)
            for client in clients:
                client.leave()


async def test_a_node_that_only_listens_lets_go_of_the_log_as_well() -> None:
    """Else it would hold all that others write, until nobody writes any more."""
    exchange: set[LocalBus] = set()
    busy = {"fold_updates": 10, "fold_seconds": 1000, "room_idle_seconds": 1000}
    async with databases.migrated("18") as database:
        document_id = await new_document(database)
        async with (
            node(database.login_dsn, LocalBus(exchange), **busy) as writing,
            node(database.login_dsn, LocalBus(exchange), **busy) as listening,
        ):
            writer, listener = await joined(writing, document_id), await joined(listening, document_id)
            for number in range(100):
                writer.type(f"<{number}>", 0)
                await writer.document.next_commit()
            await until(lambda: listener.content == writer.content, "the same text")
            rooms = [client.document.room for client in (writer, listener)]
            await until(lambda: all(room.log_rows < 25 for room in rooms), "the log to be let go of")
            assert listener.content == writer.content
            for client in (writer, listener):
                client.leave()


async def test_what_is_written_while_a_fold_runs_is_folded_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = asyncio.Event()
    fold = store.fold

    async def slow_fold(*given: Any) -> Any:
        stored = await fold(*given)
        await may_end.wait()
        return stored

    monkeypatch.setattr(store, "fold", slow_fold)
    monkeypatch.setattr(compactor, "SMALL_BYTES", -1)
    async with databases.migrated("18") as database:
        document_id = await new_document(database)
        bus, busy = LocalBus(set()), {"fold_updates": 10, "fold_seconds": 1000, "room_idle_seconds": 1000}
        async with node(database.login_dsn, bus, **busy) as service:
            writer = await joined(service, document_id)
            room = writer.document.room
            for number in range(60):
                writer.type(f"<{number}>", 0)
                await writer.document.next_commit()
            assert room.log_rows > 2 * 10
            may_end.set()
            await until(lambda: room.log_rows < 2 * 10, "the log to be folded again")
            writer.leave()
