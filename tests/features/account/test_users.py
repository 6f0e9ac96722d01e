"""One's own account and settings, API tokens, and what administrators see and change."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user
from tests.people import Person, nobody, people, run
from tests.server import Server

SYSTEM = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("users")) as running:
        yield running


@pytest.fixture(scope="module")
async def root(server: Server) -> Person:
    return (await people(server, "root", admin=True))[0]


async def test_people_change_how_others_see_them(server: Server) -> None:
    ann, bob = await people(server, "ann", "bob")
    name = f"ann.{uuid4().hex[:8]}"
    patch = {"username": name, "display_name": " Ann B. ", "bio": "one\ntwo", "avatar_url": "https://x.example/a.png"}
    changed = await ann.patch("/users/me", json=patch)
    assert changed.status_code == 200, changed.text
    assert changed.json()["display_name"] == "Ann B."
    assert (await ann.get("/auth/me")).json()["name"] == "Ann B."
    cleared = (await ann.patch("/users/me", json={"bio": None})).json()
    assert (cleared["bio"], cleared["username"]) == (None, name)
    assert code(await bob.patch("/users/me", json={"username": name.upper()})) == (409, "conflict")


@pytest.mark.parametrize(
    "patch",
    [
        {"username": "a b"},
        {"username": "x"},
        {"display_name": ""},
        {"display_name": "a\nb"},
        {"bio": "\x00"},
        {"avatar_url": "javascript:alert(1)"},
        {"email": "x@example.com"},
        {"role": "admin"},
        {"is_active": False},
    ],
)
async def test_what_an_account_cannot_be_is_refused(server: Server, patch: dict[str, object]) -> None:
    (ann,) = await people(server, "ann")
    assert code(await ann.patch("/users/me", json=patch)) == (422, "invalid")


async def test_settings_have_defaults_and_keep_what_is_left_out(server: Server) -> None:
    (ann,) = await people(server, "ann")
    assert (await ann.get("/users/me/settings")).json() == {
        "theme": "system",
        "language": "en",
        "editor_mode": "wysiwyg",
        "ai_enabled": True,
        "notifications_enabled": True,
        "editor": {},
        "render": {},
        "notifications": {},
        "extra": {},
    }
    await ann.patch("/users/me/settings", json={"theme": "dark", "editor": {"fontSize": 12, "vimMode": True}})
    kept = (await ann.patch("/users/me/settings", json={"language": "de-CH"})).json()
    assert (kept["theme"], kept["language"], kept["editor"]) == ("dark", "de-CH", {"fontSize": 12, "vimMode": True})
    assert (await ann.get("/users/me/settings")).json() == kept
    assert (await ann.patch("/users/me/settings", json={"theme": "auto"})).json() == {**kept, "theme": "system"}
    named = {"editor_mode": "split", "ai_enabled": False, "notifications_enabled": False}
    assert (await ann.patch("/users/me/settings", json=named)).json() == {**kept, "theme": "system", **named}
    aliases = {
        "editor_settings": {"keyBindings": "emacs"},
        "render_settings": {"defaultFormat": "pdf"},
        "notification_settings": {"digest": "daily"},
    }
    changed = (await ann.patch("/users/me/settings", json={**aliases, "extra": {"d": 4}})).json()
    assert [changed[name] for name in ("editor", "render", "notifications", "extra")] == [
        {"keyBindings": "emacs"},
        {"defaultFormat": "pdf"},
        {"digest": "daily"},
        {"d": 4},
    ]
    assert {name: changed[name] for name in named} == named
    refused: list[dict[str, object]] = [
        {"theme": "pink"},
        {"editor_mode": "vi"},
        {"extra": {"editor_mode": "split"}},
        {"ai_enabled": "no"},
        {"language": "??"},
        {"editor": []},
        {"extra": {"x": "\x00"}},
        {"editor": {"font": 12}},
        {"editor": {"font_size": 12}},
        {"editor": {"fontSize": None}},
        {"render": {"autoSave": True}},
        {"render": {"defaultFormat": "odt"}},
        {"notifications": {"sms": True}},
        {"color": 1},
    ]
    for wrong in refused:
        assert code(await ann.patch("/users/me/settings", json=wrong)) == (422, "invalid"), wrong
    before = 'UPDATE user_settings SET extra = \'{"editor_mode": "emacs", "ai_enabled": 1}\' WHERE user_id = $1'
    await run(server, before, [(UUID(ann.id),)])
    found = (await ann.get("/users/me/settings")).json()
    assert (found["extra"], found["editor_mode"]) == ({"editor_mode": "emacs", "ai_enabled": 1}, "wysiwyg")


async def test_guests_and_connect_tokens_have_no_account(server: Server) -> None:
    guest = nobody(server)
    made = await guest.post("/workspaces/00000000-0000-0000-0000-000000000002/documents", json={"title": "T"})
    connect = (await guest.post(f"/documents/{made.json()['id']}/connect-tokens", json={})).json()["token"]
    for method, path in (
        ("GET", "/users/me"),
        ("PATCH", "/users/me"),
        ("DELETE", "/users/me"),
        ("GET", "/users/me/settings"),
        ("PATCH", "/users/me/settings"),
        ("GET", "/auth/tokens"),
        ("POST", "/auth/tokens"),
        ("DELETE", f"/auth/tokens/{uuid4()}"),
        ("DELETE", "/auth/sessions"),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", f"/users/{uuid4()}"),
        ("POST", f"/users/{uuid4()}/link"),
    ):
        body = {"name": "t", "email": "x@example.com"} if method == "POST" else {} if method == "PATCH" else None
        answer = await guest.request(method, path, json=body)
        assert code(answer) == (401, "unauthenticated"), path
        answer = await guest.request(method, path, json=body, headers={"authorization": f"Bearer {connect}"})
        assert code(answer) == (403, "forbidden"), path


# ---- tokens


async def test_a_token_is_shown_once_used_listed_and_revoked(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = (await ann.post("/auth/tokens", json={"name": "backup", "scope": "read", "expires_in_days": 7})).json()
    bearer = {"authorization": f"Bearer {made['token']}"}
    guest = nobody(server)
    assert (await guest.get("/auth/me", headers=bearer)).json()["id"] == ann.id
    listed = (await ann.get("/auth/tokens")).json()["items"]
    entry = next(token for token in listed if token["id"] == made["id"])
    assert "token" not in entry
    assert (entry["scopes"], entry["last_used_at"] is not None) == (["read"], True)
    (bob,) = await people(server, "bob")
    assert code(await bob.delete(f"/auth/tokens/{made['id']}")) == (404, "not_found")
    assert (await ann.delete(f"/auth/tokens/{made['id']}")).status_code == 204
    assert code(await guest.get("/auth/me", headers=bearer)) == (401, "unauthenticated")
    assert made["id"] not in [token["id"] for token in (await ann.get("/auth/tokens")).json()["items"]]
    assert code(await ann.delete(f"/auth/tokens/{made['id']}")) == (404, "not_found")


@pytest.mark.parametrize("own", ["read", "comment", "write", "admin"])
async def test_a_token_makes_others_with_the_scope_admin_only(server: Server, own: str) -> None:
    (ann,) = await people(server, "ann", scope=own)
    for wanted in ("read", "comment", "write", "admin"):
        made = await ann.post("/auth/tokens", json={"name": "t", "scope": wanted})
        assert made.status_code == (201 if own == "admin" else 403), wanted


async def test_a_token_that_ends_makes_none_that_lives_on(server: Server) -> None:
    (ann,) = await people(server, "ann")
    short = (await ann.post("/auth/tokens", json={"name": "t", "scope": "admin", "expires_in_days": 5})).json()
    bearer = {"authorization": f"Bearer {short['token']}"}
    guest = nobody(server)
    for days, status in ((None, 403), (6, 403), (4, 201)):
        made = await guest.post("/auth/tokens", json={"name": "t", "expires_in_days": days}, headers=bearer)
        assert made.status_code == status, days


async def test_a_weak_token_revokes_itself_only_and_changes_no_account(server: Server) -> None:
    (full,) = await people(server, "ann")
    other = (await full.post("/auth/tokens", json={"name": "other", "scope": "read"})).json()["id"]
    ann = await full.with_scope("read")
    assert code(await ann.delete(f"/auth/tokens/{other}")) == (403, "forbidden")
    assert code(await ann.patch("/users/me", json={"bio": "x"})) == (403, "forbidden")
    assert code(await ann.patch("/users/me/settings", json={"theme": "dark"})) == (403, "forbidden")
    assert code(await ann.request("DELETE", "/users/me", json={"confirm": ann.email})) == (403, "forbidden")
    assert code(await ann.delete("/auth/sessions")) == (403, "forbidden")
    new = {"new_password": "a long enough one"}
    assert code(await ann.post("/auth/password", json=new)) == (403, "forbidden")
    [own, _] = [t["id"] for t in (await ann.get("/auth/tokens")).json()["items"] if t["name"] == "test"]
    assert (await ann.delete(f"/auth/tokens/{own}")).status_code == 204
    assert code(await ann.get("/auth/me")) == (401, "unauthenticated")


async def test_a_feature_can_be_taken_from_one_user(server: Server, root: Person) -> None:
    (ann,) = await people(server, "ann")
    assert (await ann.get("/auth/me")).json()["features"]["api_tokens"] is True
    changed = await root.patch(f"/users/{ann.id}", json={"features": {"api_tokens": False}})
    assert changed.json()["features"]["api_tokens"] is False
    again = await root.patch(f"/users/{ann.id}", json={"features": {"api_tokens": None}})
    assert again.json()["features"]["api_tokens"] is True
    await root.patch(f"/users/{ann.id}", json={"features": {"create_workspaces": False}})
    assert code(await ann.post("/workspaces", json={"name": "Team"})) == (403, "forbidden")
    await root.patch(f"/users/{ann.id}", json={"features": {"create_workspaces": None}})
    assert (await ann.post("/workspaces", json={"name": "Team"})).status_code == 201
    assert code(await root.patch(f"/users/{ann.id}", json={"features": {"flying": True}})) == (422, "invalid")


# ---- administrators


async def test_only_administrators_with_full_scope_administer(server: Server, root: Person) -> None:
    (ann,) = await people(server, "ann")
    (weak,) = await people(server, "weak", scope="write", admin=True)
    assert (await root.get("/auth/me")).json()["is_admin"] is True
    assert (await weak.get("/auth/me")).json()["is_admin"] is False
    for who in (ann, weak):
        for method, path, body in (
            ("GET", "/users", None),
            ("POST", "/users", {"email": "x@example.com"}),
            ("GET", f"/users/{ann.id}", None),
            ("PATCH", f"/users/{ann.id}", {"role": "admin"}),
            ("DELETE", f"/users/{root.id}", None),
            ("POST", f"/users/{ann.id}/link", None),
        ):
            assert code(await who.request(method, path, json=body)) == (403, "forbidden"), path
    assert (await root.get(f"/users/{ann.id}")).json()["role"] == "user"


async def test_a_user_who_is_made_comes_in_by_the_link(server: Server, root: Person) -> None:
    email = f"new-{uuid4().hex[:8]}@example.com"
    made = await root.post("/users", json={"email": email, "display_name": "New"})
    assert made.status_code == 201
    async with Visitor(server) as new:
        entered = await new.enter("/auth/link", {"token": made.json()["link"].partition("=")[2]})
        assert (entered.json()["user"]["id"], entered.json()["user"]["email_verified"]) == (
            made.json()["user"]["id"],
            False,
        )
        set_first = await new.ask("POST", "/auth/password", {"new_password": PASSWORD})
        assert set_first.status_code == 204
        await new.sign_in(email)
    assert code(await root.post("/users", json={"email": email.upper()})) == (409, "conflict")
    again = (await root.post(f"/users/{made.json()['user']['id']}/link")).json()["link"]
    async with Visitor(server) as new:
        assert (await new.enter("/auth/link", {"token": again.partition("=")[2]})).status_code == 200


async def test_users_are_found_page_by_page(server: Server, root: Person) -> None:
    mark = uuid4().hex[:8]
    made = [p.id for p in await people(server, *(f"{mark}-{n}" for n in range(5)))]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"q": mark.upper(), "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await root.get("/users", params=params)).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert (await root.get("/users", params={"q": "%"})).json()["items"] == []
    assert SYSTEM not in [user["id"] for user in (await root.get("/users", params={"limit": 200})).json()["items"]]
    assert code(await root.get("/users", params={"cursor": "x"})) == (400, "malformed")


async def test_deactivation_ends_sessions_and_tokens_at_once_and_can_be_undone(server: Server, root: Person) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    user_id = await create_user(server, email)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        token = (await ann.ask("POST", "/auth/tokens", {"name": "t"})).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        off = await root.patch(f"/users/{user_id}", json={"is_active": False})
        assert off.json()["is_active"] is False
        assert code(await ann.ask("GET", "/users/me")) == (401, "unauthenticated")
        assert code(await nobody(server).get("/users/me", headers=bearer)) == (401, "unauthenticated")
        assert code(await root.post(f"/users/{user_id}/link")) == (409, "conflict")
        await root.patch(f"/users/{user_id}", json={"is_active": True})
        assert code(await ann.ask("GET", "/users/me")) == (401, "unauthenticated")
        assert (await nobody(server).get("/users/me", headers=bearer)).status_code == 200
        await ann.sign_in(email)


async def test_nobody_touches_the_system_or_who_is_not_there(server: Server, root: Person) -> None:
    for user_id in (SYSTEM, str(uuid4())):
        for method, path, body in (
            ("GET", f"/users/{user_id}", None),
            ("PATCH", f"/users/{user_id}", {"is_active": True}),
            ("PATCH", f"/users/{user_id}", {"display_name": "x"}),
            ("PATCH", f"/users/{user_id}", {"role": "admin"}),
            ("DELETE", f"/users/{user_id}", None),
            ("POST", f"/users/{user_id}/link", None),
        ):
            assert code(await root.request(method, path, json=body)) == (404, "not_found"), (method, body)


async def test_the_last_administrator_stays(server: Server, root: Person) -> None:
    others = f"UPDATE users SET is_active = false WHERE role = 'admin' AND id <> '{root.id}'"
    await run(server, others)
    for method, path, body in (
        ("PATCH", f"/users/{root.id}", {"role": "user"}),
        ("PATCH", f"/users/{root.id}", {"is_active": False}),
        ("DELETE", f"/users/{root.id}", None),
        ("DELETE", "/users/me", {"confirm": root.email}),
    ):
        assert code(await root.request(method, path, json=body)) == (409, "conflict"), (method, body)
    assert (await root.get("/users")).status_code == 200
    (second,) = await people(server, "second", admin=True)
    assert (await second.patch(f"/users/{root.id}", json={"role": "user"})).json()["role"] == "user"
    assert code(await root.get("/users")) == (403, "forbidden")
    await second.patch(f"/users/{root.id}", json={"role": "admin"})
