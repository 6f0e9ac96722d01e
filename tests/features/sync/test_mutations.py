"""What devices did to metadata without a connection: done once, the last writer wins, nothing is overwritten unseen."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from tests.features.api_harness import ApiHarness, refused
from tests.features.sync.device import pull, push, state, text_of, typed, update
from tests.people import Person, fetch, run


def key() -> str:
    return uuid4().hex


def create(workspace: str, document_id: str, title: str = "Offline", **fields: Any) -> dict[str, Any]:
    named = {"title": title, **fields}
    return {"kind": "create", "key": key(), "document_id": document_id, "workspace_id": workspace, "fields": named}


def patch(document: dict[str, Any], fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "patch",
        "key": key(),
        "document_id": document["id"],
        "fields": fields,
        "base_version": document["row_version"],
        "base": {name: document[name] for name in fields},
        **more,
    }


async def read(who: Person, document_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await who.get(f"/documents/{document_id}")).json()
    return found


async def test_a_document_made_offline_with_its_text_and_all_that_happened_to_it(api: ApiHarness) -> None:
    made = str(uuid4())
    results = await push(
        api.editor,
        create(api.team, made, "Draft", tags=["One"]),
        update(made, typed("written on a train")),
        {"kind": "tag", "key": key(), "document_id": made, "tags": ["Two"]},
        {"kind": "delete", "key": key(), "document_id": made},
        update(made, typed("too late")),
        {"kind": "restore", "key": key(), "document_id": made},
        update(made, typed("in time, ")),
    )
    assert [one.get("code") for one in results] == [None, None, None, None, "not_found", None, None]
    found = await read(api.viewer, made)
    assert (found["title"], [tag["name"] for tag in found["tags"]]) == ("Draft", ["Two"])
    [line] = await pull(api.viewer, made)
    assert sorted(text_of(state(line))) == sorted("in time, written on a train")


async def test_a_key_that_comes_again_has_its_first_result_and_does_nothing(api: ApiHarness) -> None:
    plan = await api.make()
    rename = patch(plan, {"title": "First"})
    [first] = await push(api.editor, rename)
    await push(api.editor, patch(await read(api.editor, plan["id"]), {"title": "Second"}))
    [again, other_device] = [
        *(await push(api.editor, rename)),
        *(await push(api.editor, {**rename, "fields": {"title": "Third"}}, device="phone")),
    ]
    assert again == first
    assert other_device["status"] == "ok"
    assert (await read(api.editor, plan["id"]))["title"] == "Third"
    [misused] = await push(api.editor, {**rename, "fields": {"title": "Other"}})
    assert misused["code"] == "conflict"


async def test_the_same_key_at_the_same_time_is_done_once(api: ApiHarness) -> None:
    made = str(uuid4())
    one = create(api.team, made)
    answers = await asyncio.gather(*(push(api.editor, one) for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0]["status"] == "ok"


async def test_the_last_writer_wins_by_field_and_what_it_overwrote_is_kept(api: ApiHarness) -> None:
    plan = await api.make(title="Plan", description="Ours")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Theirs", "priority": "high"})
    [done] = await push(api.editor, patch(plan, {"title": "Mine", "description": "Mine too"}))
    assert done["conflict"]["overwritten"] == {"title": "Theirs"}
    now = await read(api.editor, plan["id"])
    assert (now["title"], now["description"], now["priority"]) == ("Mine", "Mine too", "high")
    assert done["row_version"] == now["row_version"]
    listed = (await api.viewer.get(f"/documents/{plan['id']}/conflicts")).json()["items"]
    assert [(one["overwritten"], one["written"], one["user_id"]) for one in listed] == [
        ({"title": "Theirs"}, {"title": "Mine"}, api.editor.id)
    ]
    stranger = await api.stranger.get(f"/documents/{plan['id']}/conflicts")
    assert refused(stranger) == (404, "not_found")


async def test_a_change_of_something_else_is_no_conflict(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"priority": "high"})
    [done] = await push(api.editor, patch(plan, {"title": "Mine"}, on_conflict="refuse"))
    assert (done["status"], done["conflict"]) == ("ok", None)
    same = patch(plan, {"title": "Mine"}, on_conflict="refuse")
    [agreed] = await push(api.editor, same)
    assert (agreed["status"], agreed["conflict"]) == ("ok", None)


async def test_who_does_not_want_to_overwrite_is_refused_and_nothing_is_done(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Theirs"})
    gone = {"kind": "delete", "key": key(), "document_id": plan["id"], "base_version": plan["row_version"]}
    rename, deletion = await push(
        api.editor,
        patch(plan, {"title": "Mine", "priority": "high"}, on_conflict="refuse"),
        {**gone, "on_conflict": "refuse"},
    )
    assert rename["code"] == deletion["code"] == "conflict"
    now = await read(api.editor, plan["id"])
    assert (now["title"], now["priority"]) == ("Theirs", "normal")
    [deleted] = await push(api.editor, {**gone, "key": key()})
    assert deleted["conflict"]["overwritten"] == {"deleted": False}


async def test_what_nobody_may_do_online_nobody_may_do_offline(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    theirs = await api.make(api.stranger, api.stranger.personal)
    other_id = str(uuid4())
    for who in (api.viewer, api.commenter):
        results = await push(
            who,
            patch(plan, {"title": "x"}),
            {"kind": "delete", "key": key(), "document_id": plan["id"]},
            create(api.team, other_id),
        )
        assert [one["code"] for one in results] == ["forbidden"] * 3
    results = await push(
        api.editor,
        patch(theirs, {"title": "x"}),
        create(api.stranger.personal, other_id),
        create(api.team, theirs["id"]),
        create(api.team, other_id, title=""),
        create(api.team, other_id, category_id=str(uuid4())),
        {"kind": "restore", "key": key(), "document_id": plan["id"]},
    )
    codes = [one["code"] for one in results]
    assert codes == ["not_found", "not_found", "conflict", "invalid", "unprocessable", "not_found"]
    reader = await api.editor.with_scope("read")
    [by_reader] = await push(reader, patch(plan, {"title": "x"}))
    assert by_reader["code"] == "forbidden"
    assert await api.count("documents WHERE title = 'x'") == 0


async def test_old_mutations_and_conflicts_are_forgotten(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Theirs"})
    mine = patch(plan, {"title": "Mine"})
    await push(api.editor, mine)
    for table in ("sync_mutations", "sync_conflicts"):
        await run(api.server, f"UPDATE {table} SET created_at = now() - interval '91 days'")
    await push(api.editor, patch(await read(api.editor, plan["id"]), {"title": "New"}))
    await fetch(api.server, "SELECT app.purge_sync_mutations()")
    kept = await fetch(api.server, "SELECT result ->> 'document_id' AS id FROM sync_mutations")
    assert [row["id"] for row in kept] == [plan["id"]]
    assert not await fetch(api.server, "SELECT 1 FROM sync_conflicts WHERE document_id = $1", UUID(plan["id"]))
