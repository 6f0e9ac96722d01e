"""Attempts to sign in are slowed down, by account and address and by address, and forgiven to the right person."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from collab_server.adapters.postgres import Caller, caller
from collab_server.features.auth.throttle import EVERYWHERE, get_caller_address
from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user, metric
from tests.server import Server

SLOWER = 1000
"""How much longer pauses are here, so that none is over before a slow machine has looked."""
STRETCHED = f"""
CREATE FUNCTION stretched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF isfinite(NEW.blocked_until) AND NEW.blocked_until > now() THEN
    NEW.blocked_until := now() + (NEW.blocked_until - now()) * {SLOWER};
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stretched BEFORE UPDATE ON sign_in_attempts FOR EACH ROW
  WHEN (NEW.blocked_until IS DISTINCT FROM OLD.blocked_until) EXECUTE FUNCTION stretched();
"""


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("throttle")) as running:
        owner = await asyncpg.connect(running.owner_dsn)
        await owner.execute(STRETCHED)
        await owner.close()
        yield running


async def let_time_pass(server: Server) -> None:
    """As if every pause were over; what was counted stays counted."""
    owner = await asyncpg.connect(server.owner_dsn)
    await owner.execute("UPDATE sign_in_attempts SET blocked_until = now()")
    await owner.close()


async def test_guesses_are_stopped_for_longer_and_longer_known_account_or_not(server: Server) -> None:
    known, unknown = f"ann-{uuid4().hex[:8]}@example.com", f"nobody-{uuid4().hex[:8]}@example.com"
    await create_user(server, known)
    courses = []
    async with Visitor(server) as eve:
        for address in (known, unknown):
            course = []
            for _ in range(4):
                answers = [
                    await eve.enter("/auth/login", {"email": address, "password": f"guess {n}"}) for n in range(7)
                ]
                course.append(
                    [
                        (a.status_code, a.json()["code"], round(int(a.headers.get("retry-after", 0)) / SLOWER))
                        for a in answers
                    ]
                )
                await let_time_pass(server)
            courses.append(course)
        assert courses[0] == courses[1]
        first, *later = courses[0]
        assert [status for status, _, _ in first] == [401] * 5 + [429] * 2
        assert [[status for status, _, _ in round_] for round_ in later] == [[401] + [429] * 6] * 3
        pauses = [round_[-1][2] for round_ in courses[0]]
        assert pauses == [1, 2, 4, 8]
        assert code(await eve.enter("/auth/login", {"email": known, "password": "x"})) == (401, "invalid_credentials")
        before = await metric(server, "password_hashes_total")
        right = await eve.enter("/auth/login", {"email": known.upper(), "password": PASSWORD})
        assert code(right) == (429, "too_many")
        assert await metric(server, "password_hashes_total") == before
        await let_time_pass(server)
        await eve.sign_in(known)
        wrong = [await eve.enter("/auth/login", {"email": known, "password": "x"}) for _ in range(5)]
        assert [answer.status_code for answer in wrong] == [401] * 5


async def test_many_guesses_at_once_are_counted_one_by_one(server: Server) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email)
    visitors = [Visitor(server) for _ in range(20)]
    body = {"email": email, "password": "x"}
    answers = await asyncio.gather(*(visitor.enter("/auth/login", body) for visitor in visitors))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15
    await asyncio.gather(*(visitor.http.aclose() for visitor in visitors))


async def test_an_address_that_tries_many_accounts_is_stopped(server: Server) -> None:
    async with Visitor(server) as eve:
        statuses = [
            (await eve.enter("/auth/login", {"email": f"u{n}@example.com", "password": "x"})).status_code
            for n in range(55)
        ]
    assert statuses[:50] == [401] * 50
    assert 429 in statuses[50:]


async def test_asking_for_the_password_again_is_slowed_down_too(server: Server) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        body = {"current_password": "wrong", "new_password": "another long one"}
        answers = [await ann.ask("POST", "/auth/password", body) for _ in range(6)]
        assert [code(answer) for answer in answers] == [(401, "invalid_credentials")] * 5 + [(429, "too_many")]
        leave = await ann.ask("DELETE", "/users/me", {"password": PASSWORD})
        assert code(leave) == (429, "too_many")


async def test_guesses_from_many_places_are_slowed_down_and_never_lock_the_owner_out(server: Server) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
    answers = []
    for place in range(20, 27):
        async with Visitor.from_place(server, f"127.0.0.{place}") as eve:
            body = {"email": email.upper(), "password": "guess"}
            answers += [(await eve.enter("/auth/login", body)).status_code for _ in range(4)]
    assert answers == [401] * EVERYWHERE.free + [429] * (len(answers) - EVERYWHERE.free)
    async with Visitor.from_place(server, "127.0.0.40") as elsewhere, Visitor(server) as ann:
        refused = await elsewhere.enter("/auth/login", {"email": email, "password": PASSWORD})
        assert code(refused) == (429, "too_many")
        await ann.sign_in(email)
        body = {"current_password": PASSWORD, "new_password": "another long one"}
        assert (await ann.ask("POST", "/auth/password", body)).status_code == 204
    # A place counts as known for this account only, and for as long as the account does.
    await let_time_pass(server)
    async with Visitor.from_place(server, "127.0.0.40") as elsewhere:
        await elsewhere.sign_in(email, "another long one")


async def test_an_invented_account_is_slowed_down_alike(server: Server) -> None:
    answers = []
    for place in range(20, 26):
        async with Visitor.from_place(server, f"127.0.0.{place}") as eve:
            body = {"email": "nobody-at-all@example.com", "password": "guess"}
            answers += [(await eve.enter("/auth/login", body)).status_code for _ in range(4)]
    assert answers == [401] * EVERYWHERE.free + [429] * (len(answers) - EVERYWHERE.free)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("198.51.100.7", "198.51.100.7"),
        ("", ""),
    ],
)
def test_of_ipv6_the_network_is_counted(address: str, counted: str) -> None:
    token = caller.set(Caller(address))
    try:
        assert get_caller_address() == counted
    finally:
        caller.reset(token)
