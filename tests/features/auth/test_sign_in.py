"""Signing in with a password or a link, the session that follows, and its end."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user, metric
from tests.server import Server


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("accounts")) as running:
        yield running


@pytest.fixture
async def email(server: Server) -> str:
    address = f"Ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, address, "--name", "Ann")
    return address


async def test_a_password_opens_a_session_and_signing_out_ends_it(server: Server, email: str) -> None:
    async with Visitor(server) as ann:
        signed_in = await ann.sign_in(email.upper())
        assert signed_in["user"]["updated_at"] == signed_in["user"]["created_at"] < signed_in["user"]["last_login_at"]
        assert signed_in["user"]["email"] == email
        assert signed_in["user"]["has_password"] is True
        me = (await ann.ask("GET", "/auth/me")).json()
        assert (me["kind"], me["name"], me["email"], me["is_admin"]) == ("user", "Ann", email, False)
        assert me["csrf_token"] == signed_in["csrf_token"]
        cookie = ann.cookie
        out = await ann.ask("POST", "/auth/logout")
        assert out.status_code == 204
        assert not ann.http.cookies
        again = await ann.ask("GET", "/auth/sessions", cookie=f"collab_session={cookie}")
        assert code(again) == (401, "unauthenticated")


async def test_the_cookie_is_for_this_server_alone_and_not_for_scripts(server: Server, email: str) -> None:
    async with Visitor(server) as ann:
        answer = await ann.enter("/auth/login", {"email": email, "password": PASSWORD})
        attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(part.startswith(("domain", "secure")) for part in attributes)
        assert answer.headers["cache-control"] == "no-store"


async def test_an_unknown_address_and_a_wrong_password_cost_and_answer_the_same(server: Server, email: str) -> None:
    bare = f"bare-{uuid4().hex[:8]}@example.com"
    await create_user(server, bare, password=None)
    gone = f"gone-{uuid4().hex[:8]}@example.com"
    await create_user(server, gone)
    await server.command("user", "deactivate", gone)
    async with Visitor(server) as eve:
        await eve.enter("/auth/login", {"email": email, "password": "x"})
        answers = []
        for address in (email, f"nobody-{uuid4()}@example.com", bare, gone):
            before = await metric(server, "password_hashes_total")
            answer = await eve.enter("/auth/login", {"email": address, "password": PASSWORD + "!"})
            assert await metric(server, "password_hashes_total") == before + 1, address
            answers.append((answer.status_code, answer.text, set(answer.headers) - {"date"}))
        assert answers[0][0] == 401
        assert answers.count(answers[0]) == 4
        right = await eve.enter("/auth/login", {"email": gone, "password": PASSWORD})
        assert code(right) == (401, "invalid_credentials")


async def test_a_link_signs_in_once_whoever_comes_first(server: Server, email: str) -> None:
    link = await server.command("user", "link", email)
    assert link.startswith(f"{server.http}/signin#link=")
    token = link.partition("=")[2]
    visitors = [Visitor(server) for _ in range(8)]
    answers = await asyncio.gather(*(visitor.enter("/auth/link", {"token": token}) for visitor in visitors))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    assert {code(answer) for answer in answers if answer.status_code != 200} == {(401, "invalid_credentials")}
    for visitor, answer in zip(visitors, answers, strict=True):
        assert (await visitor.ask("GET", "/auth/sessions")).is_success == answer.is_success
        await visitor.http.aclose()


async def test_an_expired_link_or_one_of_a_deactivated_user_opens_nothing(server: Server, email: str) -> None:
    links = [(await server.command("user", "link", email)).partition("=")[2] for _ in range(2)]
    owner = await asyncpg.connect(server.owner_dsn)
    await owner.execute(
        "UPDATE sign_in_links SET created_at = now() - interval '25 hours', expires_at = now() - interval '1 hour' "
        "WHERE token_hash = sha256($1)",
        links[0].encode(),
    )
    async with Visitor(server) as ann:
        assert code(await ann.enter("/auth/link", {"token": links[0]})) == (401, "invalid_credentials")
        await server.command("user", "deactivate", email)
        assert code(await ann.enter("/auth/link", {"token": links[1]})) == (401, "invalid_credentials")
        for broken in ('{"token": "\\ud800"}', '{"token": "\\u0000"}', '{"token": ""}'):
            answer = await ann.http.post("/auth/link", content=broken, headers={"content-type": "application/json"})
            assert code(answer) == (422, "invalid"), broken
        for nonsense in ("x", "é" * 100, "x" * 256):
            assert code(await ann.enter("/auth/link", {"token": nonsense})) == (401, "invalid_credentials")
    await owner.close()


async def test_sessions_are_listed_and_ended_one_by_one_and_all_others(server: Server, email: str) -> None:
    async with Visitor(server) as desk, Visitor(server) as phone, Visitor(server) as tablet, Visitor(server) as eve:
        await desk.sign_in(email)
        phone.http.headers.update({"user-agent": "Phone/1", "x-device-id": "phone-7"})
        await phone.sign_in(email)
        tablet.http.headers["user-agent"] = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"
        await tablet.sign_in(email)
        listed = (await desk.ask("GET", "/auth/sessions")).json()["items"]
        assert len(listed) == 3
        assert [session["current"] for session in listed].count(True) == 1
        there = next(session for session in listed if session["user_agent"] == "Phone/1")
        assert (there["ip_address"], there["device"], there["current"]) == ("127.0.0.1", "phone-7", False)
        names = {session["user_agent"]: session["device_name"] for session in listed}
        assert (names["Phone/1"], names[tablet.http.headers["user-agent"]]) == ("Phone", "Safari on iPadOS")
        stranger = f"eve-{uuid4().hex[:8]}@example.com"
        await create_user(server, stranger)
        await eve.sign_in(stranger)
        assert code(await eve.ask("DELETE", f"/auth/sessions/{there['id']}")) == (404, "not_found")
        assert (await desk.ask("DELETE", f"/auth/sessions/{there['id']}")).status_code == 204
        assert code(await phone.ask("GET", "/auth/sessions")) == (401, "unauthenticated")
        assert (await desk.ask("DELETE", "/auth/sessions")).status_code == 204
        assert code(await tablet.ask("GET", "/auth/sessions")) == (401, "unauthenticated")
        assert [s["current"] for s in (await desk.ask("GET", "/auth/sessions")).json()["items"]] == [True]


async def test_signing_in_again_in_the_same_browser_ends_the_session_before(server: Server, email: str) -> None:
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        first = ann.cookie
        await ann.sign_in(email)
        old = await ann.ask("GET", "/auth/sessions", cookie=f"collab_session={first}")
        assert code(old) == (401, "unauthenticated")


async def test_a_session_ends_with_its_time_and_with_the_account(server: Server, email: str) -> None:
    owner = await asyncpg.connect(server.owner_dsn)
    async with Visitor(server) as ann, Visitor(server) as other:
        expires = (await ann.sign_in(email))["expires_at"]
        days = await owner.fetchval("SELECT extract(epoch FROM $1::text::timestamptz - now()) / 86400", expires)
        assert 29.9 < days < 30.01
        await other.sign_in(email)
        await owner.execute(
            "UPDATE sessions SET created_at = now() - interval '2 days', expires_at = now() - interval '1 s' "
            "WHERE token_hash = sha256($1)",
            ann.cookie.encode(),
        )
        assert code(await ann.ask("GET", "/auth/me")) == (401, "unauthenticated")
        assert (await other.ask("GET", "/auth/me")).json()["kind"] == "user"
        await server.command("user", "deactivate", email)
        assert code(await other.ask("GET", "/auth/me")) == (401, "unauthenticated")
    await owner.close()


async def test_activity_is_noted_at_most_once_a_minute(server: Server, email: str) -> None:
    owner = await asyncpg.connect(server.owner_dsn)
    seen = "SELECT last_activity_at FROM sessions WHERE token_hash = sha256($1)"
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        cookie = ann.cookie.encode()
        at_first = await owner.fetchval(seen, cookie)
        await ann.ask("GET", "/auth/me")
        assert await owner.fetchval(seen, cookie) == at_first
        await owner.execute(
            "UPDATE sessions SET last_activity_at = now() - interval '61 s' WHERE token_hash = sha256($1)", cookie
        )
        await asyncio.gather(*(ann.ask("GET", "/auth/me") for _ in range(8)))
        assert await owner.fetchval(seen, cookie) > at_first
    await owner.close()


async def test_the_cookie_of_an_ended_session_makes_no_guest(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.api) as browser:
        ended = {"cookie": "collab_session=ended"}
        answer = await browser.get("/auth/me", headers=ended)
        assert code(answer) == (401, "unauthenticated")
        assert answer.headers["set-cookie"].startswith('collab_session="";')
        assert (await browser.post("/auth/logout", headers=ended)).status_code == 204
        assert (await browser.get("/auth/me")).json()["kind"] == "guest"


async def test_guests_have_no_account(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.api) as guest:
        me = (await guest.get("/auth/me")).json()
        assert (me["email"], me["role"], me["csrf_token"], me["is_admin"], me["has_password"]) == (
            None,
            None,
            None,
            False,
            False,
        )
        assert code(await guest.get("/auth/sessions")) == (401, "unauthenticated")
        ways = (await guest.get("/auth/providers")).json()
        assert (ways["local"], ways["oidc"], ways["guests"], ways["registration"]) == (True, None, True, "invited")
