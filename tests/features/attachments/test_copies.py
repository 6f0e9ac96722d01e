"""Copies and moves of documents with attachments: each copy has rows of its own, and its links are to these."""

from typing import Any
from uuid import UUID

from tests.features.api_harness import ApiHarness, new_team, refused
from tests.features.attachments.attaching import attach, noise, picture, processed, used
from tests.people import Person, fetch, run


async def _text(who: Person, document_id: str) -> str:
    return (await who.get(f"/documents/{document_id}/content")).text


async def _files(who: Person, document_id: str) -> list[Any]:
    items: list[Any] = (await who.get(f"/documents/{document_id}/attachments")).json()["items"]
    return items


async def _write(who: Person, document_id: str, text: str) -> None:
    answer = await who.put(f"/documents/{document_id}/content", content=text, headers={"content-type": "text/markdown"})
    assert answer.status_code == 200, answer.text


async def _objects(api: ApiHarness, checksum: str) -> int:
    rows = await fetch(
        api.server,
        "SELECT count(DISTINCT s3_key) AS n FROM attachments WHERE checksum_sha256 = $1",
        bytes.fromhex(checksum),
    )
    return int(rows[0]["n"])


async def test_a_copy_has_its_own_attachments_and_links(api: ApiHarness) -> None:
    made = await api.make()
    one = await processed(api.editor, await attach(api.editor, made["id"], picture(401, 300), "pic.png"))
    two = await attach(api.editor, made["id"], noise(3000, seed=71), "b.bin")
    gone = await attach(api.editor, made["id"], noise(3001, seed=72), "gone.bin")
    await api.editor.delete(f"/attachments/{gone['id']}")
    links = f"![p]({one['url']}?download=1) <{one['thumbnail_url']}?width=160> [b](https://a.org{two['url']})"
    rest = f" [gone]({gone['url']}) {one['id']}\n"
    await _write(api.editor, made["id"], links + rest)
    before = await used(api)
    answer = await api.editor.post(f"/documents/{made['id']}/duplicate", json={})
    assert answer.status_code == 201, answer.text
    copy = answer.json()["id"]
    first, second = await _files(api.viewer, copy)
    assert [(each["file_name"], each["checksum_sha256"]) for each in (first, second)] == [
        ("pic.png", one["checksum_sha256"]),
        ("b.bin", two["checksum_sha256"]),
    ]
    assert not {first["id"], second["id"]} & {one["id"], two["id"]}
    expected = links.replace(one["id"], first["id"]).replace(two["id"], second["id"]) + rest
    assert await _text(api.viewer, copy) == expected, "a link to a deleted one, and an id that is no link, stay"
    assert await _text(api.viewer, made["id"]) == links + rest
    assert (await used(api))[1] == before[1] + one["size_bytes"] + two["size_bytes"]
    assert await _objects(api, two["checksum_sha256"]) == 1
    assert first["thumbnail_widths"] == one["thumbnail_widths"] and first["width"] == 401
    for each in (one, two):
        await api.editor.delete(f"/attachments/{each['id']}")
    await run(
        api.server, "UPDATE attachments SET deleted_at = now() - interval '1 year' WHERE id = $1", [(UUID(two["id"]),)]
    )
    await api.server.maintain()
    assert (await api.viewer.get(f"/attachments/{two['id']}")).status_code == 404
    assert (await api.viewer.get(f"/attachments/{second['id']}/content")).content == noise(3000, seed=71)
    assert (await api.viewer.get(f"/attachments/{first['id']}/thumbnail?width=160")).status_code == 200


