"""Tags and categories over the API."""

import asyncio
from uuid import uuid4

from tests.features.api_harness import ApiHarness, refused


async def tag(api: ApiHarness, name: str, **fields: object) -> dict[str, str]:
    answer = await api.editor.post(f"/workspaces/{api.team}/tags", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def category(api: ApiHarness, name: str, **fields: object) -> str:
    answer = await api.editor.post(f"/workspaces/{api.team}/categories", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_tags_are_made_changed_listed_and_deleted(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/tags"
    name = f"Große Idee {uuid4().hex[:6]}"
    made = await tag(api, name, color="#112233", description="About")
    assert (made["slug"], made["color"]) == (name.casefold().replace(" ", "-"), "#112233")
    assert refused(await api.editor.post(path, json={"name": name.upper()})) == (409, "conflict")
    document = await api.make(tags=[name.replace(" ", "-")])
    assert [t["id"] for t in document["tags"]] == [made["id"]]
    changed = await api.editor.patch(f"{path}/{made['id']}", json={"name": f"{name} 2", "color": "#000000"})
    assert changed.json()["document_count"] == 1
    shown = (await api.viewer.get(f"/documents/{document['id']}")).json()
    assert [(t["name"], t["color"]) for t in shown["tags"]] == [(f"{name} 2", "#000000")]
    assert shown["row_version"] > document["row_version"]
    assert (await api.editor.delete(f"{path}/{made['id']}")).status_code == 204
    assert refused(await api.editor.delete(f"{path}/{made['id']}")) == (404, "not_found")
    bare = (await api.viewer.get(f"/documents/{document['id']}")).json()
    assert bare["tags"] == []
    assert bare["row_version"] > shown["row_version"]


async def test_tags_are_paged_by_name(api: ApiHarness) -> None:
    names = [f"page {uuid4().hex[:5]}" for _ in range(7)]
    for name in names:
        await tag(api, name)
    listed: list[str] = []
    cursor = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await api.viewer.get(f"/workspaces/{api.team}/tags", params=params)).json()
        listed += [item["name"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [name for name in listed if name in names] == sorted(names)
    assert len(listed) == len(set(listed))


async def test_one_new_tag_by_many_at_once_is_one_tag(api: ApiHarness) -> None:
    name = f"shared {uuid4()}"
    made = await asyncio.gather(*(api.make(tags=[name, f"own {n}"]) for n in range(6)))
    assert len({next(t["id"] for t in m["tags"] if t["name"] == name) for m in made}) == 1


async def test_categories_are_a_tree(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/categories"
    top = await category(api, f"Top {uuid4()}", icon="folder", position=5)
    inner = await category(api, "Inner", parent_id=top)
    leaf = await category(api, "Leaf", parent_id=inner)
    assert refused(await api.editor.post(path, json={"name": "inner", "parent_id": top})) == (409, "conflict")
    for parent in (leaf, inner, top):
        answer = await api.editor.patch(f"{path}/{top}", json={"parent_id": parent})
        assert refused(answer) == (422, "unprocessable"), parent
    missing = await api.editor.patch(f"{path}/{top}", json={"parent_id": str(uuid4())})
    assert refused(missing) == (422, "unprocessable")
    document = await api.make(category_id=inner)
    assert (await api.editor.delete(f"{path}/{inner}")).status_code == 204
    listed = {item["id"]: item for item in (await api.viewer.get(path)).json()["items"]}
    assert inner not in listed
    assert listed[leaf]["parent_id"] == top
    shown = (await api.viewer.get(f"/documents/{document['id']}")).json()
    assert shown["category_id"] is None
    assert shown["row_version"] > document["row_version"]


async def test_two_moves_at_once_do_not_close_a_ring(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/categories"
    for _ in range(8):
        one, two = await category(api, f"One {uuid4()}"), await category(api, f"Two {uuid4()}")
        answers = await asyncio.gather(
            api.editor.patch(f"{path}/{one}", json={"parent_id": two}),
            api.other.patch(f"{path}/{two}", json={"parent_id": one}),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 422], [200, 409])
        listed = {item["id"]: item["parent_id"] for item in (await api.viewer.get(path)).json()["items"]}
        assert None in (listed[one], listed[two])


async def test_categories_are_not_nested_without_end(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/categories"
    chain = [await category(api, f"Root {uuid4()}")]
    for depth in range(19):
        chain.append(await category(api, f"Level {depth}", parent_id=chain[-1]))
    deeper = await api.editor.post(path, json={"name": "Deeper", "parent_id": chain[-1]})
    assert refused(deeper) == (422, "unprocessable")
    above = await category(api, f"Above {uuid4()}")
    assert refused(await api.editor.patch(f"{path}/{chain[0]}", json={"parent_id": above})) == (422, "unprocessable")


async def test_a_category_of_another_workspace_is_none_here(api: ApiHarness) -> None:
    foreign = await api.stranger.post(f"/workspaces/{api.stranger.personal}/categories", json={"name": "Theirs"})
    body = {"title": "T", "category_id": foreign.json()["id"]}
    answer = await api.editor.post(f"/workspaces/{api.team}/documents", json=body)
    assert refused(answer) == (422, "unprocessable")
    made = await api.make()
    changed = await api.editor.patch(f"/documents/{made['id']}", json={"category_id": foreign.json()["id"]})
    assert refused(changed) == (422, "unprocessable")
