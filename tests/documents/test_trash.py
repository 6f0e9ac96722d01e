"""Deleting, restoring, copying and moving documents."""

import asyncio
from uuid import uuid4

from tests.documents.office import Office, refused
from tests.peers import Peer


async def test_a_deleted_document_is_in_the_trash_until_it_is_restored(office: Office) -> None:
    name = f"gone-{uuid4()}"
    made = await office.make(name=name, tags=["kept"], content="words")
    path = f"/documents/{made['id']}"
    assert (await office.editor.delete(path)).status_code == 204
    for answer in (
        await office.editor.get(path),
        await office.editor.get(f"{path}/content"),
        await office.editor.delete(path),
        await office.editor.patch(path, json={"title": "x"}),
        await office.editor.get("/documents/lookup", params={"address": f"{office.slug}/{name}"}),
    ):
        assert refused(answer) == (404, "not_found")
    for who in (office.editor, office.admin, office.owner):
        found = [item for item in await office.list(who, deleted="true") if item["id"] == made["id"]]
        assert len(found) == 1
        assert found[0]["deleted_at"] is not None
    for who in (office.other, office.commenter, office.viewer):
        assert made["id"] not in [item["id"] for item in await office.list(who, deleted="true")]
        assert refused(await who.post(f"{path}/restore")) == (404, "not_found")
    back = await office.editor.post(f"{path}/restore")
    assert back.status_code == 200, back.text
    assert (back.json()["name"], back.json()["deleted_at"]) == (name, None)
    assert [tag["name"] for tag in back.json()["tags"]] == ["kept"]
    assert (await office.viewer.get(f"{path}/content")).text == "words"
    assert refused(await office.editor.post(f"{path}/restore")) == (404, "not_found")


async def test_a_name_given_away_meanwhile_is_not_taken_back(office: Office) -> None:
    name = f"reused-{uuid4()}"
    first = await office.make(name=name)
    await office.editor.delete(f"/documents/{first['id']}")
    second = await office.make(name=name)
    back = (await office.editor.post(f"/documents/{first['id']}/restore")).json()
    assert (back["name"], back["address"]) == (None, first["id"])
    found = await office.editor.get("/documents/lookup", params={"address": f"{office.slug}/{name}"})
    assert found.json()["id"] == second["id"]


async def test_several_of_one_name_restored_at_once_leave_it_to_one(office: Office) -> None:
    name = f"many-{uuid4()}"
    deleted = []
    for _ in range(4):
        made = await office.make(name=name)
        await office.editor.delete(f"/documents/{made['id']}")
        deleted.append(made["id"])
    answers = await asyncio.gather(*(office.editor.post(f"/documents/{one}/restore") for one in deleted))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(str(answer.json()["name"]) for answer in answers) == sorted([name, "None", "None", "None"])


async def test_only_what_is_in_the_trash_is_deleted_for_good(office: Office) -> None:
    made = await office.make(tags=["t"], content="words")
    path = f"/documents/{made['id']}"
    assert refused(await office.editor.delete(f"{path}/permanently")) == (404, "not_found")
    assert (await office.editor.delete(path)).status_code == 204
    for who in (office.other, office.viewer, office.stranger):
        assert refused(await who.delete(f"{path}/permanently")) == (404, "not_found")
    assert (await office.editor.delete(f"{path}/permanently")).status_code == 204
    assert refused(await office.owner.post(f"{path}/restore")) == (404, "not_found")
    for table in ("document_heads", "document_tags", "document_archive"):
        assert await office.count(f"{table} WHERE document_id = '{made['id']}'") == 0, table


async def test_a_copy_has_everything_that_was_typed_until_then(office: Office) -> None:
    made = await office.make(content="start ", tags=["a", "b"], type="note", metadata={"pinned": True}, title="Plan")
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    for _ in range(5):
        before = [peer.type_mark() for _ in range(20)]
        await peer.saved()
        copying = asyncio.create_task(office.other.post(f"/documents/{made['id']}/duplicate", json={}))
        while not copying.done():
            peer.type_mark()
            await peer.saved()
        answer = await copying
        assert answer.status_code == 201, answer.text
        copy = answer.json()
        text = (await office.other.get(f"/documents/{copy['id']}/content")).text
        assert text.startswith("start ")
        assert all(mark.decode() in text for mark in before)
    assert (copy["title"], copy["type"], copy["metadata"]) == ("Copy of Plan", "note", {"pinned": True})
    assert [tag["name"] for tag in copy["tags"]] == ["a", "b"]
    assert copy["created_by"]["name"] == "other"
    await peer.close()
    # the copy is a document of its own, which opens, and whose edits do not reach the original
    second = await Peer(office.server, "hocus", copy["id"], token=office.other.token).sync()
    assert second.content == text
    second.insert(" only here")
    await second.saved()
    await second.close()
    assert "only here" not in (await office.other.get(f"/documents/{made['id']}/content")).text


