"""Yjs updates over HTTP: they go through the live room, are answered when committed, and refused like a socket's."""

import asyncio
import base64
from typing import Any

import httpx
import pytest
from pycrdt import Doc, Text

from tests.features.api_harness import ROLES, ApiHarness, code, refused
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.people import Person, fetch, run

YJS = {"content-type": "application/octet-stream"}


def written(text: str, doc: Doc[Any] | None = None) -> bytes:
    """An update that adds `text` to the end of a document's content."""
    doc = Doc() if doc is None else doc
    before = doc.get_state()
    root = doc.get("content", type=Text)
    root.insert(len(root), text)
    return doc.get_update(before)


async def post(who: Person, document: str, update: bytes, **params: Any) -> httpx.Response:
    return await who.post(f"/documents/{document}/updates", content=update, headers=YJS, params=params)


async def missing(who: Person, document: str, state: bytes | None = None) -> httpx.Response:
    vector = {} if state is None else {"state_vector": base64.urlsafe_b64encode(state).decode().rstrip("=")}
    answer = await who.get(f"/documents/{document}/updates", params=vector)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return answer


def text_of(*updates: bytes) -> str:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("content", type=Text))


@pytest.mark.parametrize("family", FAMILIES)
async def test_an_update_reaches_open_connections_and_the_log(api: ApiHarness, family: Family) -> None:
    made = await api.make(name=f"updates-{family}")
    peer = await Peer(api.server, family, made["address"], token=api.viewer.token).sync()
    answer = await post(api.editor, made["id"], written("<http.1>"), device_id="phone", client_version="9.9")
    assert answer.status_code == 200, answer.text
    seq = answer.json()["seq"]
    await peer.sees(b"<http.1>")
    rows = await fetch(api.server, "SELECT head_seq FROM document_heads WHERE document_id = $1::text::uuid", made["id"])
    assert rows[0]["head_seq"] == seq
    devices = await fetch(api.server, "SELECT client_version FROM devices WHERE id = 'phone'")
    assert [row["client_version"] for row in devices] == ["9.9"]
    await peer.close()


async def test_the_same_update_twice_changes_nothing(api: ApiHarness) -> None:
    made = await api.make()
    doc: Doc[Any] = Doc()
    first, second = written("one ", doc), written("two", doc)
    answers = [await post(api.editor, made["id"], update) for update in (first, second, first, second, b"\0\0")]
    seqs = [answer.json()["seq"] for answer in answers]
    assert seqs[0] < seqs[1] == seqs[2] == seqs[3] == seqs[4]
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == "one two"


async def test_many_updates_at_once_are_all_kept_and_read_back(api: ApiHarness) -> None:
    made = await api.make()
    marks = [f"<many.{number}>" for number in range(60)]
    answers = await asyncio.gather(*(post(api.editor, made["id"], written(mark)) for mark in marks))
    assert {answer.status_code for answer in answers} == {200}
    everything = await missing(api.viewer, made["id"])
    text = text_of(everything.content)
    assert all(text.count(mark) == 1 for mark in marks)
    assert int(everything.headers["x-seq"]) == max(answer.json()["seq"] for answer in answers)


async def test_missing_structs_are_reported_for_closed_and_open_documents(api: ApiHarness) -> None:
    made = await api.make(name="missing")
    copy: Doc[Any] = Doc()
    await post(api.editor, made["id"], written("base ", copy))
    peer = await Peer(api.server, "yws", made["address"], token=api.editor.token).sync()
    peer.insert("typed")
    await peer.saved()
    news = (await missing(api.viewer, made["id"], copy.get_state())).content
    assert b"base" not in news
    copy.apply_update(news)
    assert str(copy.get("content", type=Text)) == "base typed"
    await peer.close()
    # the vector of somebody who has all of it
    assert (await missing(api.viewer, made["id"], copy.get_state())).content[:1] == b"\0"


