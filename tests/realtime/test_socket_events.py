"""Live events on the connections of a document: y-websocket, Hocuspocus and server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.events import listening
from tests.features.api_harness import ApiHarness, open_api
from tests.features.auth.visitor import metric
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.realtime.streams import page
from tests.waiting import until


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("socket_events")) as running:
        yield running


def changes(peer: Peer) -> list[tuple[str, str, str]]:
    return [
        (event["operation"], event["entity_type"], event["document_id"])
        for event in peer.events
        if event["type"] == "event"
    ]


async def receives(peer: Peer, operation: str, entity_type: str, document_id: str) -> dict[str, Any]:
    """The first event of this kind."""
    wanted = (operation, entity_type, document_id)
    await peer.until(lambda: wanted in changes(peer), f"{wanted} in {peer.events}")
    return next(
        event
        for event in peer.events
        if (event.get("operation"), event.get("entity_type"), event.get("document_id")) == wanted
    )


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_socket_that_asked_receives_the_events_of_its_document(api: ApiHarness, family: Family) -> None:
    made, other = await api.make(title="Secret"), await api.make()
    peer = await Peer(api.server, family, made["address"], token=api.viewer.token, events=True).sync()
    silent = await Peer(api.server, family, made["address"], token=api.viewer.token).sync()
    await api.editor.patch(f"/documents/{other['id']}", json={"title": "Another"})
    await api.editor.patch(f"/documents/{made['id']}", json={"title": "Still secret"})
    event = await receives(peer, "update", "document", made["id"])
    assert event["workspace_id"] == api.team and event["entity_id"] == made["id"] and event["row_version"] >= 2
    assert "secret" not in json.dumps(peer.events).lower()
    assert {each[2] for each in changes(peer)} == {made["id"]}
    assert silent.stateless == [] and silent.unread == []
    await peer.close()
    await silent.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_an_event_for_one_person_reaches_the_sockets_of_that_person_only(api: ApiHarness, family: Family) -> None:
    made = await api.make()
    hers = await Peer(api.server, family, made["address"], token=api.editor.token, events=True).sync()
    his = await Peer(api.server, family, made["address"], token=api.viewer.token, events=True).sync()
    await api.editor.put(f"/documents/{made['id']}/favourite")
    await api.editor.patch(f"/documents/{made['id']}", json={"title": "Later"})
    await receives(hers, "create", "favourite", made["id"])
    await receives(his, "update", "document", made["id"])
    assert all(each[1] == "document" for each in changes(his))
    await hers.close()
    await his.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_socket_that_has_closed_receives_nothing_and_is_forgotten(api: ApiHarness, family: Family) -> None:
    made = await api.make()
    peer = await Peer(api.server, family, made["address"], token=api.viewer.token, events=True).sync()

    async def receivers() -> float:
        return await metric(api.server, "live_event_receivers")

    async def one() -> bool:
        return await receivers() == 1

    async def none() -> bool:
        return await receivers() == 0

    await until(one, "one receiver")
    await peer.close()
    await until(none, "no receiver")


@pytest.mark.parametrize("family", FAMILIES)
async def test_comments_are_told_to_members_and_not_to_readers_of_a_public_document(
    api: ApiHarness, family: Family
) -> None:
    made = await api.make(api.owner)
    await api.owner.patch(f"/documents/{made['id']}", json={"is_public": True})
    peer = await Peer(api.server, family, made["id"], token=api.viewer.token, events=True).sync()
    stranger = await Peer(api.server, family, made["id"], token=api.stranger.token, events=True).sync()
    async with page(api.viewer) as reader:
        answer = await api.commenter.post(f"/documents/{made['id']}/comments", json={"content": "Secret"})
        comment = answer.json()["id"]
        event = await receives(peer, "create", "comment", made["id"])
        assert (event["entity_id"], event["workspace_id"], event["row_version"]) == (comment, api.team, 1)
        await api.owner.put(f"/comments/{comment}/reactions/👍")
        await receives(peer, "update", "comment", made["id"])
        await api.commenter.delete(f"/comments/{comment}")
        await receives(peer, "delete", "comment", made["id"])
        await reader.receives(*((each, "comment", comment) for each in ("create", "update", "delete")))
        await api.owner.patch(f"/documents/{made['id']}", json={"description": "Later"})
        await receives(stranger, "update", "document", made["id"])
        assert {each[1] for each in changes(stranger)} == {"document"}
        assert "secret" not in json.dumps([peer.events, reader.named]).lower()
    await peer.close()
    await stranger.close()


async def test_an_event_stream_of_a_document_receives_events_too(api: ApiHarness) -> None:
    made = await api.make()
    async with listening(api.viewer, made["id"], query={"events": "1"}) as listener:
        await api.editor.patch(f"/documents/{made['id']}", json={"title": "Later"})
        wanted = ("update", "document", made["id"])

        def found() -> bool:
            return wanted in [
                (event["operation"], event["entity_type"], event["document_id"])
                for name, event in listener.named
                if name == "change"
            ]

        await until(found, f"{wanted} in {listener.named}")
