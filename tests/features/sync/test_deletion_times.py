"""An offline deletion is an edit of the whole document: a later edit supersedes it."""

from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from collab_server.client import clock
from tests.client.devices import backdate_edits, device, met, text_on_server
from tests.features.api_harness import ApiHarness
from tests.features.sync.device import push, typed, update
from tests.features.sync.test_edit_times import ago, conflicts
from tests.features.sync.test_mutations import key, patch, read
from tests.people import fetch
from tests.waiting import until

MINUTE = 60_000_000


def delete(document: dict[str, Any], minutes: float | None, **more: Any) -> dict[str, Any]:
    about = {"document_id": document["id"], "base_version": document["row_version"]}
    return {"kind": "delete", "key": key(), **about, "edited_at": None if minutes is None else ago(minutes), **more}


def restore(document: dict[str, Any], minutes: float) -> dict[str, Any]:
    return {"kind": "restore", "key": key(), "document_id": document["id"], "edited_at": ago(minutes)}


async def is_deleted(api: ApiHarness, document: dict[str, Any]) -> bool:
    return (await api.owner.get(f"/documents/{document['id']}")).status_code == 404


async def test_an_older_deletion_does_not_remove_a_document_that_was_renamed_later(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await push(api.other, patch(plan, {"title": "Later"}, edited_at=ago(5)))
    [older] = await push(api.editor, delete(plan, 10))
    assert (older["status"], older["conflict"]) == ("ok", None)
    assert older["superseded"]["kept"] == {"title": "Later"}
    assert (await read(api.editor, plan["id"]))["title"] == "Later"
    [record] = await conflicts(api, plan)
    assert (record["kind"], record["kept"], record["id"]) == ("delete", True, older["superseded"]["id"])
    assert (record["overwritten"], record["written"]) == ({"deleted": True}, {"title": "Later"})


async def test_a_later_deletion_removes_a_document_and_records_what_the_device_did_not_know(
    api: ApiHarness,
) -> None:
    plan = await api.make(title="Plan")
    await push(api.other, patch(plan, {"title": "Older"}, edited_at=ago(10)))
    [later] = await push(api.editor, delete(plan, 5))
    assert (later["conflict"]["overwritten"], later["superseded"]) == ({"deleted": False}, None)
    assert await is_deleted(api, plan)


async def test_a_deletion_without_a_time_has_the_time_of_its_arrival(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Online"})
    [untimed] = await push(api.editor, delete(plan, None))
    assert untimed["conflict"]["overwritten"] == {"deleted": False}
    assert await is_deleted(api, plan)


@pytest.mark.parametrize("field", ["status", "tags", "workspace_id", "category_id"])
async def test_each_kind_of_later_change_supersedes_a_deletion(api: ApiHarness, field: str) -> None:
    plan = await api.make(api.owner, title="Plan")
    path = f"/documents/{plan['id']}"
    kept: object
    match field:
        case "status":
            answer = await api.owner.patch(path, json={"status": "active"})
            kept = "active"
        case "tags":
            answer = await api.owner.put(f"{path}/tags", json={"tags": ["New"]})
            kept = ["New"]
        case "workspace_id":
            answer = await api.owner.post(f"{path}/move", json={"workspace_id": api.owner.personal})
            kept = api.owner.personal
        case _:
            made = await api.owner.post(f"/workspaces/{api.team}/categories", json={"name": "New"})
            kept = made.json()["id"]
            answer = await api.owner.patch(path, json={"category_id": kept})
    assert answer.is_success, answer.text
    [older] = await push(api.owner, delete(plan, 10))
    assert older["superseded"]["kept"][field] == kept
    assert not await is_deleted(api, plan)


async def test_a_later_edit_of_the_content_supersedes_a_deletion_unless_the_device_sent_it(
    api: ApiHarness,
) -> None:
    plan = await api.make(title="Plan")
    await push(api.editor, update(plan["id"], typed("mine")), device="laptop")
    [own] = await push(api.editor, delete(plan, 10), device="laptop")
    assert own["superseded"] is None
    assert await is_deleted(api, plan)
    for who, name in ((api.other, "laptop"), (api.editor, "phone")):
        plan = await api.make(title="Plan")
        await push(who, update(plan["id"], typed("theirs")), device=name)
        [older] = await push(api.editor, delete(plan, 10), device="laptop")
        assert older["superseded"]["kept"] == {"content": True}
        assert not await is_deleted(api, plan)
        [later] = await push(api.editor, delete(plan, 0), device="laptop")
        assert later["superseded"] is None


async def test_an_edit_of_the_content_that_is_folded_supersedes_a_deletion_too(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await push(api.other, update(plan["id"], typed("theirs")))
    waiting = "SELECT FROM document_updates WHERE document_id = $1"

    async def is_folded() -> bool:
        return not await fetch(api.server, waiting, UUID(plan["id"]))

    await until(is_folded, "the update to be folded")
    [older] = await push(api.editor, delete(plan, 10))
    assert older["superseded"]["kept"] == {"content": True}
    [known] = await push(api.editor, delete(await read(api.editor, plan["id"]), 10))
    assert known["superseded"] is None
    assert await is_deleted(api, plan)


async def test_a_device_that_knew_the_document_deletes_it_whatever_its_clock_shows(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Theirs"})
    [known] = await push(api.editor, delete(await read(api.editor, plan["id"]), 60))
    assert (known["conflict"], known["superseded"]) == (None, None)
    assert await is_deleted(api, plan)


async def test_a_deletion_and_a_restoration_are_decided_by_time_in_any_order_of_arrival(
    api: ApiHarness,
) -> None:
    for times, deleted in (({"restore": 20, "delete": 10}, True), ({"restore": 10, "delete": 20}, False)):
        for order in permutations(times):
            plan = await api.make(title="Plan")
            await push(api.editor, delete(plan, 30), device="first")
            for kind in order:
                operation = delete(plan, times[kind]) if kind == "delete" else restore(plan, times[kind])
                [done] = await push(api.editor, operation, device=kind)
                assert done["status"] == "ok"
            assert await is_deleted(api, plan) is deleted, (times, order)


async def test_a_superseded_restoration_is_kept_in_the_conflicts(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.editor.delete(f"/documents/{plan['id']}")
    [older] = await push(api.editor, restore(plan, 10))
    assert older["superseded"]["kept"] == {"deleted": True}
    await api.editor.post(f"/documents/{plan['id']}/restore")
    [record] = await conflicts(api, plan)
    assert (record["kind"], record["overwritten"], record["written"]) == (
        "restore",
        {"deleted": False},
        {"deleted": True},
    )


async def test_a_deletion_that_must_not_conflict_is_refused(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await push(api.other, patch(plan, {"title": "Later"}, edited_at=ago(5)))
    [answer] = await push(api.editor, delete(plan, 10, on_conflict="refuse"))
    assert answer["code"] == "conflict"
    assert not await is_deleted(api, plan)
    assert await conflicts(api, plan) == []


async def test_nobody_learns_of_a_document_or_deletes_it_again_without_the_right(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    assert [one["code"] for one in await push(api.stranger, delete(plan, 5))] == ["not_found"]
    assert [one["code"] for one in await push(api.other, delete(plan, 5))] == ["forbidden"]
    await api.editor.delete(f"/documents/{plan['id']}")
    assert [one["code"] for one in await push(api.other, delete(plan, 0))] == ["not_found"]


@pytest.mark.parametrize("deletion_is_later", [True, False])
@pytest.mark.parametrize("deletion_arrives_first", [True, False])
async def test_two_devices_that_delete_and_rename_offline(
    api: ApiHarness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    deletion_is_later: bool,
    deletion_arrives_first: bool,
) -> None:
    offset, right = 0, clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + offset)
    await backdate_edits(api)
    async with device(tmp_path, api.editor) as laptop, device(tmp_path, api.editor) as phone:
        made = await laptop.create("Plan", "text", UUID(api.team))
        await met(laptop, phone)
        offset = -MINUTE if deletion_is_later else -2 * MINUTE
        await laptop.remove(made)
        offset = -2 * MINUTE if deletion_is_later else -MINUTE
        await phone.rename(made, "Renamed")
        offset = 0
        for client in (laptop, phone) if deletion_arrives_first else (phone, laptop):
            await client.sync()
        await met(laptop, phone)
        found = await api.editor.get(f"/documents/{made}")
        listed = [made in {one.id for one in await client.documents()} for client in (laptop, phone)]
        if deletion_arrives_first:
            assert found.status_code == 404
            assert listed == [False, True], "the phone keeps what it has not sent"
            assert [(one[0], one[2]) for one in await phone.refused()] == [(made, "not_found")]
        elif deletion_is_later:
            assert found.status_code == 404
            assert listed == [False, False]
        else:
            assert found.json()["title"] == "Renamed"
            assert listed == [True, True]
            assert await laptop.content(made) == "text"
            assert (await laptop.status())[1] == 0


async def test_a_device_gets_the_document_back_that_others_wrote_in_after_its_deletion(
    api: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, api.editor) as laptop, device(tmp_path, api.other) as phone:
        made = await laptop.create("Plan", "text ", UUID(api.team))
        await met(laptop, phone)
        await laptop.append(made, "of mine ")
        await laptop.remove(made)
        await phone.append(made, "of theirs")
        await phone.sync()
        await laptop.sync()
        await met(laptop, phone)
        text = await text_on_server(api.viewer, made)
        assert sorted(text) == sorted("text of mine of theirs")
        assert await laptop.content(made) == await phone.content(made) == text
        await laptop.remove(made)
        await laptop.sync()
        assert (await api.editor.get(f"/documents/{made}")).status_code == 404


async def test_a_device_deletes_what_it_edited_itself_before(api: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, api.editor) as laptop:
        made = await laptop.create("Plan", "# Heading\n", UUID(api.team))
        await laptop.sync()
        await laptop.replace(made, "# Another heading\n")
        await laptop.rename(made, "Renamed")
        await laptop.set_tags(made, ["Mine"])
        await laptop.remove(made)
        await laptop.sync()
        assert (await api.editor.get(f"/documents/{made}")).status_code == 404
