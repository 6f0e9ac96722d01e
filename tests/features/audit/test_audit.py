"""Who did what, and who tried to sign in: with actor and address, for server administrators, and bounded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.features.auth.sign_in_log import BURST, TokenBucket
from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user, metric
from tests.people import Person, people
from tests.server import Server
from tests.waiting import until

DAYS = 7


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("audit"), activity_days=DAYS) as running:
        yield running


@pytest.fixture(scope="module")
async def root(server: Server) -> Person:
    return (await people(server, "root", admin=True))[0]


@pytest.fixture
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield conn
    await conn.close()


async def audit(root: Person, **wanted: str) -> list[dict[str, Any]]:
    answer = await root.get("/admin/audit", params={"limit": "200", **wanted})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def told(entries: list[dict[str, Any]]) -> list[tuple[str | None, str, str | None]]:
    return [(e["actor"] and e["actor"]["name"], e["action"], e["ip_address"]) for e in entries]


async def test_administration_has_an_actor_and_an_address(server: Server, root: Person) -> None:
    email = f"bob-{uuid4().hex[:8]}@example.com"
    made = (await root.post("/users", json={"email": email, "display_name": "Bob"})).json()
    user = made["user"]["id"]
    for change in ({"role": "admin"}, {"role": "user"}, {"is_active": False}, {"is_active": True}):
        assert (await root.patch(f"/users/{user}", json=change)).status_code == 200
    link = (await root.post(f"/users/{user}/link")).json()["link"]
    entries = await audit(root, entity_type="user", entity_id=user)
    assert told(entries) == [("root", "update", "127.0.0.1")] * 4 + [("root", "create", "127.0.0.1")]
    assert [e["data"].get("new") for e in entries][:2] == [{"is_active": True}, {"is_active": False}]
    assert entries[3]["data"] == {"old": {"role": "user"}, "new": {"role": "admin"}}
    links = await audit(root, entity_type="sign_in_link", entity_id=user)
    assert told(links) == [("root", "create", "127.0.0.1")] * 2
    assert all(link.partition("=")[2] not in str(entry) for entry in links)
    async with Visitor(server) as bob:
        await bob.enter("/auth/link", {"token": link.partition("=")[2]})
        [session] = (await bob.ask("GET", "/auth/sessions")).json()["items"]
        assert session["signed_in_by"] == "administrator_link"
        [entry] = await audit(root, actor=user, action="sign_in")
        assert entry["data"] == {"by": "administrator_link", "link_made_by": root.id}
        token = (await bob.ask("POST", "/auth/tokens", {"name": "t"})).json()["id"]
        assert (await root.delete(f"/users/{user}")).status_code == 204
    # The administrator's deeds stay; of Bob's own there is nothing that names him.
    assert told(await audit(root, entity_type="user", entity_id=user))[0] == ("root", "delete", "127.0.0.1")
    assert told(await audit(root, entity_type="access_token", entity_id=token)) == [
        ("root", "delete", "127.0.0.1"),
        (None, "create", None),
    ]


async def test_tokens_have_an_actor_and_an_address(server: Server, root: Person) -> None:
    (ann,) = await people(server, "ann")
    made = (await ann.post("/auth/tokens", json={"name": "backup", "scope": "admin"})).json()
    bearer = {"authorization": f"Bearer {made['token']}"}
    child = (await ann.post("/auth/tokens", json={"name": "child"}, headers=bearer)).json()
    await ann.delete(f"/auth/tokens/{made['id']}")
    for token in (made, child):
        entries = await audit(root, entity_type="access_token", entity_id=token["id"])
        assert told(entries) == [("ann", "revoke", "127.0.0.1"), ("ann", "create", "127.0.0.1")]
        assert entries[1]["data"]["new"]["user_id"] == ann.id
        assert token["token"] not in str(entries)


async def test_what_commands_do_is_the_operators(server: Server, root: Person) -> None:
    email = f"cem-{uuid4().hex[:8]}@example.com"
    user = await create_user(server, email)
    await server.command("token", "create", email)
    link = (await server.command("user", "link", email)).partition("=")[2]
    async with Visitor(server) as cem:
        await cem.enter("/auth/link", {"token": link})
        [session] = (await cem.ask("GET", "/auth/sessions")).json()["items"]
        assert session["signed_in_by"] == "operator_link"
    await server.command("user", "deactivate", email)
    [token] = [
        e for e in await audit(root, entity_type="access_token") if e["data"].get("new", {}).get("user_id") == user
    ]
    [ended] = [e for e in await audit(root, action="sign_out") if e["data"].get("user_id") == user]
    entries = [*await audit(root, entity_type="user", entity_id=user), token, ended]
    assert [e["action"] for e in entries] == ["update", "create", "create", "sign_out"]
    assert {(e["actor"]["id"], e["actor"]["name"], e["ip_address"]) for e in entries} == {(None, "operator", None)}


async def test_sign_ins_sign_outs_and_failures_are_in_the_audit_and_in_the_log(server: Server, root: Person) -> None:
    email, nobody = [f"{name}-{uuid4().hex[:8]}@example.com" for name in ("dan", "nobody")]
    user = await create_user(server, email)
    failures = await metric(server, "sign_in_failures_total")
    async with Visitor.from_place(server, "127.0.0.50") as dan:
        await dan.enter("/auth/login", {"email": email, "password": "not the password"})
        await dan.enter("/auth/login", {"email": nobody, "password": "not the password"})
        await dan.enter("/auth/link", {"token": "not a token"})
        await dan.sign_in(email)
        await dan.ask(
            "POST", "/auth/password", {"current_password": "not this one", "new_password": "x" * 5 + "yz" * 5}
        )
        await dan.ask("POST", "/auth/logout")

    async def complete() -> bool:
        return len(await audit(root, ip_address="127.0.0.50", action="sign_in_failed")) == 4

    await until(complete, "four failures in the audit")
    assert await metric(server, "sign_in_failures_total") == failures + 4
    entries = await audit(root, ip_address="127.0.0.50")
    failed = {
        (e["entity_type"], e["entity_id"], e["data"]["reason"]) for e in entries if e["action"] == "sign_in_failed"
    }
    assert failed == {
        ("user", user, "wrong_password"),
        ("address", nobody, "wrong_password"),
        ("address", "", "link"),
    }
    rest = [(e["action"], e["actor"]["id"], e["entity_type"]) for e in entries if e["action"] != "sign_in_failed"]
    assert rest == [("sign_out", user, "session"), ("sign_in", user, "session")]
    lines = [line for line in server.log.splitlines() if "127.0.0.50" in line]
    assert [
        sum(f'"{message}"' in line for line in lines) for message in ("sign-in failed", "signed in", "signed out")
    ] == [
        4,
        1,
        1,
    ]
    for secret in ("not the password", "not a token", "not this one", PASSWORD):
        assert secret not in server.log
        assert secret not in str(entries)


async def test_a_flood_of_failures_fills_neither_the_log_nor_the_audit(tmp_path: Path) -> None:
    """On a server of its own, where it leaves no room for the records of other tests."""
    async with Server(tmp_path) as server:
        owner = await asyncpg.connect(server.owner_dsn)
        before = await owner.fetchval("SELECT count(*) FROM activity_log")
        lines = server.log.count('"sign-in failed"')
        failures = await metric(server, "sign_in_failures_total")
        async with Visitor.from_place(server, "127.0.0.51") as eve:
            for _ in range(3 * BURST):
                await eve.enter("/auth/link", {"token": "guess"})
        assert await metric(server, "sign_in_failures_total") == failures + 3 * BURST
        assert server.log.count('"sign-in failed"') - lines < 2 * BURST
        assert await owner.fetchval("SELECT count(*) FROM activity_log") - before < 2 * BURST
        await owner.close()


def test_what_was_left_out_is_counted_and_told() -> None:
    now = 0.0
    allowance = TokenBucket(2, 0.5, lambda: now)
    assert [allowance.take() for _ in range(4)] == [0, 0, None, None]
    now = 2.0
    assert [allowance.take() for _ in range(2)] == [2, None]
    now = 1000.0
    assert [allowance.take() for _ in range(3)] == [1, 0, None]


async def test_the_audit_is_paged_and_filtered_and_for_administrators_alone(
    server: Server, root: Person, owner: asyncpg.Connection
) -> None:
    (ann,) = await people(server, "ann")
    names = [f"t{n}" for n in range(5)]
    for name in names:
        assert (await ann.post("/auth/tokens", json={"name": name})).status_code == 201
    seen: list[str] = []
    cursor = None
    while True:
        wanted = {
            "actor": ann.id,
            "entity_type": "access_token",
            "limit": "2",
            **({"cursor": cursor} if cursor else {}),
        }
        page = (await root.get("/admin/audit", params=wanted)).json()
        seen += [entry["data"]["new"]["name"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names[::-1]
    newest, *_, oldest = await audit(root, actor=ann.id)
    assert [e["id"] for e in await audit(root, actor=ann.id, since=newest["at"])] == [newest["id"]]
    assert newest["id"] not in [e["id"] for e in await audit(root, actor=ann.id, until=newest["at"])]
    assert await audit(root, actor=ann.id, until=oldest["at"]) == []
    for bad in ({"cursor": "x"}, {"cursor": "WyJ1c2VycyIsIDFd"}):
        assert code(await root.get("/admin/audit", params=bad)) == (400, "malformed")
    weak = await root.with_scope("write")
    for person in (ann, weak):
        assert code(await person.get("/admin/audit")) == (403, "forbidden")
    # In PostgreSQL itself too: a person's transaction sees rows of that person only, an administrator's all.
    count = "SELECT count(*) FROM activity_log WHERE actor_id IS DISTINCT FROM app.user_id() AND workspace_id IS NULL"
    for person, others in ((ann, False), (root, True)):
        async with owner.transaction():
            await owner.execute(
                "SELECT set_config('role', 'app_readwrite', true), set_config('app.current_user_id', $1, true)",
                person.id,
            )
            assert (await owner.fetchval(count) > 0) is others


async def test_the_audit_is_kept_as_long_as_the_setting_says(
    server: Server, root: Person, owner: asyncpg.Connection
) -> None:
    insert = (
        "INSERT INTO activity_log (created_at, action, entity_type, entity_id) "
        "VALUES (now() - make_interval(hours => $1), 'old', 'test', $2)"
    )
    await owner.execute(insert, DAYS * 24 - 1, "young")
    await owner.execute(insert, DAYS * 24 + 1, "old")
    await server.maintain()
    assert [e["entity_id"] for e in await audit(root, action="old")] == ["young"]


async def test_an_account_that_is_deleted_leaves_no_name_and_no_address_in_the_audit(
    server: Server, owner: asyncpg.Connection
) -> None:
    email = f"eva-{uuid4().hex[:8]}@example.com"
    async with Visitor.from_place(server, "127.0.0.60") as eva:
        await eva.enter("/auth/login", {"email": email, "password": "not yet"})
        user = await create_user(server, email, "--name", "Eva Example")
        await eva.enter("/auth/login", {"email": email, "password": "not this"})
        await eva.sign_in(email)
        await eva.ask("POST", "/auth/tokens", {"name": "token of Eva Example"})
        failed = "SELECT count(*) = 2 FROM activity_log WHERE action = 'sign_in_failed' AND ip_address = '127.0.0.60'"

        async def both() -> bool:
            return bool(await owner.fetchval(failed))

        await until(both, "two failures in the audit")
        assert (await eva.ask("DELETE", "/users/me", {"password": PASSWORD})).status_code == 204
    left = "\n".join(row[0] for row in await owner.fetch("SELECT a::text FROM activity_log a"))
    for trace in (email, "Eva Example", "127.0.0.60"):
        assert trace not in left, trace
    assert await owner.fetchval("SELECT count(*) FROM activity_log WHERE actor_id = $1", UUID(user)) == 0
