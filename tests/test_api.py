"""The JSON API of this landing: documents, their content, connect tokens, problems."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from tests.peers import Peer
from tests.server import Server

PLAYGROUND = "00000000-0000-0000-0000-000000000002"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture
async def guest(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.api) as client:
        yield client


def code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return str(problem["code"])


async def make(client: httpx.AsyncClient, **body: object) -> dict[str, object]:
    answer = await client.post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "T", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def test_a_guest_is_told_where_to_write(guest: httpx.AsyncClient) -> None:
    me = (await guest.get("/auth/me")).json()
    assert me["kind"] == "guest"
    assert me["default_workspace"]["slug"] == "playground"
    assert me["can_create"] is True


async def test_a_document_is_made_found_and_renamed(guest: httpx.AsyncClient) -> None:
    name = f"plans/{uuid4()}"
    made = await make(guest, name=name, title="Plans")
    assert made["address"] == name
    found = await guest.get("/documents/lookup", params={"address": name})
    assert found.json()["id"] == made["id"]
    renamed = await guest.patch(f"/documents/{made['id']}", json={"title": "  Better  "})
    assert renamed.json()["title"] == "Better"
    assert (await guest.get(f"/documents/{made['id']}")).json()["title"] == "Better"


async def test_a_taken_name_is_a_conflict(guest: httpx.AsyncClient) -> None:
    name = str(uuid4())
    await make(guest, name=f"x{name}")
    again = await guest.post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "T", "name": f"x{name}"})
    assert (again.status_code, code(again)) == (409, "conflict")


async def test_of_many_creations_of_one_name_one_wins(guest: httpx.AsyncClient) -> None:
    body = {"title": "T", "name": f"race-{uuid4()}"}
    answers = await asyncio.gather(*(guest.post(f"/workspaces/{PLAYGROUND}/documents", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_pages_have_every_document_once_newest_first(guest: httpx.AsyncClient) -> None:
    made = [(await make(guest))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await guest.get(f"/workspaces/{PLAYGROUND}/documents", params=params)).json()
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert [document for document in seen if document in made] == made[::-1]


@pytest.mark.parametrize("cursor", ["x", "!!", "bm9wZQ", "W10", "WyJhIiwgImIiXQ", "\x00", "9" * 3000])
async def test_a_bad_cursor_is_a_problem(guest: httpx.AsyncClient, cursor: str) -> None:
    answer = await guest.get(f"/workspaces/{PLAYGROUND}/documents", params={"cursor": cursor})
    assert (answer.status_code, code(answer)) == (400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": "   "},
        {"title": "a\x00b"},
        {"title": "x" * 501},
        {"title": 7},
        {"title": "T", "type": "novel"},
        {"title": "T", "name": "a\nb"},
        {"title": "T", "name": ""},
        {"title": "T", "surprise": 1},
        [],
        None,
    ],
)
async def test_a_bad_body_is_a_problem(guest: httpx.AsyncClient, body: object) -> None:
    answer = await guest.post(f"/workspaces/{PLAYGROUND}/documents", json=body)
    assert (answer.status_code, code(answer)) == (422, "invalid")


async def test_broken_json_and_bad_utf8_are_problems(guest: httpx.AsyncClient) -> None:
    for content in (b"{", b'{"title": "\xff"}', b'{"title": "\\ud800"}'):
        answer = await guest.post(
            f"/workspaces/{PLAYGROUND}/documents", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), content
        assert code(answer) in ("invalid", "malformed"), content


async def test_a_huge_body_is_refused(guest: httpx.AsyncClient) -> None:
    answer = await guest.post(f"/workspaces/{PLAYGROUND}/documents", content=b"x" * 10_000_001)
    assert (answer.status_code, code(answer)) == (413, "too_large")


@pytest.mark.parametrize("path", ["/documents/{}", "/documents/{}/content", "/workspaces/{}/documents"])
async def test_what_is_not_there_is_not_found(guest: httpx.AsyncClient, path: str) -> None:
    answer = await guest.get(path.format(uuid4()))
    assert (answer.status_code, code(answer)) == (404, "not_found")


async def test_a_lookup_does_not_create(guest: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await guest.get("/documents/lookup", params={"address": f"never-{uuid4()}"})
        assert (answer.status_code, code(answer)) == (404, "not_found")


async def test_an_unknown_route_is_a_problem(guest: httpx.AsyncClient) -> None:
    for path in ("/nonsense", "/invitations/with%0A", "/%0D%0A"):
        answer = await guest.get(path)
        assert (answer.status_code, code(answer)) == (404, "not_found"), path


async def test_content_has_what_was_typed_a_moment_ago_and_its_hash(server: Server, guest: httpx.AsyncClient) -> None:
    name = f"fresh-{uuid4()}"
    peer = await Peer(server, "yws", name).sync()
    document = await server.document(name)
    path = f"/documents/{document['id']}/content"
    for part in ("one ", "two ", "three"):
        peer.insert(part)
        await peer.saved()
        answer = await guest.get(path)
        assert answer.text == peer.content
        assert (await guest.get(path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
    await peer.close()
    as_json = await guest.get(path, headers={"accept": "application/json"})
    assert as_json.json()["content"] == "one two three"
    assert as_json.json()["content_hash"] == answer.headers["etag"].strip('"')


async def test_a_wrong_token_is_refused_and_not_taken_for_a_guest(guest: httpx.AsyncClient) -> None:
    for token in ("cs_wrong", "x", "eyJhbGciOiJub25lIn0.e30.", "a" * 5000):
        answer = await guest.get("/auth/me", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, code(answer)) == (401, "unauthenticated")


async def test_a_foreign_page_may_not_act_as_a_guest(guest: httpx.AsyncClient) -> None:
    answer = await guest.get("/auth/me", headers={"origin": "https://evil.example"})
    assert (answer.status_code, code(answer)) == (403, "forbidden")
    rebound = await guest.get("/auth/me", headers={"origin": "http://evil.example", "host": "evil.example"})
    assert (rebound.status_code, code(rebound)) == (421, "unknown_host")
    own = await guest.get("/auth/me", headers={"origin": str(guest.base_url).removesuffix("/api/v1/")})
    assert own.status_code == 200


async def test_private_workspaces_are_absent_for_others(server: Server, guest: httpx.AsyncClient) -> None:
    ann = {"authorization": f"Bearer {await server.create_token(f'ann-{uuid4()}@example.com')}"}
    bob = {"authorization": f"Bearer {await server.create_token(f'bob-{uuid4()}@example.com')}"}
    workspaces = (await guest.get("/workspaces", headers=ann)).json()["items"]
    own = next(w for w in workspaces if w["kind"] == "personal")
    made = await guest.post(f"/workspaces/{own['id']}/documents", json={"title": "Secret"}, headers=ann)
    assert made.status_code == 201
    for headers in (bob, {}):
        for path in (f"/documents/{made.json()['id']}", f"/workspaces/{own['id']}/documents"):
            answer = await guest.get(path, headers=headers)
            assert (answer.status_code, code(answer)) == (404, "not_found")
        written = await guest.post(f"/workspaces/{own['id']}/documents", json={"title": "X"}, headers=headers)
        assert written.status_code == 404
        renamed = await guest.patch(f"/documents/{made.json()['id']}", json={"title": "X"}, headers=headers)
        assert renamed.status_code == 404


async def test_a_read_token_reads_only(server: Server, guest: httpx.AsyncClient) -> None:
    token = await server.create_token(f"reader-{uuid4()}@example.com", scope="read")
    headers = {"authorization": f"Bearer {token}"}
    own = (await guest.get("/workspaces", headers=headers)).json()["items"][0]
    answer = await guest.post(f"/workspaces/{own['id']}/documents", json={"title": "X"}, headers=headers)
    assert (answer.status_code, code(answer)) == (403, "forbidden")


async def test_a_connect_token_opens_its_document_and_nothing_else(guest: httpx.AsyncClient) -> None:
    made, other = await make(guest), await make(guest)
    answer = await guest.post(f"/documents/{made['id']}/connect-tokens", json={"role": "viewer"})
    assert answer.status_code == 201
    assert answer.json()["role"] == "viewer"
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    assert (await guest.get(f"/documents/{made['id']}", headers=headers)).status_code == 200
    assert (await guest.get(f"/documents/{made['id']}/content", headers=headers)).status_code == 200
    assert (await guest.get(f"/documents/{other['id']}", headers=headers)).status_code == 404
    again = await guest.post(f"/documents/{made['id']}/connect-tokens", json={}, headers=headers)
    assert again.status_code == 403


async def test_openapi_describes_every_route_and_its_errors(guest: httpx.AsyncClient) -> None:
    described = (await guest.get("/openapi.json")).json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert any(status.startswith("4") for status in operation["responses"]), path
