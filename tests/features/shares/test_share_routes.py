"""Each permission of a share on each kind of route: for a person, for a link, and for a link that was opened."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
from pycrdt import Doc, Text

from tests.features.api_harness import ApiHarness
from tests.features.shares.sharing import open_link, share, visitor
from tests.features.sync.device import pull
from tests.people import Person, people

Permission = Literal["read", "comment", "write", "admin"]
PERMISSIONS: tuple[Permission, ...] = ("read", "comment", "write", "admin")
Call = Callable[[Person, str, dict[str, str]], Awaitable[httpx.Response]]


def call(method: str, path: str, **request: Any) -> Call:
    async def send(who: Person, document: str, ids: dict[str, str]) -> httpx.Response:
        return await who.request(method, path.format(document=f"/documents/{document}", **ids), **request)

    return send


def update() -> bytes:
    doc: Doc[Any] = Doc()
    doc.get("content", type=Text).insert(0, "More. ")
    return doc.get_update()


async def pull_one(who: Person, document: str, _: dict[str, str]) -> httpx.Response:
    [line] = await pull(who, document)
    return httpx.Response(200 if "update" in line else 404)


TEXT: dict[str, Any] = {"headers": {"content-type": "text/plain"}, "content": "New text"}
MESSAGE = {"json": {"content": "Well"}}
UPDATE: dict[str, Any] = {"headers": {"content-type": "application/octet-stream"}, "content": update()}
UPLOAD = {"json": {"file_name": "a", "size_bytes": 9}}
EDITS: dict[str, Any] = {"json": {"edits": [{"find": "Figures", "replace": "Figures, again"}]}}
# route, the least permission, the answer then, the least permission by link (None: not by a link)
ROUTES: list[tuple[str, Call, Permission, int, Permission | None]] = [
    ("see", call("GET", "{document}"), "read", 200, "read"),
    ("text", call("GET", "{document}/content"), "read", 200, "read"),
    ("export", call("GET", "{document}/export", params={"format": "json"}), "read", 200, "read"),
    ("state", call("GET", "{document}/updates"), "read", 200, "read"),
    ("pull", pull_one, "read", 200, "read"),
    ("who is here", call("GET", "{document}/presence"), "read", 200, "read"),
    ("versions", call("GET", "{document}/versions"), "read", 200, "read"),
    ("a version", call("GET", "{document}/versions/1/content"), "read", 200, "read"),
    ("blame", call("GET", "{document}/blame"), "read", 200, "read"),
    ("sessions", call("GET", "{document}/history"), "read", 200, "read"),
    ("comments", call("GET", "{document}/comments"), "read", 200, "read"),
    ("a comment", call("GET", "/comments/{comment}"), "read", 200, "read"),
    ("suggestions", call("GET", "{document}/suggestions"), "read", 200, "read"),
    ("files", call("GET", "{document}/attachments"), "read", 200, "read"),
    ("a file", call("GET", "/attachments/{attachment}/content"), "read", 200, "read"),
    ("favourite", call("PUT", "{document}/favourite"), "read", 204, None),
    ("follow", call("PUT", "{document}/subscription", json={"level": "follow"}), "read", 200, None),
    ("connect token", call("POST", "{document}/connect-tokens", json={"role": "viewer"}), "read", 201, None),
    ("comment", call("POST", "{document}/comments", **MESSAGE), "comment", 201, "comment"),
    ("people to mention", call("GET", "{document}/mentionable"), "comment", 200, "comment"),
    ("react", call("PUT", "/comments/{comment}/reactions/👍"), "comment", 204, None),
    ("suggest", call("POST", "{document}/suggestions", **EDITS), "comment", 201, "comment"),
    ("write", call("PUT", "{document}/content", **TEXT), "write", 200, "write"),
    ("patch", call("PATCH", "{document}/content", **EDITS), "write", 200, "write"),
    ("update", call("POST", "{document}/updates", **UPDATE), "write", 200, "write"),
    ("resolve", call("POST", "/comments/{comment}/resolve"), "write", 200, "write"),
    ("upload", call("POST", "{document}/attachments", content=b"One"), "write", 201, "write"),
    (
        "begin an upload",
        call("POST", "{document}/uploads", json={"file_name": "a", "size_bytes": 9}),
        "write",
        201,
        "write",
    ),
    ("rename a file", call("PATCH", "/attachments/{attachment}", json={"file_name": "b.txt"}), "write", 200, "write"),
    ("accept", call("POST", "/suggestions/{suggestion}/accept", json={}), "write", 200, "write"),
    ("name a version", call("POST", "{document}/versions", json={"label": "One"}), "write", 201, "write"),
    ("restore", call("POST", "{document}/versions/1/restore"), "write", 200, "write"),
    ("change fields", call("PATCH", "{document}", json={"title": "Other"}), "write", 200, None),
    ("publish", call("PATCH", "{document}", json={"is_public": True}), "admin", 200, None),
    ("see shares", call("GET", "{document}/shares"), "admin", 200, None),
    ("share", call("POST", "{document}/shares", json={"kind": "link", "permission": "read"}), "admin", 201, None),
    ("see access", call("GET", "{document}/access"), "admin", 200, None),
    ("delete", call("DELETE", "{document}"), "admin", 204, None),
]
MEMBERS_ONLY: list[tuple[str, Call]] = [
    ("tags", call("PUT", "{document}/tags", json={"tags": ["x"]})),
    ("move", call("POST", "{document}/move", json={"workspace_id": "{workspace}"})),
    ("the workspace", call("GET", "/workspaces/{team}")),
    ("its list", call("GET", "/workspaces/{team}/documents")),
    ("its members", call("GET", "/workspaces/{team}/members")),
    ("its export", call("GET", "/workspaces/{team}/export")),
    ("delete for good", call("DELETE", "{document}/permanently")),
]


@pytest.fixture(scope="module")
async def eve(api: ApiHarness) -> Person:
    [eve] = await people(api.server, "eve")
    return eve


async def prepared(api: ApiHarness) -> tuple[str, dict[str, str]]:
    """A document with one of everything, by the team's editor."""
    document = (await api.make(content="Figures"))["id"]
    path = f"/documents/{document}"
    comment = (await api.editor.post(f"{path}/comments", json={"content": "Well"})).json()["id"]
    attachment = (await api.editor.post(f"{path}/attachments", content=b"One", params={"file_name": "a"})).json()["id"]
    suggestion = (await api.editor.post(f"{path}/suggestions", **EDITS)).json()["id"]
    await api.editor.post(f"{path}/versions", json={"label": "First"})
    ids = {"comment": comment, "attachment": attachment, "suggestion": suggestion, "team": api.team}
    return document, ids


