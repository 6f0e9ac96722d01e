"""A title that nobody has set is the first heading, by whatever way the document is made and edited."""

from typing import Any
from uuid import uuid4

import pytest

from tests.features.api_harness import ApiHarness, refused
from tests.features.documents.test_settings import push
from tests.peers import Family, Peer
from tests.waiting import until


async def shown(api: ApiHarness, document: str) -> tuple[str, bool]:
    found = (await api.viewer.get(f"/documents/{document}")).json()
    return found["title"], found["title_is_set"]


async def created(api: ApiHarness, **fields: Any) -> dict[str, Any]:
    answer = await api.editor.post(f"/workspaces/{api.team}/documents", json=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize("fields", [{}, {"title": "Untitled"}, {"title": None}], ids=["none", "Untitled", "null"])
async def test_the_title_follows_the_first_heading_until_somebody_sets_one(
    api: ApiHarness, fields: dict[str, Any]
) -> None:
    made = await created(api, content="# Launch *plan*\n\ntext", **fields)
    assert (made["title"], made["title_is_set"]) == ("Launch plan", False)
    path = f"/documents/{made['id']}"
    put = await api.editor.put(f"{path}/content", content="# Second plan", headers={"content-type": "text/markdown"})
    assert put.status_code == 200

    async def is_second() -> bool:
        return await shown(api, made["id"]) == ("Second plan", False)

    await until(is_second, "the title after the fold")
    listed = {one["id"]: one for one in await api.list(sort="title")}
    assert listed[made["id"]]["title"] == "Second plan" and listed[made["id"]]["excerpt"] == "Second plan"
    renamed = await api.editor.patch(path, json={"title": "Ours"})
    assert (renamed.json()["title"], renamed.json()["title_is_set"]) == ("Ours", True)
    await api.editor.put(f"{path}/content", content="# Third plan", headers={"content-type": "text/markdown"})
    assert (await api.editor.get(f"{path}/content")).text == "# Third plan"
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    await peer.close()
    assert await shown(api, made["id"]) == ("Ours", True)
    again = await api.editor.patch(path, json={"title": None})
    assert (again.json()["title"], again.json()["title_is_set"]) == ("Third plan", False)


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_document_that_a_socket_makes_is_titled_by_its_heading(api: ApiHarness, family: Family) -> None:
    name = f"talks/{uuid4().hex}"
    peer = await Peer(api.server, family, f"@{api.slug}/{name}", token=api.editor.token).sync()
    found = (await api.viewer.get("/documents/lookup", params={"address": f"@{api.slug}/{name}"})).json()
    assert (found["title"], found["title_is_set"]) == (name.rpartition("/")[2], False)
    cursor = (await api.viewer.get(f"/workspaces/{api.team}/sync", params={"limit": 500})).json()["next_cursor"]
    peer.insert("# Talk of May\n")
    await peer.saved()

    async def titled() -> bool:
        return await shown(api, found["id"]) == ("Talk of May", False)

    await until(titled, "the title after the fold")
    page = (await api.viewer.get(f"/workspaces/{api.team}/sync", params={"cursor": cursor})).json()["items"]
    assert any("title" in (one["changed_fields"] or []) for one in page if one["entity_id"] == found["id"])
    activity = (await api.owner.get(f"/workspaces/{api.team}/activity", params={"limit": 50})).json()["items"]
    told = [one for one in activity if one["entity_id"] == found["id"]]
    assert [one["action"] for one in told] == ["create"], "a heading that is typed is no renaming"
    await peer.close()


async def test_an_offline_rename_meets_a_heading_without_a_conflict(api: ApiHarness) -> None:
    made = await created(api, content="# One")
    known = made["row_version"]
    put = {"content": "# Two", "headers": {"content-type": "text/markdown"}}
    await api.editor.put(f"/documents/{made['id']}/content", **put)  # type: ignore[arg-type]

    async def is_two() -> bool:
        return await shown(api, made["id"]) == ("Two", False)

    await until(is_two, "the title after the fold")
    rename = {"kind": "patch", "document_id": made["id"], "fields": {"title": "Mine"}, "base_version": known}
    result = await push(api.editor, rename)
    assert result["status"] == "ok" and result.get("conflict") is None
    assert await shown(api, made["id"]) == ("Mine", True)


async def test_a_title_is_a_line_or_nothing(api: ApiHarness) -> None:
    for bad in ("", " ", "a\nb", 7):
        answer = await api.editor.post(f"/workspaces/{api.team}/documents", json={"title": bad})
        assert refused(answer) == (422, "invalid")
