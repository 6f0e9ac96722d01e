"""Editing together over plain HTTP: the same room, rights and limits as over a WebSocket."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from starlette.types import Message

from collab_server.adapters.websocket.connection import HIGH_WATER
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.sse import EventStream
from collab_server.security.tokens import csrf_token, new_secret, token_hash
from tests.events import listening, unlikely
from tests.features.api_harness import ApiHarness, open_api
from tests.peers import Peer
from tests.people import Person, fetch, people, run
from tests.waiting import until

AT_ONCE = 15.0
MOST = 12


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("events"), max_document_connections=MOST) as running:
        yield running


async def member(office: ApiHarness, role: str) -> Person:
    [person] = await people(office.server, "mia")
    await run(
        office.server,
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)",
        [(UUID(office.team), UUID(person.id), role)],
    )
    return person


async def test_a_stream_and_a_websocket_are_in_one_room(office: ApiHarness) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.owner.token).sync()
    async with listening(office.editor, made["id"]) as listener:
        headers = listener.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["x-accel-buffering"] == "no"
        assert "no-transform" in headers["cache-control"]
        assert dict(listener.named)["open"]["role"] == "editor"
        answer = await listener.type("from the stream")
        assert (answer.status_code, answer.json()) == (200, {"committed": 1})
        # Answered means committed.
        [stored] = await fetch(
            office.server,
            "SELECT (SELECT count(*) FROM document_updates WHERE document_id = d.id) + d.yjs_clock AS rows "
            "FROM documents d WHERE id = $1",
            UUID(made["id"]),
        )
        assert stored["rows"] > 0
        await peer.until(lambda: "from the stream" in peer.content, "the edit")
        peer.insert(" and from the socket")
        await listener.sees("and from the socket")
        peer.announce((1, 1, json.dumps({"user": {"name": "x"}})))
        await until(lambda: "owner" in listener.presence.get(1, ""), "the socket's presence, as the server names it")
        await listener.announce(2, 1, json.dumps({"user": {"name": "x"}}))
        await peer.until(lambda: "editor" in peer.presence.get(2, (0, ""))[1], "the stream's presence")
    await peer.until(lambda: peer.presence[2][1] == "null", "its presence gone", 5)
    await peer.close()


async def test_who_may_only_read_is_refused_and_hears_the_rest(office: ApiHarness) -> None:
    made = await office.make(content="words")
    async with listening(office.viewer, made["id"]) as listener:
        await listener.sees("words")
        answer = await listener.say(listener.typed("no"))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        await until(lambda: bool(listener.denied), "the refusal on the stream")
        # What a client answers that has nothing new is no offence.
        answer = await listener.say(b"\x00\x01\x02\x00\x00")
        assert answer.status_code == 200
    assert "no" not in await office.server.content(made["id"], office.editor.token)


async def test_a_token_with_fewer_rights_does_not_speak_on_its_owners_stream(office: ApiHarness) -> None:
    made = await office.make()
    reading, writing = await office.editor.with_scope("read"), await office.editor.with_scope("write")
    async with listening(office.editor, made["id"]) as listener:
        edit = listener.typed("by its own")
        for other in (reading, writing):
            answer = await listener.say(edit, to=other)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        with pytest.raises(AssertionError, match="not_found"):
            await listener.announce(1, 1, "{}", to=reading)
        assert await office.server.content(made["id"], office.editor.token) == ""
        assert (await listener.say(edit)).status_code == 200
    async with listening(reading, made["id"]) as listener:
        assert (await listener.type("a reader's")).status_code == 403
    assert await office.server.content(made["id"], office.editor.token) == "by its own"


async def test_rights_that_change_are_followed_at_once(office: ApiHarness) -> None:
    made = await office.make()
    mia = await member(office, "editor")
    where = "WHERE workspace_id = $1 AND user_id = $2"
    who = [(UUID(office.team), UUID(mia.id))]
    async with listening(mia, made["id"]) as listener:
        assert (await listener.type("may")).status_code == 200
        await run(office.server, f"UPDATE workspace_members SET role = 'viewer' {where}", who)
        await until(lambda: ("role", {"can_edit": False}) in listener.named, "the downgrade", AT_ONCE)
        for refused in ("may not", "may not either"):
            assert (await listener.type(refused)).status_code == 403
        await run(office.server, f"UPDATE workspace_members SET role = 'editor' {where}", who)
        await until(lambda: ("role", {"can_edit": True}) in listener.named, "the upgrade", AT_ONCE)
        answer = await listener.say_everything()
        assert (answer.status_code, answer.json()["committed"]) == (200, 3), "the refused ones, too"
        assert (await listener.type("may again")).json()["committed"] == 1
        await run(office.server, f"DELETE FROM workspace_members {where}", who)
        await until(lambda: listener.close_code == 4403, "the end", AT_ONCE)
        await until(lambda: listener.ended, "the end of the answer")
        assert (await listener.type("gone")).status_code == 404


async def test_cookies_need_their_token_and_connect_tokens_do(office: ApiHarness) -> None:
    made = await office.make()
    cookie = new_secret()
    add = "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, $2, now() + interval '1 hour')"
    await run(office.server, add, [(UUID(office.editor.id), token_hash(cookie))])
    async with (
        httpx.AsyncClient(base_url=office.server.api, cookies={"collab_session": cookie}) as browser,
        listening(browser, made["id"]) as listener,
    ):
        answer = await listener.type("forged")
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_rejected")
        browser.headers["x-csrf-token"] = csrf_token(cookie)
        assert (await listener.type("meant")).status_code == 200
    token = await office.server.connect_token(made["id"], "editor", office.editor.token)
    async with (
        httpx.AsyncClient(base_url=office.server.api, params={"token": token}) as bearer,
        listening(bearer, made["id"], query={"token": token}) as listener,
    ):
        assert (await listener.type("by token")).status_code == 200
        # Nobody else speaks on somebody's stream.
        theirs = await office.owner.post(f"{listener.path}/{listener.stream}", content=b"")
        assert theirs.status_code == 404
    assert (await office.guest.get(f"/documents/{made['id']}/events")).status_code in (401, 404)
    assert (await office.stranger.get(f"/documents/{made['id']}/events")).status_code == 404


async def test_who_comes_back_gets_what_is_new(office: ApiHarness) -> None:
    made = await office.make(content="x" * 2000)
    async with listening(office.editor, made["id"]) as first:
        await first.type("more")
        state = first.doc.get_state()
        assert sum(map(len, first.received)) > 2000
    peer = await Peer(office.server, "yws", made["id"], token=office.owner.token).sync()
    news = unlikely()
    peer.insert(news)
    await peer.saved()
    encoded = base64.urlsafe_b64encode(state).decode()
    for headers, query in (
        ([("last-event-id", base64.b64encode(state).decode())], {}),
        ([], {"state_vector": encoded}),
    ):
        async with listening(office.editor, made["id"], headers, query=query) as again:
            assert sum(map(len, again.received)) < 500
            again.doc.apply_update(first.doc.get_update())
            assert news in str(again.text)
    for wrong in ("?", "AAAA!", base64.b64encode(b"\x05").decode()):
        answer = await office.editor.get(f"/documents/{made['id']}/events", params={"state_vector": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    answer = await office.editor.get(f"/documents/{made['id']}/events", params={"generation": 99})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_generation")
    await peer.close()


@pytest.mark.parametrize("body", [b"\x05\x00", b"\xff", b"\x02\x00\x02", b"\x01\x00", b"\x04\x00\x02\x01\xff"])
async def test_what_cannot_be_read_ends_the_stream(office: ApiHarness, body: bytes) -> None:
    made = await office.make()
    async with listening(office.editor, made["id"]) as listener:
        answer = await office.editor.post(f"{listener.path}/{listener.stream}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        if body[0] < 5:
            await until(lambda: listener.close_code == 4400, "the end")


async def test_streams_count_as_connections(office: ApiHarness) -> None:
    made = await office.make()
    peers = [await Peer(office.server, "yws", made["id"], token=office.editor.token).sync() for _ in range(MOST)]
    answer = await office.editor.get(f"/documents/{made['id']}/events")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    for peer in peers:
        await peer.close()

    async def free() -> bool:
        async with office.editor.stream("GET", f"/documents/{made['id']}/events") as answer:
            return answer.status_code == 200

    await until(free, "a place")


async def test_a_reader_who_stops_reading_gets_one_merged_diff(office: ApiHarness) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.owner.token).sync()
    written = 0

    async def behind() -> bool:
        nonlocal written
        peer.insert("y" * 200_000)
        written += 1
        await peer.saved()
        async with httpx.AsyncClient() as client:
            return "collab_members_behind 1.0" in (await client.get(f"{office.server.http}/metrics")).text

    async with listening(office.editor, made["id"], slow=True) as listener:
        await until(behind, "a reader who is behind")
        for _ in range(5):
            peer.insert("z" * 1000)
            await peer.saved()
        last = unlikely()
        peer.insert(last)
        await peer.saved()
        listener.start()
        await listener.sees(last)
        assert str(listener.text) == peer.content
        assert len(listener.received) < written + 7
    await peer.close()


async def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    async with open_api(tmp_path) as office:
        made = await office.make()
        async with listening(office.editor, made["id"]) as listener:
            assert (await listener.type("kept")).status_code == 200
            assert await office.server.terminate() == 0
            await until(lambda: listener.ended, "the end")
            assert listener.close_code == 1012
            with pytest.raises(httpx.TransportError):
                await listener.type("late")


async def test_a_stream_holds_back_when_its_client_is_slow() -> None:
    stream = EventStream()
    taken: list[bytes] = []
    free = asyncio.Event()
    gone = asyncio.Event()
    writable: list[int] = []

    async def send(message: Message) -> None:
        await free.wait()
        taken.append(message.get("body", b""))

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    ends: list[Exception | None] = []
    await stream.run(lambda _: None, lambda: writable.append(stream.queued), ends.append)
    serving = asyncio.create_task(stream({}, receive, send))
    count = 0
    while not stream.congested:
        stream.write(Outgoing((bytes(10_000),)))
        count += 1
        await asyncio.sleep(0)
    assert stream.queued < HIGH_WATER + 20_000
    assert writable == []
    free.set()
    await until(lambda: bool(writable), "room")
    assert writable[0] <= HIGH_WATER
    await until(lambda: stream.queued == 0, "all sent")
    assert b"".join(taken).count(b"data: ") == count
    stream.send_keepalive("AA==")
    stream.send_keepalive(None)
    await until(lambda: b"".join(taken).endswith(b"id: AA==\n\n: still here\n\n"), "signs of life")
    gone.set()
    await serving
    assert ends == [None]
    stream.write(Outgoing((b"late",)))
    assert stream.queued == 0