async def bearers(api: ApiHarness, document: str, permission: Permission, eve: Person) -> dict[str, Person]:
    """Who may open the document with this permission, by the way they came."""
    await share(api, document, api.owner, kind="user", user_id=eve.id, permission=permission)
    if permission == "admin":
        return {"person": eve}
    token = (await share(api, document, permission=permission))["token"]
    opened = (await open_link(api, token)).json()["token"]
    return {"person": eve, "link": visitor(api, token), "opened link": visitor(api, opened)}


@pytest.mark.parametrize("permission", PERMISSIONS)
async def test_a_share_lets_do_what_its_permission_says(api: ApiHarness, eve: Person, permission: Permission) -> None:
    wrong = []
    for name, send, least, done, by_link in ROUTES:
        document, ids = await prepared(api)
        for way, who in (await bearers(api, document, permission, eve)).items():
            needed = least if way == "person" else by_link
            may = needed is not None and PERMISSIONS.index(permission) >= PERMISSIONS.index(needed)
            answer = await send(who, document, ids)
            # A route that needs an account says so to whoever has none.
            expected = (done,) if may else (403, 404) if way == "person" else (401, 403, 404)
            if answer.status_code not in expected:
                wrong.append((name, way, answer.status_code, answer.text[:200]))
            if name in ("accept", "delete") and may:
                break
    assert wrong == [], "\n".join(map(str, wrong))


async def test_what_belongs_to_the_workspace_is_not_shared(api: ApiHarness, eve: Person) -> None:
    document, ids = await prepared(api)
    for way, who in (await bearers(api, document, "admin", eve)).items():
        for name, send in MEMBERS_ONLY:
            answer = await send(who, document, {**ids, "workspace": eve.personal})
            assert answer.status_code in (401, 403, 404, 422), (name, way, answer.text)
    assert (await api.owner.get(f"/documents/{document}")).json()["tags"] == []
    other, _ = await prepared(api)
    assert (await eve.get(f"/documents/{other}")).status_code == 404
    assert (await eve.get(f"/documents/{uuid4()}")).status_code == 404
