"""Deleting a user: what goes, what stays, and who gets what was theirs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user
from tests.people import Person, people
from tests.server import Server


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("deletion")) as running:
        yield running


@pytest.fixture(scope="module")
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield conn
    await conn.close()


async def team(owner: asyncpg.Connection, by: Person, *members: tuple[Person, str]) -> UUID:
    """A team workspace; members joined in this order."""
    made: UUID = await owner.fetchval(
        "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'Team', 'team') RETURNING id", UUID(by.id)
    )
    for number, (member, role) in enumerate(members):
        await owner.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at) "
            "VALUES ($1, $2, $3::text::workspace_role, now() - make_interval(days => 100 - $4))",
            made,
            UUID(member.id),
            role,
            number,
        )
    return made


async def roles(owner: asyncpg.Connection, workspace: UUID) -> dict[str, str]:
    rows = await owner.fetch("SELECT user_id, role::text FROM workspace_members WHERE workspace_id = $1", workspace)
    return {str(row[0]): row[1] for row in rows}


async def owner_of(owner: asyncpg.Connection, workspace: UUID) -> tuple[str, bool]:
    """(its owner, whether it is deleted)"""
    row = await owner.fetchrow("SELECT owner_id, deleted_at IS NOT NULL FROM workspaces WHERE id = $1", workspace)
    assert row is not None
    return str(row[0]), row[1]


async def test_documents_stay_and_the_team_passes_to_the_longest_serving_admin(
    server: Server, owner: asyncpg.Connection
) -> None:
    ann, ed, bea, cem = await people(server, "ann", "ed", "bea", "cem")
    space = await team(owner, ann, (ed, "editor"), (bea, "admin"), (cem, "admin"))
    document = (await ann.post(f"/workspaces/{space}/documents", json={"title": "Plan"})).json()["id"]
    gone = await ann.request("DELETE", "/users/me", json={"confirm": ann.email.upper()})
    assert gone.status_code == 204, gone.text
    assert await owner_of(owner, space) == (bea.id, False)
    assert await roles(owner, space) == {bea.id: "owner", cem.id: "admin", ed.id: "editor"}
    assert (await ed.get(f"/documents/{document}")).json()["title"] == "Plan"
    log = (await bea.get(f"/workspaces/{space}/activity", params={"entity_type": "document"})).json()["items"]
    assert [(entry["action"], entry["actor"]) for entry in log] == [("create", None)], "what was done, not who did it"
    assert await owner.fetchval("SELECT created_by FROM documents WHERE id = $1", UUID(document)) == UUID(ann.id)


async def test_without_admins_the_next_role_and_the_longest_there_inherit_but_nobody_inactive(
    server: Server, owner: asyncpg.Connection
) -> None:
    ann, asleep, away, vic, ed, eli = await people(server, "ann", "asleep", "away", "vic", "ed", "eli")
    space = await team(owner, ann, (asleep, "admin"), (away, "admin"), (vic, "viewer"), (ed, "editor"), (eli, "editor"))
    await owner.execute("UPDATE users SET is_active = false WHERE id = $1", UUID(asleep.id))
    await owner.execute(
        "UPDATE workspace_members SET is_active = false WHERE workspace_id = $1 AND user_id = $2", space, UUID(away.id)
    )
    await ann.request("DELETE", "/users/me", json={"confirm": ann.email})
    assert await owner_of(owner, space) == (ed.id, False)
    await ed.request("DELETE", "/users/me", json={"confirm": ed.email})
    assert await owner_of(owner, space) == (eli.id, False)
    await eli.request("DELETE", "/users/me", json={"confirm": eli.email})
    assert await owner_of(owner, space) == (vic.id, False)
    await vic.request("DELETE", "/users/me", json={"confirm": vic.email})
    assert await owner_of(owner, space) == (vic.id, True)


async def test_the_personal_workspace_and_the_person_go(server: Server, owner: asyncpg.Connection) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    user_id = await create_user(server, email, "--name", "Ann")
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        await ann.ask("PATCH", "/users/me", {"username": f"ann{user_id[:8]}", "bio": "about Ann"})
        await ann.ask("PATCH", "/users/me/settings", {"theme": "dark"})
        token = (await ann.ask("POST", "/auth/tokens", {"name": "t"})).json()["token"]
        await server.command("user", "link", email)
        personal: UUID = await owner.fetchval(
            "SELECT id FROM workspaces WHERE owner_id = $1 AND kind = 'personal'", UUID(user_id)
        )
        document = (await ann.ask("POST", f"/workspaces/{personal}/documents", {"title": "Mine"})).json()["id"]
        assert (await ann.ask("PUT", f"/documents/{document}/favourite")).status_code == 204
        for proof in ({}, {"password": "wrong password"}, {"confirm": email}):
            assert code(await ann.ask("DELETE", "/users/me", proof)) == (401, "invalid_credentials")
        answer = await ann.ask("DELETE", "/users/me", {"password": PASSWORD})
        assert answer.status_code == 204
        assert not ann.http.cookies
        with_token = await ann.http.get("/users/me", headers={"authorization": f"Bearer {token}"})
        assert code(with_token) == (401, "unauthenticated")
    assert await owner_of(owner, personal) == (user_id, True)
    tables = (
        "document_views",
        "document_favourites",
        "sessions",
        "access_tokens",
        "user_credentials",
        "user_settings",
        "sign_in_links",
        "user_activity_days",
    )
    for table in tables:
        assert await owner.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", UUID(user_id)) == 0, table
    row = await owner.fetchval("SELECT to_jsonb(u)::text FROM users u WHERE id = $1", UUID(user_id))
    assert email not in row
    assert "about Ann" not in row
    again = await create_user(server, email, "--name", "Another Ann")
    assert again != user_id


async def test_two_owners_who_leave_at_once_leave_the_team_to_the_third(
    server: Server, owner: asyncpg.Connection
) -> None:
    for _ in range(5):
        ann, bea, cem = await people(server, "ann", "bea", "cem")
        space = await team(owner, ann, (bea, "admin"), (cem, "editor"))

        async def leave(person: Person) -> int:
            return (await person.request("DELETE", "/users/me", json={"confirm": person.email})).status_code

        assert list(await asyncio.gather(leave(ann), leave(bea))) == [204, 204]
        assert await owner_of(owner, space) == (cem.id, False)
        assert await roles(owner, space) == {cem.id: "owner"}


async def test_of_two_administrators_who_leave_at_once_one_stays(server: Server, owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE users SET role = 'user' WHERE role = 'admin'")
    pair = await people(server, "root", "toor", admin=True)
    answers = await asyncio.gather(
        *(person.request("DELETE", "/users/me", json={"confirm": person.email}) for person in pair)
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_the_command_deletes_too(server: Server, owner: asyncpg.Connection) -> None:
    (ann,) = await people(server, "ann")
    assert await server.command("user", "delete", ann.email, "--yes") == f"{ann.email} is deleted"
    assert code(await ann.get("/users/me")) == (401, "unauthenticated")
    found: Any = await owner.fetchval("SELECT deleted_at FROM users WHERE id = $1", UUID(ann.id))
    assert found is not None
