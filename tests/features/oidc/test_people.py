"""Whose account it is that somebody from a provider ends up with."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.security.tokens import new_api_token, new_secret, token_hash
from tests.features.oidc.oidc_browser import Browser, error_of
from tests.oidc_provider import Provider
from tests.server import Server


async def rows(server: Server, query: str, *arguments: object) -> list[Any]:
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        return list(await conn.fetch(query, *arguments))
    finally:
        await conn.close()


async def user_of(server: Server, email: str, *, verified: bool, password: bool = False, active: bool = True) -> UUID:
    (row,) = await rows(
        server,
        "INSERT INTO users (email, email_verified, is_active) VALUES ($1, $2, $3) RETURNING id",
        email,
        verified,
        active,
    )
    if password:
        await rows(server, "INSERT INTO user_credentials VALUES ($1, '$argon2id$v=19$m=1,t=1,p=1$x$y')", row[0])
    user_id: UUID = row[0]
    return user_id


@pytest.mark.parametrize(
    ("verified_here", "password", "verified_there", "ends"),
    [
        (True, True, True, "linked"),
        (True, False, True, "linked"),
        (False, False, True, "linked"),
        (False, True, True, "email_taken"),
        (True, True, False, "email_taken"),
        (False, False, False, "email_taken"),
        (True, False, None, "email_taken"),
        (True, False, "true", "linked"),
        (True, False, "yes", "email_taken"),
        (True, False, 1, "email_taken"),
    ],
)
async def test_an_account_is_linked_only_if_nobody_else_can_be_behind_it(
    browser: Browser, provider: Provider, verified_here: bool, password: bool, verified_there: Any, ends: str
) -> None:
    subject = provider.add(f"lea-{uuid4().hex[:8]}", email_verified=verified_there)
    user_id = await user_of(browser.server, f"{subject.upper()}@example.com", verified=verified_here, password=password)
    location = await browser.sign_in(subject)
    if ends == "linked":
        assert location == "/"
        assert (await browser.me())["id"] == str(user_id)
        (row,) = await rows(browser.server, "SELECT email_verified FROM users WHERE id = $1", user_id)
        assert row[0] is True
    else:
        assert error_of(location) == ends
        assert await rows(browser.server, "SELECT 1 FROM user_identities WHERE user_id = $1", user_id) == []


async def test_an_unverified_account_with_an_identity_is_not_shared(browser: Browser, provider: Provider) -> None:
    subject = provider.add(f"lea-{uuid4().hex[:8]}")
    user_id = await user_of(browser.server, f"{subject}@example.com", verified=False)
    await rows(
        browser.server,
        "INSERT INTO user_identities (issuer, subject, user_id) VALUES ('https://other.example', 'x', $1)",
        user_id,
    )
    assert error_of(await browser.sign_in(subject)) == "email_taken"


async def test_who_used_an_account_before_its_owner_came_is_signed_out(browser: Browser, provider: Provider) -> None:
    """Somebody who was handed a sign-in link for an address that is not theirs."""
    subject = provider.add(f"lea-{uuid4().hex[:8]}")
    user_id = await user_of(browser.server, f"{subject}@example.com", verified=False)
    secret, cookie = new_api_token(), new_secret()
    await rows(
        browser.server,
        "INSERT INTO access_tokens (user_id, name, token_hash) VALUES ($1, 't', $2)",
        user_id,
        token_hash(secret),
    )
    await rows(
        browser.server,
        "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, $2, now() + interval '1 day')",
        user_id,
        token_hash(cookie),
    )
    assert await browser.sign_in(subject) == "/"
    query = "SELECT revoked_at IS NOT NULL FROM access_tokens WHERE user_id = $1"
    assert [row[0] for row in await rows(browser.server, query, user_id)] == [True]
    query = "SELECT signed_in_by FROM sessions WHERE user_id = $1"
    assert [row[0] for row in await rows(browser.server, query, user_id)] == ["oidc"]


@pytest.mark.parametrize("verified", [False, None])
async def test_a_stranger_with_an_address_that_is_not_verified_gets_no_account(
    browser: Browser, provider: Provider, verified: bool | None
) -> None:
    subject = provider.add(f"mia-{uuid4().hex[:8]}", email_verified=verified)
    assert error_of(await browser.sign_in(subject)) == "email_unverified"


async def test_a_deactivated_user_stays_outside(browser: Browser, provider: Provider, ann: str) -> None:
    await browser.sign_in(ann)
    await browser.server.command("user", "deactivate", f"{ann}@example.com")
    assert error_of(await browser.sign_in(ann)) == "deactivated"
    linked = provider.add(f"lea-{uuid4().hex[:8]}")
    await user_of(browser.server, f"{linked}@example.com", verified=True, active=False)
    assert error_of(await browser.sign_in(linked)) == "deactivated"


async def test_whose_account_was_deleted_is_a_stranger(browser: Browser, ann: str) -> None:
    await browser.sign_in(ann)
    old = (await browser.me())["id"]
    await rows(browser.server, "UPDATE users SET deleted_at = now() WHERE id = $1", UUID(old))
    assert await browser.sign_in(ann) == "/"
    assert (await browser.me())["id"] != old


async def test_one_person_in_ten_browsers_at_once_is_one_user(
    server_with_provider: Server, provider: Provider, ann: str
) -> None:
    browsers = [Browser(server_with_provider, provider) for _ in range(10)]
    back = [await browser.consent(await browser.leave(), ann) for browser in browsers]
    ends = await asyncio.gather(*(b.come_back(url) for b, url in zip(browsers, back, strict=True)))
    assert ends == ["/"] * 10
    assert len({(await browser.me())["id"] for browser in browsers}) == 1
    (count,) = await rows(
        server_with_provider, "SELECT count(*) FROM users WHERE lower(email) = $1", f"{ann}@example.com"
    )
    assert count[0] == 1
    for browser in browsers:
        await browser.http.aclose()


async def test_two_people_with_one_address_do_not_become_one(server_with_provider: Server, provider: Provider) -> None:
    """At once, so that both find the address free; the second then meets a verified account and is linked to it."""
    address = f"shared-{uuid4().hex[:8]}@example.com"
    people = [provider.add(f"twin-{uuid4().hex[:8]}", email=address) for _ in range(2)]
    browsers = [Browser(server_with_provider, provider) for _ in people]
    back = [await b.consent(await b.leave(), who) for b, who in zip(browsers, people, strict=True)]
    ends = await asyncio.gather(*(b.come_back(url) for b, url in zip(browsers, back, strict=True)))
    assert ends == ["/", "/"]
    (count,) = await rows(server_with_provider, "SELECT count(*) FROM users WHERE email = $1", address)
    assert count[0] == 1
    for browser in browsers:
        await browser.http.aclose()


async def test_claims_of_any_kind_do_no_harm(browser: Browser, provider: Provider) -> None:
    for name in ("", "\x00", "x" * 400, "a\nb", 7, ["a"], {"a": 1}, "\u202e\u2028", "<b>Eve</b>"):
        subject = provider.add(f"odd-{uuid4().hex[:8]}", name=name, locale={"x": 1}, preferred_username="odd\x00")
        assert await browser.sign_in(subject) == "/", name
        shown = (await browser.me())["name"]
        assert shown == ("<b>Eve</b>" if name == "<b>Eve</b>" else f"{subject}@example.com"), name


async def test_provision_off_lets_in_only_who_is_known(provider: Provider, tmp_path: Path) -> None:
    """And a client without a secret signs in by PKCE alone."""
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": "collab-public", "oidc_provision": "false"}
    known = provider.add(f"kim-{uuid4().hex[:8]}")
    stranger = provider.add(f"max-{uuid4().hex[:8]}")
    async with Server(tmp_path, **settings) as server, Browser(server, provider) as browser:
        assert error_of(await browser.sign_in(stranger)) == "not_provisioned"
        await server.command("user", "create", f"{known}@example.com")
        assert await browser.sign_in(known) == "/"
    assert provider.exchanged[-1]["client_id"] == "collab-public"
    assert "client_secret" not in provider.exchanged[-1]


async def test_a_provider_that_is_trusted_need_not_say_that_addresses_are_verified(
    provider: Provider, tmp_path: Path
) -> None:
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": "collab-public", "oidc_trust_email": "true"}
    subject = provider.add(f"tom-{uuid4().hex[:8]}", email_verified=None)
    async with Server(tmp_path, **settings) as server, Browser(server, provider) as browser:
        assert await browser.sign_in(subject) == "/"
