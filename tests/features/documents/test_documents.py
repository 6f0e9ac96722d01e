"""Making, reading and changing documents over the API."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.features.api_harness import ApiHarness, refused, titles
from tests.peers import Family, Peer

FAMILIES: tuple[Family, ...] = ("yws", "hocus")
EVERYTHING: dict[str, Any] = {
    "title": "Every field",
    "type": "task",
    "description": "Two\nlines",
    "status": "active",
    "priority": "high",
    "language": "german",
    "metadata": {"due": "2030-05-01", "completed": False, "mine": [1, 2.5, None, {"a": "b"}]},
    "settings": {"collaboration": False, "editor_mode": "split", "extra": {"own": "x"}},
    "tags": ["Ärger", "to do"],
    "is_template": True,
    "expires_at": "2090-01-01T00:00:00+02:00",
    "content": "# Hé\n😀",
}


async def test_every_field_is_kept_and_shown(api: ApiHarness) -> None:
    made = await api.make(name=f"every/{uuid4()}", **EVERYTHING)
    again = (await api.editor.get(f"/documents/{made['id']}")).json()
    for field in EVERYTHING.keys() - {"content", "tags", "expires_at"}:
        assert made[field] == again[field] == EVERYTHING[field], field
    assert [tag["name"] for tag in again["tags"]] == ["to do", "Ärger"]
    assert [tag["slug"] for tag in again["tags"]] == ["to-do", "ärger"]
    assert again["expires_at"] == "2089-12-31T22:00:00Z"
    assert again["created_by"] == {"id": api.editor.id, "name": "editor"}
    assert again["address"] == f"@{api.slug}/{again['name']}"
    assert again["excerpt"] == "Hé 😀"
    assert again["word_count"] == 1
    assert again["role"] == "editor"
    assert again["is_favourite"] is again["is_public"] is False
    assert again["deleted_at"] is None


async def test_initial_content_opens_in_an_editor_and_is_the_stored_text(api: ApiHarness) -> None:
    text = "# One\r\ntwo 😀\rthree\n"
    made = await api.make(content=text, name=f"begun-{uuid4()}", type="note")
    stored = await api.editor.get(f"/documents/{made['id']}/content")
    assert stored.text == "# One\ntwo 😀\nthree\n"
    for family in FAMILIES:
        peer = await Peer(api.server, family, made["id"], token=api.editor.token).sync()
        assert peer.content == stored.text
        await peer.close()


async def test_text_typed_after_the_initial_content_is_kept(api: ApiHarness) -> None:
    made = await api.make(content="first ")
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    peer.insert("second")
    await peer.saved()
    await peer.close()
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == "first second"


async def test_a_document_with_a_bad_part_is_not_made_at_all(api: ApiHarness) -> None:
    before = [await api.count(table) for table in ("documents", "tags", "document_heads")]
    name = f"taken-{uuid4()}"
    await api.make(name=name)
    for body, answer in (
        ({"category_id": str(uuid4())}, (422, "unprocessable")),
        ({"template_id": str(uuid4())}, (422, "unprocessable")),
        ({"name": name}, (409, "conflict")),
        ({"content": "x", "type": "password", "content_encrypted": "AAAA", "encryption": {}}, (422, "invalid")),
        ({"tags": ["new", ""]}, (422, "invalid")),
    ):
        given = {"title": "Half", "tags": [f"new {uuid4()}"], "content": "words", **body}
        got = await api.editor.post(f"/workspaces/{api.team}/documents", json=given)
        assert refused(got) == answer, body
    after = [await api.count(table) for table in ("documents", "tags", "document_heads")]
    assert after == [before[0] + 1, before[1], before[2] + 1]


async def test_all_fields_can_be_changed_and_the_version_moves(api: ApiHarness) -> None:
    made = await api.make(type="note")
    changes = {k: v for k, v in EVERYTHING.items() if k not in ("tags", "content")} | {"name": f"new/{uuid4()}"}
    answer = await api.editor.patch(f"/documents/{made['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    for field in changes.keys() - {"expires_at"}:
        assert changed[field] == changes[field], field
    assert changed["row_version"] == made["row_version"] + 1
    assert answer.headers["etag"] == f'"r{changed["row_version"]}"'
    assert changed["updated_by"] == {"id": api.editor.id, "name": "editor"}
    # Only those who may delete the document set or clear its expiry.
    refused = await api.other.patch(f"/documents/{made['id']}", json={"expires_at": None})
    assert refused.status_code == 403
    assert (await api.editor.patch(f"/documents/{made['id']}", json={"expires_at": None})).status_code == 200
    nulls = {"name": None, "description": None, "category_id": None}
    cleared = (await api.other.patch(f"/documents/{made['id']}", json=nulls)).json()
    assert [cleared[field] for field in [*nulls, "expires_at"]] == [None] * 4
    assert cleared["address"] == made["id"]
    assert cleared["updated_by"]["name"] == "other"


async def test_publishing_notes_when(api: ApiHarness) -> None:
    made = await api.make()
    assert made["published_at"] is None
    path = f"/documents/{made['id']}"
    first = (await api.editor.patch(path, json={"status": "published"})).json()["published_at"]
    assert first is not None
    assert (await api.editor.patch(path, json={"status": "published"})).json()["published_at"] == first
    assert (await api.editor.patch(path, json={"status": "draft"})).json()["published_at"] is None


async def test_a_change_of_a_version_that_is_gone_is_refused(api: ApiHarness) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    etag = (await api.editor.get(path)).headers["etag"]
    assert (await api.editor.get(path, headers={"if-none-match": etag})).status_code == 304
    changed = await api.editor.patch(path, json={"title": "One"}, headers={"if-match": etag})
    assert changed.status_code == 200
    assert (await api.editor.get(path, headers={"if-none-match": etag})).status_code == 200
    late = await api.other.patch(path, json={"title": "Two"}, headers={"if-match": etag})
    assert refused(late) == (412, "precondition_failed")
    assert refused(await api.editor.delete(path, headers={"if-match": etag})) == (412, "precondition_failed")
    assert (await api.editor.get(path)).json()["title"] == "One"
    for wrong in ('"x"', "r1", '"r99999999999999999999"'):
        answer = await api.editor.patch(path, json={"title": "Two"}, headers={"if-match": wrong})
        assert refused(answer) == (400, "malformed"), wrong


async def test_of_many_changes_of_one_version_one_wins(api: ApiHarness) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    headers = {"if-match": f'"r{made["row_version"]}"'}
    answers = await asyncio.gather(
        *(api.editor.patch(path, json={"title": f"T{n}"}, headers=headers) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    winner = next(answer.json()["title"] for answer in answers if answer.status_code == 200)
    assert (await api.editor.get(path)).json()["title"] == winner


async def test_of_many_renamings_to_one_name_one_wins(api: ApiHarness) -> None:
    made = [await api.make() for _ in range(5)]
    name = f"one-{uuid4()}"
    answers = await asyncio.gather(*(api.editor.patch(f"/documents/{m['id']}", json={"name": name}) for m in made))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4


async def test_tags_change_the_version_and_stay_when_they_are_the_same(api: ApiHarness) -> None:
    made = await api.make(tags=["a", "b"])
    path = f"/documents/{made['id']}"
    tagged = await api.editor.put(f"{path}/tags", json={"tags": ["B", "c"]})
    assert titles([{"title": tag["name"]} for tag in tagged.json()["tags"]]) == ["b", "c"]
    assert tagged.json()["row_version"] > made["row_version"]
    same = await api.editor.put(f"{path}/tags", json={"tags": ["b", "C", "c"]})
    assert same.json()["row_version"] == tagged.json()["row_version"]
    assert (await api.editor.put(f"{path}/tags", json={"tags": []})).json()["tags"] == []


@pytest.mark.parametrize("kind", ["bookmark", "task", "contact", "file", "note", "mindmap", "presentation", "mixed"])
async def test_each_kind_can_be_made_and_carries_text(api: ApiHarness, kind: str) -> None:
    metadata = {"url": "https://example.org/x?y=1"} if kind == "bookmark" else {}
    made = await api.make(type=kind, metadata=metadata, content="words of it")
    assert made["type"] == kind
    assert made["metadata"] == metadata
    assert (await api.viewer.get(f"/documents/{made['id']}/content")).text == "words of it"


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("bookmark", {}),
        ("bookmark", {"url": "javascript:alert(1)"}),
        ("bookmark", {"url": "http://"}),
        ("bookmark", {"url": "http://[::1"}),
        ("bookmark", {"url": 7}),
        ("task", {"due": "tomorrow"}),
        ("task", {"due": "2030-01-01T10:00:00"}),
        ("task", {"completed": "yes"}),
        ("contact", {"email": "nobody"}),
        ("contact", {"birthday": "1999-02-30"}),
        ("contact", {"phone": "1\n2"}),
        ("file", {"size_bytes": -1}),
        ("note", {"pinned": 1}),
        ("note", {"x": "a\x00b"}),
    ],
)
async def test_a_wrong_typed_field_is_refused_in_both_ways(
    api: ApiHarness, kind: str, metadata: dict[str, object]
) -> None:
    body = {"title": "T", "type": kind, "metadata": metadata}
    answer = await api.editor.post(f"/workspaces/{api.team}/documents", json=body)
    assert refused(answer) == (422, "invalid")
    good = {"url": "https://example.org"} if kind == "bookmark" else {}
    made = await api.make(type=kind, metadata=good)
    changed = await api.editor.patch(f"/documents/{made['id']}", json={"metadata": metadata})
    assert changed.status_code == 422
    assert (await api.editor.get(f"/documents/{made['id']}")).json()["metadata"] == good


async def test_a_password_is_opaque(api: ApiHarness) -> None:
    locked = {"algorithm": "AES-GCM", "iv": "x"}
    secret: dict[str, Any] = {"type": "password", "content_encrypted": "c2VjcmV0", "encryption": locked}
    made = await api.make(**secret)
    shown = (await api.editor.get(f"/documents/{made['id']}")).json()
    assert (shown["content_encrypted"], shown["encryption"]) == ("c2VjcmV0", secret["encryption"])
    listed = next(item for item in await api.list(type="password") if item["id"] == made["id"])
    assert listed["content_encrypted"] is listed["encryption"] is None
    renewed = {"content_encrypted": "bmV3", "encryption": {"algorithm": "AES-GCM", "iv": "y"}}
    assert (await api.editor.patch(f"/documents/{made['id']}", json=renewed)).json()["content_encrypted"] == "bmV3"
    for body, answer in (
        ({"type": "note"}, (409, "conflict")),
        ({"metadata": {"site": "bank"}}, (422, "unprocessable")),
    ):
        assert refused(await api.editor.patch(f"/documents/{made['id']}", json=body)) == answer
    note = await api.make(type="note")
    assert refused(await api.editor.patch(f"/documents/{note['id']}", json=renewed)) == (422, "unprocessable")
    assert refused(await api.editor.patch(f"/documents/{note['id']}", json={"type": "password"})) == (
        409,
        "conflict",
    )


async def test_a_copy_of_a_password_has_its_bytes(api: ApiHarness) -> None:
    made = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"iv": "x"})
    copy = (await api.other.post(f"/documents/{made['id']}/duplicate", json={})).json()
    assert (copy["content_encrypted"], copy["encryption"]) == ("c2VjcmV0", {"iv": "x"})


async def test_making_public_needs_authorship_or_the_right_to_delete(api: ApiHarness) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    assert refused(await api.other.patch(path, json={"is_public": True})) == (403, "forbidden")
    writing = await api.admin.with_scope("write")
    assert refused(await writing.patch(path, json={"is_public": True})) == (403, "forbidden")
    assert (await api.editor.patch(path, json={"is_public": True})).json()["is_public"] is True
    seen = (await api.stranger.get(path)).json()
    assert (seen["role"], seen["created_by"]) == ("viewer", None)
    assert (await api.admin.patch(path, json={"is_public": False})).json()["is_public"] is False
    assert refused(await api.stranger.get(path)) == (404, "not_found")
