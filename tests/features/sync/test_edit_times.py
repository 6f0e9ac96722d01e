"""Of edits that did not know of one another the later one stays, whichever arrives last, and the other is kept."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from collab_server.features.sync import models
from tests.features.api_harness import ApiHarness
from tests.features.sync.device import pull, push
from tests.features.sync.test_mutations import key, patch, read
from tests.people import fetch


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


async def conflicts(api: ApiHarness, document: dict[str, Any]) -> list[dict[str, Any]]:
    """The oldest first."""
    items: list[dict[str, Any]] = (await api.viewer.get(f"/documents/{document['id']}/conflicts")).json()["items"]
    return items[::-1]


async def test_the_later_rename_stays_though_the_older_one_arrives_last(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    [later] = await push(api.other, patch(plan, {"title": "Later"}, edited_at=ago(5)))
    assert (later["conflict"], later["superseded"]) == (None, None)
    [older] = await push(api.editor, patch(plan, {"title": "Older"}, edited_at=ago(10)))
    assert (older["status"], older["conflict"]) == ("ok", None)
    assert older["superseded"]["kept"] == {"title": "Later"}
    assert older["row_version"] == later["row_version"]
    assert (await read(api.editor, plan["id"]))["title"] == "Later"
    [told] = await conflicts(api, plan)
    assert told["id"] == older["superseded"]["id"]
    assert (told["kept"], told["overwritten"], told["written"]) == (True, {"title": "Older"}, {"title": "Later"})
    assert told["user_id"] == api.editor.id


async def test_any_order_of_arrival_ends_with_the_latest_edit_and_every_other_one_in_conflicts(
    api: ApiHarness,
) -> None:
    edits = {"First": ago(30), "Second": ago(20), "Third": ago(10)}
    for order in permutations(edits):
        plan = await api.make(title="Plan")
        for title in order:
            await push(api.editor, patch(plan, {"title": title}, edited_at=edits[title]), device=title)
        assert (await read(api.editor, plan["id"]))["title"] == "Third", order
        lost = {one["overwritten"]["title"] for one in await conflicts(api, plan)}
        assert lost == {"First", "Second"}, order


async def test_an_edit_by_a_request_has_the_time_of_its_arrival(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Online"})
    [older] = await push(api.editor, patch(plan, {"title": "Offline"}, edited_at=ago(10)))
    assert older["superseded"]["kept"] == {"title": "Online"}
    assert (await read(api.editor, plan["id"]))["title"] == "Online"
    [untimed] = await push(api.editor, patch(plan, {"title": "An old client"}))
    assert untimed["conflict"]["overwritten"] == {"title": "Online"}
    assert (await read(api.editor, plan["id"]))["title"] == "An old client"


async def test_each_field_is_decided_by_itself(api: ApiHarness) -> None:
    plan = await api.make(title="Plan", description="Ours", status="draft")
    await push(api.other, patch(plan, {"title": "Older"}, edited_at=ago(20)))
    await push(api.other, patch(plan, {"description": "Later"}, edited_at=ago(5)))
    fields = {"title": "Mine", "description": "Mine", "status": "active"}
    [done] = await push(api.editor, patch(plan, fields, edited_at=ago(10)))
    assert done["conflict"]["overwritten"] == {"title": "Older"}
    assert done["superseded"]["kept"] == {"description": "Later"}
    now = await read(api.editor, plan["id"])
    assert (now["title"], now["description"], now["status"]) == ("Mine", "Later", "active")
    assert [one["kept"] for one in await conflicts(api, plan)].count(True) == 1


async def test_tags_are_decided_by_the_time_of_the_edit_too(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")

    def tag(name: str, edited_at: str) -> dict[str, Any]:
        about = {"document_id": plan["id"], "base_version": plan["row_version"], "base": []}
        return {"kind": "tag", "key": key(), "tags": [name], "edited_at": edited_at, **about}

    await push(api.other, tag("Later", ago(5)))
    [older] = await push(api.editor, tag("Older", ago(10)))
    assert older["superseded"]["kept"] == {"tags": ["Later"]}
    [latest] = await push(api.editor, tag("Latest", ago(1)))
    assert latest["conflict"]["overwritten"] == {"tags": ["Later"]}
    assert [one["name"] for one in (await read(api.editor, plan["id"]))["tags"]] == ["Latest"]


async def test_a_clock_that_is_ahead_wins_over_nothing_that_comes_after_it(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await push(api.editor, patch(plan, {"title": "Tomorrow"}, edited_at=tomorrow))
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Today"})
    [again] = await push(api.editor, patch(plan, {"title": "At once"}, edited_at=tomorrow))
    assert again["conflict"]["overwritten"] == {"title": "Today"}
    noted = "SELECT count(*) AS n FROM document_edit_times WHERE edited_at > now()"
    assert [row["n"] for row in await fetch(api.server, noted)] == [0]


async def test_a_device_that_knew_what_it_changed_is_not_held_up_by_its_clock(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await api.other.patch(f"/documents/{plan['id']}", json={"title": "Theirs"})
    theirs = await read(api.editor, plan["id"])
    [known] = await push(api.editor, patch(theirs, {"title": "Mine"}, edited_at=ago(60)))
    assert (known["conflict"], known["superseded"]) == (None, None)
    [line] = await pull(api.editor, {"id": plan["id"], "row_version": 0})
    assert line["document"]["title"] == "Mine"
    assert datetime.fromisoformat(line["document"]["edited_at"]) > datetime.now(UTC) - timedelta(minutes=30)


async def test_whoever_wants_no_conflict_is_refused_for_an_older_edit_too(api: ApiHarness) -> None:
    plan = await api.make(title="Plan")
    await push(api.other, patch(plan, {"title": "Later"}, edited_at=ago(5)))
    older = patch(plan, {"title": "Older"}, edited_at=ago(10), on_conflict="refuse")
    [told] = await push(api.editor, older)
    assert told["code"] == "conflict"
    assert await conflicts(api, plan) == []


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-01T00:00:00", 5e30, "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_is_none_is_refused(api: ApiHarness, moment: object) -> None:
    plan = await api.make(title="Plan")
    [told] = await push(api.editor, patch(plan, {"title": "x"}, edited_at=moment))
    assert told["code"] == "invalid"


async def test_what_is_sent_again_after_an_upgrade_of_either_side_is_the_same_mutation(
    api: ApiHarness,
) -> None:
    plan = await api.make(title="Plan")
    sent = patch(plan, {"title": "Mine"})
    await push(api.editor, sent, device="older")
    stored = await fetch(api.server, "SELECT fingerprint FROM sync_mutations WHERE key = $1", sent["key"])
    dumped = json.loads(models.operation.validate_python(sent).model_dump_json())
    assert dumped.pop("edited_at") is None
    before = json.dumps(dumped, separators=(",", ":"), ensure_ascii=False)
    assert bytes(stored[0]["fingerprint"]) == hashlib.sha256(before.encode()).digest()
    [again] = await push(api.editor, {**sent, "edited_at": ago(0)}, device="older")
    assert again["status"] == "ok"


async def test_the_feed_tells_the_servers_time(api: ApiHarness) -> None:
    before = datetime.now(UTC).timestamp() * 1000
    answer = await api.editor.get("/sync")
    after = datetime.now(UTC).timestamp() * 1000
    assert before - 1 <= int(answer.headers["x-server-time"]) <= after
