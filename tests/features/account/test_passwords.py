"""Passwords chosen, changed, forgotten and reset; accounts that people register themselves."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.features.auth.links import RESET_LIFETIME
from collab_server.features.auth.throttle import MAILS_PER_ACCOUNT, MAILS_PER_ACCOUNT_AND_ADDRESS
from collab_server.features.users.passwords import Passwords
from collab_server.observability.metrics import Counts
from collab_server.security import tokens
from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user, metric
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
        resetting = {"token": "none", "new_password": chosen}
        if answer[1] == "invalid":
            assert code(await ann.ask("POST", "/auth/password/reset", resetting)) == answer
            finishing = {"token": "none", "password": chosen}
            assert code(await ann.ask("POST", "/auth/register/finish", finishing)) == answer


async def test_long_and_foreign_passwords_work_however_composed(server: Server) -> None:
    email = new_address()
    await create_user(server, email, password="pa\u00dfwort \u00e9t\u00e9 " + "\U0001f511" * 500)
    async with Visitor(server) as ann:
        await ann.sign_in(email, "pa\u00dfwort e\u0301te\u0301 " + "\U0001f511" * 500)


async def test_a_hash_takes_64_megabytes() -> None:
    # The servers of other tests hash cheaply (tests/forker.py).
    assert (await Passwords(Counts()).hash(PASSWORD)).startswith("$argon2id$v=19$m=65536,t=3,p=2$")


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
        assert renewed != old
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
    await until(lambda: "mail not sent: too many requests" in server.log, "a mail that was not sent")
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


async def test_an_open_registration_is_finished_behind_the_mailed_link(server: Server, box: Postbox) -> None:
    email = new_address()
    async with Visitor(server) as ann:
        started = await ann.ask("POST", "/auth/register", {"email": email})
        assert (started.status_code, started.json()) == (202, {"status": "mail_sent"})
        token = token_in(await letter(box, email), "register")
        assert code(await ann.enter("/auth/link", {"token": token})) == (401, "invalid_credentials")
        poor = await ann.enter("/auth/register/finish", {"token": token, "password": email})
        assert code(poor) == (422, "unprocessable")
        body = {"token": token, "password": PASSWORD, "display_name": "Ann"}
        entered = await ann.enter("/auth/register/finish", body)
        assert (entered.status_code, entered.json()["user"]["email_verified"]) == (201, True)
        assert (await ann.ask("GET", "/auth/me")).json()["name"] == "Ann"
        kinds = [space["kind"] for space in (await ann.ask("GET", "/workspaces")).json()["items"]]
        assert "personal" in kinds
        hashes = await metric(server, "password_hashes_total")
        assert code(await ann.enter("/auth/register/finish", body)) == (401, "invalid_credentials")
        assert await metric(server, "password_hashes_total") == hashes
        await ann.sign_in(email)


async def test_nothing_that_a_stranger_entered_is_in_the_account_of_the_addresss_owner(
    server: Server, box: Postbox
) -> None:
    email = new_address()
    async with Visitor(server) as eve, Visitor(server) as victim:
        refused = await eve.ask("POST", "/auth/register", {"email": email, "password": OTHER, "display_name": "Eve"})
        assert code(refused) == (422, "unprocessable")
        for visitor in (eve, victim):
            assert (await visitor.ask("POST", "/auth/register", {"email": email})).status_code == 202
        first, second = [token_in(await letter(box, email, number), "register") for number in (1, 2)]
        made = await victim.enter("/auth/register/finish", {"token": first, "password": PASSWORD})
        assert (made.status_code, made.json()["user"]["display_name"]) == (201, None)
        assert code(await eve.enter("/auth/login", {"email": email, "password": OTHER})) == (401, "invalid_credentials")
        late = await eve.enter("/auth/register/finish", {"token": second, "password": OTHER})
        assert code(late) == (401, "invalid_credentials")
        await victim.sign_in(email)


async def test_registering_tells_nobody_who_has_an_account(server: Server, box: Postbox) -> None:
    email = new_address()
    await create_user(server, email)
    async with Visitor(server) as eve:
        seen = []
        for address in (email, new_address()):
            before = await metric(server, "password_hashes_total")
            answer = await eve.ask("POST", "/auth/register", {"email": address})
            seen.append((answer.status_code, answer.text, await metric(server, "password_hashes_total") - before))
        assert seen == [(202, seen[0][1], 0.0)] * 2
        assert "account already" in await letter(box, email)


async def test_an_address_that_was_taken_meanwhile_is_a_conflict_and_the_link_stays(
    server: Server, box: Postbox
) -> None:
    email = new_address()
    async with Visitor(server) as ann:
        await ann.ask("POST", "/auth/register", {"email": email})
        token = token_in(await letter(box, email), "register")
        await create_user(server, email)
        for _ in range(2):
            finished = await ann.enter("/auth/register/finish", {"token": token, "password": PASSWORD})
            assert code(finished) == (409, "conflict")


async def test_an_account_of_an_address_that_nobody_proved_keeps_no_way_in_when_its_owner_resets(
    server: Server, box: Postbox
) -> None:
    """Such as one that a stranger made while this server sent no mail, or by an invitation that was handed over."""
    email = new_address()
    user_id = UUID(await create_user(server, email))
    owner = await asyncpg.connect(server.owner_dsn)
    await owner.execute("INSERT INTO user_identities (issuer, subject, user_id) VALUES ('i', $1, $2)", email, user_id)
    async with Visitor(server) as eve, Visitor(server) as victim:
        await eve.sign_in(email)
        token = (await eve.ask("POST", "/auth/tokens", {"name": "t", "scope": "admin"})).json()["token"]
        await victim.ask("POST", "/auth/password/forgot", {"email": email})
        reset = token_in(await letter(box, email), "reset")
        body = {"token": reset, "new_password": OTHER, "revoke_tokens": False}
        assert (await victim.enter("/auth/password/reset", body)).status_code == 200
        bearer = {"authorization": f"Bearer {token}"}
        assert code(await victim.http.get("/users/me", headers=bearer)) == (401, "unauthenticated")
        assert code(await eve.ask("GET", "/users/me")) == (401, "unauthenticated")
        assert not await owner.fetchval("SELECT count(*) FROM user_identities WHERE user_id = $1", user_id)
    await owner.close()


async def test_mails_that_others_ask_for_hold_no_reset_back_from_its_owner(server: Server, box: Postbox) -> None:
    email = new_address()
    await create_user(server, email)
    async with Visitor.from_place(server, "127.0.0.77") as ann:
        await ann.sign_in(email)
    held_back = server.log.count("mail not sent: too many requests")
    asked = 0
    for place in range(10, 18):
        async with Visitor.from_place(server, f"127.0.0.{place}") as stranger:
            for _ in range(3):
                assert (await stranger.ask("POST", "/auth/password/forgot", {"email": email})).status_code == 202
                asked += 1
    await until(
        lambda: len(box.to(email)) + server.log.count("mail not sent: too many requests") - held_back == asked,
        "all requests",
    )
    sent = len(box.to(email))
    assert sent >= MAILS_PER_ACCOUNT.free
    # As if the strangers went on and on: nobody whom the account does not know gets a mail sent now.
    owner = await asyncpg.connect(server.owner_dsn)
    await owner.execute(
        "UPDATE sign_in_attempts SET blocked_until = now() + interval '30 minutes' WHERE key = $1",
        hashlib.sha256(f"mail to\0reset\0{email}".encode()).digest(),
    )
    await owner.close()
    async with Visitor.from_place(server, "127.0.0.30") as stranger, Visitor.from_place(server, "127.0.0.77") as ann:
        held_back = server.log.count("mail not sent: too many requests")
        await stranger.ask("POST", "/auth/password/forgot", {"email": email})
        await until(
            lambda: server.log.count("mail not sent: too many requests") == held_back + 1, "a mail that was not sent"
        )
        await ann.ask("POST", "/auth/password/forgot", {"email": email})
        token = token_in(await letter(box, email, sent + 1), "reset")
        assert (await ann.enter("/auth/password/reset", {"token": token, "new_password": OTHER})).status_code == 200


def test_whenever_a_mail_is_held_back_the_last_one_has_a_link_that_works() -> None:
    for rule in (MAILS_PER_ACCOUNT, MAILS_PER_ACCOUNT_AND_ADDRESS):
        assert rule.longest <= RESET_LIFETIME / 2


async def test_by_invitation_only_the_invited_address_registers(silent: Server) -> None:
    (host,) = await people(silent, "host")
    email, token = new_address(), tokens.new_secret()
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
        tokens.token_hash(token),
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
