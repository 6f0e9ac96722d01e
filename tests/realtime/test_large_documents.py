"""Large documents are compared in a worker: with state vectors of clients who come back, and with their deletes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pycrdt import Doc, Text

from collab_server.access.identity import GUEST
from collab_server.adapters.bus import LocalBus
from collab_server.adapters.websocket.token_bucket import TokenBucket
from collab_server.core.protocol.messages import SyncStep1, SyncStep2
from collab_server.core.room.room import SPLIT_BYTES
from collab_server.core.yjs import delete_set, updates
from collab_server.realtime.documents.document_connection import DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.message_handler import handle_message
from tests import databases
from tests.cluster.test_lossy_bus import new_document, node
from tests.core.test_room import text_of
from tests.realtime.document_harness import ListSession, updates_to

BUDGET = TokenBucket(1000, 10_000)


def large() -> tuple[Doc[Text], bytes, bytes]:
    """(the document, all of it, the state vector of its first half)"""
    doc: Doc[Text] = Doc(client_id=7)
    text = doc.get("content", type=Text)
    half = b""
    for number in range(400):
        if number == 200:
            half = doc.get_state()
        text.insert(0, f"{number:04d}" + "x" * 996)
    del text[10:20]
    return doc, doc.get_update(), half


async def asked(service: RealtimeService) -> None:
    """A worker has been asked, and has not answered yet."""
    async with asyncio.timeout(30):
        while not service.loader._preparing.running:  # noqa: ASYNC110 - no pause: the worker is quick
            await asyncio.sleep(0)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[RealtimeService, LiveDocument, DocumentConnection, Doc[Text], bytes]]:
    """A member of a large document that is at rest in PostgreSQL and loaded again."""
    doc, whole, half = large()
    assert len(whole) > SPLIT_BYTES
    async with databases.migrated("18") as database, node(database.login_dsn, LocalBus()) as service:
        document_id = await new_document(database)
        session = ListSession()
        document, member = await service.hub.join(session, GUEST, document_id, address=None, can_edit=True, device=None)
        member.ready = True
        document.receive_content(member, whole, updates.validate(whole), is_answer=False)
        await service.hub.flush_to_storage(document_id)
        document.evict()
        await service.loader.load(document)
        yield service, document, member, doc, half


async def test_who_lacks_a_part_gets_it_from_a_worker_and_the_next_from_memory() -> None:
    async with opened() as (service, document, member, doc, half):
        room = document.room
        assert room.undiffed(half) is not None
        assert room.undiffed(b"\0") is None
        before = len(updates_to(member))
        pending = handle_message(service, document, member, SyncStep1(half), BUDGET, with_step1=False)
        assert pending is not None
        await pending
        (answer,) = updates_to(member)[before:]
        assert answer == updates.diff(doc.get_update(), half)
        assert handle_message(service, document, member, SyncStep1(half), BUDGET, with_step1=False) is None
        assert updates_to(member)[before:] == [answer, answer]


async def test_what_is_edited_while_a_worker_compares_is_in_the_answer() -> None:
    async with opened() as (service, document, member, doc, half):
        preparing = asyncio.create_task(service.loader.prepare_answer(document, half))
        await asked(service)
        text = doc.get("content", type=Text)
        known = doc.get_state()
        text += "the end"
        update = doc.get_update(known)
        document.receive_content(member, update, updates.validate(update), is_answer=False)
        await preparing
        assert document.room.undiffed(half) is None
        parts = document.room.answer(half)
        assert text_of(updates.merge([doc.get_update(), *parts])) == str(text)
        assert b"the end" in b"".join(parts)


async def test_an_answer_whose_deletes_are_known_is_not_news() -> None:
    async with opened() as (service, document, member, doc, _):
        room = document.room
        answer = doc.get_update(doc.get_state())
        summary = updates.validate(answer)
        assert summary.deletes
        assert not summary.structs
        rows = service.counts.rows_committed
        pending = handle_message(service, document, member, SyncStep2(answer), BUDGET, with_step1=False)
        assert pending is not None
        await pending
        await service.group_commit.wait_committed(document)
        assert service.counts.rows_committed == rows
        assert handle_message(service, document, member, SyncStep2(answer), BUDGET, with_step1=False) is None
        assert room.unread_deletes(summary) is None


async def test_what_is_deleted_while_a_worker_reads_the_deletes_is_known_afterwards() -> None:
    async with opened() as (service, document, member, doc, _):
        room = document.room
        summary = updates.validate(doc.get_update(doc.get_state()))
        preparing = asyncio.create_task(service.loader.prepare_comparison(document, summary))
        await asked(service)
        known = doc.get_state()
        del doc.get("content", type=Text)[100:110]
        update = doc.get_update(known)
        document.receive_content(member, update, updates.validate(update), is_answer=False)
        await preparing
        assert room.is_known(updates.validate(doc.get_update(doc.get_state())), compare_deletes=True)


async def test_deletes_that_were_read_of_bytes_let_go_are_not_kept() -> None:
    async with opened() as (service, document, _, doc, _):
        room = document.room
        summary = updates.validate(doc.get_update(doc.get_state()))
        parts = room.unread_deletes(summary)
        assert parts is not None
        document.evict()
        room.deletes_read(delete_set.merge_deletes(parts))
        await service.loader.load(document)
        assert room.unread_deletes(summary) is not None
