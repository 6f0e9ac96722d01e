"""Deleting, restoring, copying and moving documents."""

import asyncio
from uuid import uuid4

from tests.features.api_harness import ApiHarness, refused
from tests.peers import Peer


async def test_a_deleted_document_is_in_the_trash_until_it_is_restored(api: ApiHarness) -> None:
    name = f"gone-{uuid4()}"
    made = await api.make(name=name, tags=["kept"], content="words")
    path = f"/documents/{made['id']}"
    assert (await api.editor.delete(path)).status_code == 204
    for answer in (
        await api.editor.get(path),
        await api.editor.get(f"{path}/content"),
        await api.editor.delete(path),
        await api.editor.patch(path, json={"title": "x"}),
        await api.editor.get("/documents/lookup", params={"address": f"{api.slug}/{name}"}),
    ):
        assert refused(answer) == (404, "not_found")
    for who in (api.editor, api.admin, api.owner):
        found = [item for item in await api.list(who, deleted="true") if item["id"] == made["id"]]
        assert len(found) == 1
        assert found[0]["deleted_at"] is not None
    for who in (api.other, api.commenter, api.viewer):
        assert made["id"] not in [item["id"] for item in await api.list(who, deleted="true")]
        assert refused(await who.post(f"{path}/restore")) == (404, "not_found")
    back = await api.editor.post(f"{path}/restore")
    assert back.status_code == 200, back.text
    assert (back.json()["name"], back.json()["deleted_at"]) == (name, None)
    assert [tag["name"] for tag in back.json()["tags"]] == ["kept"]
    assert (await api.viewer.get(f"{path}/content")).text == "words"
    assert refused(await api.editor.post(f"{path}/restore")) == (404, "not_found")


async def test_a_name_given_away_meanwhile_is_not_taken_back(api: ApiHarness) -> None:
    name = f"reused-{uuid4()}"
    first = await api.make(name=name)
    await api.editor.delete(f"/documents/{first['id']}")
    second = await api.make(name=name)
    back = (await api.editor.post(f"/documents/{first['id']}/restore")).json()
    assert (back["name"], back["address"]) == (None, first["id"])
    found = await api.editor.get("/documents/lookup", params={"address": f"{api.slug}/{name}"})
    assert found.json()["id"] == second["id"]


async def test_several_of_one_name_restored_at_once_leave_it_to_one(api: ApiHarness) -> None:
    name = f"many-{uuid4()}"
    deleted = []
    for _ in range(4):
        made = await api.make(name=name)
        await api.editor.delete(f"/documents/{made['id']}")
        deleted.append(made["id"])
    answers = await asyncio.gather(*(api.editor.post(f"/documents/{one}/restore") for one in deleted))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(str(answer.json()["name"]) for answer in answers) == sorted([name, "None", "None", "None"])


async def test_only_what_is_in_the_trash_is_deleted_for_good(api: ApiHarness) -> None:
    made = await api.make(tags=["t"], content="words")
    path = f"/documents/{made['id']}"
    assert refused(await api.editor.delete(f"{path}/permanently")) == (404, "not_found")
    assert (await api.editor.delete(path)).status_code == 204
    for who in (api.other, api.viewer, api.stranger):
        assert refused(await who.delete(f"{path}/permanently")) == (404, "not_found")
    assert (await api.editor.delete(f"{path}/permanently")).status_code == 204
    assert refused(await api.owner.post(f"{path}/restore")) == (404, "not_found")
    for table in ("document_heads", "document_tags", "document_archive"):
        assert await api.count(f"{table} WHERE document_id = '{made['id']}'") == 0, table


async def test_a_copy_has_everything_that_was_typed_until_then(api: ApiHarness) -> None:
    made = await api.make(content="start ", tags=["a", "b"], type="note", metadata={"pinned": True}, title="Plan")
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    for _ in range(5):
        before = [peer.type_mark() for _ in range(20)]
        await peer.saved()
        copying = asyncio.create_task(api.other.post(f"/documents/{made['id']}/duplicate", json={}))
        while not copying.done():
            peer.type_mark()
            await peer.saved()
        answer = await copying
        assert answer.status_code == 201, answer.text
        copy = answer.json()
        text = (await api.other.get(f"/documents/{copy['id']}/content")).text
        assert text.startswith("start ")
        assert all(mark.decode() in text for mark in before)
    assert (copy["title"], copy["type"], copy["metadata"]) == ("Copy of Plan", "note", {"pinned": True})
    assert [tag["name"] for tag in copy["tags"]] == ["a", "b"]
    assert copy["created_by"]["name"] == "other"
    await peer.close()
    # the copy is a document of its own, which opens, and whose edits do not reach the original
    second = await Peer(api.server, "hocus", copy["id"], token=api.other.token).sync()
    assert second.content == text
    second.insert(" only here")
    await second.saved()
    await second.close()
    assert "only here" not in (await api.other.get(f"/documents/{made['id']}/content")).text


