"""Threads of comments over REST: who may do what, and what everybody then sees."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.people import Person, fetch


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("comments"), guest_role="commenter") as running:
        yield running


async def say(who: Person, document: str, content: str = "Hello", **fields: object) -> dict[str, Any]:
    answer = await who.post(f"/documents/{document}/comments", json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == f'"r{made["row_version"]}"'
    return made


async def listed(who: Person, document: str, **params: object) -> list[dict[str, Any]]:
    """All pages."""
    items: list[dict[str, Any]] = []
    while True:
        answer = await who.get(f"/documents/{document}/comments", params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items
        params["cursor"] = cursor


def contents(items: list[dict[str, Any]]) -> list[str]:
    return [item["content"] for item in items]


async def test_a_thread_is_read_as_it_was_written(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    root = await say(api.commenter, document, "**First**\nline")
    reply = await say(api.editor, document, "Second", parent_id=root["id"])
    deeper = await say(api.owner, document, "Third", parent_id=reply["id"])
    assert root["content_html"] == "<p><strong>First</strong><br>\nline</p>\n"
    assert root["author"] == {"id": api.commenter.id, "kind": "api_client", "name": "commenter", "avatar_url": None}
    assert [each["thread_id"] for each in (root, reply, deeper)] == [root["id"]] * 3
    assert [each["depth"] for each in (root, reply, deeper)] == [0, 1, 2]
    assert root["anchor"] is None and not root["deleted"] and not root["resolved"]
    assert await listed(api.viewer, document) == [root, reply, deeper]
    assert await listed(api.viewer, document, limit=1) == [root, reply, deeper]
    assert await listed(api.viewer, document, thread=root["id"]) == [root, reply, deeper]
    assert (await api.viewer.get(f"/comments/{reply['id']}")).json() == reply
    assert refused(await api.stranger.get(f"/comments/{reply['id']}")) == (404, "not_found")
    assert refused(await api.stranger.get(f"/documents/{document}/comments")) == (404, "not_found")


async def test_each_role_does_what_the_table_says(api: ApiHarness) -> None:
    """Rows: a person. Columns: comments, reacts, edits, deletes, resolves another's comment; edits their own."""
    table = {
        "owner": (201, 204, 403, 204, 200, 200),
        "admin": (201, 204, 403, 204, 200, 200),
        "editor": (201, 204, 403, 204, 200, 200),
        "commenter": (201, 204, 403, 403, 403, 200),
        "viewer": (403, 403, 403, 403, 403, None),
        "stranger": (404, 404, 404, 404, 404, None),
    }
    document = (await api.make())["id"]
    for role, (comments, reacts, edits, deletes, resolves, own) in table.items():
        who = api.staff[role]
        theirs = await say(api.other, document)
        path = f"/comments/{theirs['id']}"
        answer = await who.post(f"/documents/{document}/comments", json={"content": "Mine"})
        assert answer.status_code == comments, role
        if own is not None:
            mine = f"/comments/{answer.json()['id']}"
            assert (await who.patch(mine, json={"content": "Mine too"})).status_code == own, role
            assert (await who.post(f"{mine}/resolve")).status_code == 200, role
            assert (await who.delete(mine)).status_code == 204, role
        assert (await who.put(f"{path}/reactions/👍")).status_code == reacts, role
        assert (await who.patch(path, json={"content": "Not mine"})).status_code == edits, role
        assert (await who.post(f"{path}/resolve")).status_code == resolves, role
        assert (await who.post(f"{path}/reopen")).status_code == resolves, role
        assert (await who.delete(path)).status_code == deletes, role


async def test_a_reader_of_a_public_document_sees_no_discussion(api: ApiHarness) -> None:
    made = await api.make(api.owner)
    document = made["id"]
    comment = await say(api.editor, document)
    assert (await api.owner.patch(f"/documents/{document}", json={"is_public": True})).status_code == 200
    for who in (api.stranger, api.guest):
        assert await listed(who, document) == []
        assert await listed(who, document, state="orphan") == []
        assert (await who.get(f"/documents/{document}")).json()["comment_count"] == 0
        assert refused(await who.get(f"/comments/{comment['id']}")) == (404, "not_found")
        assert refused(await who.get(f"/comments/{comment['id']}/edits")) == (404, "not_found")
        assert refused(await who.post(f"/documents/{document}/comments", json={"content": "x"})) == (403, "forbidden")
        assert refused(await who.get(f"/documents/{document}/mentionable")) == (403, "forbidden")
    bearer = await connect(api.stranger, document, role="viewer")
    assert await listed(bearer, document) == []
    assert (await bearer.get(f"/documents/{document}")).json()["comment_count"] == 0
    assert (await api.viewer.get(f"/documents/{document}")).json()["comment_count"] == 1


