"""Whose pages may use the session's cookie: requests and sockets, from our own pages and from others."""

from collections.abc import AsyncIterator
from itertools import product
from uuid import uuid4

import httpx
import pytest

from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user
from tests.peers import Family, Peer
from tests.people import Person, people
from tests.server import Server

FOREIGN = "https://evil.example"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("pages")) as running:
        yield running


@pytest.fixture(scope="module")
async def ann(server: Server) -> AsyncIterator[Visitor]:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email, "--name", "Ann")
    async with Visitor(server) as visitor:
        await visitor.sign_in(email)
        yield visitor


@pytest.fixture(scope="module")
async def robot(server: Server) -> Person:
    return (await people(server, "robot"))[0]


_METHODS = ("GET", "PATCH", "POST", "DELETE")
_PATHS = {
    "GET": "/users/me",
    "PATCH": "/users/me",
    "POST": "/auth/tokens",
    "DELETE": f"/auth/tokens/{uuid4()}",
}
_BODIES = {"PATCH": {"bio": "x"}, "POST": {"name": "t"}}
_DONE = {"GET": 200, "PATCH": 200, "POST": 201, "DELETE": 404}


@pytest.mark.parametrize(
    ("credential", "origin", "csrf", "method"),
    list(
        product(
            ("cookie", "bearer", "both"), ("own", "foreign", "null", "none"), ("right", "wrong", "missing"), _METHODS
        )
    ),
)
async def test_what_changes_something_with_the_cookie_must_come_from_our_own_page(
    server: Server, ann: Visitor, robot: Person, credential: str, origin: str, csrf: str, method: str
) -> None:
    headers = {}
    if credential != "bearer":
        headers["cookie"] = f"collab_session={ann.cookie}"
    if credential != "cookie":
        headers["authorization"] = f"Bearer {robot.token}"
    if origin != "none":
        headers["origin"] = {"own": server.http, "foreign": FOREIGN, "null": "null"}[origin]
    if csrf != "missing":
        headers["x-csrf-token"] = ann.csrf if csrf == "right" else "x" + ann.csrf[1:]
    async with httpx.AsyncClient(base_url=server.api) as client:
        answer = await client.request(method, _PATHS[method], json=_BODIES.get(method), headers=headers)
    allowed = credential != "cookie" or method == "GET" or (origin in ("own", "none") and csrf == "right")
    if allowed:
        assert answer.status_code == _DONE[method]
    else:
        assert code(answer) == (403, "csrf_rejected")
    if method == "GET":
        assert answer.json()["display_name"] == ("Ann" if credential == "cookie" else "robot")


@pytest.mark.parametrize("path", ["login", "link", "password/forgot", "password/reset", "register", "register/finish"])
async def test_a_foreign_page_signs_nobody_in(server: Server, path: str) -> None:
    body = {
        "login": {"email": "a@example.com", "password": PASSWORD},
        "link": {"token": "x"},
        "password/forgot": {"email": "a@example.com"},
        "password/reset": {"token": "x", "new_password": PASSWORD},
        "register": {"email": "a@example.com", "password": PASSWORD},
        "register/finish": {"token": "x", "password": PASSWORD},
    }[path]
    async with httpx.AsyncClient(base_url=server.api) as client:
        for origin in (FOREIGN, "null", f"{server.http}.evil.example"):
            answer = await client.post(f"/auth/{path}", json=body, headers={"origin": origin})
            assert code(answer) == (403, "csrf_rejected"), origin
        form = await client.post(f"/auth/{path}", content=str(body), headers={"content-type": "text/plain"})
        assert code(form) == (422, "invalid")


async def private_document(visitor: Visitor) -> str:
    """A document that only its owner may see; its id."""
    spaces = (await visitor.ask("GET", "/workspaces")).json()["items"]
    own = next(space for space in spaces if space["kind"] == "personal")
    made = await visitor.ask("POST", f"/workspaces/{own['id']}/documents", {"title": "Mine"})
    found: str = made.json()["id"]
    return found


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_socket_of_our_own_page_takes_the_cookie(server: Server, ann: Visitor, family: Family) -> None:
    document = await private_document(ann)
    headers = (("Origin", server.http), ("Cookie", f"other=1; collab_session={ann.cookie}"))
    peer = await Peer(server, family, document, headers=headers).sync()
    peer.insert("by cookie")
    await peer.saved()
    await peer.close()
    assert (await ann.ask("GET", f"/documents/{document}/content")).text == "by cookie"


@pytest.mark.parametrize("origin", [FOREIGN, "null", None])
@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_socket_of_another_page_does_not(
    server: Server, ann: Visitor, family: Family, origin: str | None
) -> None:
    document = await private_document(ann)
    headers = (("Cookie", f"collab_session={ann.cookie}"), *((("Origin", origin),) if origin else ()))
    peer = Peer(server, family, document, headers=headers)
    await peer.connect()
    if family == "yws":
        await peer.refused()
        assert peer.socket is not None
        end = await peer.socket.end()
        assert (end.code, end.reason.partition(":")[0]) == (4403, "csrf_rejected")
    else:
        await peer.until(lambda: peer.denied, "a refusal")
        assert peer.denied[0].startswith("csrf_rejected")
        await peer.close()
    assert not peer.synced


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_socket_with_the_cookie_of_an_ended_session_is_refused(server: Server, family: Family) -> None:
    headers = (("Origin", server.http), ("Cookie", "collab_session=ended"))
    peer = Peer(server, family, f"guest-{uuid4().hex[:8]}", headers=headers)
    await peer.connect()
    await peer.until(lambda: peer.denied or not peer.connected, "a refusal")
    assert not peer.synced
    await peer.abort()


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_token_wins_over_the_cookie_on_sockets_too(
    server: Server, ann: Visitor, robot: Person, family: Family
) -> None:
    document = await private_document(ann)
    headers = (("Origin", FOREIGN), ("Cookie", f"collab_session={ann.cookie}"))
    refused = Peer(server, family, document, headers=headers, token=robot.token)
    await refused.connect()
    await refused.until(lambda: refused.denied or not refused.connected, "not found for the robot")
    assert not refused.synced
    await refused.close()
    made = await robot.post(f"/workspaces/{robot.personal}/documents", json={"title": "Robot's"})
    peer = await Peer(server, family, made.json()["id"], headers=headers, token=robot.token).sync()
    await peer.close()