async def test_a_copy_goes_to_another_workspace_with_its_tags(office: Office) -> None:
    category = await office.editor.post(f"/workspaces/{office.team}/categories", json={"name": f"C {uuid4()}"})
    made = await office.make(tags=["a"], category_id=category.json()["id"], name=f"n-{uuid4()}", content="x")
    here = (await office.editor.post(f"/documents/{made['id']}/duplicate", json={"title": "Mine"})).json()
    assert (here["title"], here["name"], here["category_id"]) == ("Mine", None, made["category_id"])
    body = {"workspace_id": office.viewer.personal, "as_template": True}
    there = (await office.viewer.post(f"/documents/{made['id']}/duplicate", json=body)).json()
    assert (there["workspace_id"], there["category_id"]) == (office.viewer.personal, None)
    assert there["is_template"] is True
    assert [tag["name"] for tag in there["tags"]] == ["a"]
    assert there["tags"][0]["id"] != made["tags"][0]["id"]
    assert refused(await office.viewer.post(f"/documents/{made['id']}/duplicate", json={})) == (403, "forbidden")
    elsewhere = {"workspace_id": office.stranger.personal}
    assert refused(await office.editor.post(f"/documents/{made['id']}/duplicate", json=elsewhere)) == (404, "not_found")


async def test_a_document_from_a_template_takes_what_is_not_given(office: Office) -> None:
    template = await office.make(
        type="task",
        metadata={"completed": False},
        settings={"auto_save": False},
        tags=["t1"],
        content="- [ ] step",
        priority="high",
        is_template=True,
    )
    made = await office.make(office.other, template_id=template["id"], title="From it")
    for field in ("type", "metadata", "settings", "priority", "tags"):
        assert made[field] == template[field], field
    assert (made["template_id"], made["is_template"], made["title"]) == (template["id"], False, "From it")
    peer = await Peer(office.server, "yws", made["id"], token=office.other.token).sync()
    assert peer.content == "- [ ] step"
    await peer.close()
    own = await office.make(template_id=template["id"], content="own", tags=["t2"], metadata={"completed": True})
    assert (await office.other.get(f"/documents/{own['id']}/content")).text == "own"
    assert ([t["name"] for t in own["tags"]], own["metadata"]) == (["t2"], {"completed": True})
    plain = await office.make()
    for body in (
        {"template_id": plain["id"]},
        {"template_id": template["id"], "type": "note"},
        {"template_id": template["id"], "metadata": {"completed": "no"}},
    ):
        answer = await office.editor.post(f"/workspaces/{office.team}/documents", json={"title": "T", **body})
        assert refused(answer) == (422, "unprocessable"), body
    answer = await office.editor.post(
        f"/workspaces/{office.editor.personal}/documents", json={"title": "T", "template_id": template["id"]}
    )
    assert refused(answer) == (422, "unprocessable")


async def test_a_document_moves_with_its_content_tags_and_search_entry(office: Office) -> None:
    word = f"w{uuid4().hex}"
    made = await office.make(name=f"moved-{uuid4()}", tags=["Both", "only here"], content=word)
    await office.viewer.put(f"/documents/{made['id']}/favourite")
    target = office.editor.personal
    shelf = (await office.editor.post(f"/workspaces/{target}/categories", json={"name": f"S {uuid4()}"})).json()["id"]
    both = await office.editor.post(f"/workspaces/{target}/tags", json={"name": f"both {uuid4()}"})
    assert both.status_code == 201
    body = {"workspace_id": target, "category_id": shelf}
    answer = await office.editor.post(f"/documents/{made['id']}/move", json=body)
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["workspace_id"], moved["category_id"], moved["name"]) == (target, shelf, made["name"])
    assert [tag["name"] for tag in moved["tags"]] == ["Both", "only here"]
    assert not {tag["id"] for tag in moved["tags"]} & {tag["id"] for tag in made["tags"]}
    assert (await office.editor.get(f"/documents/{made['id']}/content")).text == word
    assert refused(await office.viewer.get(f"/documents/{made['id']}")) == (404, "not_found")
    for table in ("document_tags", "document_search"):
        left = f"{table} WHERE workspace_id = '{office.team}' AND document_id = '{made['id']}'"
        assert await office.count(left) == 0, table


async def test_both_ends_of_a_move_are_checked(office: Office) -> None:
    name = f"clash-{uuid4()}"
    made = await office.make(name=name)
    path = f"/documents/{made['id']}/move"
    for who, target, answer in (
        (office.other, office.other.personal, (403, "forbidden")),  # neither its author nor allowed to delete
        (office.viewer, office.viewer.personal, (403, "forbidden")),
        (office.stranger, office.stranger.personal, (404, "not_found")),
        (office.editor, office.stranger.personal, (404, "not_found")),
        (office.admin, office.editor.personal, (404, "not_found")),
    ):
        assert refused(await who.post(path, json={"workspace_id": target})) == answer
    await office.make(office.editor, office.editor.personal, name=name)
    taken = await office.editor.post(path, json={"workspace_id": office.editor.personal})
    assert refused(taken) == (409, "conflict")
    strange = {"workspace_id": office.admin.personal, "category_id": str(uuid4())}
    assert refused(await office.admin.post(path, json=strange)) == (422, "unprocessable")
    stale = await office.editor.post(path, json={"workspace_id": office.team}, headers={"if-match": '"r99"'})
    assert refused(stale) == (412, "precondition_failed")
    assert (await office.viewer.get(f"/documents/{made['id']}")).json()["workspace_id"] == office.team
    assert (await office.admin.post(path, json={"workspace_id": office.admin.personal})).status_code == 200
