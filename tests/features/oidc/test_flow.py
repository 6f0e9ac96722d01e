"""Signing in with a provider, from the browser's side: the way there and back, and everything that can be wrong."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from collab_server.security import encryption
from tests import databases
from tests.features.oidc.oidc_browser import Browser, error_of
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, Signature
from tests.server import Server

# ---- the way


async def test_the_pages_are_told_of_the_provider(server_with_provider: Server) -> None:
    async with httpx.AsyncClient() as client:
        said = (await client.get(f"{server_with_provider.api}/auth/providers")).json()
    assert said["oidc"] == {"name": "Example Login", "login_url": "/api/v1/auth/oidc/login"}


async def test_a_stranger_signs_in_and_is_a_user_with_a_workspace(browser: Browser, ann: str) -> None:
    assert await browser.sign_in(ann, "/d/plan?x=1#top") == "/d/plan?x=1#top"
    me = await browser.me()
    assert (me["kind"], me["name"], me["email"]) == ("user", "Ann Example", f"{ann}@example.com")
    assert me["has_password"] is False
    assert browser.attempts == []
    answer = await browser.http.post(f"{browser.server.api}/auth/logout", headers={"x-csrf-token": me["csrf_token"]})
    assert answer.status_code == 204
    assert (await browser.me())["kind"] == "guest"


async def test_coming_again_one_is_the_same_user_whatever_the_address_is_now(
    server_with_provider: Server, provider: Provider, ann: str
) -> None:
    ids = set()
    for email in (f"{ann}@example.com", f"{ann}-married@example.com", None, "not an address", "\x00@x"):
        provider.people[ann]["email"] = email
        async with Browser(server_with_provider, provider) as browser:
            assert await browser.sign_in(ann) == "/"
            me = await browser.me()
            ids.add(me["id"])
            assert me["email"] == f"{ann}@example.com"
    assert len(ids) == 1


async def test_what_is_asked_of_the_provider(browser: Browser, ann: str) -> None:
    location = await browser.leave()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(f"{browser.provider.issuer}/authorize?")
    assert asked.keys() == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
    assert (asked["scope"], asked["code_challenge_method"]) == ("openid email profile", "S256")
    assert asked["redirect_uri"] == f"{browser.server.api}/auth/oidc/callback"
    (name,) = browser.attempts
    kept = browser.http.cookies[name]
    assert not any(value in kept for value in (asked["state"], asked["nonce"], ann))


async def test_the_cookie_of_an_attempt_is_for_the_server_alone(browser: Browser) -> None:
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/login")
    rules = answer.headers["set-cookie"].lower()
    assert "httponly" in rules and "samesite=lax" in rules and "max-age=600" in rules


async def test_a_server_with_https_outside_keeps_its_cookies_to_itself(
    provider: Provider, tmp_path: Path, ann: str
) -> None:
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "public_url": "https://docs.example"}
    async with Server(tmp_path, **settings) as server, httpx.AsyncClient() as client:
        answer = await client.get(f"{server.api}/auth/oidc/login")
    rules = answer.headers["set-cookie"]
    assert rules.startswith("__Host-collab_oidc_") and "; Secure" in rules and "Path=/" in rules
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://docs.example/api/v1/auth/oidc/callback"]


async def test_the_client_proves_itself_as_the_provider_wishes(provider: Provider, tmp_path: Path, ann: str) -> None:
    """The provider of the other tests takes HTTP Basic, as is the rule where it does not say."""
    provider.auth_methods = ["client_secret_post", "private_key_jwt"]
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    async with Server(tmp_path, **settings) as server, Browser(server, provider) as browser:
        assert await browser.sign_in(ann) == "/"
    assert provider.exchanged[-1]["client_secret"] == CLIENT_SECRET


async def test_the_address_may_come_from_userinfo_if_that_is_about_the_same_person(
    browser: Browser, provider: Provider, ann: str
) -> None:
    address = f"{ann}@userinfo.example"
    provider.people[ann] |= {"email": None, "userinfo": {"email": address, "sub": "somebody-else"}}
    assert error_of(await browser.sign_in(ann)) == "email_missing"
    provider.people[ann]["userinfo"] = {"email": address}
    assert await browser.sign_in(ann) == "/"
    assert (await browser.me())["email"] == address


async def test_two_tabs_sign_in_at_once(browser: Browser, ann: str) -> None:
    one, other = await browser.leave("/d/one"), await browser.leave("/d/other")
    back = [await browser.consent(url, ann) for url in (one, other)]
    assert await browser.come_back(back[1]) == "/d/other"
    assert await browser.come_back(back[0]) == "/d/one"


async def test_attempts_that_nobody_finishes_do_not_pile_up(browser: Browser) -> None:
    for _ in range(20):
        await browser.leave()
        assert len(browser.attempts) <= 6


async def test_a_sign_in_ends_the_session_that_the_browser_had(browser: Browser, provider: Provider, ann: str) -> None:
    await browser.sign_in(ann)
    old = browser.http.cookies["collab_session"]
    await browser.sign_in(provider.add(f"ben-{uuid4().hex[:8]}"))
    assert (await browser.me())["name"].startswith("Ben")
    async with httpx.AsyncClient(cookies={"collab_session": old}) as client:
        assert (await client.get(f"{browser.server.api}/auth/me")).status_code == 401


# ---- where it ends


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "http:evil.example",
        "/%0d%0aset-cookie: x=1\r\nset-cookie: y=2",
        "/\u2028/evil.example",
        "/api/v1/auth/oidc/logout",
        "/" + "x" * 2001,
        "",
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(browser: Browser, ann: str, elsewhere: str) -> None:
    assert await browser.sign_in(ann, elsewhere) == "/"


async def test_the_page_in_an_error_is_a_local_one_too(browser: Browser, provider: Provider, ann: str) -> None:
    provider.denies = "access_denied"
    assert await browser.sign_in(ann, "//evil.example") == "/signin?error=access_denied"
    assert await browser.sign_in(ann, "/d/plan") == "/signin?error=access_denied&next=%2Fd%2Fplan"


# ---- what must not work


async def test_a_code_works_once(browser: Browser, ann: str) -> None:
    back = await browser.consent(await browser.leave(), ann)
    cookies = httpx.Cookies(browser.http.cookies)
    assert await browser.come_back(back) == "/"
    assert error_of(await browser.come_back(back)) == "state_mismatch", "the cookie of the attempt is gone"
    browser.http.cookies = cookies
    assert error_of(await browser.come_back(back)) == "code_refused", "whoever kept it meets the provider's own check"


async def test_another_browser_cannot_finish_what_this_one_began(
    server_with_provider: Server, provider: Provider, browser: Browser, ann: str
) -> None:
    """Or a victim could be signed in as the attacker."""
    back = await browser.consent(await browser.leave(), ann)
    async with Browser(server_with_provider, provider) as victim:
        assert error_of(await victim.come_back(back)) == "state_mismatch"
        await victim.leave()
        assert error_of(await victim.come_back(back)) == "state_mismatch"
        assert (await victim.me())["kind"] == "guest"
    assert provider.exchanged == [], "the code was not even shown to the provider"


@pytest.mark.parametrize("query", ["", "?state=", "?code=x", "?state=%00", "?state=%F0%9F%98%80&code=x", "?error=x"])
async def test_an_answer_that_nobody_asked_for_is_refused(browser: Browser, query: str) -> None:
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/callback{query}")
    if "%00" in query:
        assert answer.status_code == 400
    else:
        assert error_of(answer.headers["location"]) == "state_mismatch"


async def test_a_cookie_under_the_name_of_another_attempt_is_refused(browser: Browser, ann: str) -> None:
    first, second = await browser.leave(), await browser.leave()
    one, other = browser.attempts
    browser.http.cookies.set(one, browser.http.cookies[other], domain="127.0.0.1")
    browser.http.cookies.set(other, "made-up", domain="127.0.0.1")
    for url in (first, second):
        assert error_of(await browser.come_back(await browser.consent(url, ann))) == "state_mismatch"


async def test_an_attempt_ends_after_ten_minutes(browser: Browser, ann: str) -> None:
    """The cookie as the server would have made it eleven minutes ago."""
    back = await browser.consent(await browser.leave(), ann)
    (name,) = browser.attempts
    ring = encryption.keyring("", (browser.server.data_dir / "secret_key").read_bytes())
    attempt = json.loads(ring.open_text(browser.http.cookies[name], "cookie.oidc_attempt"))
    attempt["expires_at"] -= 660
    old = ring.seal_text(json.dumps(attempt), "cookie.oidc_attempt")
    browser.http.cookies = httpx.Cookies({name: old})
    assert error_of(await browser.come_back(back)) == "state_mismatch/expired"


async def test_a_code_of_another_attempt_fails_by_pkce(browser: Browser, provider: Provider, ann: str) -> None:
    """A code that was stolen from somebody else's browser and put into one's own answer."""
    async with Browser(browser.server, provider) as victim:
        stolen = parse_qs(urlsplit(await victim.consent(await victim.leave(), ann)).query)["code"][0]
    eve = provider.add(f"eve-{uuid4().hex[:8]}")
    own = urlsplit(await browser.consent(await browser.leave(), eve))
    query = {name: values[0] for name, values in parse_qs(own.query).items()} | {"code": stolen}
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/callback", params=query)
    assert error_of(answer.headers["location"]) == "code_refused"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"aud": "somebody-else"}, "audience"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"at_hash": "of another token"}, "at_hash"),
        ({"sub": None}, "subject"),
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    browser: Browser, provider: Provider, ann: str, claims: dict[str, Any], reason: str
) -> None:
    provider.changed_claims = claims
    assert error_of(await browser.sign_in(ann)) == f"invalid_id_token/{reason}"
    assert (await browser.me())["kind"] == "guest"


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("none", "algorithm"),
        ("hmac_with_public_key", "algorithm"),
        ("unknown_kid", "unknown_key"),
        ("foreign_key", "signature"),
    ],
)
async def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    browser: Browser, provider: Provider, ann: str, signature: Signature, reason: str
) -> None:
    provider.signature = signature
    assert error_of(await browser.sign_in(ann)) == f"invalid_id_token/{reason}"


async def test_an_answer_of_another_provider_is_refused(browser: Browser, provider: Provider, ann: str) -> None:
    provider.drops_iss = True
    assert error_of(await browser.sign_in(ann)) == "state_mismatch/issuer"
    provider.drops_iss = False
    back = await browser.consent(await browser.leave(), ann)
    changed = back.replace(f"%3A{provider.port}", "%3A1")
    assert changed != back
    assert error_of(await browser.come_back(changed)) == "state_mismatch/issuer"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("access_denied", "access_denied"),
        ("login_required", "provider_refused"),
        ("<script>", "provider_refused"),
        ("temporarily_unavailable", "provider_unavailable"),
    ],
)
async def test_what_the_provider_says_against_it_ends_at_the_sign_in_page(
    browser: Browser, provider: Provider, ann: str, said: str, code: str
) -> None:
    provider.denies = said
    assert error_of(await browser.sign_in(ann)) == code


@pytest.mark.parametrize(("status", "code"), [(500, "provider_unavailable"), (400, "code_refused")])
async def test_a_token_endpoint_that_fails(
    browser: Browser, provider: Provider, ann: str, status: int, code: str
) -> None:
    provider.token_status = status
    assert error_of(await browser.sign_in(ann)) == code


# ---- an outage


async def test_without_the_provider_signing_in_says_so_and_everything_else_goes_on(
    browser: Browser, provider: Provider, ann: str
) -> None:
    await browser.sign_in(ann)
    away = await browser.leave()
    back = await browser.consent(away, ann)
    await provider.stop()
    try:
        assert error_of(await browser.come_back(back)) == "provider_unavailable"
        assert (await browser.me())["name"] == "Ann Example", "sessions do not need the provider"
        answer = await browser.http.get(f"{browser.server.http}/health/ready")
        assert answer.status_code == 200
    finally:
        await provider.start()
    assert await browser.sign_in(ann) == "/"


async def test_a_server_starts_while_the_provider_is_away(provider: Provider, tmp_path: Path, ann: str) -> None:
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": "collab-public"}
    await provider.stop()
    try:
        async with Server(tmp_path, **settings) as server, Browser(server, provider) as browser:
            assert error_of(await browser.leave("/d/plan")) == "provider_unavailable"
            assert (await browser.me())["kind"] == "guest"
    finally:
        await provider.start()


async def test_doctor_asks_the_provider(provider: Provider, server_with_provider: Server) -> None:
    async with databases.flushing(server_with_provider.owner_dsn):
        await _assert_doctor_asks(provider, server_with_provider)


async def _assert_doctor_asks(provider: Provider, server: Server) -> None:
    output = await server.command("doctor")
    assert f"ok    OpenID Connect: {provider.issuer} answers" in output
    assert "ok    secrets at rest: encrypted with the key 'derived'" in output
    provider.changed_metadata = {"issuer": "https://elsewhere.example"}
    with pytest.raises(AssertionError):
        await server.command("doctor")
    provider.changed_metadata = {}
    provider.jwks = "empty"
    with pytest.raises(AssertionError):
        await server.command("doctor")


# ---- signing out


async def test_signing_out_ends_the_session_here_and_there(browser: Browser, provider: Provider, ann: str) -> None:
    await browser.sign_in(ann)
    cookie = browser.http.cookies["collab_session"]
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/logout")
    assert answer.status_code == 303
    url = urlsplit(answer.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{provider.issuer}/logout"
    assert asked["client_id"] == CLIENT_ID
    assert asked["post_logout_redirect_uri"] == f"{browser.server.http}/signin"
    assert asked["id_token_hint"].count(".") == 2
    assert "collab_session" not in browser.http.cookies
    async with httpx.AsyncClient(cookies={"collab_session": cookie}) as client:
        assert (await client.get(f"{browser.server.api}/auth/me")).status_code == 401


async def test_a_foreign_page_signs_nobody_out(browser: Browser, ann: str) -> None:
    await browser.sign_in(ann)
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/logout", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_rejected")
    assert (await browser.me())["kind"] == "user"


async def test_signing_out_without_a_session_goes_to_the_sign_in_page_at_last(browser: Browser) -> None:
    answer = await browser.http.get(f"{browser.server.api}/auth/oidc/logout")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["post_logout_redirect_uri"] == [f"{browser.server.http}/signin"]
    assert "id_token_hint" not in asked


# ---- a server without a provider


async def test_without_a_provider_there_are_no_such_routes(tmp_path: Path) -> None:
    async with Server(tmp_path) as server, httpx.AsyncClient() as client:
        for path in ("login", "callback", "logout"):
            answer = await client.get(f"{server.api}/auth/oidc/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await client.get(f"{server.api}/auth/providers")).json()["oidc"] is None
