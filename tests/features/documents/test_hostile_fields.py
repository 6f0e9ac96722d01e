"""Nothing that stands in a field makes the server fail, or leaves half of what was asked for."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.features.api_harness import ApiHarness, code

TEXTS = [
    "'; DROP TABLE documents; --",
    "<script>alert(1)</script>",
    "a\x00b",
    "a\x1bb",
    "\u202egnp.exe",
    "\ud800",
    "x" * 100_000,
    "   ",
    "",
    "%s %d {} ${jndi:x}",
    "\\",
    "\u2028",
    "🏳️‍🌈" * 300,
    "../../etc/passwd",
    "..",
    "a/%2e%2e/b",
    "a/../b",
    "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
]
VALUES: list[Any] = [
    *TEXTS, None, True, 0, -1, 1.5, 10**30, [], {}, [None], [{}], {"a": {"b": [1]}}, [["x"]], {"\x00": 1}, ["a"] * 60,
]  # fmt: skip
FIELDS = [
    "title", "name", "type", "description", "content", "status", "priority", "language", "metadata", "settings", "tags",
    "category_id", "is_template", "is_public", "template_id", "expires_at", "content_encrypted", "encryption",
    "surprise",
]  # fmt: skip
FINE = {200, 201, 204}
REFUSED = {400, 404, 409, 413, 422}


def settled(answer: Any, given: object) -> bool:
    """Whether the answer is a success; otherwise it must be a problem with a code."""
    if answer.status_code in FINE:
        return True
    assert answer.status_code in REFUSED, (given, answer.status_code, answer.text[:300])
    assert code(answer)
    return False


async def send(api: ApiHarness, method: str, path: str, body: object) -> Any:
    content = json.dumps(body).encode()  # httpx refuses lone surrogates
    return await api.editor.request(method, path, content=content, headers={"content-type": "application/json"})


async def in_team(api: ApiHarness) -> tuple[int, int]:
    documents = await api.count(f"documents WHERE workspace_id = '{api.team}'")
    return documents, await api.count(f"tags WHERE workspace_id = '{api.team}'")


@pytest.mark.parametrize("field", FIELDS)
async def test_any_value_in_any_field_of_a_new_document(api: ApiHarness, field: str) -> None:
    for value in VALUES:
        before = await in_team(api)
        body = {"title": "T", "tags": [f"tag {uuid4()}"], field: value}
        answer = await send(api, "POST", f"/workspaces/{api.team}/documents", body)
        if settled(answer, body):
            assert (await api.editor.get(f"/documents/{answer.json()['id']}")).status_code == 200
            assert (await api.editor.delete(f"/documents/{answer.json()['id']}")).status_code == 204
        else:
            assert await in_team(api) == before, body


@pytest.mark.parametrize("field", FIELDS)
async def test_any_value_in_any_field_of_a_change(api: ApiHarness, field: str) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    shown = (await api.editor.get(path)).json()
    for value in VALUES:
        if settled(await send(api, "PATCH", path, {"priority": "normal", field: value}), value):
            shown = (await api.editor.get(path)).json()
        else:
            after = (await api.editor.get(path)).json()
            assert after["row_version"] == shown["row_version"], value


async def test_any_value_in_tags_categories_moves_and_copies(api: ApiHarness) -> None:
    made = await api.make()
    team = f"/workspaces/{api.team}"
    for value in VALUES:
        for method, path, body in (
            ("POST", f"{team}/tags", {"name": value}),
            ("POST", f"{team}/tags", {"name": f"n {uuid4()}", "color": value}),
            ("POST", f"{team}/categories", {"name": value}),
            ("POST", f"{team}/categories", {"name": f"n {uuid4()}", "parent_id": value}),
            ("POST", f"{team}/categories", {"name": f"n {uuid4()}", "position": value}),
            ("POST", f"{team}/categories", {"name": f"n {uuid4()}", "icon": value, "description": value}),
            ("PUT", f"/documents/{made['id']}/tags", {"tags": value}),
            ("PUT", f"/documents/{made['id']}/tags", {"tags": [value]}),
            ("POST", f"/documents/{made['id']}/move", {"workspace_id": value}),
            ("POST", f"/documents/{made['id']}/move", {"workspace_id": api.team, "category_id": value}),
            ("POST", f"/documents/{made['id']}/duplicate", {"title": value}),
            ("POST", f"/documents/{made['id']}/duplicate", {"workspace_id": value}),
        ):
            settled(await send(api, method, path, body), body)
    assert (await api.editor.get(f"/documents/{made['id']}")).status_code == 200


@pytest.mark.parametrize("name", ["..", "a/../b", "./a", "%2e%2E/a", "a/.%2e", "a\u0007", "a\u2028b"])
async def test_a_name_that_no_browser_could_open_is_refused(api: ApiHarness, name: str) -> None:
    answer = await api.editor.post(f"/workspaces/{api.team}/documents", json={"title": "T", "name": name})
    assert (answer.status_code, code(answer)) == (422, "invalid")


async def test_names_with_dots_and_percents_that_mean_nothing_are_names(api: ApiHarness) -> None:
    for name in (f"...{uuid4()}", f"v1.2/{uuid4()}", f"50%25 {uuid4()}", f"<b>{uuid4()}</b>", f"a b?c#d&e {uuid4()}"):
        made = await api.make(name=name)
        found = await api.editor.get("/documents/lookup", params={"address": made["address"]})
        assert found.json()["id"] == made["id"], name
