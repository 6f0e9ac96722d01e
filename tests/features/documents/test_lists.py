"""Lists of documents: filters, orders and pages, also while others write."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.features.api_harness import ApiHarness, new_team, refused, titles
from tests.people import run


@pytest.fixture
async def empty(api: ApiHarness) -> AsyncIterator[ApiHarness]:
    """The api with a new team, in which nothing is."""
    team, slug = await new_team(api.server, api.staff)
    yield ApiHarness(api.server, team, slug, api.staff)


async def category(api: ApiHarness, name: str, **fields: object) -> str:
    answer = await api.editor.post(f"/workspaces/{api.team}/categories", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_each_filter_narrows_the_list(empty: ApiHarness) -> None:
    drawer = await category(empty, "Drawer")
    await empty.make(title="100% sure", type="task", status="active", priority="high", tags=["Red", "blue"])
    await empty.make(title="100 units", type="note", tags=["red"], category_id=drawer)
    await empty.make(title="a_b", is_template=True)
    await empty.make(title="aXb \\ c", who=empty.owner)
    for params, wanted in (
        ({}, {"100% sure", "100 units", "a_b", "aXb \\ c"}),
        ({"type": "task"}, {"100% sure"}),
        ({"type": ["task", "note"]}, {"100% sure", "100 units"}),
        ({"status": "active"}, {"100% sure"}),
        ({"priority": "high"}, {"100% sure"}),
        ({"tag": "red"}, {"100% sure", "100 units"}),
        ({"tag": ["red", "blue"]}, {"100% sure"}),
        ({"tag": "none"}, set()),
        ({"category_id": drawer}, {"100 units"}),
        ({"created_by": empty.owner.id}, {"aXb \\ c"}),
        ({"q": "100%"}, {"100% sure"}),
        ({"q": "A_B"}, {"a_b"}),
        ({"q": "\\"}, {"aXb \\ c"}),
        ({"q": "' OR 1=1 --"}, set()),
        ({"template": "true"}, {"a_b"}),
        ({"template": "false", "type": "markdown"}, {"aXb \\ c"}),
        ({"favourite": "true"}, set()),
        ({"deleted": "true"}, set()),
    ):
        assert set(titles(await empty.list(**params))) == wanted, params


async def test_favourites_are_ones_own(empty: ApiHarness) -> None:
    made = [await empty.make(title=title) for title in ("a", "b", "c")]
    for document in made[1:]:
        for _ in range(2):
            assert (await empty.viewer.put(f"/documents/{document['id']}/favourite")).status_code == 204
    assert set(titles(await empty.list(empty.viewer, favourite="true"))) == {"b", "c"}
    assert titles(await empty.list(empty.viewer, favourite="false")) == ["a"]
    assert await empty.list(empty.editor, favourite="true") == []
    everywhere = (await empty.viewer.get("/documents/favourites", params={"limit": 1})).json()
    assert titles(everywhere["items"]) == ["c"]
    assert everywhere["items"][0]["is_favourite"] is True
    rest = (await empty.viewer.get("/documents/favourites", params={"cursor": everywhere["next_cursor"]})).json()
    assert titles(rest["items"])[0] == "b"
    assert (await empty.viewer.delete(f"/documents/{made[1]['id']}/favourite")).status_code == 204
    assert titles(await empty.list(empty.viewer, favourite="true")) == ["c"]
    assert refused(await empty.stranger.put(f"/documents/{made[0]['id']}/favourite")) == (404, "not_found")


async def test_a_favourite_that_one_may_not_see_any_more_is_not_listed(empty: ApiHarness) -> None:
    made = await empty.make(title="private")
    await empty.commenter.put(f"/documents/{made['id']}/favourite")
    leave = "UPDATE workspace_members SET is_active = false WHERE workspace_id = $1 AND user_id = $2"
    await run(empty.server, leave, [(UUID(empty.team), UUID(empty.commenter.id))])
    listed = (await empty.commenter.get("/documents/favourites", params={"limit": 200})).json()["items"]
    assert made["id"] not in [item["id"] for item in listed]


@pytest.mark.parametrize("sort", ["updated", "created", "title", "edited"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_go_through_every_order(empty: ApiHarness, sort: str, order: str) -> None:
    names = ["b", "A", "c", "B", "a", "b", "d"]
    made = [await empty.make(title=name, content="x" if number % 2 else None) for number, name in enumerate(names)]
    # moments that are the same: the id decides
    await run(
        empty.server,
        "UPDATE documents SET created_at = '2026-01-01', last_edited_at = NULL WHERE workspace_id = $1",
        [(UUID(empty.team),)],
    )
    whole = await empty.list(sort=sort, order=order, limit=200)
    paged = await empty.list(sort=sort, order=order, limit=2)
    assert [item["id"] for item in paged] == [item["id"] for item in whole]
    assert len({item["id"] for item in paged}) == len(made)
    if sort == "title":
        keys = [item["title"].lower() for item in paged]
        assert keys == sorted(keys, reverse=order == "desc")
    if sort == "updated":
        stamps = [item["updated_at"] for item in paged]
        assert stamps == sorted(stamps, reverse=order == "desc")


async def test_pages_neither_skip_nor_repeat_unchanged_documents(empty: ApiHarness) -> None:
    still = [(await empty.make(title=f"still {n}"))["id"] for n in range(12)]
    moving = [(await empty.make(title=f"moving {n}"))["id"] for n in range(4)]
    seen: list[str] = []
    cursor: str | None = None
    for step in range(100):
        params: dict[str, Any] = {"limit": 3, "sort": "updated", **({"cursor": cursor} if cursor else {})}
        page = (await empty.viewer.get(f"/workspaces/{empty.team}/documents", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        await asyncio.gather(
            empty.make(title="new"),
            empty.editor.patch(f"/documents/{moving[step % 4]}", json={"title": f"moved {step}"}),
            empty.editor.delete(f"/documents/{moving[(step + 1) % 4]}") if step == 2 else asyncio.sleep(0),
        )
    assert cursor is None
    assert sorted(document for document in seen if document in still) == sorted(still)


async def test_a_cursor_of_another_order_is_refused(empty: ApiHarness) -> None:
    for _ in range(3):
        await empty.make()
    path = f"/workspaces/{empty.team}/documents"
    made: dict[str, str] = {}
    for sort in ("updated", "created", "title", "edited"):
        for order in ("asc", "desc"):
            answer = await empty.viewer.get(path, params={"limit": 1, "sort": sort, "order": order})
            made[f"{sort} {order}"] = answer.json()["next_cursor"]
    for own, cursor in made.items():
        for other in made:
            sort, _, order = other.partition(" ")
            answer = await empty.viewer.get(path, params={"sort": sort, "order": order, "cursor": cursor})
            if own == other:
                assert answer.status_code == 200
            else:
                assert refused(answer) == (400, "malformed"), (own, other)
    for path in ("/documents/recent", "/documents/favourites"):
        assert refused(await empty.viewer.get(path, params={"cursor": made["updated desc"]})) == (400, "malformed")


@pytest.mark.parametrize(
    "params",
    [
        {"type": "novel"},
        {"status": "x"},
        {"sort": "size"},
        {"order": "up"},
        {"limit": 0},
        {"limit": 201},
        {"category_id": "1"},
        {"created_by": "me"},
        {"favourite": "perhaps"},
        {"q": "x" * 501},
        {"tag": ["t"] * 21},
    ],
)
async def test_a_filter_that_cannot_be_is_refused(api: ApiHarness, params: dict[str, Any]) -> None:
    answer = await api.viewer.get(f"/workspaces/{api.team}/documents", params=params)
    assert refused(answer) == (422, "invalid")


async def test_an_opened_document_is_recent_and_counted_once_a_minute(empty: ApiHarness) -> None:
    first, second = await empty.make(title="first"), await empty.make(title="second")
    for document in (first, second, first, first):
        await empty.viewer.get(f"/documents/{document['id']}")
    recent = (await empty.viewer.get("/documents/recent", params={"limit": 2})).json()
    assert titles(recent["items"]) == ["first", "second"]
    await empty.owner.get(f"/documents/{first['id']}")
    await empty.owner.get("/documents/recent")
    shown = (await empty.owner.get(f"/documents/{first['id']}")).json()
    assert shown["view_count"] == 2
    assert shown["row_version"] == first["row_version"]
    assert shown["updated_at"] == first["updated_at"]
    paged: list[str] = []
    cursor = ""
    while len(paged) < 2:
        params = {"limit": "1", **({"cursor": cursor} if cursor else {})}
        page = (await empty.viewer.get("/documents/recent", params=params)).json()
        paged += titles(page["items"])
        cursor = page["next_cursor"]
    assert paged == ["first", "second"]
