"""Who sees which rows of accounts, in PostgreSQL itself: the API is not asked."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests import databases
from tests.site import Site, open_site

FORBIDDEN = asyncpg.InsufficientPrivilegeError
ARGON = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Ann and Ed, who share a workspace, each with everything an account can have."""
    async with open_site(request.param) as site:
        for number, name in enumerate(("ann", "ed")):
            await fill(site, site.people[name], bytes([number]))
        yield site


async def fill(site: Site, user: Any, mark: bytes) -> None:
    rows = (
        ("INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, sha256($2), now() + interval '1 day')", 2),
        ("INSERT INTO access_tokens (user_id, name, token_hash) VALUES ($1, 't', sha256($2))", 2),
        ("INSERT INTO user_credentials (user_id, password_hash) VALUES ($1, $2)", 0),
        ("INSERT INTO user_identities (user_id, issuer, subject) VALUES ($1, 'https://i', encode($2, 'hex'))", 2),
        ("INSERT INTO devices (user_id, id) VALUES ($1, 'd')", 1),
        ("INSERT INTO user_settings (user_id) VALUES ($1)", 1),
        ("INSERT INTO user_activity_days (user_id) VALUES ($1)", 1),
        (
            "INSERT INTO sign_in_links (user_id, purpose, token_hash, expires_at) "
            "VALUES ($1, 'reset', sha256($2), now() + interval '1 day')",
            2,
        ),
    )
    for statement, kind in rows:
        await site.run("server", statement, user, *((ARGON,) if kind == 0 else (mark,) if kind == 2 else ()))


async def test_people_see_their_own_rows_alone_and_others_none(site: Site) -> None:
    for table in ("sessions", "access_tokens", "user_identities", "devices", "user_settings", "user_activity_days"):
        count = f"SELECT count(user_id) FROM {table}"
        assert [await site.value(who, count) for who in ("ann", "ed", "vic", None)] == [1, 1, 0, 0], table
        assert await site.value("ann", f"SELECT user_id FROM {table}") == site.people["ann"], table


async def test_what_opens_an_account_is_for_the_server_alone(site: Site) -> None:
    for query in (
        "SELECT count(*) FROM user_credentials",
        "SELECT count(*) FROM sign_in_links",
        "SELECT count(*) FROM sign_in_attempts",
        "SELECT token_hash FROM sessions",
        "SELECT provider_tokens FROM sessions",
        "SELECT token_hash FROM access_tokens",
        "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES (app.user_id(), sha256('x'), now() + '1 day')",
        "UPDATE sessions SET expires_at = expires_at + interval '1 year'",
        "UPDATE sessions SET user_id = app.user_id()",
        "INSERT INTO access_tokens (user_id, name, token_hash) VALUES (app.user_id(), 't', sha256('x'))",
        "UPDATE access_tokens SET scopes = '{admin}'",
        "UPDATE access_tokens SET expires_at = NULL",
        "DELETE FROM access_tokens",
        "INSERT INTO user_identities (user_id, issuer, subject) VALUES (app.user_id(), 'i', 's')",
        "DELETE FROM user_activity_days",
        "UPDATE users SET role = 'admin'",
        "UPDATE users SET email_verified = true",
        "UPDATE users SET features = '{}'",
        "UPDATE users SET email = 'x@example.com'",
    ):
        with pytest.raises(FORBIDDEN):
            await site.run("ann", query)


async def test_operators_see_neither_passwords_nor_tokens(site: Site) -> None:
    for query in (
        "SELECT count(*) FROM user_credentials",
        "SELECT count(*) FROM sign_in_links",
        "SELECT token_hash FROM sessions",
        "SELECT provider_tokens FROM sessions",
    ):
        with pytest.raises(FORBIDDEN):
            async with site.login.transaction():
                await site.login.execute("SET LOCAL ROLE app_admin")
                await site.login.fetch(query)


async def test_people_end_their_own_sessions_and_tokens_only(site: Site) -> None:
    assert await site.run("ed", "DELETE FROM sessions") == "DELETE 1"
    assert await site.value("ann", "SELECT count(id) FROM sessions") == 1
    assert await site.run("ed", "UPDATE access_tokens SET revoked_at = now()") == "UPDATE 1"
    assert await site.row("SELECT count(*) FROM access_tokens WHERE revoked_at IS NULL") == (1,)
    assert await site.run("ed", "UPDATE user_settings SET theme = 'dark'") == "UPDATE 1"
    assert await site.value("ann", "SELECT theme FROM user_settings") == "system"
    for table in ("user_settings", "devices"):
        columns, values = ("user_id, id", "$1, 'x'") if table == "devices" else ("user_id", "$1")
        with pytest.raises(FORBIDDEN):
            await site.run("vic", f"INSERT INTO {table} ({columns}) VALUES ({values})", site.people["ed"])


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO user_credentials (user_id, password_hash) VALUES ($1, 'plain')",
        "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, 'short', now() + interval '1 day')",
        "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, sha256('x'), now() - interval '1 day')",
        "INSERT INTO user_settings (user_id, theme) VALUES ($1, 'pink')",
        "INSERT INTO user_settings (user_id, editor) VALUES ($1, '[]')",
        "INSERT INTO sign_in_links (user_id, purpose, token_hash, expires_at) "
        "VALUES ($1, 'verify', sha256('x'), now() + interval '1 day')",
        "INSERT INTO sign_in_links (user_id, purpose, token_hash, expires_at) "
        "VALUES (nullif($1::uuid, $1), 'reset', sha256('x'), now() + interval '1 day')",
    ],
)
async def test_impossible_rows_are_refused(site: Site, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await site.run("server", statement, site.people["vic"])
