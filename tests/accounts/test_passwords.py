"""Passwords chosen, changed, forgotten and reset; accounts that people register themselves."""

import re
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server import crypto
from tests.accounts.visitor import PASSWORD, Visitor, code, create_user, metric
from tests.people import people
from tests.postbox import Postbox, postbox
from tests.server import Server
from tests.waiting import until

OTHER = "another long password"


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    with postbox() as opened:
        yield opened


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, box: Postbox) -> AsyncIterator[Server]:
    settings = {"smtp_url": box.url, "mail_from": "collab@example.org", "registration": "open"}
    async with Server(tmp_path_factory.mktemp("passwords"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
async def silent(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that sends no mail and lets in who is invited."""
    async with Server(tmp_path_factory.mktemp("silent")) as running:
        yield running


def new_address() -> str:
    return f"ann-{uuid4().hex[:8]}@example.com"


async def letter(box: Postbox, address: str, number: int = 1) -> str:
    """The text of the so many-th mail to this address."""
    await until(lambda: len(box.to(address)) >= number, f"mail {number} to {address}")
    body = box.to(address)[number - 1].get_body()
    assert body is not None
    return str(body.get_content())


def token_in(text: str, kind: str) -> str:
    found = re.search(rf"/signin#{kind}=(\S+)", text)
    assert found, text
    return found[1]


async def test_another_password_ends_the_other_sessions_and_open_links(server: Server) -> None:
    email = new_address()
    await create_user(server, email)
    link = (await server.command("user", "link", email)).partition("=")[2]
    async with Visitor(server) as here, Visitor(server) as there:
        await here.sign_in(email)
        await there.sign_in(email)
        for body in ({"new_password": OTHER}, {"current_password": "wrong", "new_password": OTHER}):
            assert code(await here.ask("POST", "/auth/password", body)) == (401, "invalid_credentials")
        changed = await here.ask("POST", "/auth/password", {"current_password": PASSWORD, "new_password": OTHER})
        assert changed.status_code == 204, changed.text
        assert (await here.ask("GET", "/users/me")).status_code == 200
        assert code(await there.ask("GET", "/users/me")) == (401, "unauthenticated")
        assert code(await there.enter("/auth/link", {"token": link})) == (401, "invalid_credentials")
        old = await there.enter("/auth/login", {"email": email, "password": PASSWORD})
        assert code(old) == (401, "invalid_credentials")
        await there.sign_in(email, OTHER)


@pytest.mark.parametrize(
    ("password", "answer"),
    [
        ("short", (422, "invalid")),
        ("x" * 1025, (422, "invalid")),
        ("nul\x00 in a password", (422, "invalid")),
        ("{email}", (422, "unprocessable")),
        ("{EMAIL}", (422, "unprocessable")),
        ("abababababab", (422, "unprocessable")),
    ],
)
async def test_a_poor_password_is_refused_wherever_one_is_chosen(
    server: Server, password: str, answer: tuple[int, str]
) -> None:
    email = new_address()
    chosen = password.replace("{email}", email).replace("{EMAIL}", email.upper())
    await create_user(server, email)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        body = {"current_password": PASSWORD, "new_password": chosen}
        assert code(await ann.ask("POST", "/auth/password", body)) == answer
        registering = {"email": email, "password": chosen}
        assert code(await ann.ask("POST", "/auth/register", registering)) == answer


async def test_long_and_foreign_passwords_work_however_composed(server: Server) -> None:
    email = new_address()
    await create_user(server, email, password="pa\u00dfwort \u00e9t\u00e9 " + "\U0001f511" * 500)
    async with Visitor(server) as ann:
        await ann.sign_in(email, "pa\u00dfwort e\u0301te\u0301 " + "\U0001f511" * 500)


async def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(server: Server) -> None:
    from argon2 import PasswordHasher

    email = new_address()
    user_id = UUID(await create_user(server, email))
    owner = await asyncpg.connect(server.owner_dsn)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await owner.execute("UPDATE user_credentials SET password_hash = $2 WHERE user_id = $1", user_id, old)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        renewed = await owner.fetchval("SELECT password_hash FROM user_credentials WHERE user_id = $1", user_id)
        assert "m=65536" in renewed
        await ann.sign_in(email)
        assert await owner.fetchval("SELECT password_hash FROM user_credentials WHERE user_id = $1", user_id) == renewed
    await owner.close()


async def test_a_forgotten_password_is_reset_by_mail_once(server: Server, box: Postbox) -> None:
    email = new_address()
    await create_user(server, email)
    async with Visitor(server) as ann, Visitor(server) as before:
        await before.sign_in(email)
        asked = await ann.ask("POST", "/auth/password/forgot", {"email": email.upper()})
        assert asked.status_code == 202
        token = token_in(await letter(box, email), "reset")
        assert code(await ann.enter("/auth/link", {"token": token})) == (401, "invalid_credentials")
        poor = await ann.enter("/auth/password/reset", {"token": token, "new_password": email})
        assert code(poor) == (422, "unprocessable")
        reset = await ann.enter("/auth/password/reset", {"token": token, "new_password": OTHER})
        assert (reset.status_code, reset.json()["user"]["email_verified"]) == (200, True)
        assert (await ann.ask("GET", "/users/me")).status_code == 200
        assert code(await before.ask("GET", "/users/me")) == (401, "unauthenticated")
        hashes = await metric(server, "password_hashes_total")
        again = await ann.enter("/auth/password/reset", {"token": token, "new_password": OTHER})
        assert code(again) == (401, "invalid_credentials")
        assert await metric(server, "password_hashes_total") == hashes
        await before.sign_in(email, OTHER)


async def test_nobody_learns_from_forgetting_who_has_an_account(server: Server, box: Postbox) -> None:
    known, unknown = new_address(), new_address()
    await create_user(server, known)
    async with Visitor(server) as eve:
        answers = [await eve.ask("POST", "/auth/password/forgot", {"email": e}) for e in (known, unknown)]
        assert [(a.status_code, a.text) for a in answers] == [(202, answers[0].text)] * 2
        await letter(box, known)
        for _ in range(4):
            assert (await eve.ask("POST", "/auth/password/forgot", {"email": known})).status_code == 202
    await until(lambda: "too many mails" in server.log, "a mail that was not sent")
    assert len(box.to(known)) <= 3
    assert not box.to(unknown)


async def test_without_mail_forgetting_answers_the_same_and_tells_the_log_nothing(silent: Server) -> None:
    email = new_address()
    await create_user(silent, email)
    async with Visitor(silent) as ann:
        assert (await ann.ask("POST", "/auth/password/forgot", {"email": email})).status_code == 202
        assert (await ann.ask("GET", "/auth/providers")).json()["mail"] is False
    assert email not in silent.log
    assert "#reset=" not in silent.log


# ---- registration


async def test_an_open_registration_is_finished_by_mail(server: Server, box: Postbox) -> None:
    email = new_address()
    async with Visitor(server) as ann:
        body = {"email": email, "password": PASSWORD, "display_name": "Ann"}
        started = await ann.ask("POST", "/auth/register", body)
        assert (started.status_code, started.json()) == (202, {"status": "mail_sent"})
        assert code(await ann.enter("/auth/login", {"email": email, "password": PASSWORD}))[0] == 401
        token = token_in(await letter(box, email), "link")
        entered = await ann.enter("/auth/link", {"token": token})
        assert entered.json()["user"]["email_verified"] is True
        assert (await ann.ask("GET", "/auth/me")).json()["name"] == "Ann"
        kinds = [space["kind"] for space in (await ann.ask("GET", "/workspaces")).json()["items"]]
        assert "personal" in kinds
        await ann.sign_in(email)


async def test_registering_tells_nobody_who_has_an_account(server: Server, box: Postbox) -> None:
    email = new_address()
    await create_user(server, email)
    async with Visitor(server) as eve:
        seen = []
        for address in (email, new_address()):
            before = await metric(server, "password_hashes_total")
            answer = await eve.ask("POST", "/auth/register", {"email": address, "password": OTHER})
            seen.append((answer.status_code, answer.text, await metric(server, "password_hashes_total") - before))
        assert seen == [(202, seen[0][1], 1.0)] * 2
        assert "account already" in await letter(box, email)
        assert code(await eve.enter("/auth/login", {"email": email, "password": OTHER})) == (401, "invalid_credentials")


async def test_an_address_that_was_taken_meanwhile_is_a_conflict_and_the_link_stays(
    server: Server, box: Postbox
) -> None:
    email = new_address()
    async with Visitor(server) as ann:
        await ann.ask("POST", "/auth/register", {"email": email, "password": PASSWORD})
        token = token_in(await letter(box, email), "link")
        await create_user(server, email)
        assert code(await ann.enter("/auth/link", {"token": token})) == (409, "conflict")


async def test_by_invitation_only_the_invited_address_registers(silent: Server) -> None:
    (host,) = await people(silent, "host")
    email, token = new_address(), crypto.new_secret()
    owner = await asyncpg.connect(silent.owner_dsn)
    team = await owner.fetchval(
        "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'Team', 'team') RETURNING id", UUID(host.id)
    )
    await owner.execute(
        "INSERT INTO invitations (workspace_id, invited_by, email, role, token_hash, mailed) "
        "VALUES ($1, $2, $3, 'editor', $4, true)",
        team,
        UUID(host.id),
        email,
        crypto.token_hash(token),
    )
    async with Visitor(silent) as ann:
        closed = (403, "registration_closed")
        for invitation, address in ((None, email), ("wrong", email), (token, new_address())):
            body = {"email": address, "password": PASSWORD, "invitation": invitation}
            assert code(await ann.ask("POST", "/auth/register", body)) == closed
        body = {"email": email.upper(), "password": PASSWORD, "invitation": token}
        made = await ann.enter("/auth/register", body)
        assert made.status_code == 201, made.text
        assert made.json()["user"]["email_verified"] is True
        assert (await ann.ask("GET", "/users/me")).status_code == 200
        again = await ann.ask("POST", "/auth/register", body)
        assert code(again) == (409, "conflict")
        await owner.execute("UPDATE invitations SET status = 'revoked', responded_at = now()")
        assert code(await ann.ask("POST", "/auth/register", body)) == closed
    await owner.close()


async def test_where_registration_is_closed_no_invitation_helps(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with Server(tmp_path_factory.mktemp("closed"), registration="closed") as server, Visitor(server) as ann:
        body = {"email": new_address(), "password": PASSWORD, "invitation": "x"}
        assert code(await ann.ask("POST", "/auth/register", body)) == (403, "registration_closed")
        assert (await ann.ask("GET", "/auth/providers")).json()["registration"] == "closed"
