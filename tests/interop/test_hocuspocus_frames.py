"""The Hocuspocus protocol frame by frame: orders and contents that the stock provider sends only in rare moments."""

from typing import Any

import pytest
from pycrdt import Doc, Text

from tests.interop.raw_hocuspocus import RawHocuspocus
from tests.peers import Peer
from tests.server import Server

EMPTY_UPDATE = b"\x00\x00"
UNDECODABLE = [
    b"\x01\x05\x00",
    b"\xff\xff\xff\xff",
    b"\x01\x01\x07\x00\x1f\x00\x00",
    b"not an update at all",
    b"\x00\x00\x00",
]


def typed(text: str, doc: Doc[Any] | None = None) -> bytes:
    """The update of typing `text`."""
    doc = doc or Doc()
    before = doc.get_state()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update(before)


async def test_a_writer_is_acknowledged_once_for_each_update_and_step2(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    assert await raw.log_in(name) == "read-write"
    doc: Doc[Any] = Doc()
    first, second, third = [typed(text, doc) for text in ("one", "two", "three")]
    for number, update in enumerate((first, first, EMPTY_UPDATE, third, second), start=1):
        raw.update(name, update)
        await raw.hears(name, "SyncStatus", 1, count=number)
    for number, update in enumerate((EMPTY_UPDATE, doc.get_update(), typed("by another")), start=6):
        raw.step2(name, update)
        await raw.hears(name, "SyncStatus", 1, count=number)
    for _ in range(3):
        await raw.answered(name)
    assert raw.statuses(name) == [1] * 8
    assert len(raw.all(name, "Step1")) == len(raw.all(name, "Step2")) == 3
    await raw.close()


async def test_a_reader_gets_status_1_only_for_a_step2_with_nothing_new(server: Server, name: str) -> None:
    writer = await Peer(server, "yws", name).sync()
    writer.insert("what the reader has, too")
    await writer.saved()
    raw = await RawHocuspocus.dial(server)
    assert await raw.log_in(name, await server.connect_token(name, "viewer")) == "readonly"
    known = writer.doc.get_update()
    raw.step2(name, EMPTY_UPDATE)
    raw.step2(name, known)
    await raw.hears(name, "SyncStatus", 1, count=2)
    raw.step2(name, typed("news"))
    raw.update(name, typed("more news"))
    raw.update(name, known)
    await raw.hears(name, "SyncStatus", 0, count=3)
    await raw.answered(name)
    assert raw.statuses(name) == [1, 1, 0, 0, 0]
    assert writer.content == "what the reader has, too"
    reader = await Peer(server, "yws", name).sync()
    assert reader.content == writer.content
    for peer in (writer, reader):
        await peer.close()
    await raw.close()


@pytest.mark.parametrize("update", UNDECODABLE)
@pytest.mark.parametrize("kind", ["update", "step2"])
async def test_an_undecodable_update_is_never_acknowledged_nor_sent_on(
    server: Server, name: str, update: bytes, kind: str
) -> None:
    watcher = await Peer(server, "hocus", name).sync()
    raw = await RawHocuspocus.dial(server)
    await raw.log_in(name)
    await raw.log_in(f"{name}-neighbour")
    getattr(raw, kind)(name, update)
    await raw.until(
        lambda: raw.statuses(name) or raw.all(name, "Close") or raw.socket.ended, "a refusal of the undecodable update"
    )
    assert raw.statuses(name) in ([], [0])
    assert raw.socket.ended is None, "a fault in one document is no reason to end the others"
    await raw.answered(f"{name}-neighbour")
    writer = await Peer(server, "yws", name).sync()
    writer.insert("fine")
    await watcher.until(lambda: watcher.content == "fine")
    await raw.close()
    for peer in (writer, watcher):
        await peer.close()


async def test_a_refused_login_leaves_nothing_behind_for_the_next_one(server: Server, name: str) -> None:
    """What a refused provider still sends (its presence, its Close) belongs to the refused login."""
    raw = await RawHocuspocus.dial(server)
    raw.token(name, "wrong")
    raw.step1(name)
    raw.awareness(name, (4711, 1, "{}"))
    raw.awareness(name, (4711, 1, "null"))
    raw.close_document(name)
    raw.token(name)
    raw.step1(name)
    await raw.hears(name, "Step2")
    # the Close may end the wrong login before its verdict
    assert [heard[0] for heard in raw.all(name, "Authenticated", "Step1", "Step2")] == [
        "Authenticated",
        "Step1",
        "Step2",
    ]
    raw.update(name, typed("still logged in"))
    await raw.hears(name, "SyncStatus", 1)
    after = raw.heard[name][raw.heard[name].index(("Authenticated", "read-write")) :]
    assert "Close" not in [heard[0] for heard in after]
    assert not raw.all(name, "Awareness")
    await raw.close()


async def test_the_stale_close_of_a_refused_login_may_come_after_its_refusal(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    raw.token(name, "wrong")
    await raw.hears(name, "PermissionDenied")
    raw.update(name, typed("into the void"))
    raw.close_document(name)
    await raw.log_in(name)
    await raw.answered(name)
    raw.update(name, typed("heard"))
    await raw.hears(name, "SyncStatus", 1)
    assert raw.statuses(name) == [1]
    reader = await Peer(server, "yws", name).sync()
    assert reader.content == "heard"
    await reader.close()
    await raw.close()


async def test_close_and_token_for_one_address_are_taken_in_order(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    await raw.log_in(name)
    for _ in range(20):
        raw.close_document(name)
        raw.token(name)
        raw.step1(name)
    await raw.hears(name, "Step2")
    raw.update(name, typed("after it all"))
    await raw.hears(name, "SyncStatus", 1)
    assert raw.all(name, "Authenticated", "Close")[-1][0] == "Authenticated"
    reader = await Peer(server, "yws", name).sync()
    assert reader.content == "after it all"
    await reader.close()
    await raw.close()


async def test_a_second_token_is_a_refresh_and_changes_nothing(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    await raw.log_in(name)
    raw.token(name)
    raw.token(name)
    raw.update(name, typed("text"))
    await raw.hears(name, "SyncStatus", 1)
    await raw.answered(name)
    assert not raw.all(name, "Close", "PermissionDenied")
    assert raw.statuses(name) == [1]
    await raw.close()


async def test_two_tokens_at_once_for_a_new_address_are_no_error(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    raw.token(name)
    raw.token(name)
    raw.step1(name)
    await raw.hears(name, "Step2")
    raw.update(name, typed("text"))
    await raw.hears(name, "SyncStatus", 1)
    assert not raw.all(name, "Close", "PermissionDenied")
    await raw.close()


async def test_messages_before_the_token_are_not_punished(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    raw.update(name, typed("early "))
    raw.awareness(name, (4712, 1, '{"early":true}'))
    raw.step1(name)
    raw.token(name)
    raw.step1(name)
    await raw.hears(name, "Step2")
    assert not raw.all(name, "Close", "PermissionDenied")
    assert 0 not in raw.statuses(name)
    before = raw.statuses(name).count(1)
    raw.step2(name, typed("the rest"))
    await raw.hears(name, "SyncStatus", 1, count=before + 1)
    await raw.close()


async def test_nothing_but_the_verdict_is_sent_before_the_verdict(server: Server, name: str) -> None:
    writer = await Peer(server, "yws", name).sync()
    writer.insert("secret")
    writer.announce((4713, 1, "{}"))
    await writer.saved()
    raw = await RawHocuspocus.dial(server)
    raw.step1(name)
    raw.send(name, b"\x03")
    raw.token(name, "wrong")
    await raw.hears(name, "PermissionDenied")
    writer.insert("more")
    raw.step1(name)
    raw.token(f"{name}-other")
    await raw.hears(f"{name}-other", "Authenticated")
    assert [heard[0] for heard in raw.heard[name]] == ["PermissionDenied"]
    await raw.close()
    await writer.close()


async def test_a_provider_from_before_version_4_is_served(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    assert await raw.log_in(name, version=None) == "read-write"
    raw.update(name, typed("old"))
    await raw.hears(name, "SyncStatus", 1)
    await raw.close()


async def test_pongs_are_tolerated_at_any_time(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    raw.socket.send(b"\x0a")
    await raw.log_in(name)
    raw.socket.send(b"\x0a")
    await raw.answered(name)
    assert raw.socket.ended is None
    await raw.close()


async def test_a_client_that_broadcasts_stateless_loses_the_document_and_not_the_socket(
    server: Server, name: str
) -> None:
    watcher = await RawHocuspocus.dial(server)
    await watcher.log_in(name)
    raw = await RawHocuspocus.dial(server)
    for address in (name, f"{name}-other"):
        await raw.log_in(address)
    raw.broadcast_stateless(name, "forged")
    await raw.hears(name, "Close")
    await raw.answered(f"{name}-other")
    raw.update(name, typed("after the end"))
    await raw.log_in(name)
    await raw.answered(name)
    raw.stateless(name, "honest")
    await watcher.hears(name, "Stateless", "honest")
    assert watcher.all(name, "Stateless") == [("Stateless", "honest")]
    await raw.close()
    await watcher.close()


async def test_a_session_hears_under_its_own_address_only(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    sessions = [f"{name}\0first", f"{name}\0second"]
    for address in (*sessions, name):
        await raw.log_in(address)
        await raw.answered(address)
    raw.update(sessions[0], typed("text"))
    await raw.hears(sessions[0], "SyncStatus", 1)
    for address in (sessions[1], name):
        await raw.hears(address, "Update")
    assert not raw.statuses(sessions[1])
    assert not raw.all(sessions[0], "Update")
    raw.close_document(sessions[0])
    raw.update(name, typed("more"))
    await raw.hears(sessions[1], "Update", count=2)
    assert not raw.all(sessions[0], "Update")
    await raw.close()


async def test_an_unknown_message_type_is_ignored(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    await raw.log_in(name)
    raw.send(name, b"\x63whatever")
    await raw.answered(name)
    assert not raw.all(name, "Close")
    await raw.close()


async def test_asking_for_presence_is_answered(server: Server, name: str) -> None:
    raw = await RawHocuspocus.dial(server)
    await raw.log_in(name)
    raw.awareness(name, (4714, 1, '{"here":1}'))
    before = len(raw.all(name, "Awareness"))
    raw.send(name, b"\x03")
    await raw.until(
        lambda: any("4714" in str(heard) for heard in raw.all(name, "Awareness")[before:]), "the states asked for"
    )
    await raw.close()
