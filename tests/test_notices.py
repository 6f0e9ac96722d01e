"""Which changes tell the servers that access is another now, and which must not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import databases
from tests.site import PLAYGROUND, Site, open_site


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


@asynccontextmanager
async def listening(site: Site) -> AsyncIterator[list[str]]:
    """What is heard within the block: everything that was committed in it."""
    heard: list[str] = []
    last = asyncio.Event()

    def hear(*notice: object) -> None:
        payload = str(notice[3])
        last.set() if payload == "last" else heard.append(payload)

    conn = site.owner
    await conn.add_listener("collab_access", hear)
    try:
        yield heard
        # Notices come in the order of the commits.
        await conn.execute("SELECT pg_notify('collab_access', 'last')")
        await asyncio.wait_for(last.wait(), 10)
    finally:
        await conn.remove_listener("collab_access", hear)


async def test_a_member_who_comes_changes_or_goes_is_told_of(site: Site) -> None:
    eve = site.people["eve"]
    for change in (
        "INSERT INTO workspace_members (workspace_id, user_id) VALUES ($1, $2)",
        "UPDATE workspace_members SET role = 'editor' WHERE workspace_id = $1 AND user_id = $2",
        """UPDATE workspace_members SET permissions = '{"can_comment": false}'
           WHERE workspace_id = $1 AND user_id = $2""",
        "UPDATE workspace_members SET is_active = false WHERE workspace_id = $1 AND user_id = $2",
        "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2",
    ):
        async with listening(site) as heard:
            await site.owner.execute(change, site.team, eve)
        assert heard == [f"user {eve}"], change


async def test_a_document_that_goes_moves_opens_or_closes_is_told_of(site: Site) -> None:
    for change in (
        "deleted_at = now()",
        "deleted_at = NULL",
        "is_public = true",
        "generation = generation + 1",
        """settings = '{"collaboration": false}'""",
        "type = 'note'",
        "expires_at = now() + interval '1 hour'",
        f"workspace_id = '{PLAYGROUND}'",
    ):
        async with listening(site) as heard:
            await site.owner.execute(f"UPDATE documents SET {change} WHERE id = $1", site.plan)
        assert heard == [f"document {site.plan}"], change
    async with listening(site) as heard:
        await site.owner.execute("DELETE FROM documents WHERE id = $1", site.plan)
    assert heard == [f"document {site.plan}"]


async def test_a_workspace_that_is_archived_deleted_or_handed_over_is_told_of(site: Site) -> None:
    for change in ("archived_at = now()", "archived_at = NULL", "deleted_at = now()", "deleted_at = NULL"):
        async with listening(site) as heard:
            await site.owner.execute(f"UPDATE workspaces SET {change} WHERE id = $1", site.team)
        assert heard == [f"workspace {site.team}"], change
    async with listening(site) as heard:
        await site.owner.execute("DELETE FROM workspaces WHERE id = $1", site.team)
    assert f"document {site.plan}" in heard
    assert set(heard) == {f"document {site.plan}", *(f"user {site.people[name]}" for name in ("ann", "ed", "vic"))}


async def test_a_person_or_token_that_ends_is_told_of(site: Site) -> None:
    eve, token = site.people["eve"], uuid4()
    await site.owner.execute(
        "INSERT INTO access_tokens (id, user_id, name, token_hash) VALUES ($1, $2, 'x', sha256('x'))", token, eve
    )
    for change in ("expires_at = now()", "scopes = '{write}'", "revoked_at = now()"):
        async with listening(site) as heard:
            await site.owner.execute(f"UPDATE access_tokens SET {change} WHERE id = $1", token)
        assert heard == [f"token {token}"], change
    insert = "INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES ($1, $2, sha256($3), $4)"
    session, old, soon = uuid4(), uuid4(), datetime.now(UTC) + timedelta(hours=1)
    await site.owner.execute(insert, session, eve, b"a", soon)
    await site.owner.execute(insert, old, eve, b"b", soon)
    async with listening(site) as heard:
        await site.owner.execute("DELETE FROM sessions WHERE id = $1", session)
        await site.owner.execute("UPDATE sessions SET created_at = '2000-01-01', expires_at = '2000-01-02'")
        await site.owner.execute("DELETE FROM sessions")
    assert heard == [f"session {session}", f"session {old}"], "the end of one that had expired is no news"
    for change in ("is_active = false", "deleted_at = now()", "role = 'admin'"):
        async with listening(site) as heard:
            await site.owner.execute(f"UPDATE users SET {change} WHERE id = $1", eve)
        assert heard == [f"user {eve}"], change
    async with listening(site) as heard:
        await site.owner.execute("DELETE FROM users WHERE id = $1", eve)
    assert sorted(heard) == [f"token {token}", f"user {eve}"]


async def test_what_changes_often_in_one_transaction_is_told_once_and_what_is_rolled_back_never(site: Site) -> None:
    change = "UPDATE documents SET is_public = NOT is_public WHERE id = $1"
    async with listening(site) as heard:
        async with site.owner.transaction():
            for _ in range(3):
                await site.owner.execute(change, site.plan)
        rolled_back = site.owner.transaction()
        await rolled_back.start()
        await site.owner.execute("UPDATE workspaces SET archived_at = now() WHERE id = $1", site.team)
        await rolled_back.rollback()
    assert heard == [f"document {site.plan}"]


async def test_ordinary_work_tells_nobody(site: Site) -> None:
    eve = site.people["eve"]
    await site.owner.execute("INSERT INTO access_tokens (user_id, name, token_hash) VALUES ($1, 'x', sha256('x'))", eve)
    async with listening(site) as heard:
        await site.append((site.plan, b"a"), (site.plan, b"b"))
        folded = "SELECT app.compact_document($1, 0, 2, 'state', 'vector', 'text', 1)"
        assert await site.value("server", folded, site.plan) is True
        await site.value("server", "SELECT app.refresh_search()")
        await site.document(site.team, "Another")
        for change in (
            "title = 'New', description = 'New', status = 'active', metadata = '{}', deleted_at = deleted_at",
            """settings = '{"font": "serif"}'""",
            "expires_at = expires_at, is_template = true",
        ):
            await site.owner.execute(f"UPDATE documents SET {change} WHERE id = $1", site.plan)
        await site.owner.execute("UPDATE workspaces SET name = 'New', archived_at = archived_at")
        await site.owner.execute("UPDATE workspace_members SET last_accessed_at = now(), role = role")
        await site.owner.execute("UPDATE access_tokens SET last_used_at = now(), expires_at = expires_at")
        await site.owner.execute("UPDATE users SET display_name = 'New', last_login_at = now(), is_active = is_active")
        await site.run("ann", "INSERT INTO workspaces (owner_id, name) VALUES (app.user_id(), 'Mine')")
    # A new workspace makes its owner a member.
    assert heard == [f"user {site.people['ann']}"]


async def test_permissions_of_many_are_those_of_each(site: Site) -> None:
    public, open_to_guests, deleted = [await site.document(place) for place in (site.team, PLAYGROUND, site.team)]
    await site.owner.execute("UPDATE documents SET is_public = true WHERE id = $1", public)
    await site.owner.execute("UPDATE documents SET deleted_at = now() WHERE id = $1", deleted)
    people: list[str | None] = ["ann", "ed", "vic", "eve", None]
    documents = [site.plan, public, open_to_guests, deleted, UUID(int=77)]
    pairs = [(who, document) for who in people for document in documents]
    many = "SELECT user_id, document_id, permission::text FROM app.document_permissions_for($1, $2, $3, $4)"
    one = "SELECT app.document_permission($1)::text"
    ids = {who: None if who is None else site.people[who] for who in people}
    seen: set[str | None] = set()
    for change in (
        "SELECT 1",
        "UPDATE workspace_members SET permissions = '{\"can_edit_documents\": false}' WHERE role = 'editor'",
        "UPDATE workspace_members SET permissions = '{\"can_delete_documents\": true}' WHERE role = 'viewer'",
        "UPDATE workspace_members SET permissions = '{\"can_read\": false}' WHERE role = 'viewer'",
        "UPDATE workspace_members SET role = 'commenter', permissions = '{}' WHERE role = 'editor'",
        "UPDATE workspaces SET archived_at = now()",
        "UPDATE workspaces SET archived_at = NULL",
        "UPDATE workspace_members SET is_active = false WHERE role = 'viewer'",
        "UPDATE workspaces SET deleted_at = now() WHERE kind = 'team'",
    ):
        await site.owner.execute(change)
        for guest_role in ("", "viewer", "editor", "owner"):
            users, asked = [ids[who] for who, _ in pairs], [document for _, document in pairs]
            links = [None] * len(pairs)
            async with site.acting("server") as conn:
                found = {(row[0], row[1]): row[2] for row in await conn.fetch(many, users, links, asked, guest_role)}
            assert len(found) == len(pairs)
            for who, document in pairs:
                expected = await site.value(who, one, document, guest_role=guest_role)
                assert found[ids[who], document] == expected, (change, guest_role, who)
            seen.update(found.values())
    assert seen == {None, "read", "comment", "write", "admin"}


async def test_who_is_deactivated_may_do_nothing(site: Site) -> None:
    query = "SELECT permission::text FROM app.document_permissions_for($1, '{NULL}', $2)"
    assert await site.value("server", query, [site.people["ann"]], [site.plan]) == "admin"
    for change in ("is_active = false", "is_active = true, deleted_at = now()"):
        await site.owner.execute(f"UPDATE users SET {change} WHERE id = $1", site.people["ann"])
        assert await site.value("server", query, [site.people["ann"]], [site.plan]) is None


async def test_only_the_server_asks_for_others(site: Site) -> None:
    ask = "SELECT count(*) FROM app.document_permissions_for($1, '{NULL}', $2, 'editor')"
    for who in ("ann", None):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await site.value(who, ask, [site.people["ann"]], [site.plan])
    assert await site.value("server", ask, [site.people["ann"]], [site.plan]) == 1
