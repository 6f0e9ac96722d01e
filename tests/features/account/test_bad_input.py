"""Whatever is sent to the routes of accounts, the answer is a problem with a code, never a fault of the server."""

import json
from collections.abc import AsyncIterator
from itertools import product
from uuid import uuid4

import pytest

from tests.features.auth.visitor import code
from tests.people import Person, people
from tests.server import Server

BROKEN_STRINGS = ["", " ", "\x00", "a\x00b@example.com", "\ud800", "\u2028", "x" * 5000, "@", "a@", "a b@c"]
BODIES: list[object] = [
    None,
    [],
    "x",
    7,
    {},
    {"surprise": 1},
]
ROUTES = {
    ("POST", "/auth/login"): ("email", "password"),
    ("POST", "/auth/link"): ("token",),
    ("POST", "/auth/register"): ("email", "password", "display_name", "invitation"),
    ("POST", "/auth/register/finish"): ("token", "password", "display_name"),
    ("POST", "/auth/password"): ("current_password", "new_password", "revoke_tokens"),
    ("POST", "/auth/password/forgot"): ("email",),
    ("POST", "/auth/password/reset"): ("token", "new_password", "revoke_tokens"),
    ("POST", "/auth/tokens"): ("name", "scope", "expires_in_days"),
    ("POST", "/users"): ("email", "display_name", "role"),
    ("PATCH", "/users/me"): ("username", "display_name", "avatar_url", "bio"),
    ("PATCH", "/users/me/settings"): ("theme", "language", "editor", "extra"),
    ("PATCH", f"/users/{uuid4()}"): ("role", "display_name", "features", "is_active"),
}
RIGHT = {"email": "a@example.com", "password": "x" * 12, "new_password": "long enough", "token": "t", "name": "n"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("bad"), registration="open") as running:
        yield running


@pytest.fixture(scope="module")
async def root(server: Server) -> Person:
    return (await people(server, "root", admin=True))[0]


@pytest.mark.parametrize("route", ROUTES)
async def test_a_broken_body_is_a_problem(server: Server, root: Person, route: tuple[str, str]) -> None:
    method, path = route
    bodies = [*BODIES]
    for field, value in product(ROUTES[route], [*BROKEN_STRINGS, [], {}, 7, 1e400, {"a": float("nan")}, True]):
        bodies.append({name: RIGHT[name] for name in ROUTES[route] if name in RIGHT} | {field: value})
    for body in bodies:
        answer = await root.request(
            method, path, content=json.dumps(body), headers={"content-type": "application/json"}
        )
        assert answer.status_code < 500, (body, answer.text)
        if answer.status_code >= 400:
            assert code(answer)[0] == answer.status_code
    assert "a request failed" not in server.log


@pytest.mark.parametrize(
    "path",
    [
        "/users?limit=0",
        "/users?limit=x",
        "/users?cursor=%00",
        "/users?cursor=WyJ1c2VycyJd",
        "/users?q=" + "x" * 400,
        "/users/none",
        "/auth/sessions/none",
    ],
)
async def test_a_broken_address_is_a_problem(server: Server, root: Person, path: str) -> None:
    method = "DELETE" if "sessions" in path else "GET"
    answer = await root.request(method, path)
    assert code(answer)[0] in (400, 422)
