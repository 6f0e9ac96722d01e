"""Many documents' updates in and out."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc

from collab_server.crdt import bundles
from tests.documents.office import Office, refused
from tests.peers import Peer
from tests.people import fetch, run
from tests.sync.device import b64, pull, push, state, text_of, typed, update
from tests.waiting import until


async def test_what_is_pushed_is_committed_and_comes_out_of_a_pull(sync_office: Office) -> None:
    plan, other = await sync_office.make(), await sync_office.make()
    doc: Doc[Any] = Doc()
    first, second = typed("one", doc), typed("two ", doc)
    pushed = await push(
        sync_office.editor, update(plan["id"], first), update(other["id"], typed("x")), update(plan["id"], second)
    )
    assert [one["status"] for one in pushed] == ["ok", "ok", "ok"]
    assert pushed[2]["seq"] > pushed[0]["seq"]
    [line] = await pull(sync_office.viewer, plan["id"])
    assert text_of(state(line)) == "two one"
    assert line["seq"] == pushed[2]["seq"]
    assert base64.b64decode(line["state_vector"]) == doc.get_state()


async def test_only_what_is_missing_comes(sync_office: Office) -> None:
    plan = await sync_office.make()
    doc: Doc[Any] = Doc()
    first = typed("a long text that is known " * 50, doc)
    await push(sync_office.editor, update(plan["id"], first))
    known = doc.get_state()
    second = typed("news ", doc)
    [done] = await push(sync_office.editor, update(plan["id"], second))
    asked = {"id": plan["id"], "state_vector": b64(known), "generation": done["generation"]}
    [line] = await pull(sync_office.editor, asked)
    assert len(state(line)) < 100
    assert text_of(first, state(line)) == text_of(first, second)
    [line] = await pull(sync_office.editor, {**asked, "state_vector": b64(doc.get_state()), "seq": line["seq"]})
    assert state(line) == b"\0\0"


async def test_the_same_update_twice_is_stored_once(sync_office: Office) -> None:
    plan = await sync_office.make()
    one = update(plan["id"], typed("once"))
    first, second = await push(sync_office.editor, one, one)
    [third] = await push(sync_office.editor, one)
    assert first["seq"] == second["seq"] == third["seq"]
    [line] = await pull(sync_office.editor, plan["id"])
    assert text_of(state(line)) == "once"


async def test_open_sockets_see_a_push_at_once_and_a_pull_sees_what_they_committed(sync_office: Office) -> None:
    plan = await sync_office.make()
    peer = Peer(sync_office.server, "yws", plan["id"], token=sync_office.other.token)
    await peer.connect()
    await peer.sync()
    try:
        await push(sync_office.editor, update(plan["id"], typed("pushed ")))
        await peer.until(lambda: "pushed" in str(peer.text))
        peer.insert("typed ", 0)

        async def is_there() -> bool:
            [line] = await pull(sync_office.editor, plan["id"])
            return text_of(state(line)) == "typed pushed "

        await until(is_there, "the edit of the socket")
    finally:
        await peer.close()


async def test_each_operation_is_refused_by_itself(sync_office: Office) -> None:
    plan = await sync_office.make()
    theirs = await sync_office.make(sync_office.stranger, sync_office.stranger.personal)
    secret = await sync_office.make(type="password", content_encrypted=b64(b"secret"), encryption={"algorithm": "x"})
    results = await push(
        sync_office.editor,
        update(theirs["id"], typed("x")),
        update(str(uuid4()), typed("x")),
        update(plan["id"], b"\xff\xff"),
        update(plan["id"], typed("x"), generation=7),
        {"kind": "update", "document_id": plan["id"], "update": "no base64!"},
        {"kind": "dance"},
        update(secret["id"], typed("x")),
        update(plan["id"], typed("kept")),
    )
    codes = [one.get("code") for one in results]
    assert codes == [
        "not_found",
        "not_found",
        "malformed",
        "stale_generation",
        "invalid",
        "invalid",
        "unprocessable",
        None,
    ]
    assert results[0]["detail"] == results[1]["detail"]
    [viewer] = await push(sync_office.viewer, update(plan["id"], typed("no")))
    assert viewer["code"] == "forbidden"
    [line] = await pull(sync_office.editor, plan["id"])
    assert text_of(state(line)) == "kept"


async def test_a_pull_refuses_by_document(sync_office: Office) -> None:
    plan = await sync_office.make()
    theirs = await sync_office.make(sync_office.stranger, sync_office.stranger.personal)
    gone = await sync_office.make()
    await sync_office.editor.delete(f"/documents/{gone['id']}")
    lines = await pull(
        sync_office.viewer,
        theirs["id"],
        str(uuid4()),
        gone["id"],
        {"id": plan["id"], "state_vector": b64(b"\xff\xff")},
        {"id": plan["id"], "generation": 5},
        plan["id"],
    )
    assert [one.get("code") for one in lines] == [
        "not_found", "not_found", "not_found", "malformed", "stale_generation", None,
    ]  # fmt: skip
    assert lines[4]["generation"] == 0
    assert lines[0]["detail"] == lines[1]["detail"] == lines[2]["detail"]


async def test_a_document_that_was_replaced_is_told_from_one_that_grew(sync_office: Office) -> None:
    plan = await sync_office.make()
    await push(sync_office.editor, update(plan["id"], typed("old")))
    statement = "UPDATE documents SET generation = generation + 1 WHERE id = $1"
    await run(sync_office.server, statement, [(UUID(plan["id"]),)])
    [stale] = await pull(sync_office.editor, {"id": plan["id"], "generation": 0})
    assert (stale["code"], stale["generation"]) == ("stale_generation", 1)
    [anew] = await pull(sync_office.editor, plan["id"])
    assert anew["generation"] == 1

    async def is_refused() -> bool:
        [pushed] = await push(sync_office.editor, update(plan["id"], typed("new"), generation=0))
        return bool(pushed.get("code") == "stale_generation")

    await until(is_refused, "the room of the old generation to be gone")


async def test_metadata_comes_where_it_is_asked_for_and_not_current(sync_office: Office) -> None:
    plan = await sync_office.make(title="Plan", tags=["One"])
    without, all_of_it, current = await pull(
        sync_office.viewer,
        plan["id"],
        {"id": plan["id"], "row_version": 0},
        {"id": plan["id"], "row_version": plan["row_version"]},
    )
    assert "document" not in without
    assert "document" not in current
    shown = all_of_it["document"]
    assert (shown["title"], shown["tags"], shown["row_version"]) == ("Plan", ["One"], plan["row_version"])


async def test_the_binary_form_says_the_same(sync_office: Office) -> None:
    plan = await sync_office.make()
    document_id = UUID(plan["id"])
    headers = {"content-type": bundles.MEDIA_TYPE, "accept": bundles.MEDIA_TYPE}
    payload = typed("binary")
    patch = {"kind": "patch", "key": "1", "document_id": plan["id"], "fields": {"title": "Renamed"}}
    body = bundles.encode_push(
        "phone",
        [bundles.Edit(document_id, payload, 0), bundles.Mutation(json.dumps(patch)), bundles.Mutation("{")],
    )
    answer = await sync_office.editor.post("/sync/push", content=body, headers=headers)
    assert answer.headers["content-type"] == bundles.MEDIA_TYPE
    pushed, mutated, bad, end = bundles.Frames().feed(answer.content)
    assert isinstance(pushed, bundles.Pushed)
    assert isinstance(mutated, bundles.Mutated)
    assert isinstance(bad, bundles.Refused)
    assert end == bundles.End()
    wanted = [bundles.Wanted(document_id, row_version=0), bundles.Wanted(uuid4())]
    answer = await sync_office.editor.post("/sync/pull", content=bundles.encode_pull(wanted), headers=headers)
    line, absent, end = bundles.Frames().feed(answer.content)
    assert isinstance(line, bundles.Answered)
    assert text_of(line.update) == "binary"
    assert json.loads(line.metadata)["title"] == "Renamed"
    assert isinstance(absent, bundles.Refused)
    assert end == bundles.End()
    for broken in (b"", b"\2\0", body[:-1], b"\1" + b"\xff" * 7):
        for path in ("/sync/push", "/sync/pull"):
            answer = await sync_office.editor.post(path, content=broken, headers=headers)
            assert refused(answer) == (400, "malformed")


async def test_a_thousand_documents_are_one_request_and_more_are_refused(sync_office: Office) -> None:
    ids = [str(uuid4()) for _ in range(1001)]
    lines = await pull(sync_office.editor, *ids[:1000])
    assert {line["code"] for line in lines} == {"not_found"}
    answer = await sync_office.editor.post("/sync/pull", json={"documents": [{"id": one} for one in ids]})
    assert refused(answer) == (422, "invalid")


async def test_the_log_names_who_pushed_and_by_which_device(sync_office: Office) -> None:
    plan = await sync_office.make()
    peer = Peer(sync_office.server, "yws", plan["id"], token=sync_office.other.token)
    await peer.connect()
    await peer.sync()  # an open document is not folded at once
    try:
        await push(sync_office.editor, update(plan["id"], typed("x")), device="tablet")
        query = "SELECT actor_id::text, device_id FROM document_updates WHERE document_id = $1"
        rows = await fetch(sync_office.server, query, UUID(plan["id"]))
        assert [tuple(row) for row in rows] == [(sync_office.editor.id, "tablet")]
    finally:
        await peer.close()


async def test_a_connect_token_reaches_its_one_document(sync_office: Office) -> None:
    plan, other = await sync_office.make(), await sync_office.make()
    await push(sync_office.editor, update(plan["id"], typed("text")))
    answer = await sync_office.editor.post(f"/documents/{plan['id']}/connect-tokens", json={"role": "viewer"})
    bearer = await sync_office.editor.with_scope("read")
    bearer.headers["authorization"] = f"Bearer {answer.json()['token']}"
    one, none = await pull(bearer, plan["id"], other["id"])
    assert (text_of(state(one)), none["code"]) == ("text", "not_found")
    create = {"kind": "create", "key": "1", "document_id": str(uuid4()), "workspace_id": sync_office.team}
    results = await push(
        bearer,
        update(plan["id"], typed("x")),
        update(other["id"], typed("x")),
        {**create, "fields": {"title": "x"}},
    )
    assert [one["code"] for one in results] == ["forbidden", "not_found", "forbidden"]


async def test_a_guest_finds_nothing_of_a_team(sync_office: Office) -> None:
    plan = await sync_office.make()
    [absent] = await pull(sync_office.guest, plan["id"])
    [refusal] = await push(sync_office.guest, update(plan["id"], typed("x")))
    assert absent["code"] == refusal["code"] == "not_found"


async def test_what_is_committed_survives_the_server(sync_office: Office) -> None:
    plans = [await sync_office.make() for _ in range(20)]
    results = await push(sync_office.editor, *(update(one["id"], typed(one["id"])) for one in plans))
    await sync_office.server.kill()
    await sync_office.server.start()
    lines = await pull(sync_office.editor, *(one["id"] for one in plans))
    assert [line["seq"] for line in lines] == [result["seq"] for result in results]
    assert [text_of(state(line)) for line in lines] == [one["id"] for one in plans]
