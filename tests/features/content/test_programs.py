"""Programs that edit over REST are seen by the people who have the document open, where they edit."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pycrdt import StickyIndex

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.people import Person
from tests.waiting import until

MARKDOWN = {"content-type": "text/markdown"}
TEXT = "# Plan\n\n## Today\n\n- a long item\n\n## Later\n\n- b\n"


def programs(peer: Peer) -> dict[int, dict[str, Any]]:
    """The states of programs that this client knows, by client id."""
    states = {client: json.loads(state) for client, (_, state) in peer.presence.items()}
    return {client: state for client, state in states.items() if state and state.get("user", {}).get("program")}


def before(peer: Peer, state: dict[str, Any]) -> str:
    """The text before the cursor of a state, which is no selection. The text must be ASCII: pycrdt counts other
    characters wrongly here; see tests/interop.
    """
    assert state["cursor"]["anchor"] == state["cursor"]["head"]
    sticky = StickyIndex.from_json(state["cursor"]["head"], peer.text)
    with peer.doc.transaction():
        return peer.content.encode()[: sticky.get_index()].decode()


async def edit(who: Person, document: dict[str, Any], how: str, content: str) -> None:
    path = f"/documents/{document['id']}/content"
    answer: httpx.Response
    if how == "append":
        answer = await who.post(f"{path}/append", json={"content": content, "between": "line"})
    elif how == "insert":
        answer = await who.post(f"{path}/insert", json={"content": content, "heading": "Today", "between": "line"})
    elif how == "put":
        answer = await who.put(path, content=TEXT.replace("- b", content).encode(), headers=MARKDOWN)
    elif how == "delete":
        answer = await who.patch(path, json={"edits": [{"find": content, "replace": ""}]})
    else:
        answer = await who.patch(path, json={"edits": [{"find": "- b", "replace": content}]})
    assert answer.status_code == 200, answer.text


EDITS = [
    ("append", "- last", "- last\n"),
    ("insert", "- x", "- x"),
    ("put", "- new", "- new"),
    ("patch", "- new", "- new"),
    ("delete", "long ", "- a "),
]


@pytest.mark.parametrize("family", FAMILIES)
async def test_people_see_who_edits_and_where(api: ApiHarness, family: Family) -> None:
    # At the same time: each waits five seconds for the program's end.
    await asyncio.gather(*(_see_who_edits(api, family, *edit) for edit in EDITS))


async def _see_who_edits(api: ApiHarness, family: Family, how: str, content: str, end: str) -> None:
    made = await api.make(content=TEXT)
    peer = await Peer(api.server, family, made["address"], token=api.viewer.token).sync()
    await edit(api.editor, made, how, content)
    await peer.until(lambda: programs(peer), "the program")
    [state] = programs(peer).values()
    assert state["user"]["name"] == "editor (API token test)"
    assert state["user"]["id"] == api.editor.id
    text = before(peer, state)
    assert text.endswith(end), text
    late = await Peer(api.server, family, made["address"], token=api.other.token).sync()
    await late.until(lambda: programs(late), "the program, for who comes later")
    await peer.until(lambda: not programs(peer), "the program gone")
    for one in (peer, late):
        await one.close()


def _is_after(peer: Peer, content: str) -> bool:
    """There is one program, and its cursor stands there."""
    return [before(peer, state).rstrip("\n").endswith(content) for state in programs(peer).values()] == [True]


async def test_the_next_edit_moves_the_cursor_of_the_same_program(api: ApiHarness) -> None:
    made = await api.make(content=TEXT)
    peer = await Peer(api.server, "yws", made["address"], token=api.viewer.token).sync()
    for how, content in (("append", "- one"), ("insert", "- two"), ("append", "- three")):
        await edit(api.editor, made, how, content)
        await peer.until(partial(_is_after, peer, content), f"the cursor after {content}")
    [client] = programs(peer)
    await peer.until(lambda: not programs(peer), "the program gone")
    await edit(api.editor, made, "append", "- four")
    await peer.until(lambda: programs(peer), "the program again")
    assert set(programs(peer)) == {client}
    await peer.close()


async def test_each_credential_is_a_program_of_its_own(api: ApiHarness) -> None:
    made = await api.make(api.guest, PLAYGROUND, title="Open", content=TEXT)
    peer = await Peer(api.server, "hocus", made["address"]).sync()
    token = await api.server.connect_token(made["id"], "editor", api.editor.token)
    bearer = Person(api.server, "bearer", "", UUID(int=0), UUID(int=0), token)
    for who in (api.editor, await api.editor.with_scope("write"), api.guest, bearer):
        await edit(who, made, "append", "- x")
    await peer.until(lambda: len(programs(peer)) == 4, "four programs")
    names = sorted(state["user"]["name"] for state in programs(peer).values())
    assert names == ["Guest (API)", "editor (API token test)", "editor (API token test)", "editor (API)"]
    await peer.close()


async def test_who_reads_or_changes_nothing_is_not_shown(api: ApiHarness) -> None:
    made = await api.make(content=TEXT)
    peer = await Peer(api.server, "yws", made["address"], token=api.viewer.token).sync()
    path = f"/documents/{made['id']}"
    for request in (f"{path}/content", f"{path}/updates", f"{path}/export?format=html"):
        assert (await api.editor.get(request)).status_code == 200
    await edit(api.editor, made, "patch", "- b")
    refused = await api.editor.patch(f"{path}/content", json={"edits": [{"find": "nowhere", "replace": "x"}]})
    assert refused.status_code == 409
    await edit(api.other, made, "patch", "- c")
    await peer.until(lambda: programs(peer), "the one that edits")
    assert [state["user"]["name"] for state in programs(peer).values()] == ["other (API token test)"]
    assert len(peer.presence) == 1
    await peer.close()


async def test_the_api_tells_of_programs_where_people_are(api: ApiHarness) -> None:
    made, alone = await api.make(content=TEXT), await api.make(content=TEXT)
    peer = await Peer(api.server, "yws", made["address"], token=api.viewer.token).sync()
    path = f"/documents/{made['id']}/presence"
    found: list[dict[str, Any]] = []

    async def told() -> bool:
        await edit(api.editor, made, "append", "- x")
        await edit(api.editor, alone, "append", "- x")
        found[:] = [one for one in (await api.viewer.get(path)).json()["items"] if one["device_type"] == "program"]
        return bool(found)

    await until(told, "the program")
    [item] = found
    assert (item["user_id"], item["name"], item["device_name"]) == (api.editor.id, "editor", "test")
    assert item["cursor_position"]["assoc"] == -1
    assert (await api.viewer.get(f"/documents/{alone['id']}/presence")).json()["items"] == []

    async def gone() -> bool:
        items = (await api.viewer.get(path)).json()["items"]
        return [one["user_id"] for one in items] == [api.viewer.id]

    await until(gone, "only the person")
    await peer.close()


async def test_a_server_that_leaves_takes_its_programs_along(tmp_path: Path) -> None:
    async with open_api(tmp_path) as api:
        made = await api.make(content=TEXT)
        peers = [await Peer(api.server, family, made["address"], token=api.viewer.token).sync() for family in FAMILIES]
        await edit(api.editor, made, "append", "- x")
        for peer in peers:
            await peer.until(partial(programs, peer), "the program")
        assert await api.server.terminate() == 0
        for peer in peers:
            assert not programs(peer)
            assert not peer.connected
