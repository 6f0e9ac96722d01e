"""Whatever belongs to others answers as if it were not there, on every route that names something by its id."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from collab_server.app import _api
from tests.features.attachments.attaching import picture
from tests.people import Person, fetch, people, run
from tests.server import Server

SCHEMA = _api().openapi()
FOR_STRANGERS = {("post", "/documents/{document_id}/access-requests")}
"""See tests/features/shares/test_shares.py."""
OURS = [
    (method, path)
    for path, methods in SCHEMA["paths"].items()
    for method in methods
    if "{" in path and "{token}" not in path and (method, path) not in FOR_STRANGERS
]
CHANGED_BY_OTHERS = "SELECT string_agg(md5(x::text), '' ORDER BY x::text) FROM {} x"
TABLES = (
    "workspaces", "workspace_members", "invitations", "documents", "tags", "document_tags", "categories", "sessions",
    "document_favourites", "activity_log", "sync_mutations", "sync_conflicts", "comments", "comment_mentions",
    "comment_reactions", "comment_edits",
    "notifications", "subscriptions", "suggestions", "attachments", "uploads", "shares", "access_requests",
    "public_pages", "pictures",
)  # fmt: skip


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("strangers")) as running:
        yield running


@pytest.fixture(scope="module")
async def ids(server: Server) -> dict[str, str]:
    """One of everything, all in a workspace of Ann's."""
    ann, ben = await people(server, "ann", "ben")
    space = made(await ann.post("/workspaces", json={"name": "Ours"}))
    path = f"/workspaces/{space}"
    document = made(await ann.post(f"{path}/documents", json={"title": "Plan", "tags": ["secret"]}))
    tag = (await ann.get(f"{path}/tags")).json()["items"][0]["id"]
    category = made(await ann.post(f"{path}/categories", json={"name": "Ours"}))
    invitation = made(await ann.post(f"{path}/invitations", json={"email": ben.email, "role": "editor"}))
    await ann.post("/auth/tokens", json={"name": "mine", "scope": "read"})
    token = (await ann.get("/auth/tokens")).json()["items"][0]["id"]
    version = await ann.post(f"/documents/{document}/versions", json={"label": "secret"})
    assert version.status_code == 201, version.text
    comment = made(await ann.post(f"/documents/{document}/comments", json={"content": "secret"}))
    notification = str(uuid4())
    add = "INSERT INTO notifications (id, user_id, kind, workspace_id) VALUES ($1, $2, 'role', $3)"
    await run(server, add, [(UUID(notification), UUID(ann.id), UUID(space))])
    attachment = made(
        await ann.post(f"/documents/{document}/attachments", params={"file_name": "a"}, content=b"secret")
    )
    upload = made(await ann.post(f"/documents/{document}/uploads", json={"file_name": "a", "size_bytes": 9}))
    share = made(await ann.post(f"/documents/{document}/shares", json={"kind": "link", "permission": "read"}))
    await ben.post(f"/documents/{document}/access-requests", json={})
    request = (await ann.get(f"/documents/{document}/access-requests")).json()["items"][0]["id"]
    shown = await ann.put(f"{path}/icon", content=picture())
    assert shown.status_code == 200, shown.text
    edits = {"edits": [{"find": "secret", "replace": "open"}]}
    secret = made(await ann.post(f"{path}/documents", json={"title": "Secret", "content": "secret"}))
    suggestion = made(await ann.post(f"/documents/{secret}/suggestions", json=edits))
    return {
        "comment_id": comment,
        "attachment_id": attachment,
        "upload_id": upload,
        "share_id": share,
        "request_id": request,
        "emoji": "👍",
        "notification_id": notification,
        "workspace_id": space,
        "document_id": document,
        "suggestion_id": suggestion,
        "number": str(version.json()["number"]),
        "tag_id": tag,
        "category_id": category,
        "user_id": ann.id,
        "invitation_id": invitation,
        "token_id": token,
        "session_id": str(uuid4()),
        # Both together are a credential.
        "picture_id": shown.json()["icon"].split("/")[-2],
        "checksum": "unknown",
        "stream_id": str(uuid4()),
    }


@pytest.fixture(scope="module")
async def eve(server: Server) -> Person:
    (eve,) = await people(server, "eve")
    return eve


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    created: str = answer.json()["id"]
    return created


def body_of(operation: dict[str, Any], ids: dict[str, str]) -> Any:
    """The operation's own example, which names what is Ann's where it names anything."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    schema = SCHEMA["components"]["schemas"].get(name, content["schema"])
    example = schema.get("example") or (schema.get("examples") or [{}])[0]
    return {key: ids.get(key, value) for key, value in example.items()}


async def ask(eve: Person, method: str, path: str, body: Any, ids: dict[str, str]) -> tuple[int, Any]:
    url = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)
    query = {"q": "secret"} if url.endswith("/search") else {"from": "1"} if url.endswith("/diff") else None
    answer = await eve.request(method.upper(), url, params=query, **({} if body is None else {"json": body}))
    return answer.status_code, answer.json() if answer.content else None


@pytest.mark.parametrize(("method", "path"), OURS, ids=[f"{method} {path}" for method, path in OURS])
async def test_what_is_ours_is_absent_for_a_stranger(
    server: Server, eve: Person, ids: dict[str, str], method: str, path: str
) -> None:
    body = body_of(SCHEMA["paths"][path][method], ids)
    before = [await fetch(server, CHANGED_BY_OTHERS.format(table)) for table in TABLES]
    nowhere = {name: str(uuid4()) for name in ids} | {"number": ids["number"], "emoji": ids["emoji"]}
    theirs = await ask(eve, method, path, body, ids)
    absent = await ask(eve, method, path, body, nowhere)
    assert theirs == absent
    administrators_only = path.startswith("/users/")
    assert theirs[0] == (403 if administrators_only else 404), theirs
    assert [await fetch(server, CHANGED_BY_OTHERS.format(table)) for table in TABLES] == before
