"""Tags and categories over the API."""

import asyncio
from uuid import uuid4

from tests.documents.office import Office, refused


async def tag(office: Office, name: str, **fields: object) -> dict[str, str]:
    answer = await office.editor.post(f"/workspaces/{office.team}/tags", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def category(office: Office, name: str, **fields: object) -> str:
    answer = await office.editor.post(f"/workspaces/{office.team}/categories", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_tags_are_made_changed_listed_and_deleted(office: Office) -> None:
    path = f"/workspaces/{office.team}/tags"
    name = f"Große Idee {uuid4().hex[:6]}"
    made = await tag(office, name, color="#112233", description="About")
    assert (made["slug"], made["color"]) == (name.casefold().replace(" ", "-"), "#112233")
    assert refused(await office.editor.post(path, json={"name": name.upper()})) == (409, "conflict")
    document = await office.make(tags=[name.replace(" ", "-")])
    assert [t["id"] for t in document["tags"]] == [made["id"]]
    changed = await office.editor.patch(f"{path}/{made['id']}", json={"name": f"{name} 2", "color": "#000000"})
    assert changed.json()["document_count"] == 1
    shown = (await office.viewer.get(f"/documents/{document['id']}")).json()
    assert [(t["name"], t["color"]) for t in shown["tags"]] == [(f"{name} 2", "#000000")]
    assert shown["row_version"] > document["row_version"]
    assert (await office.editor.delete(f"{path}/{made['id']}")).status_code == 204
    assert refused(await office.editor.delete(f"{path}/{made['id']}")) == (404, "not_found")
    bare = (await office.viewer.get(f"/documents/{document['id']}")).json()
    assert bare["tags"] == []
    assert bare["row_version"] > shown["row_version"]


async def test_tags_are_paged_by_name(office: Office) -> None:
    names = [f"page {uuid4().hex[:5]}" for _ in range(7)]
    for name in names:
        await tag(office, name)
    listed: list[str] = []
    cursor = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await office.viewer.get(f"/workspaces/{office.team}/tags", params=params)).json()
        listed += [item["name"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [name for name in listed if name in names] == sorted(names)
    assert len(listed) == len(set(listed))


async def test_one_new_tag_by_many_at_once_is_one_tag(office: Office) -> None:
    name = f"shared {uuid4()}"
    made = await asyncio.gather(*(office.make(tags=[name, f"own {n}"]) for n in range(6)))
    assert len({next(t["id"] for t in m["tags"] if t["name"] == name) for m in made}) == 1


async def test_categories_are_a_tree(office: Office) -> None:
    path = f"/workspaces/{office.team}/categories"
    top = await category(office, f"Top {uuid4()}", icon="folder", position=5)
    inner = await category(office, "Inner", parent_id=top)
    leaf = await category(office, "Leaf", parent_id=inner)
    assert refused(await office.editor.post(path, json={"name": "inner", "parent_id": top})) == (409, "conflict")
    for parent in (leaf, inner, top):
        answer = await office.editor.patch(f"{path}/{top}", json={"parent_id": parent})
        assert refused(answer) == (422, "unprocessable"), parent
    missing = await office.editor.patch(f"{path}/{top}", json={"parent_id": str(uuid4())})
    assert refused(missing) == (422, "unprocessable")
    document = await office.make(category_id=inner)
    assert (await office.editor.delete(f"{path}/{inner}")).status_code == 204
    listed = {item["id"]: item for item in (await office.viewer.get(path)).json()["items"]}
    assert inner not in listed
    assert listed[leaf]["parent_id"] == top
    shown = (await office.viewer.get(f"/documents/{document['id']}")).json()
    assert shown["category_id"] is None
    assert shown["row_version"] > document["row_version"]


async def test_two_moves_at_once_do_not_close_a_ring(office: Office) -> None:
    path = f"/workspaces/{office.team}/categories"
    for _ in range(8):
        one, two = await category(office, f"One {uuid4()}"), await category(office, f"Two {uuid4()}")
        answers = await asyncio.gather(
            office.editor.patch(f"{path}/{one}", json={"parent_id": two}),
            office.other.patch(f"{path}/{two}", json={"parent_id": one}),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 422], [200, 409])
        listed = {item["id"]: item["parent_id"] for item in (await office.viewer.get(path)).json()["items"]}
        assert None in (listed[one], listed[two])


async def test_categories_are_not_nested_without_end(office: Office) -> None:
    path = f"/workspaces/{office.team}/categories"
    chain = [await category(office, f"Root {uuid4()}")]
    for depth in range(19):
        chain.append(await category(office, f"Level {depth}", parent_id=chain[-1]))
    deeper = await office.editor.post(path, json={"name": "Deeper", "parent_id": chain[-1]})
    assert refused(deeper) == (422, "unprocessable")
    above = await category(office, f"Above {uuid4()}")
    assert refused(await office.editor.patch(f"{path}/{chain[0]}", json={"parent_id": above})) == (422, "unprocessable")


async def test_a_category_of_another_workspace_is_none_here(office: Office) -> None:
    foreign = await office.stranger.post(f"/workspaces/{office.stranger.personal}/categories", json={"name": "Theirs"})
    body = {"title": "T", "category_id": foreign.json()["id"]}
    answer = await office.editor.post(f"/workspaces/{office.team}/documents", json=body)
    assert refused(answer) == (422, "unprocessable")
    made = await office.make()
    changed = await office.editor.patch(f"/documents/{made['id']}", json={"category_id": foreign.json()["id"]})
    assert refused(changed) == (422, "unprocessable")