async def test_a_copy_goes_to_another_workspace_with_its_tags(api: ApiHarness) -> None:
    category = await api.editor.post(f"/workspaces/{api.team}/categories", json={"name": f"C {uuid4()}"})
    made = await api.make(tags=["a"], category_id=category.json()["id"], name=f"n-{uuid4()}", content="x")
    here = (await api.editor.post(f"/documents/{made['id']}/duplicate", json={"title": "Mine"})).json()
    assert (here["title"], here["name"], here["category_id"]) == ("Mine", None, made["category_id"])
    body = {"workspace_id": api.viewer.personal, "as_template": True}
    there = (await api.viewer.post(f"/documents/{made['id']}/duplicate", json=body)).json()
    assert (there["workspace_id"], there["category_id"]) == (api.viewer.personal, None)
    assert there["is_template"] is True
    assert [tag["name"] for tag in there["tags"]] == ["a"]
    assert there["tags"][0]["id"] != made["tags"][0]["id"]
    assert refused(await api.viewer.post(f"/documents/{made['id']}/duplicate", json={})) == (403, "forbidden")
    elsewhere = {"workspace_id": api.stranger.personal}
    assert refused(await api.editor.post(f"/documents/{made['id']}/duplicate", json=elsewhere)) == (404, "not_found")


async def test_a_document_from_a_template_takes_what_is_not_given(api: ApiHarness) -> None:
    template = await api.make(
        type="task",
        metadata={"completed": False},
        settings={"auto_save": False},
        tags=["t1"],
        content="- [ ] step",
        priority="high",
        is_template=True,
    )
    made = await api.make(api.other, template_id=template["id"], title="From it")
    for field in ("type", "metadata", "settings", "priority", "tags"):
        assert made[field] == template[field], field
    assert (made["template_id"], made["is_template"], made["title"]) == (template["id"], False, "From it")
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    assert peer.content == "- [ ] step"
    await peer.close()
    own = await api.make(template_id=template["id"], content="own", tags=["t2"], metadata={"completed": True})
    assert (await api.other.get(f"/documents/{own['id']}/content")).text == "own"
    assert ([t["name"] for t in own["tags"]], own["metadata"]) == (["t2"], {"completed": True})
    plain = await api.make()
    for body in (
        {"template_id": plain["id"]},
        {"template_id": template["id"], "type": "note"},
        {"template_id": template["id"], "metadata": {"completed": "no"}},
    ):
        answer = await api.editor.post(f"/workspaces/{api.team}/documents", json={"title": "T", **body})
        assert refused(answer) == (422, "unprocessable"), body
    answer = await api.editor.post(
        f"/workspaces/{api.editor.personal}/documents", json={"title": "T", "template_id": template["id"]}
    )
    assert refused(answer) == (422, "unprocessable")


async def test_a_document_moves_with_its_content_tags_and_search_entry(api: ApiHarness) -> None:
    word = f"w{uuid4().hex}"
    made = await api.make(name=f"moved-{uuid4()}", tags=["Both", "only here"], content=word)
    await api.viewer.put(f"/documents/{made['id']}/favourite")
    target = api.editor.personal
    shelf = (await api.editor.post(f"/workspaces/{target}/categories", json={"name": f"S {uuid4()}"})).json()["id"]
    both = await api.editor.post(f"/workspaces/{target}/tags", json={"name": f"both {uuid4()}"})
    assert both.status_code == 201
    body = {"workspace_id": target, "category_id": shelf}
    answer = await api.editor.post(f"/documents/{made['id']}/move", json=body)
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["workspace_id"], moved["category_id"], moved["name"]) == (target, shelf, made["name"])
    assert [tag["name"] for tag in moved["tags"]] == ["Both", "only here"]
    assert not {tag["id"] for tag in moved["tags"]} & {tag["id"] for tag in made["tags"]}
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == word
    assert refused(await api.viewer.get(f"/documents/{made['id']}")) == (404, "not_found")
    for table in ("document_tags", "document_search"):
        left = f"{table} WHERE workspace_id = '{api.team}' AND document_id = '{made['id']}'"
        assert await api.count(left) == 0, table


async def test_both_ends_of_a_move_are_checked(api: ApiHarness) -> None:
    name = f"clash-{uuid4()}"
    made = await api.make(name=name)
    path = f"/documents/{made['id']}/move"
    for who, target, answer in (
        (api.other, api.other.personal, (403, "forbidden")),  # neither its author nor allowed to delete
        (api.viewer, api.viewer.personal, (403, "forbidden")),
        (api.stranger, api.stranger.personal, (404, "not_found")),
        (api.editor, api.stranger.personal, (404, "not_found")),
        (api.admin, api.editor.personal, (404, "not_found")),
    ):
        assert refused(await who.post(path, json={"workspace_id": target})) == answer
    await api.make(api.editor, api.editor.personal, name=name)
    taken = await api.editor.post(path, json={"workspace_id": api.editor.personal})
    assert refused(taken) == (409, "conflict")
    strange = {"workspace_id": api.admin.personal, "category_id": str(uuid4())}
    assert refused(await api.admin.post(path, json=strange)) == (422, "unprocessable")
    stale = await api.editor.post(path, json={"workspace_id": api.team}, headers={"if-match": '"r99"'})
    assert refused(stale) == (412, "precondition_failed")
    assert (await api.viewer.get(f"/documents/{made['id']}")).json()["workspace_id"] == api.team
    assert (await api.admin.post(path, json={"workspace_id": api.admin.personal})).status_code == 200
