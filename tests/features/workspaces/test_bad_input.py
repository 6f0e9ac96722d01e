"""Every field of a workspace and of an invitation with what does not belong there: a problem, and nothing is kept."""

import json
from typing import Any

import pytest

from collab_server.web.middleware.body_limits import SMALL
from tests.features.workspaces.teams import ok, refused, team
from tests.people import Person, fetch, people
from tests.server import Server

TEXTS = [
    "a\x00b",
    "\x00",
    "\ud800",
    "\x1b[31m",
    "a\nb",
    "",
    "   ",
    "\u2028",
    "x" * 60_000,
    "x" * 100_000,
    7,
    True,
    ["x"],
    {"x": 1},
    1e308,
]
HARMLESS = ["'; DROP TABLE workspaces; --", "<script>alert(1)</script>", "${jndi:x}", "%00", "\\", "🌱"]
LONG = 50


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


_BAD_OBJECTS: list[Any] = ["x", {"a": "\x00"}, {"\x00": 1}, {"a": "\ud800"}, {"a": "x" * 70_000}, _deep(40)]


def _bad(field: str) -> list[Any]:
    """Values that the field does not take, of any kind."""
    wrong_types: list[Any] = [7, True, ["x"], {"x": 1}]
    return {
        "name": [*TEXTS, None, "x" * 256],
        "slug": [*TEXTS, *HARMLESS, "Ä", "UPPER", "-a", "a-", "a--b", "a b", "x" * 101],
        "description": ["a\x00b", "\ud800", "x" * 5001, *wrong_types],
        "icon": [*TEXTS, "x" * 101],
        "color": [*TEXTS, *HARMLESS, "red", "#12345", "#1234567", "#12345g", "#123456\n"],
        "settings": ["x", 7, ["x"], {"\x00": 1}, {"surprise": 1}, *({"extra": bad} for bad in _BAD_OBJECTS)],
        "surprise": [1],
    }[field]


async def _send(person: Person, method: str, path: str, body: Any) -> None:
    """The field is refused, or the whole body where it is too large for any of these routes; httpx would refuse to
    write lone surrogates as UTF-8.
    """
    content = json.dumps(body).encode()
    answer = await person.request(method, path, content=content, headers={"content-type": "application/json"})
    expected = (413, "too_large") if len(content) > SMALL else (422, "invalid")
    assert refused(answer) == expected, (method, content[:LONG])


@pytest.mark.parametrize("field", ["name", "slug", "description", "icon", "color", "settings", "surprise"])
async def test_bad_fields_of_a_workspace(server: Server, field: str) -> None:
    (ann,) = await people(server, "ann")
    made = await team(ann)
    before = ok(await ann.get("/workspaces"))
    for value in _bad(field):
        for method, path in (("POST", "/workspaces"), ("PATCH", f"/workspaces/{made['id']}")):
            body = {"name": "x", field: value} if method == "POST" else {"description": "changed", field: value}
            await _send(ann, method, path, body)
    assert ok(await ann.get("/workspaces")) == before


@pytest.mark.parametrize("field", ["email", "role", "message", "surprise"])
async def test_bad_fields_of_an_invitation(server: Server, field: str) -> None:
    (ann,) = await people(server, "ann")
    path = f"/workspaces/{(await team(ann))['id']}/invitations"
    addresses = ["ann", "@", "a@", "@b", "a b@c", "a@b@c", "a@b..c", "a@b\r\nBcc: x@y", "a@" + "b" * 320]
    values: dict[str, list[Any]] = {
        "email": [*TEXTS, *addresses, None],
        "role": [*TEXTS, *HARMLESS, None, "owner", "OWNER"],
        "message": ["a\x00b", "\ud800", "x" * 1001, 7, True, ["x"]],
        "surprise": [1],
    }
    for value in values[field]:
        body = {"email": "x@example.org", field: value}
        await _send(ann, "POST", path, body)
    for raw in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"email": "a@b", "email": NaN}'):
        answer = await ann.post(path, content=raw, headers={"content-type": "application/json"})
        assert 400 <= refused(answer)[0] < 500, raw
    assert ok(await ann.get(path))["items"] == []


async def test_markup_and_sql_in_names_are_only_text(server: Server) -> None:
    (ann,) = await people(server, "ann")
    for text in HARMLESS:
        made = await team(ann, name=text, description=text, settings={"extra": {text: text}})
        seen = ok(await ann.get(f"/workspaces/{made['id']}"))
        assert (seen["name"], seen["description"], seen["settings"]) == (text, text, {"extra": {text: text}})
        assert seen["slug"]
        body = {"email": "x@example.org", "message": text}
        sent = ok(await ann.post(f"/workspaces/{made['id']}/invitations", json=body), 201)
        assert sent["message"] == text
        for place in ("members", "workspaces"):
            path = "/workspaces" if place == "workspaces" else f"/workspaces/{made['id']}/members"
            assert (await ann.get(path, params={"q": text, "cursor": text})).status_code in (200, 400)
    assert await fetch(server, "SELECT 1 FROM workspaces LIMIT 1")