async def test_a_copy_in_another_workspace_has_an_object_there(api: ApiHarness) -> None:
    place, _ = await new_team(api.server, api.staff)
    made = await api.make()
    one = await processed(api.editor, await attach(api.editor, made["id"], picture(402, 300), "pic.png"))
    same = await attach(api.editor, made["id"], picture(402, 300), "same.png")
    await _write(api.editor, made["id"], f"![]({one['url']}) ![]({same['url']})")
    answer = await api.editor.post(f"/documents/{made['id']}/duplicate", json={"workspace_id": place})
    assert answer.status_code == 201, answer.text
    first, second = await _files(api.viewer, answer.json()["id"])
    assert await _text(api.viewer, answer.json()["id"]) == f"![]({first['url']}) ![]({second['url']})"
    rows = await fetch(api.server, "SELECT s3_key FROM attachments WHERE workspace_id = $1", UUID(place))
    digest = one["checksum_sha256"]
    assert {row["s3_key"] for row in rows} == {f"objects/{place}/{digest[:2]}/{digest}"}
    assert (await used(api, place))[1] == 2 * one["size_bytes"]
    shown = await processed(api.viewer, first)
    assert shown["thumbnail_widths"] == one["thumbnail_widths"]
    await api.server.maintain()
    assert (await api.viewer.get(f"/attachments/{first['id']}/content")).content == picture(402, 300)
    assert (await fetch(api.server, "SELECT FROM object_deletions WHERE s3_key LIKE $1", f"objects/{place}/%")) == []


async def test_a_copy_that_does_not_fit_leaves_nothing(api: ApiHarness) -> None:
    place, _ = await new_team(api.server, api.staff)
    made = await api.make()
    await attach(api.editor, made["id"], noise(60_000, seed=73))
    await run(api.server, "UPDATE workspaces SET storage_limit_bytes = 59000 WHERE id = $1", [(UUID(place),)])
    answer = await api.editor.post(f"/documents/{made['id']}/duplicate", json={"workspace_id": place})
    assert refused(answer) == (413, "quota_exceeded")
    assert (await used(api, place)) == (0, 0)
    assert (await api.editor.get(f"/workspaces/{place}/documents")).json()["items"] == []
    await api.server.maintain()
    left = (api.server.data_dir / "files" / "objects" / place).rglob("*")
    assert not [path for path in left if path.is_file()], "the object is deleted again"


async def test_a_document_of_a_template_has_its_attachments(api: ApiHarness) -> None:
    template = await api.make(is_template=True, content="x")
    one = await attach(api.editor, template["id"], noise(2000, seed=74), "form.bin")
    await _write(api.editor, template["id"], f"[form]({one['url']})")
    made = await api.make(template_id=template["id"])
    (copied,) = await _files(api.editor, made["id"])
    assert await _text(api.editor, made["id"]) == f"[form]({copied['url']})"
    other = await api.make(template_id=template["id"], content="own words")
    assert await _files(api.editor, other["id"]) == [], "its content is not of the template"


async def test_a_moved_attachment_outlives_the_workspace_it_came_from(api: ApiHarness) -> None:
    first, _ = await new_team(api.server, api.staff)
    second, _ = await new_team(api.server, api.staff)
    made = await api.make(api.owner, workspace=first)
    octets = noise(5000, seed=75)
    one = await attach(api.owner, made["id"], octets)
    moved = await api.owner.post(f"/documents/{made['id']}/move", json={"workspace_id": second})
    assert moved.status_code == 200, moved.text
    copy = (await api.owner.post(f"/documents/{made['id']}/duplicate", json={})).json()
    await run(
        api.server, "UPDATE workspaces SET deleted_at = now() - interval '1 year' WHERE id = $1", [(UUID(first),)]
    )
    await run(api.server, "DELETE FROM documents WHERE id = $1", [(UUID(made["id"]),)])
    await api.server.maintain()
    assert await fetch(api.server, "SELECT FROM workspaces WHERE id = $1", UUID(first)) == []
    assert (await api.owner.get(f"/attachments/{one['id']}/content")).status_code == 404
    (copied,) = await _files(api.owner, copy["id"])
    assert (await api.owner.get(f"/attachments/{copied['id']}/content")).content == octets
