"""Every way to write content, of documents in every state: all agree on what is taken; what is refused is not stored.

Requests edit a document that is not for editing together; what keeps people in it (sockets, event streams) does not.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.features.api_harness import ApiHarness, refused
from tests.features.content.test_updates import YJS, written
from tests.features.sync.device import push, update
from tests.peers import Family, Peer
from tests.people import Person, fetch

OK = "ok"
Way = Callable[[Person, dict[str, Any]], Awaitable[str]]


def _verdict(answer: httpx.Response) -> str:
    return OK if answer.status_code == 200 else refused(answer)[1]


def _content(method: str, path: str, body: dict[str, Any]) -> Way:
    async def write(who: Person, made: dict[str, Any]) -> str:
        return _verdict(await who.request(method, f"/documents/{made['id']}/content{path}", json=body))

    return write


async def _post_update(who: Person, made: dict[str, Any]) -> str:
    return _verdict(await who.post(f"/documents/{made['id']}/updates", content=written("NEW"), headers=YJS))


async def _push(who: Person, made: dict[str, Any]) -> str:
    [result] = await push(who, update(made["id"], written("NEW")))
    return OK if result["status"] == "ok" else str(result["code"])


async def _open_events(who: Person, made: dict[str, Any]) -> str:
    async with who.stream("GET", f"/documents/{made['id']}/events") as answer:
        if answer.status_code == 200:
            return OK
        await answer.aread()
        return refused(answer)[1]


def _socket(family: Family) -> Way:
    async def write(who: Person, made: dict[str, Any]) -> str:
        peer = Peer(who.server, family, made["id"], token=who.token)
        await peer.connect()
        await peer.until(lambda: peer.synced or peer.denied or not peer.connected, "a verdict")
        if peer.denied:
            return peer.denied[0].partition(":")[0]
        if not peer.connected:
            assert peer.socket is not None and peer.socket.ended is not None
            return peer.socket.ended.reason.partition(":")[0]
        peer.insert("NEW")
        await peer.saved()
        await peer.close()
        return OK

    return write


_REQUESTS: dict[str, Way] = {
    "PUT": _content("PUT", "", {"content": "NEW"}),
    "PATCH": _content("PATCH", "", {"edits": [{"find": "old", "replace": "NEW"}]}),
    "append": _content("POST", "/append", {"content": "NEW"}),
    "insert": _content("POST", "/insert", {"content": "NEW", "heading": "H"}),
    "update": _post_update,
    "push": _push,
}
_CONNECTIONS: dict[str, Way] = {"y-websocket": _socket("yws"), "hocuspocus": _socket("hocus"), "events": _open_events}
_ANSWERS = {
    # state of the document: (what requests are told, what connections are told)
    "usual": (OK, OK),
    "not together": (OK, "not_collaborative"),
    "encrypted": ("unprocessable", "encrypted_document"),
    "deleted": ("not_found", "not_found"),
    "archived": ("forbidden", None),
}


async def _document(api: ApiHarness, state: str) -> tuple[Person, dict[str, Any]]:
    """Who writes, and a document in this state."""
    if state == "encrypted":
        fields: dict[str, Any] = {"type": "password", "content_encrypted": "c2VjcmV0", "encryption": {"alg": "A256GCM"}}
        return api.editor, await api.make(**fields)
    if state == "archived":
        team = (await api.owner.post("/workspaces", json={"name": "Old"})).json()["id"]
        made = await api.make(api.owner, team, content="# H\n\nold\n")
        assert (await api.owner.post(f"/workspaces/{team}/archive")).status_code == 200
        return api.owner, made
    made = await api.make(content="# H\n\nold\n", settings={"collaboration": state != "not together"})
    if state == "deleted":
        assert (await api.editor.delete(f"/documents/{made['id']}")).status_code == 204
    return api.editor, made


async def _stored(api: ApiHarness, made: dict[str, Any]) -> bytes:
    """All that the log and the snapshot hold."""
    rows = await fetch(
        api.server,
        "SELECT coalesce(d.yjs_state, '') || coalesce(string_agg(u.payload, '' ORDER BY u.seq), '') AS bytes"
        " FROM documents d LEFT JOIN document_updates u ON u.document_id = d.id WHERE d.id = $1 GROUP BY d.id",
        UUID(made["id"]),
    )
    return bytes(rows[0]["bytes"])


@pytest.mark.parametrize("state", _ANSWERS)
@pytest.mark.parametrize("way", _REQUESTS)
async def test_all_requests_that_write_agree(api: ApiHarness, way: str, state: str) -> None:
    expected = _ANSWERS[state][0]
    who, made = await _document(api, state)
    assert await _REQUESTS[way](who, made) == expected
    assert (b"NEW" in await _stored(api, made)) == (expected == OK)


@pytest.mark.parametrize("state", _ANSWERS)
@pytest.mark.parametrize("way", _CONNECTIONS)
async def test_all_connections_agree(api: ApiHarness, way: str, state: str) -> None:
    who, made = await _document(api, state)
    expected = _ANSWERS[state][1]
    if expected is not None:
        assert await _CONNECTIONS[way](who, made) == expected
    for reader in (who, api.viewer):
        answer = await reader.get(f"/documents/{made['id']}/updates")
        assert answer.status_code == (404 if state == "deleted" or (state, reader) == ("archived", api.viewer) else 200)
