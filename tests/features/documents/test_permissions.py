"""Each role, a stranger, a guest, each scope of a token and a connect token, on each route of documents."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.features.api_harness import ROLES, ApiHarness
from tests.people import Person

Call = Callable[[Person, dict[str, Any], ApiHarness], Awaitable[httpx.Response]]


def _document(method: str, path: str, body: object = None) -> Call:
    async def call(who: Person, ids: dict[str, Any], api: ApiHarness) -> httpx.Response:
        return await who.request(method, f"/documents/{ids['document']}{path}", json=body)

    return call


def _team(method: str, path: str, body: object = None) -> Call:
    async def call(who: Person, ids: dict[str, Any], api: ApiHarness) -> httpx.Response:
        given = {**body, "name": f"n {uuid4()}"} if isinstance(body, dict) and "name" in body else body
        return await who.request(method, f"/workspaces/{api.team}{path.format(**ids)}", json=given)

    return call


async def _move(who: Person, ids: dict[str, Any], api: ApiHarness) -> httpx.Response:
    return await who.post(f"/documents/{ids['document']}/move", json={"workspace_id": api.team})


SEE = set(ROLES)
WRITE = {"owner", "admin", "editor"}
MANAGE = {"owner", "admin"}

# (route, who may, the answer then); the document is somebody else's
LIVE: list[tuple[str, Call, set[str], int]] = [
    ("see", _document("GET", ""), SEE, 200),
    ("content", _document("GET", "/content"), SEE, 200),
    ("change", _document("PATCH", "", {"title": "T"}), WRITE, 200),
    ("tag", _document("PUT", "/tags", {"tags": ["a"]}), WRITE, 200),
    ("publish", _document("PATCH", "", {"is_public": True}), MANAGE, 200),
    ("favourite", _document("PUT", "/favourite"), SEE, 204),
    ("no favourite", _document("DELETE", "/favourite"), SEE, 204),
    ("duplicate", _document("POST", "/duplicate", {}), WRITE, 201),
    ("move", _move, MANAGE, 200),
    ("delete", _document("DELETE", ""), MANAGE, 204),
    ("list", _team("GET", "/documents"), SEE, 200),
    ("make", _team("POST", "/documents", {"title": "T"}), WRITE, 201),
    ("tags", _team("GET", "/tags"), SEE, 200),
    ("new tag", _team("POST", "/tags", {"name": "x"}), WRITE, 201),
    ("change tag", _team("PATCH", "/tags/{tag}", {"color": "#123456"}), WRITE, 200),
    ("delete tag", _team("DELETE", "/tags/{tag}"), WRITE, 204),
    ("categories", _team("GET", "/categories"), SEE, 200),
    ("new category", _team("POST", "/categories", {"name": "x"}), WRITE, 201),
    ("change category", _team("PATCH", "/categories/{category}", {"position": 3}), WRITE, 200),
    ("delete category", _team("DELETE", "/categories/{category}"), WRITE, 204),
]
TRASH: list[tuple[str, Call]] = [
    ("restore", _document("POST", "/restore")),
    ("delete for good", _document("DELETE", "/permanently")),
]
NEEDS_A_PERSON = {"favourite", "no favourite"}
"""They also need the scope write, as they change something."""


async def prepared(api: ApiHarness) -> dict[str, Any]:
    made = await api.make(api.other)
    tag = await api.editor.post(f"/workspaces/{api.team}/tags", json={"name": f"t {uuid4()}"})
    category = await api.editor.post(f"/workspaces/{api.team}/categories", json={"name": f"c {uuid4()}"})
    return {"document": made["id"], "tag": tag.json()["id"], "category": category.json()["id"]}


@pytest.mark.parametrize(("name", "call", "may", "done"), LIVE, ids=[case[0] for case in LIVE])
async def test_each_role_on_each_route(api: ApiHarness, name: str, call: Call, may: set[str], done: int) -> None:
    for role in ROLES:
        answer = await call(api.staff[role], await prepared(api), api)
        assert answer.status_code == (done if role in may else 403), (role, answer.text)
    ids = await prepared(api)
    assert (await call(api.stranger, ids, api)).status_code == 404
    assert (await call(api.guest, ids, api)).status_code == (401 if name in NEEDS_A_PERSON else 404)


@pytest.mark.parametrize(("name", "call"), TRASH, ids=[case[0] for case in TRASH])
async def test_each_role_on_the_trash(api: ApiHarness, name: str, call: Call) -> None:
    for role in (*ROLES, "stranger", "other"):
        ids = await prepared(api)
        assert (await api.other.delete(f"/documents/{ids['document']}")).status_code == 204
        answer = await call(api.staff[role], ids, api)
        done = 200 if name == "restore" else 204
        assert answer.status_code == (done if role in MANAGE | {"other"} else 404), (role, answer.text)
    assert (await call(api.guest, ids, api)).status_code == 401


@pytest.mark.parametrize(("name", "call", "may", "done"), LIVE, ids=[case[0] for case in LIVE])
async def test_a_token_limits_the_rights_of_its_owner(
    api: ApiHarness, name: str, call: Call, may: set[str], done: int
) -> None:
    for scope, role in (("read", "viewer"), ("comment", "commenter"), ("write", "editor"), ("admin", "admin")):
        who = await api.owner.with_scope(scope)
        answer = await call(who, await prepared(api), api)
        allowed = role in may and (role in WRITE or name not in NEEDS_A_PERSON)
        assert answer.status_code == (done if allowed else 403), (scope, answer.text)


async def test_a_connect_token_sees_its_document_and_manages_nothing(api: ApiHarness) -> None:
    for name, call, _, done in LIVE:
        ids = await prepared(api)
        made = await api.other.post(f"/documents/{ids['document']}/connect-tokens", json={"role": "editor"})
        bearer = Person(api.server, "b", "", ids["document"], ids["document"], made.json()["token"])
        answer = await call(bearer, ids, api)
        expected = (done,) if name in ("see", "content") else (403, 404)
        assert answer.status_code in expected, (name, answer.text)
        for path in ("/documents/recent", "/documents/favourites"):
            assert (await bearer.get(path)).status_code == 403


async def test_guests_have_no_favourites_and_nothing_recent(api: ApiHarness) -> None:
    for path in ("/documents/recent", "/documents/favourites"):
        assert (await api.guest.get(path)).status_code == 401


async def test_guests_write_in_the_playground_and_delete_nothing_there(api: ApiHarness) -> None:
    playground = "00000000-0000-0000-0000-000000000002"
    made = await api.make(api.guest, playground, tags=["a"], content="hello", name=f"g-{uuid4()}")
    assert (made["created_by"], made["tags"][0]["name"]) == (None, "a")
    assert (await api.guest.patch(f"/documents/{made['id']}", json={"title": "T"})).status_code == 200
    assert (await api.guest.delete(f"/documents/{made['id']}")).status_code == 403
    assert (await api.guest.patch(f"/documents/{made['id']}", json={"is_public": True})).status_code == 403
    assert (await api.guest.post(f"/documents/{made['id']}/duplicate", json={})).status_code == 201


async def test_an_editor_deletes_what_is_theirs_with_a_token_to_write(api: ApiHarness) -> None:
    own = await api.editor.with_scope("write")
    made = await api.make(own)
    assert (await own.delete(f"/documents/{made['id']}")).status_code == 204
    assert (await own.post(f"/documents/{made['id']}/restore")).status_code == 200
    reading = await api.editor.with_scope("read")
    assert (await reading.delete(f"/documents/{made['id']}")).status_code == 403
