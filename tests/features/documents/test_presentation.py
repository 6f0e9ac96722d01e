"""What is shown of documents comes from one function that looks at rights by itself, and goes out without a model."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from collab_server.adapters.postgres import Caller, Database, Plans, caller
from collab_server.features.documents import models
from collab_server.features.workspaces.models import WorkspacePage
from tests import databases
from tests.features.api_harness import ApiHarness, new_team
from tests.seeds import choose_seed
from tests.site import PLAYGROUND, Site, open_site

SHOWN = "SELECT * FROM app.documents_shown($1)"


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


async def shown(site: Site, who: str | None, ids: list[UUID], guest_role: str = "") -> dict[UUID, Any]:
    async with site.acting(who, guest_role) as conn:
        return {row["id"]: row for row in await conn.fetch(SHOWN, ids)}


async def test_it_shows_each_what_row_level_security_shows_and_with_the_same_right(site: Site) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    spaces = [site.team, PLAYGROUND]
    for name in ("ed", "vic", "eve"):
        spaces.append(
            await site.owner.fetchval(
                "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'W', 'team') RETURNING id", site.people[name]
            )
        )
    overrides: list[dict[str, bool]] = [
        {}, {"can_read": False}, {"can_edit_documents": True}, {"can_delete_documents": True, "can_comment": False},
    ]  # fmt: skip
    for space in spaces[2:]:
        for name in ("ann", "ed", "vic"):
            if dice.random() < 0.6:
                await site.owner.execute(
                    "INSERT INTO workspace_members (workspace_id, user_id, role, permissions, is_active) "
                    "VALUES ($1, $2, $3::text::workspace_role, $4::jsonb, $5) ON CONFLICT DO NOTHING",
                    space,
                    site.people[name],
                    dice.choice(("admin", "editor", "commenter", "viewer")),
                    json.dumps(dice.choice(overrides)),
                    dice.random() < 0.8,
                )
    insert = (
        "INSERT INTO documents (workspace_id, title, is_public, deleted_at, created_by) "
        "VALUES ($1, 'D', $2, CASE WHEN $3 THEN now() END, $4) RETURNING id"
    )
    ids = [
        await site.owner.fetchval(
            insert, space, dice.random() < 0.4, dice.random() < 0.3, dice.choice([*site.people.values(), None])
        )
        for space in spaces
        for _ in range(6)
    ]
    await site.owner.execute("UPDATE workspaces SET archived_at = now() WHERE id = $1", spaces[-1])
    await site.owner.execute("UPDATE workspaces SET deleted_at = now() WHERE id = $1", spaces[-2])
    visible = 0
    for who in ("ann", "ed", "vic", "eve", None):
        for guest_role in ("", "viewer", "editor"):
            rows = await shown(site, who, [*ids, uuid4()], guest_role)
            async with site.acting(who, guest_role) as conn:
                allowed = {
                    row["id"]: row
                    for row in await conn.fetch(
                        "SELECT id, deleted_at, app.document_permission(id)::text AS permission, "
                        "(SELECT slug FROM workspaces w WHERE w.id = workspace_id) AS slug, "
                        "(SELECT email FROM users u WHERE u.id = created_by) AS author "
                        "FROM documents WHERE id = ANY ($1)",
                        ids,
                    )
                }
            assert rows.keys() == allowed.keys(), (who, guest_role)
            visible += len(rows)
            for document, row in rows.items():
                if row["deleted_at"] is None:
                    assert row["permission"] == allowed[document]["permission"], (who, guest_role)
                assert row["workspace_slug"] == allowed[document]["slug"]
                assert (row["created_by_name"] is None) == (allowed[document]["author"] is None)
    assert visible > 0


async def test_of_a_public_document_a_stranger_sees_neither_tags_nor_slug_nor_names(site: Site) -> None:
    await site.owner.execute("UPDATE workspaces SET slug = 'team' WHERE id = $1", site.team)
    await site.owner.execute(
        "UPDATE documents SET is_public = true, created_by = $2 WHERE id = $1", site.plan, site.people["ann"]
    )
    tag = await site.owner.fetchval(
        "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, 'Red', 'red') RETURNING id", site.team
    )
    await site.owner.execute("INSERT INTO document_tags VALUES ($1, $2, $3)", site.plan, tag, site.team)
    await site.owner.execute(
        "INSERT INTO presence (connection_id, node_id, document_id, workspace_id, user_id, expires_at) "
        "VALUES ('c', 'n', $1, $2, $3, now() + interval '1 hour')",
        site.plan,
        site.team,
        site.people["ann"],
    )
    await site.owner.execute("UPDATE users SET avatar_url = '/picture' WHERE id = $1", site.people["ann"])
    ann = str(site.people["ann"])
    for who, tags, known in (("vic", ["Red"], True), ("eve", [], False)):
        row = (await shown(site, who, [site.plan]))[site.plan]
        assert [one["name"] for one in json.loads(row["tags"] or "[]")] == tags
        assert (row["workspace_slug"] is not None) == known
        assert (row["created_by_name"] is not None) == known
        count, ((person),) = json.loads(row["present"])
        assert count == 1
        assert person["user_id"] == ann
        assert (person["name"] is not None) == known
        assert (person["avatar_url"] is not None) == known


async def test_tags_and_standing_of_a_workspace_are_told_to_its_people_only(site: Site) -> None:
    plans = [site.plan, *[await site.document(site.team) for _ in range(2)]]
    for slug, tagged in (("red", plans), ("blue", plans[:1])):
        tag = await site.owner.fetchval(
            "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, $2, $2) RETURNING id", site.team, slug
        )
        for document in tagged:
            await site.owner.execute("INSERT INTO document_tags VALUES ($1, $2, $3)", document, tag, site.team)
    for who in ("ann", "vic", "eve", None):
        member = who in ("ann", "vic")
        async with site.acting(who) as conn:
            standing = await conn.fetch("SELECT * FROM app.standing($1)", site.team)
            assert len(standing) == member
            counts = await conn.fetch(
                "SELECT app.tagged_documents($1, id) FROM tags WHERE workspace_id = $1 ORDER BY slug", site.team
            )
            assert [row[0] for row in counts] == ([1, 3] if member else [])
            for slugs, most, tags, documents in (
                (["red"], 3, 1, set(plans)),
                (["red"], 2, 1, None),
                (["blue", "red"], 1, 2, {site.plan}),
                (["none", "red"], 5, 1, set()),
            ):
                row = await conn.fetchrow("SELECT * FROM app.tagged_with($1, $2, $3)", site.team, slugs, most)
                assert row is not None
                if member:
                    assert len(row["tags"]) == tags
                    assert (None if row["documents"] is None else set(row["documents"])) == documents
                else:
                    assert (row["tags"], row["documents"]) == ([], [])
    tag = await site.owner.fetchval("SELECT id FROM tags WHERE slug = 'red'")
    assert await site.value("eve", "SELECT app.tagged_documents($1, $2)", site.team, tag) == 0


async def test_the_answers_are_what_the_models_say(api: ApiHarness) -> None:
    team, slug = await new_team(api.server, api.staff)
    empty = ApiHarness(api.server, team, slug, api.staff)
    odd = {"a": [1, 2.5, None, {"ä": '\U0001f600 " \\ \u2028'}], "big": 123456789012345678901234567890}
    made = await empty.make(title='A "title" \\', tags=["Red", "a \"b\" 'c'"], metadata=odd, content="one\n\ttwo " * 60)
    await empty.make(title="plain")
    await empty.viewer.put(f"/documents/{made['id']}/favourite")
    asked: list[tuple[str, type[BaseModel]]] = [
        (f"/workspaces/{team}/documents", models.DocumentPage),
        ("/documents/favourites", models.DocumentPage),
        ("/documents/recent", models.DocumentPage),
        (f"/documents/{made['id']}", models.DocumentOut),
        (f"/documents/lookup?address={made['id']}", models.DocumentOut),
        ("/workspaces", WorkspacePage),
    ]
    for path, model in asked:
        answer = await empty.viewer.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(model.model_validate_json(answer.content).model_dump_json()) == answer.json(), path
    one = (await empty.viewer.get(f"/documents/{made['id']}")).json()
    assert one["metadata"] == odd
    assert [tag["name"] for tag in one["tags"]] == ["a \"b\" 'c'", "Red"]
    assert {key: one[key] for key in made.keys() - {"is_favourite", "role", "view_count"}} == {
        key: made[key] for key in made.keys() - {"is_favourite", "role", "view_count"}
    }


@pytest.mark.parametrize("conforming", ["on", "off"])
async def test_a_transaction_says_who_asks_from_where_whatever_the_headers_hold(conforming: str) -> None:
    async with databases.migrated() as database:
        db = Database(
            f"{database.login_dsn}&standard_conforming_strings={conforming}"
            if "?" in database.login_dsn
            else f"{database.login_dsn}?standard_conforming_strings={conforming}"
        )
        await db.open()
        odd = Caller("127.0.0.1", "it's \\'; DROP TABLE users; -- \" $1 \n ä", "\\", "''")
        token = caller.set(odd)
        try:
            async with db.as_user(PLAYGROUND) as conn:
                assert await conn.fetchval("SHOW standard_conforming_strings") == conforming
                names = ("client_ip", "user_agent", "device_id", "client_version", "current_user_id")
                told = [await conn.fetchval("SELECT current_setting('app.' || $1)", name) for name in names]
                assert told == [odd.ip, odd.user_agent, odd.device_id, odd.client_version, str(PLAYGROUND)]
                assert await conn.fetchval("SELECT current_user") == "app_readwrite"
        finally:
            caller.reset(token)
            await db.close()


PLANS: tuple[Plans, ...] = ("force_generic_plan", "auto", "force_generic_plan", "auto")


async def test_how_statements_are_planned_ends_with_the_transaction() -> None:
    async with databases.migrated() as database:
        db = Database(database.login_dsn, pool_size=1)
        await db.open()
        try:
            told = []
            for plans in PLANS:
                async with db.as_user(None, plans) as conn:
                    told.append(await conn.fetchval("SHOW plan_cache_mode"))
            assert told == list(PLANS)
        finally:
            await db.close()
