"""Large documents are compared in a worker: with state vectors of clients who come back, and with their deletes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pycrdt import Doc, Text

from collab_server.access.identity import GUEST
from collab_server.backends.bus import LocalBus
from collab_server.crdt import updates
from collab_server.crdt.messages import SyncStep1, SyncStep2
from collab_server.crdt.room import SPLIT_BYTES
from collab_server.realtime.hub import Hub
from collab_server.realtime.member import Member
from collab_server.realtime.preparing import prepare_answer, prepare_comparison
from collab_server.realtime.traffic import handle
from collab_server.transport.token_bucket import TokenBucket
from tests import databases
from tests.cluster.test_lossy_bus import new_document, node
from tests.crdt.test_room import text_of
from tests.realtime.desk import ListSession, updates_to

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


async def asked(hub: Hub) -> None:
    """A worker has been asked, and has not answered yet."""
    async with asyncio.timeout(30):
        while not hub.preparing.running:  # noqa: ASYNC110 - no pause: the worker is quick
            await asyncio.sleep(0)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Hub, Member, Doc[Text], bytes]]:
    """A member of a large document that is at rest in PostgreSQL and loaded again."""
    doc, whole, half = large()
    assert len(whole) > SPLIT_BYTES
    async with databases.migrated("18") as database, node(database.login_dsn, LocalBus()) as hub:
        document_id = await new_document(database)
        member = await hub.join(ListSession(), GUEST, document_id, address=None, can_edit=True, device=None)
        member.ready = True
        member.document.content(member, whole, updates.validate(whole), is_answer=False)
        await hub.settle(document_id)
        member.document.release()
        await hub.load(member.document)
        yield hub, member, doc, half


async def test_who_lacks_a_part_gets_it_from_a_worker_and_the_next_from_memory() -> None:
    async with opened() as (hub, member, doc, half):
        room = member.document.room
        assert room.undiffed(half) is not None
        assert room.undiffed(b"\0") is None
        before = len(updates_to(member))
        pending = handle(hub, member, SyncStep1(half), BUDGET, step1_back=False)
        assert pending is not None
        await pending
        (answer,) = updates_to(member)[before:]
        assert answer == updates.diff(doc.get_update(), half)
        assert handle(hub, member, SyncStep1(half), BUDGET, step1_back=False) is None
        assert updates_to(member)[before:] == [answer, answer]


async def test_what_is_edited_while_a_worker_compares_is_in_the_answer() -> None:
    async with opened() as (hub, member, doc, half):
        preparing = asyncio.create_task(prepare_answer(hub, member.document, half))
        await asked(hub)
        text = doc.get("content", type=Text)
        known = doc.get_state()
        text += "the end"
        update = doc.get_update(known)
        member.document.content(member, update, updates.validate(update), is_answer=False)
        await preparing
        assert member.document.room.undiffed(half) is None
        parts = member.document.room.answer(half)
        assert text_of(updates.merge([doc.get_update(), *parts])) == str(text)
        assert b"the end" in b"".join(parts)


async def test_an_answer_whose_deletes_are_known_is_not_news() -> None:
    async with opened() as (hub, member, doc, _):
        room = member.document.room
        answer = doc.get_update(doc.get_state())
        summary = updates.validate(answer)
        assert summary.deletes
        assert not summary.structs
        rows = hub.counts.rows_committed
        pending = handle(hub, member, SyncStep2(answer), BUDGET, step1_back=False)
        assert pending is not None
        await pending
        await hub.committed(member.document)
        assert hub.counts.rows_committed == rows
        assert handle(hub, member, SyncStep2(answer), BUDGET, step1_back=False) is None
        assert room.unread_deletes(summary) is None


async def test_what_is_deleted_while_a_worker_reads_the_deletes_is_known_afterwards() -> None:
    async with opened() as (hub, member, doc, _):
        room = member.document.room
        summary = updates.validate(doc.get_update(doc.get_state()))
        preparing = asyncio.create_task(prepare_comparison(hub, member.document, summary))
        await asked(hub)
        known = doc.get_state()
        del doc.get("content", type=Text)[100:110]
        update = doc.get_update(known)
        member.document.content(member, update, updates.validate(update), is_answer=False)
        await preparing
        assert room.is_known(updates.validate(doc.get_update(doc.get_state())), compare_deletes=True)


async def test_deletes_that_were_read_of_bytes_let_go_are_not_kept() -> None:
    async with opened() as (hub, member, doc, _):
        room = member.document.room
        summary = updates.validate(doc.get_update(doc.get_state()))
        parts = room.unread_deletes(summary)
        assert parts is not None
        member.document.release()
        room.deletes_read(updates.deletes_of(parts))
        await hub.load(member.document)
        assert room.unread_deletes(summary) is not None
