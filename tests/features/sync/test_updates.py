"""Many documents' updates in and out."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc

from collab_server.core.protocol import offline_sync
from tests.features.api_harness import ApiHarness, refused
from tests.features.sync.device import b64, pull, push, state, text_of, typed, update
from tests.peers import Peer
from tests.people import fetch, run
from tests.waiting import until


async def test_what_is_pushed_is_committed_and_comes_out_of_a_pull(api: ApiHarness) -> None:
    plan, other = await api.make(), await api.make()
    doc: Doc[Any] = Doc()
    first, second = typed("one", doc), typed("two ", doc)
    pushed = await push(
        api.editor, update(plan["id"], first), update(other["id"], typed("x")), update(plan["id"], second)
    )
    assert [one["status"] for one in pushed] == ["ok", "ok", "ok"]
    assert pushed[2]["seq"] > pushed[0]["seq"]
    [line] = await pull(api.viewer, plan["id"])
    assert text_of(state(line)) == "two one"
    assert line["seq"] == pushed[2]["seq"]
    assert base64.b64decode(line["state_vector"]) == doc.get_state()


async def test_only_what_is_missing_comes(api: ApiHarness) -> None:
    plan = await api.make()
    doc: Doc[Any] = Doc()
    first = typed("a long text that is known " * 50, doc)
    await push(api.editor, update(plan["id"], first))
    known = doc.get_state()
    second = typed("news ", doc)
    [done] = await push(api.editor, update(plan["id"], second))
    asked = {"id": plan["id"], "state_vector": b64(known), "generation": done["generation"]}
    [line] = await pull(api.editor, asked)
    assert len(state(line)) < 100
    assert text_of(first, state(line)) == text_of(first, second)
    [line] = await pull(api.editor, {**asked, "state_vector": b64(doc.get_state()), "seq": line["seq"]})
    assert state(line) == b"\0\0"


async def test_the_same_update_twice_is_stored_once(api: ApiHarness) -> None:
    plan = await api.make()
    one = update(plan["id"], typed("once"))
    first, second = await push(api.editor, one, one)
    [third] = await push(api.editor, one)
    assert first["seq"] == second["seq"] == third["seq"]
    [line] = await pull(api.editor, plan["id"])
    assert text_of(state(line)) == "once"


async def test_open_sockets_see_a_push_at_once_and_a_pull_sees_what_they_committed(api: ApiHarness) -> None:
    plan = await api.make()
    peer = Peer(api.server, "yws", plan["id"], token=api.other.token)
    await peer.connect()
    await peer.sync()
    try:
        await push(api.editor, update(plan["id"], typed("pushed ")))
        await peer.until(lambda: "pushed" in str(peer.text))
        peer.insert("typed ", 0)

        async def is_there() -> bool:
            [line] = await pull(api.editor, plan["id"])
            return text_of(state(line)) == "typed pushed "

        await until(is_there, "the edit of the socket")
    finally:
        await peer.close()


async def test_each_operation_is_refused_by_itself(api: ApiHarness) -> None:
    plan = await api.make()
    theirs = await api.make(api.stranger, api.stranger.personal)
    secret = await api.make(type="password", content_encrypted=b64(b"secret"), encryption={"algorithm": "x"})
    results = await push(
        api.editor,
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
    [viewer] = await push(api.viewer, update(plan["id"], typed("no")))
    assert viewer["code"] == "forbidden"
    [line] = await pull(api.editor, plan["id"])
    assert text_of(state(line)) == "kept"


async def test_a_pull_refuses_by_document(api: ApiHarness) -> None:
    plan = await api.make()
    theirs = await api.make(api.stranger, api.stranger.personal)
    gone = await api.make()
    await api.editor.delete(f"/documents/{gone['id']}")
    lines = await pull(
        api.viewer,
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


async def test_a_document_that_was_replaced_is_told_from_one_that_grew(api: ApiHarness) -> None:
    plan = await api.make()
    await push(api.editor, update(plan["id"], typed("old")))
    statement = "UPDATE documents SET generation = generation + 1 WHERE id = $1"
    await run(api.server, statement, [(UUID(plan["id"]),)])
    [stale] = await pull(api.editor, {"id": plan["id"], "generation": 0})
    assert (stale["code"], stale["generation"]) == ("stale_generation", 1)
    [anew] = await pull(api.editor, plan["id"])
    assert anew["generation"] == 1

    async def is_refused() -> bool:
        [pushed] = await push(api.editor, update(plan["id"], typed("new"), generation=0))
        return bool(pushed.get("code") == "stale_generation")

    await until(is_refused, "the room of the old generation to be gone")


async def test_metadata_comes_where_it_is_asked_for_and_not_current(api: ApiHarness) -> None:
    plan = await api.make(title="Plan", tags=["One"])
    without, all_of_it, current = await pull(
        api.viewer,
        plan["id"],
        {"id": plan["id"], "row_version": 0},
        {"id": plan["id"], "row_version": plan["row_version"]},
    )
    assert "document" not in without
    assert "document" not in current
    shown = all_of_it["document"]
    assert (shown["title"], shown["tags"], shown["row_version"]) == ("Plan", ["One"], plan["row_version"])


async def test_the_binary_form_says_the_same(api: ApiHarness) -> None:
    plan = await api.make()
    document_id = UUID(plan["id"])
    headers = {"content-type": offline_sync.MEDIA_TYPE, "accept": offline_sync.MEDIA_TYPE}
    payload = typed("binary")
    patch = {"kind": "patch", "key": "1", "document_id": plan["id"], "fields": {"title": "Renamed"}}
    body = offline_sync.encode_push(
        "phone",
        [
            offline_sync.Edit(document_id, payload, 0),
            offline_sync.Mutation(json.dumps(patch)),
            offline_sync.Mutation("{"),
        ],
    )
    answer = await api.editor.post("/sync/push", content=body, headers=headers)
    assert answer.headers["content-type"] == offline_sync.MEDIA_TYPE
    pushed, mutated, bad, end = offline_sync.FrameDecoder().feed(answer.content)
    assert isinstance(pushed, offline_sync.PushResult)
    assert isinstance(mutated, offline_sync.MutationResult)
    assert isinstance(bad, offline_sync.Refusal)
    assert end == offline_sync.End()
    wanted = [offline_sync.PullRequest(document_id, row_version=0), offline_sync.PullRequest(uuid4())]
    answer = await api.editor.post("/sync/pull", content=offline_sync.encode_pull(wanted), headers=headers)
    line, absent, end = offline_sync.FrameDecoder().feed(answer.content)
    assert isinstance(line, offline_sync.PulledDocument)
    assert text_of(line.update) == "binary"
    assert json.loads(line.metadata)["title"] == "Renamed"
    assert isinstance(absent, offline_sync.Refusal)
    assert end == offline_sync.End()
    for broken in (b"", b"\2\0", body[:-1], b"\1" + b"\xff" * 7):
        for path in ("/sync/push", "/sync/pull"):
            answer = await api.editor.post(path, content=broken, headers=headers)
            assert refused(answer) == (400, "malformed")


async def test_a_thousand_documents_are_one_request_and_more_are_refused(api: ApiHarness) -> None:
    ids = [str(uuid4()) for _ in range(1001)]
    lines = await pull(api.editor, *ids[:1000])
    assert {line["code"] for line in lines} == {"not_found"}
    answer = await api.editor.post("/sync/pull", json={"documents": [{"id": one} for one in ids]})
    assert refused(answer) == (422, "invalid")


async def test_the_log_names_who_pushed_and_by_which_device(api: ApiHarness) -> None:
    plan = await api.make()
    peer = Peer(api.server, "yws", plan["id"], token=api.other.token)
    await peer.connect()
    await peer.sync()  # an open document is not folded at once
    try:
        await push(api.editor, update(plan["id"], typed("x")), device="tablet")
        query = "SELECT actor_id::text, device_id FROM document_updates WHERE document_id = $1"
        rows = await fetch(api.server, query, UUID(plan["id"]))
        assert [tuple(row) for row in rows] == [(api.editor.id, "tablet")]
    finally:
        await peer.close()


async def test_a_connect_token_reaches_its_one_document(api: ApiHarness) -> None:
    plan, other = await api.make(), await api.make()
    await push(api.editor, update(plan["id"], typed("text")))
    answer = await api.editor.post(f"/documents/{plan['id']}/connect-tokens", json={"role": "viewer"})
    bearer = await api.editor.with_scope("read")
    bearer.headers["authorization"] = f"Bearer {answer.json()['token']}"
    one, none = await pull(bearer, plan["id"], other["id"])
    assert (text_of(state(one)), none["code"]) == ("text", "not_found")
    create = {"kind": "create", "key": "1", "document_id": str(uuid4()), "workspace_id": api.team}
    results = await push(
        bearer,
        update(plan["id"], typed("x")),
        update(other["id"], typed("x")),
        {**create, "fields": {"title": "x"}},
    )
    assert [one["code"] for one in results] == ["forbidden", "not_found", "forbidden"]


async def test_a_guest_finds_nothing_of_a_team(api: ApiHarness) -> None:
    plan = await api.make()
    [absent] = await pull(api.guest, plan["id"])
    [refusal] = await push(api.guest, update(plan["id"], typed("x")))
    assert absent["code"] == refusal["code"] == "not_found"


async def test_what_is_committed_survives_the_server(api: ApiHarness) -> None:
    plans = [await api.make() for _ in range(20)]
    results = await push(api.editor, *(update(one["id"], typed(one["id"])) for one in plans))
    await api.server.kill()
    await api.server.start()
    lines = await pull(api.editor, *(one["id"] for one in plans))
    assert [line["seq"] for line in lines] == [result["seq"] for result in results]
    assert [text_of(state(line)) for line in lines] == [one["id"] for one in plans]
