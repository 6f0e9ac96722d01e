"""The storage of a workspace counts every attachment, and refuses what does not fit."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.features.api_harness import ApiHarness, new_team, refused
from tests.features.attachments.attaching import attach, noise, upload, used
from tests.people import fetch, run


@pytest.fixture
async def place(api: ApiHarness) -> AsyncIterator[str]:
    """A workspace of the same people, with storage for 100,000 bytes."""
    team, _ = await new_team(api.server, api.staff)
    await run(api.server, "UPDATE workspaces SET storage_limit_bytes = 100000 WHERE id = $1", [(UUID(team),)])
    yield team


async def test_the_figure_changes_by_exactly_the_sizes(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    whole, files = await used(api, place)
    assert files == 0
    made_ones = [await attach(api.editor, made["id"], noise(1000 + n % 2)) for n in range(6)]
    total = sum(one["size_bytes"] for one in made_ones)
    assert await used(api, place) == (whole + total, total), "equal files count each"
    await api.editor.delete(f"/attachments/{made_ones[0]['id']}")
    assert await used(api, place) == (whole + total - 1000, total - 1000)
    await api.editor.post(f"/attachments/{made_ones[0]['id']}/restore")
    assert await used(api, place) == (whole + total, total)
    await run(api.server, "UPDATE workspace_usage SET counted_at = NULL WHERE workspace_id = $1", [(UUID(place),)])
    await api.server.maintain()
    assert await used(api, place) == (whole + total, total), "counted anew"


async def test_what_does_not_fit_is_refused_and_leaves_nothing(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    assert refused(await upload(api.editor, made["id"], noise(100_001))) == (413, "quota_exceeded")
    answer = await api.editor.post(f"/documents/{made['id']}/uploads", json={"file_name": "a", "size_bytes": 100_001})
    assert refused(answer) == (413, "quota_exceeded")
    one = await attach(api.editor, made["id"], noise(60_000))
    assert refused(await upload(api.editor, made["id"], noise(60_000))) == (413, "quota_exceeded")
    await api.editor.delete(f"/attachments/{one['id']}")
    await attach(api.editor, made["id"], noise(60_000, seed=2))
    assert refused(await api.editor.post(f"/attachments/{one['id']}/restore")) == (413, "quota_exceeded")


async def test_uploads_at_the_same_time_do_not_exceed_the_limit(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    answers = await asyncio.gather(*(upload(api.editor, made["id"], noise(30_000, seed=n)) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [413] * 5
    whole, files = await used(api, place)
    assert files == 90_000 and whole <= 100_000


async def test_owners_and_admins_are_told_when_storage_runs_low(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    await attach(api.editor, made["id"], noise(50_000))
    told = "SELECT user_id FROM notifications WHERE workspace_id = $1 AND kind = 'storage'"
    assert await fetch(api.server, told, UUID(place)) == []
    await attach(api.editor, made["id"], noise(35_000, seed=2))
    found = {str(row["user_id"]) for row in await fetch(api.server, told, UUID(place))}
    assert found == {api.owner.id, api.admin.id}
    shown = (await api.owner.get("/notifications")).json()["items"]
    assert any(item["kind"] == "storage" and item["workspace"]["id"] == place for item in shown)


async def test_a_moved_document_takes_its_attachments_along(api: ApiHarness, place: str) -> None:
    target = await api.make(workspace=place)
    made = await api.make(api.owner)
    octets = noise(40_000, seed=3)
    one = await attach(api.owner, made["id"], octets)
    before, here = await used(api), await used(api, place)
    moved = await api.owner.post(f"/documents/{made['id']}/move", json={"workspace_id": place})
    assert moved.status_code == 200, moved.text
    assert (await used(api))[1] == before[1] - 40_000
    assert (await used(api, place))[1] == here[1] + 40_000
    assert (await api.owner.get(f"/attachments/{one['id']}/content")).content == octets
    large = await api.make(api.owner)
    await attach(api.owner, large["id"], noise(80_000, seed=4))
    late = await api.owner.post(f"/documents/{large['id']}/move", json={"workspace_id": place})
    assert refused(late) == (413, "quota_exceeded")
    assert target["id"]


async def test_an_object_without_a_row_is_found_and_deleted(api: ApiHarness) -> None:
    stray = api.server.data_dir / "files" / "objects" / str(uuid4()) / "ab" / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"nobody's")
    await api.server.maintain()
    assert stray.exists(), "it may be that somebody writes it now"
    os.utime(stray, (time.time() - 7200, time.time() - 7200))
    counts = await api.server.maintain()
    assert not stray.exists() and counts["stray objects"] == 1
