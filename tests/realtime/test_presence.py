"""Who is in which document, as PostgreSQL and the API tell it."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api
from tests.peers import Peer
from tests.people import Person, fetch
from tests.realtime.streams import page
from tests.waiting import until

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("presence")) as running:
        yield running


async def presence(who: Person, document_id: str) -> Any:
    answer = await who.get(f"/documents/{document_id}/presence")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def shows(who: Person, document_id: str, people: int) -> Any:
    """What the document's presence is once it counts so many people."""
    found: Any = None

    async def counted() -> bool:
        nonlocal found
        found = await presence(who, document_id)
        return bool(found["people"] == people)

    await until(counted, f"{people} people")
    return found


def state(name: str, **more: object) -> str:
    return json.dumps({"user": {"name": name, "color": "#ff0000"}, **more})


async def test_it_tells_who_is_there_with_what_and_where(office: ApiHarness) -> None:
    made = await office.make()
    peer = Peer(office.server, "yws", made["id"], token=office.editor.token, headers=[("user-agent", FIREFOX)])
    await peer.sync()
    cursor = {"anchor": {"assoc": 0, "item": {"client": 1, "clock": 2}}, "head": {"assoc": -1}}
    peer.announce((7, 1, state("somebody else", cursor=cursor, blockId="b-1", typing=True)))
    await shows(office.viewer, made["id"], 1)

    async def told() -> bool:
        return bool((await presence(office.viewer, made["id"]))["items"][0]["current_block_id"])

    await until(told, "the cursor")
    [item] = (await presence(office.viewer, made["id"]))["items"]
    assert (item["user_id"], item["name"], item["guest"]) == (office.editor.id, "editor", False)
    assert (item["device_type"], item["device_name"]) == ("desktop", "Firefox on Linux")
    assert (item["cursor_position"], item["selection_range"]) == (cursor["head"], cursor)
    assert (item["current_block_id"], item["is_typing"]) == ("b-1", True)
    await peer.close()
    gone = await shows(office.viewer, made["id"], 0)
    assert [seen["user_id"] for seen in gone["recent"]] == [office.editor.id]
    assert gone["recent"][0]["last_seen_at"] >= item["connected_at"]


async def test_a_person_counts_once_and_every_guest_counts(office: ApiHarness) -> None:
    made = await office.make(office.guest, PLAYGROUND, title="Open to all")
    person = [await Peer(office.server, "yws", made["id"], token=office.editor.token).sync() for _ in range(2)]
    guests = [await Peer(office.server, family, made["id"]).sync() for family in ("yws", "hocus")]
    guests[0].announce((1, 1, state("Quiet\tHeron")))
    found = await shows(office.editor, made["id"], 3)
    assert len(found["items"]) == 4
    listed = await office.editor.get(f"/workspaces/{PLAYGROUND}/presence")
    [busy] = [item for item in listed.json()["items"] if item["document_id"] == made["id"]]
    assert busy["people"] == 3

    async def named() -> bool:
        items = (await presence(office.editor, made["id"]))["items"]
        return {item["name"] for item in items if item["guest"]} == {"Quiet Heron", None}

    await until(named, "the guest's own name")
    document = (await office.editor.get(f"/documents/{made['id']}")).json()
    assert document["people"] == 3
    assert sorted(who["name"] or "" for who in document["present"]) == ["", "Quiet Heron", "editor"]
    # A guest shares no workspace with the editor.
    for who in (await presence(office.guest, made["id"]))["items"]:
        assert who["name"] in (None, "Quiet Heron")
    assert office.editor.email not in (await office.guest.get(f"/documents/{made['id']}/presence")).text
    for peer in (*person, *guests):
        await peer.close()
    ended = await shows(office.editor, made["id"], 0)
    assert [seen["user_id"] for seen in ended["recent"]] == [office.editor.id]
    kept = await fetch(office.server, "SELECT user_id FROM presence WHERE document_id = $1", UUID(made["id"]))
    assert [row["user_id"] for row in kept] == [UUID(office.editor.id)]


