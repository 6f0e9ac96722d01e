"""What the feed tells of, over REST."""

from hashlib import sha256
from uuid import UUID

from tests.features.changes.reading import begin
from tests.features.sync.device import typed, update
from tests.features.workspaces.teams import join, ok, team
from tests.peers import Peer
from tests.people import Person, people, run
from tests.server import Server

TEXT = {"content-type": "text/markdown"}


async def new_document(owner: Person, workspace: str, **fields: object) -> str:
    made: str = ok(await owner.post(f"/workspaces/{workspace}/documents", json={"title": "Plan", **fields}), 201)["id"]
    return made


async def test_a_document_from_its_making_to_its_end(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    await join(server, space, "editor", ben)
    reader = await begin(ben, space)
    device = {"x-device-id": "laptop", "x-client-version": "2.1"}
    made = ok(
        await ann.post(f"/workspaces/{space}/documents", json={"title": "Plan", "content": "# Plan"}, headers=device),
        201,
    )
    plan = made["id"]
    assert await reader.take(1) == [("create", "document", plan)]
    (item,) = reader.items
    told = {key: item[key] for key in ("workspace_id", "document_id", "changed_by", "device_id", "client_version")}
    assert told == {
        "workspace_id": space,
        "document_id": plan,
        "changed_by": ann.id,
        "device_id": "laptop",
        "client_version": "2.1",
    }
    assert item["content_hash"] == sha256(b"# Plan").hexdigest() and item["row_version"] == made["row_version"]
    assert item["changed_fields"] == []
    ok(await ben.patch(f"/documents/{plan}", json={"title": "Better", "status": "active"}))
    assert await reader.take(1) == [("update", "document", plan)]
    assert (reader.items[0]["changed_fields"], reader.items[0]["changed_by"]) == (["title", "status"], ben.id)
    ok(await ann.delete(f"/documents/{plan}"), 204)
    assert await reader.take(1) == [("delete", "document", plan)]
    ok(await ann.post(f"/documents/{plan}/restore"))
    assert await reader.take(1) == [("create", "document", plan)]
    ok(await ann.delete(f"/documents/{plan}"), 204)
    ok(await ann.delete(f"/documents/{plan}/permanently"), 204)
    assert await reader.take(1) == [("delete", "document", plan)], "once"


async def test_a_delete_that_is_undone_when_it_is_read_is_no_delete(server: Server) -> None:
    (ann,) = await people(server, "ann")
    plan = await new_document(ann, ann.personal)
    reader = await begin(ann)
    ok(await ann.delete(f"/documents/{plan}"), 204)
    ok(await ann.post(f"/documents/{plan}/restore"))
    told = await reader.take(2)
    assert told == [("update", "document", plan), ("create", "document", plan)]


async def test_edits_are_told_when_they_begin_and_when_they_are_folded(server: Server) -> None:
    (ann,) = await people(server, "ann")
    plan = await new_document(ann, ann.personal)
    reader = await begin(ann)
    peer = Peer(server, "yws", plan, token=ann.token)
    await peer.connect()
    await peer.sync()
    try:
        for letter in "hello":
            peer.text += letter
            await peer.saved()
        assert await reader.take(1) == [("update", "document", plan)]
        assert (reader.items[0]["changed_fields"], reader.items[0]["changed_by"]) == (["content"], ann.id)
        assert reader.items[0]["content_hash"] is None
        assert await reader.take(1) == [("update", "document", plan)], "not one for each letter"
        content = await ann.get(f"/documents/{plan}/content")
        found = ok(await ann.get(f"/documents/{plan}"))
        assert content.text == "hello" and reader.items[0]["content_hash"] == sha256(b"hello").hexdigest()
        assert reader.items[0]["changed_by"] == ann.id and found["updated_by"]["id"] == ann.id
        peer.text += "!"
        await peer.saved()
        assert await reader.take(1) == [("update", "document", plan)], "it rested: the next edit is told at once"
    finally:
        await peer.close()


async def test_edits_are_told_with_the_device_and_its_client_version(server: Server) -> None:
    (ann,) = await people(server, "ann")
    edits: list[tuple[str, str, dict[str, object]]] = [
        ("PUT", "content", {"headers": {**TEXT, "x-device-id": "phone", "x-client-version": "1.0"}, "content": b"one"}),
        (
            "POST",
            "updates?device_id=tablet&client_version=2.0",
            {"headers": {"content-type": "application/octet-stream"}, "content": typed("two")},
        ),
    ]
    for number, (method, path, request) in enumerate(edits, 1):
        plan = await new_document(ann, ann.personal)
        reader = await begin(ann)
        ok(await ann.request(method, f"/documents/{plan}/{path}", **request))  # type: ignore[arg-type]
        await reader.take(2)
        assert [item["content_hash"] is None for item in reader.items] == [True, False], "begun, and folded"
        for item in reader.items:
            assert (item["device_id"], item["client_version"]) == (["phone", "tablet"][number - 1], f"{number}.0")
    plan = await new_document(ann, ann.personal)
    reader = await begin(ann)
    body = {"device_id": "laptop", "operations": [update(plan, typed("three"))]}
    ok(await ann.post("/sync/push", json=body, headers={"x-client-version": "3.0"}))
    await reader.take(2)
    assert {(item["device_id"], item["client_version"]) for item in reader.items} == {("laptop", "3.0")}


async def test_moving_is_a_delete_there_and_a_create_here(server: Server) -> None:
    ann, ben, cat = await people(server, "ann", "ben", "cat")
    there, here = (await team(ann))["id"], (await team(ann))["id"]
    await join(server, there, "viewer", ben)
    await join(server, here, "viewer", cat)
    plan = await new_document(ann, there, tags=["x"])
    left, came, both = await begin(ben), await begin(cat, here), await begin(ann)
    ok(await ann.post(f"/documents/{plan}/move", json={"workspace_id": here}))
    assert ("delete", "document", plan) in await left.take(2)
    assert ("create", "document", plan) in await came.take(2)
    assert {item["workspace_id"] for item in left.items} == {there}
    assert {item["workspace_id"] for item in came.items} == {here}
    assert {("delete", there), ("create", here)} <= {
        (item["operation"], item["workspace_id"]) for item in (await both.take(4), both.items)[1]
    }


async def test_tags_categories_and_favourites(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)
    plan = await new_document(ann, space)
    reader, other = await begin(ann), await begin(ben)
    tag = ok(await ann.post(f"/workspaces/{space}/tags", json={"name": "red"}), 201)["id"]
    assert await reader.take(1) == [("create", "tag", tag)]
    ok(await ann.put(f"/documents/{plan}/tags", json={"tags": ["red"]}))
    assert await reader.take(1) == [("update", "document", plan)]
    assert reader.items[0]["changed_fields"] == ["tags"]
    ok(await ann.patch(f"/workspaces/{space}/tags/{tag}", json={"name": "crimson"}))
    assert sorted(await reader.take(2)) == [("update", "document", plan), ("update", "tag", tag)]
    ok(await ann.delete(f"/workspaces/{space}/tags/{tag}"), 204)
    assert sorted(await reader.take(2)) == [("delete", "tag", tag), ("update", "document", plan)]
    category = ok(await ann.post(f"/workspaces/{space}/categories", json={"name": "Ours"}), 201)["id"]
    ok(await ann.patch(f"/documents/{plan}", json={"category_id": category}))
    ok(await ann.patch(f"/workspaces/{space}/categories/{category}", json={"color": "#ffffff"}))
    ok(await ann.delete(f"/workspaces/{space}/categories/{category}"), 204)
    assert sorted(await reader.take(5)) == [
        ("create", "category", category),
        ("delete", "category", category),
        ("update", "category", category),
        ("update", "document", plan),
        ("update", "document", plan),
    ]
    ok(await ann.put(f"/documents/{plan}/favourite"), 204)
    assert await reader.take(1) == [("create", "favourite", plan)]
    ok(await ann.delete(f"/documents/{plan}/favourite"), 204)
    assert await reader.take(1) == [("delete", "favourite", plan)]
    assert "favourite" not in {kind for _, kind, _ in await other.take(11)}, "one's own"


async def test_members_and_their_access(server: Server) -> None:
    ann, ben, cat = await people(server, "ann", "ben", "cat")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", cat)
    ours, his = await begin(cat, space), await begin(ben)
    await join(server, space, "viewer", ben)
    assert await ours.take(1) == [("create", "member", ben.id)]
    told = await his.take(3)
    assert ("create", "workspace", space) in told and ("create", "member", ben.id) in told
    assert "notification" in {kind for _, kind, _ in told}
    assert space in his.last["workspaces"]
    one = await begin(ben, space)
    ok(await ann.patch(f"/workspaces/{space}/members/{ben.id}", json={"role": "editor"}))
    assert await ours.take(1) == [("update", "member", ben.id)]
    assert ours.items[0]["changed_fields"] == ["role"] and ours.items[0]["changed_by"] == ann.id
    assert ("update", "workspace", space) in await his.take(3)
    ok(await ann.delete(f"/workspaces/{space}/members/{ben.id}"), 204)
    await new_document(ann, space)
    assert await his.take(1) == [("delete", "workspace", space)], "and nothing of what is there"
    assert space not in his.last["workspaces"] and his.items[0]["changed_fields"] == ["access"]
    answer = await ben.get(one.path, params={"cursor": one.cursor, "wait": 20})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await ours.take(2))[0] == ("delete", "member", ben.id)
    override = (
        "UPDATE workspace_members SET permissions = '{\"can_read\": false}' WHERE workspace_id = $1 AND user_id = $2"
    )
    follows = await begin(cat)
    await run(server, override, [(UUID(space), UUID(cat.id))])
    assert ("delete", "workspace", space) in await follows.take(1)


async def test_a_workspace_itself(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    reader = await begin(ann)
    space = (await team(ann))["id"]
    assert ("create", "workspace", space) in await reader.take(2)
    await join(server, space, "viewer", ben)
    member = await begin(ben)
    ok(await ann.patch(f"/workspaces/{space}", json={"name": "Others"}))
    assert await member.take(1) == [("update", "workspace", space)]
    assert member.items[0]["changed_fields"] == ["name"]
    ok(await ann.post(f"/workspaces/{space}/archive"))
    assert await member.take(1) == [("update", "workspace", space)]
    assert member.items[0]["changed_fields"] == ["archived_at"]
    ok(await ann.delete(f"/workspaces/{space}"), 204)
    assert await member.take(1) == [("delete", "workspace", space)]
    assert space not in member.last["workspaces"]
    ok(await ann.post(f"/workspaces/{space}/restore"))
    assert await member.take(1) == [("create", "workspace", space)]
    assert space in member.last["workspaces"]