async def connect(who: Person, document: str, **fields: object) -> Person:
    """A client with a connect token."""
    answer = await who.post(f"/documents/{document}/connect-tokens", json=fields)
    assert answer.status_code == 201, answer.text
    bearer = await who.with_scope("read")
    bearer.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return bearer


async def test_people_without_an_account_comment_once_and_for_all(api: ApiHarness) -> None:
    document = await playground_document(api)
    comment = await say(api.guest, document)
    assert comment["author"] == {"id": None, "kind": "guest", "name": "Guest", "avatar_url": None}
    path = f"/comments/{comment['id']}"
    for answer in (
        await api.guest.patch(path, json={"content": "x"}),
        await api.guest.delete(path),
        await api.guest.post(f"{path}/resolve"),
        await api.guest.put(f"{path}/reactions/👍"),
    ):
        assert refused(answer) == (403, "forbidden")
        assert "account" in answer.json()["detail"]


async def playground_document(api: ApiHarness) -> str:
    found = await fetch(
        api.server,
        "INSERT INTO documents (workspace_id, title) VALUES ($1::text::uuid, 'Open') RETURNING id::text AS id",
        PLAYGROUND,
    )
    return str(found[0]["id"])


async def test_a_user_of_an_application_has_the_rights_and_not_the_name_of_the_issuer(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    visitor = await connect(api.editor, document, role="commenter", name="Zoe")
    editing = await connect(api.editor, document, role="editor", name="Kim")
    reading = await connect(api.editor, document, role="viewer", name="Max")
    comment = await say(visitor, document)
    assert comment["author"] == {"id": None, "kind": "app_user", "name": "Zoe", "avatar_url": None}
    path = f"/comments/{comment['id']}"
    assert refused(await visitor.patch(path, json={"content": "x"})) == (403, "forbidden")
    assert refused(await visitor.delete(path)) == (403, "forbidden")
    assert refused(await visitor.put(f"{path}/reactions/👍")) == (403, "forbidden")
    assert refused(await reading.post(f"/documents/{document}/comments", json={"content": "x"})) == (403, "forbidden")
    assert await listed(reading, document) == [comment]
    resolved = await editing.post(f"{path}/resolve")
    assert resolved.status_code == 200 and resolved.json()["resolved_by"] is None
    assert refused(await visitor.get(f"/comments/{(await say(api.editor, (await api.make())['id']))['id']}"))[0] == 404
    await api.editor.put(f"{path}/reactions/👍")
    assert (await visitor.get(path)).json()["reactions"][0]["mine"] is False
    assert await listed(visitor, document, mine="true") == []
    own = await connect(api.editor, document, role="commenter")
    assert (await own.get(path)).json()["reactions"][0]["mine"] is True
    mine = await say(own, document, "By token")
    assert mine["author"]["id"] == api.editor.id and mine["author"]["kind"] == "user"
    assert (await own.patch(f"/comments/{mine['id']}", json={"content": "Again"})).status_code == 200
    logged = await fetch(
        api.server, "SELECT actor_id, actor_name FROM activity_log WHERE entity_id = $1 AND action = 'create'",
        comment["id"],
    )  # fmt: skip
    assert [(row["actor_id"], row["actor_name"]) for row in logged] == [(None, "Zoe")]


async def test_a_comment_is_edited_by_its_author_at_the_version_that_was_read(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    comment = await say(api.commenter, document, "One")
    path = f"/comments/{comment['id']}"
    changed = await api.commenter.patch(path, json={"content": "Two"}, headers={"if-match": '"r1"'})
    assert changed.status_code == 200 and changed.headers["etag"] == '"r2"'
    assert (changed.json()["content"], changed.json()["edited"]) == ("Two", True)
    late = await api.commenter.patch(path, json={"content": "Three"}, headers={"if-match": '"r1"'})
    assert refused(late) == (412, "precondition_failed")
    assert refused(await api.commenter.delete(path, headers={"if-match": '"r1"'})) == (412, "precondition_failed")
    assert (await api.commenter.patch(path, json={"content": "Three"})).status_code == 200
    edits = (await api.viewer.get(f"{path}/edits", params={"limit": 1})).json()
    assert contents(edits["items"]) == ["Two"]
    rest = (await api.viewer.get(f"{path}/edits", params={"cursor": edits["next_cursor"]})).json()
    assert contents(rest["items"]) == ["One"] and rest["next_cursor"] is None


async def test_a_deleted_comment_stays_while_replies_live(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    root = await say(api.commenter, document, "Root")
    middle = await say(api.editor, document, "Middle", parent_id=root["id"])
    leaf = await say(api.commenter, document, "Leaf", parent_id=middle["id"])
    for gone in (root, middle):
        assert (await api.editor.delete(f"/comments/{gone['id']}")).status_code == 204
        assert refused(await api.editor.delete(f"/comments/{gone['id']}")) == (404, "not_found")
    items = await listed(api.viewer, document)
    assert [(item["id"], item["content"], item["deleted"]) for item in items] == [
        (root["id"], "", True), (middle["id"], "", True), (leaf["id"], "Leaf", False),
    ]  # fmt: skip
    assert items[0]["content_html"] == "" and items[0]["author"]["name"] is None and items[0]["author"]["id"] is None
    assert (await api.viewer.get(f"/comments/{root['id']}")).json() == items[0]
    answer = await api.editor.post(f"/documents/{document}/comments", json={"content": "x", "parent_id": root["id"]})
    assert refused(answer) == (422, "unprocessable")
    assert refused(await api.editor.put(f"/comments/{root['id']}/reactions/👍")) == (404, "not_found")
    assert (await api.commenter.delete(f"/comments/{leaf['id']}")).status_code == 204
    assert await listed(api.viewer, document) == []
    assert refused(await api.viewer.get(f"/comments/{root['id']}")) == (404, "not_found")


async def test_a_comment_that_is_sent_twice_is_there_once(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    chosen = str(uuid4())
    first = await say(api.commenter, document, "Once", id=chosen)
    assert first["id"] == chosen
    assert await say(api.commenter, document, "Once", id=chosen) == first
    path = f"/documents/{document}/comments"
    for who, body in (
        (api.commenter, {"content": "Other", "id": chosen}),
        (api.editor, {"content": "Once", "id": chosen}),
        (api.commenter, {"content": "Once", "id": chosen, "parent_id": (await say(api.editor, document))["id"]}),
    ):
        assert refused(await who.post(path, json=body)) == (409, "conflict")
    elsewhere = (await api.make(api.stranger, api.stranger.personal))["id"]
    answer = await api.stranger.post(f"/documents/{elsewhere}/comments", json={"content": "Once", "id": chosen})
    assert refused(answer) == (409, "conflict")
    assert (await api.commenter.patch(f"/comments/{chosen}", json={"content": "Later"})).status_code == 200
    assert (await say(api.commenter, document, "Once", id=chosen))["content"] == "Later"
    assert (await api.commenter.delete(f"/comments/{chosen}")).status_code == 204
    assert refused(await api.commenter.post(path, json={"content": "Once", "id": chosen})) == (409, "conflict")
    assert contents(await listed(api.viewer, document)) == ["Hello"]


async def test_a_thread_is_resolved_and_reopened_by_its_root(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    root, other = await say(api.commenter, document, "Root"), await say(api.editor, document, "Other")
    reply = await say(api.editor, document, "Reply", parent_id=root["id"])
    assert refused(await api.editor.post(f"/comments/{reply['id']}/resolve")) == (422, "unprocessable")
    for _ in range(2):
        resolved = (await api.editor.post(f"/comments/{root['id']}/resolve")).json()
        assert resolved["resolved"] and resolved["resolved_by"] == {"id": api.editor.id, "name": "editor"}
        assert resolved["row_version"] == 2 and resolved["resolved_at"] is not None
    assert contents(await listed(api.viewer, document, state="resolved")) == ["Root", "Reply"]
    assert contents(await listed(api.viewer, document, state="open")) == ["Other"]
    assert contents(await listed(api.commenter, document, mine="true")) == ["Root", "Reply"]
    assert contents(await listed(api.admin, document, mine="true")) == []
    found = {item["id"]: item["comment_count"] for item in await api.list()}
    assert found[document] == 1
    for _ in range(2):
        reopened = (await api.commenter.post(f"/comments/{root['id']}/reopen")).json()
        assert not reopened["resolved"] and reopened["resolved_by"] is None and reopened["row_version"] == 3
    assert (await api.viewer.get(f"/documents/{document}")).json()["comment_count"] == 2
    await api.editor.delete(f"/comments/{other['id']}")
    assert (await api.viewer.get(f"/documents/{document}")).json()["comment_count"] == 1
    logged = await fetch(
        api.server, "SELECT action, data::text AS data FROM activity_log WHERE entity_id = $1 ORDER BY id", root["id"]
    )
    assert [row["action"] for row in logged] == ["create", "update", "update"]
    assert not any("Root" in row["data"] for row in logged)


async def test_reactions_are_counted_once_for_each_person(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    path = f"/comments/{(await say(api.editor, document))['id']}"
    for who in (api.commenter, api.owner, api.commenter):
        assert (await who.put(f"{path}/reactions/👍")).status_code == 204
    assert (await api.owner.put(f"{path}/reactions/1️⃣")).status_code == 204
    seen = (await api.owner.get(path)).json()
    assert seen["reactions"] == [
        {"emoji": "👍", "count": 2, "mine": True, "people": ["commenter", "owner"]},
        {"emoji": "1️⃣", "count": 1, "mine": True, "people": ["owner"]},
    ]
    assert seen["row_version"] == 1
    for _ in range(2):
        assert (await api.owner.delete(f"{path}/reactions/👍")).status_code == 204
    assert (await api.owner.get(path)).json()["reactions"][0] == {
        "emoji": "👍", "count": 1, "mine": False, "people": ["commenter"]
    }  # fmt: skip
    for bad in ("a", "+1", "<b>", "👍👍", "é", "👍x", "%20", "&", "%E2%80%8D"):
        assert (await api.owner.put(f"{path}/reactions/{bad}")).status_code == 422, bad
    for number in range(19):
        assert (await api.owner.put(f"{path}/reactions/{chr(0x1F600 + number)}")).status_code == 204
    assert refused(await api.owner.put(f"{path}/reactions/🎉")) == (409, "limit_reached")
    assert (await api.owner.put(f"{path}/reactions/{chr(0x1F600)}")).status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"content": "x" * 65_536}, 201),
        ({"content": "é" * 32_768}, 201),
        ({"content": "x" * 65_537}, 422),
        ({"content": "é" * 32_769}, 422),
        ({"content": " \n\t\u3000\u200b"}, 422),
        ({"content": ""}, 422),
        ({"content": "a\0b"}, 422),
        ({}, 422),
        ({"content": "x", "depth": 3}, 422),
        ({"content": "x", "parent_id": str(uuid4())}, 422),
        ({"content": "x", "parent_id": str(uuid4()), "anchor": {"quote": "x"}}, 422),
        ({"content": "x", "id": "no"}, 422),
    ],
)
async def test_texts_have_limits(api: ApiHarness, body: dict[str, Any], status: int) -> None:
    document = (await api.make())["id"]
    answer: httpx.Response = await api.editor.post(f"/documents/{document}/comments", json=body)
    assert answer.status_code == status, answer.text


async def test_comments_go_with_their_document(api: ApiHarness) -> None:
    document = (await api.make(api.owner))["id"]
    comment = await say(api.editor, document)
    path = f"/comments/{comment['id']}"
    target = (await api.owner.post("/workspaces", json={"name": "Elsewhere"})).json()["id"]
    answer = await api.owner.post(f"/documents/{document}/move", json={"workspace_id": target})
    assert answer.status_code == 200, answer.text
    assert refused(await api.editor.get(path)) == (404, "not_found")
    assert (await api.owner.get(path)).json()["content"] == "Hello"
    assert (await api.owner.get(f"/documents/{document}")).json()["comment_count"] == 1
    assert (await api.owner.delete(f"/documents/{document}")).status_code == 204
    for request in (api.owner.get(path), api.owner.get(f"/documents/{document}/comments"), api.owner.delete(path)):
        assert refused(await request) == (404, "not_found")
    assert (await api.owner.post(f"/documents/{document}/restore")).status_code == 200
    assert contents(await listed(api.owner, document)) == ["Hello"]
    assert (await api.owner.delete(f"/documents/{document}")).status_code == 204
    assert (await api.owner.delete(f"/documents/{document}/permanently")).status_code == 204
    assert await fetch(api.server, "SELECT id FROM comments WHERE document_id = $1::text::uuid", document) == []