async def test_who_bears_a_connect_token_learns_no_names_of_people(office: ApiHarness) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    token = await office.server.connect_token(made["id"], "viewer", office.editor.token)
    bearer = Person(office.server, "bearer", "", UUID(int=0), UUID(int=0), token)
    [item] = (await shows(bearer, made["id"], 1))["items"]
    assert (item["guest"], item["name"]) == (False, None)
    assert (await bearer.get(f"/documents/{made['id']}")).json()["present"] == []
    assert (await bearer.get(f"/workspaces/{office.team}/presence")).status_code == 404
    await peer.close()


async def test_states_that_postgresql_cannot_hold_do_not_stop_the_mirror(office: ApiHarness) -> None:
    made = await office.make(office.guest, PLAYGROUND)
    hostile = [
        '{"cursor":"\\u0000"}',
        '{"cursor":{"head":"\\ud800","anchor":1}}',
        '{"cursor":1e999}',
        '{"selection":[1e400]}',
        '{"user":{"name":"\\ud800\\u0000\\u202e"},"blockId":"\\u0000"}',
        '{"user":7,"cursor":[],"blockId":{},"typing":"yes"}',
        json.dumps({"cursor": "x" * 30_000, "blockId": "y" * 30_000}),
        "[]",
        '"' + "z" * 100 + '"',
    ]
    peers = [await Peer(office.server, "yws", made["id"]).sync() for _ in hostile]
    await shows(office.viewer, made["id"], len(peers))
    for number, (peer, text) in enumerate(zip(peers, hostile, strict=True)):
        peer.announce((number + 1, 1, text))

    async def all_written() -> bool:
        rows = await fetch(
            office.server,
            "SELECT last_activity_at > connected_at AS renewed FROM active_presence WHERE document_id = $1",
            UUID(made["id"]),
        )
        return len(rows) == len(peers) and all(row["renewed"] for row in rows)

    await until(all_written, "every connection written again")
    assert (await presence(office.viewer, made["id"]))["people"] == len(peers)
    for peer in peers:
        assert peer.connected
        await peer.close()


async def test_a_document_that_is_deleted_and_people_who_are_removed_are_seen_nowhere(office: ApiHarness) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    await shows(office.viewer, made["id"], 1)
    await office.editor.delete(f"/documents/{made['id']}")
    answer = (await office.viewer.get(f"/workspaces/{office.team}/presence")).json()
    assert made["id"] not in [item["document_id"] for item in answer["items"]]
    assert (await office.viewer.get(f"/documents/{made['id']}/presence")).status_code == 404
    await peer.close()


async def test_after_a_crash_of_postgresql_everybody_is_there_again(tmp_path: Path) -> None:
    """The table is emptied by a crash; nobody's socket is disturbed. Pages are told that they may have missed news."""
    async with open_api(tmp_path) as office, page(office.viewer) as reader:
        made = await office.make()
        peers = [
            await Peer(office.server, "yws", made["id"], token=who.token).sync()
            for who in (office.editor, office.owner)
        ]
        await shows(office.viewer, made["id"], 2)
        await until(lambda: made["id"] in reader.busy, "the document of both")
        reader.named.clear()
        os.kill(office.server.postgres_pid, signal.SIGKILL)
        mark = peers[0].type_mark()
        await peers[1].sees(mark)

        async def back() -> bool:
            answer = await office.viewer.get(f"/documents/{made['id']}/presence")
            return answer.status_code == 200 and answer.json()["people"] == 2

        await until(back, "both people again", 60)
        await reader.wait_for("resync")
        await until(lambda: made["id"] in reader.busy, "the document of both again")
        assert all(peer.connected for peer in peers)
        await peers[0].saved()
        for peer in peers:
            await peer.close()