async def test_an_update_that_waits_for_another_is_kept_until_that_comes(api: ApiHarness) -> None:
    made = await api.make()
    doc: Doc[Any] = Doc()
    first, second = written("one ", doc), written("two", doc)
    assert (await post(api.editor, made["id"], second)).status_code == 200
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == ""
    assert (await post(api.editor, made["id"], first)).status_code == 200
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == "one two"


async def test_who_may_not_edit_may_read_but_not_post(api: ApiHarness) -> None:
    made = await api.make(api.other)
    for role in ROLES:
        answer = await post(api.staff[role], made["id"], written(role))
        assert answer.status_code == (403 if role in ("commenter", "viewer") else 200), role
        assert (await missing(api.staff[role], made["id"])).status_code == 200
    assert (await post(api.stranger, made["id"], written("x"))).status_code == 404
    assert (await api.stranger.get(f"/documents/{made['id']}/updates")).status_code == 404
    reader = await api.editor.with_scope("read")
    assert refused(await post(reader, made["id"], written("x"))) == (403, "forbidden")


async def test_invalid_updates_are_refused_and_not_stored(api: ApiHarness) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}/updates"
    for body in (b"", b"\0", b"{}", b"\xff" * 40, b"\x01\x01\x01\x00\x04\x01\x07content\x05ab\x00", b"\0\0\0"):
        assert refused(await post(api.editor, made["id"], body)) == (400, "malformed"), body
    for kind in ("application/json", "text/plain", "", "application/octet-stream; charset=latin1"):
        answer = await api.editor.post(path, content=b"\0\0", headers={"content-type": kind})
        assert refused(answer) == (415, "unsupported_media_type"), kind
    assert refused(await post(api.editor, made["id"], b"x" * 64_100_000)) == (413, "too_large")
    for vector in ("%", "ä", "AAA=A", base64.urlsafe_b64encode(b"\xff" * 9).decode()):
        assert (await api.editor.get(path, params={"state_vector": vector})).status_code == 400, vector
    assert (await missing(api.editor, made["id"])).content == b"\0\0"
    assert refused(await api.editor.get(path, params={"state_vector": "A" * 60_001})) == (422, "invalid")


async def test_an_older_generation_is_refused(api: ApiHarness) -> None:
    made = await api.make()
    generation = (await post(api.editor, made["id"], written("x"))).json()["generation"]
    assert refused(await post(api.editor, made["id"], written("y"), generation=generation + 1)) == (
        409,
        "stale_generation",
    )
    assert (await post(api.editor, made["id"], written("y"), generation=generation)).status_code == 200


async def test_encrypted_archived_and_deleted_documents_take_nothing(api: ApiHarness) -> None:
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"alg": "A256GCM"})
    assert refused(await post(api.editor, secret["id"], written("x"))) == (422, "unprocessable")
    gone = await api.make()
    assert (await api.editor.delete(f"/documents/{gone['id']}")).status_code == 204
    assert refused(await post(api.editor, gone["id"], written("x"))) == (404, "not_found")
    alone = await api.make(settings={"collaboration": False})
    assert (await post(api.editor, alone["id"], written("x"))).status_code == 200
    team = (await api.owner.post("/workspaces", json={"name": "Old"})).json()["id"]
    old = await api.make(api.owner, team)
    assert (await post(api.owner, old["id"], written("x"))).status_code == 200
    assert (await api.owner.post(f"/workspaces/{team}/archive")).status_code == 200
    assert refused(await post(api.owner, old["id"], written("y"))) == (403, "forbidden")


async def test_a_document_deleted_behind_the_rooms_back_is_absent(api: ApiHarness) -> None:
    made = await api.make()
    assert (await post(api.editor, made["id"], written("x"))).status_code == 200
    await run(api.server, "UPDATE documents SET deleted_at = now() WHERE id = $1::text::uuid", [(made["id"],)])
    assert refused(await post(api.editor, made["id"], written("y"))) == (404, "not_found")
    assert code(await api.editor.get(f"/documents/{made['id']}/updates")) == "not_found"
