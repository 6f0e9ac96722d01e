"""Who may see and do what, and which values are legal, in PostgreSQL itself: the API is not asked."""

from collections.abc import AsyncIterator
from contextlib import nullcontext

import asyncpg
import pytest

from tests import databases
from tests.site import PLAYGROUND, SYSTEM_USER, Site, open_site


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


FORBIDDEN = asyncpg.InsufficientPrivilegeError


async def test_members_see_their_documents_and_others_see_nothing(site: Site) -> None:
    count = "SELECT count(*) FROM documents"
    assert [await site.value(who, count) for who in ("ann", "ed", "vic", "eve", None)] == [1, 1, 1, 0, 0]
    for table in ("workspaces", "workspace_members", "workspace_usage", "document_heads", "document_stats"):
        assert await site.value("vic", f"SELECT count(*) FROM {table}") > 0, table
        assert await site.value("eve", f"SELECT count(*) FROM {table}") == 0, table


async def test_the_login_alone_may_do_nothing_and_nobody_stays_in_the_connection(site: Site) -> None:
    assert await site.value("ann", "SELECT count(*) FROM documents") == 1
    with pytest.raises(FORBIDDEN):
        await site.login.fetchval("SELECT count(*) FROM documents")
    async with site.login.transaction():
        await site.login.execute("SET LOCAL ROLE app_readwrite")
        assert await site.login.fetchval("SELECT app.user_id()") is None
        assert await site.login.fetchval("SELECT count(*) FROM documents") == 0


async def test_a_viewer_changes_nothing(site: Site) -> None:
    assert await site.run("vic", "UPDATE documents SET title = 'x'") == "UPDATE 0"
    with pytest.raises(FORBIDDEN):
        await site.run("vic", "INSERT INTO documents (workspace_id, title) VALUES ($1, 'x')", site.team)


async def test_an_editor_changes_the_title_but_neither_content_nor_workspace_nor_author(site: Site) -> None:
    assert await site.run("ed", "UPDATE documents SET title = 'x'") == "UPDATE 1"
    for change in ("content = 'x'", "yjs_state = 'x'", "yjs_clock = 9", "generation = 9", "created_by = NULL"):
        with pytest.raises(FORBIDDEN):
            await site.run("ed", f"UPDATE documents SET {change}")
    with pytest.raises(FORBIDDEN):
        await site.run("ed", "UPDATE documents SET workspace_id = $1", site.team)
    insert = "INSERT INTO documents (workspace_id, title, created_by) VALUES ($1, 'x', $2)"
    for author in (site.people["ann"], None):
        with pytest.raises(FORBIDDEN):
            await site.run("ed", insert, site.team, author)


async def test_tables_and_columns_of_the_server_are_closed_to_people(site: Site) -> None:
    for query in (
        "SELECT token_hash FROM access_tokens",
        "SELECT token_hash FROM sessions",
        "SELECT count(*) FROM user_credentials",
        "SELECT count(*) FROM sign_in_links",
        "SELECT count(*) FROM document_search",
        "SELECT count(*) FROM search_queue",
        "SELECT metadata FROM users",
        "INSERT INTO document_updates (document_id, seq, payload) VALUES (gen_random_uuid(), 1, 'x')",
        "UPDATE document_heads SET head_seq = 0",
        "UPDATE role_permissions SET role = 'owner'",
        "SELECT app.append_updates(ARRAY[gen_random_uuid()], ARRAY['x'::bytea])",
        "SELECT app.compact_document(gen_random_uuid(), 0, 0, 'x', NULL)",
        "SELECT app.refresh_search()",
        "SELECT app.document_details(ARRAY[gen_random_uuid()], true)",
        "SELECT app.trigrams_enough('{abc}', 1)",
    ):
        with pytest.raises(FORBIDDEN):
            await site.run("ann", query)


async def test_a_member_loses_and_gains_rights_at_once(site: Site) -> None:
    change = "UPDATE workspace_members SET is_active = $2, permissions = $3 WHERE user_id = $1"
    await site.run("ann", change, site.people["vic"], False, "{}")
    assert await site.value("vic", "SELECT count(*) FROM documents") == 0
    await site.run("ann", change, site.people["vic"], True, '{"can_edit_documents": true, "can_read": "perhaps"}')
    assert await site.run("vic", "UPDATE documents SET title = 'x'") == "UPDATE 1"
    await site.run("ann", change, site.people["ed"], True, '{"can_edit_documents": false}')
    assert await site.run("ed", "UPDATE documents SET title = 'x'") == "UPDATE 0"


async def test_ownership_cannot_be_taken_given_or_left(site: Site) -> None:
    role = "UPDATE workspace_members SET role = $2 WHERE user_id = $1"
    with pytest.raises(FORBIDDEN):
        await site.run("ann", role, site.people["ed"], "owner")
    with pytest.raises(asyncpg.RestrictViolationError):
        await site.run("ann", role, site.people["ann"], "viewer")
    with pytest.raises(asyncpg.RestrictViolationError):
        await site.run("ann", "DELETE FROM workspace_members WHERE user_id = app.user_id()")
    assert await site.run("ed", role, site.people["ed"], "admin") == "UPDATE 0"
    assert await site.run("ed", "DELETE FROM workspace_members WHERE user_id = app.user_id()") == "DELETE 1"


async def test_the_member_limit_holds(site: Site) -> None:
    await site.run("server", "UPDATE workspaces SET member_limit = 3 WHERE id = $1", site.team)
    join = "INSERT INTO workspace_members (workspace_id, user_id) VALUES ($1, $2)"
    with pytest.raises(asyncpg.CheckViolationError, match="member limit 3"):
        await site.run("ann", join, site.team, site.people["eve"])
    assert (
        await site.value("server", "SELECT active_members FROM workspace_usage WHERE workspace_id = $1", site.team) == 3
    )


async def test_deleting_and_publishing_need_the_right_or_authorship(site: Site) -> None:
    override = """UPDATE workspace_members SET permissions = '{"can_edit_documents": true}' WHERE user_id = $1"""
    await site.run("ann", override, site.people["vic"])
    for change in ("deleted_at = now()", "is_public = true"):
        with pytest.raises(FORBIDDEN):
            await site.run("vic", f"UPDATE documents SET {change}")
    assert await site.run("ed", "UPDATE documents SET deleted_at = now()") == "UPDATE 1"
    assert await site.run("ann", "UPDATE documents SET deleted_at = NULL") == "UPDATE 1"


async def test_a_public_document_goes_with_its_workspace(site: Site) -> None:
    ask = "SELECT app.document_permission($1)"
    many = "SELECT permission::text FROM app.document_permissions_for(ARRAY[$1::uuid], '{NULL}', ARRAY[$2::uuid], '')"
    await site.run("ann", "UPDATE documents SET is_public = true")
    assert await site.value("eve", ask, site.plan) == "read"
    assert await site.value("server", many, site.people["eve"], site.plan) == "read"
    await site.run("ann", "UPDATE workspaces SET deleted_at = now() WHERE id = $1", site.team)
    assert await site.value("eve", ask, site.plan) is None
    assert await site.value("server", many, site.people["eve"], site.plan) is None
    assert await site.value("eve", "SELECT count(*) FROM documents") == 0


async def test_document_permission_says_what_each_may_do(site: Site) -> None:
    ask = "SELECT app.document_permission($1)"
    asked = [await site.value(who, ask, site.plan) for who in ("ann", "ed", "vic", "eve", None)]
    assert asked == ["admin", "write", "read", None, None]
    await site.run("ann", "UPDATE documents SET is_public = true")
    assert await site.value("eve", ask, site.plan) == "read"
    assert await site.value("eve", "SELECT count(*) FROM documents") == 1
    await site.run("ann", "UPDATE documents SET deleted_at = now()")
    assert await site.value("ann", ask, site.plan) is None
    assert await site.value("eve", "SELECT count(*) FROM documents") == 0


async def test_guests_have_their_role_in_the_playground_and_nothing_elsewhere(site: Site) -> None:
    ask = "SELECT app.document_permission($1)"
    document = await site.document(PLAYGROUND)
    for role, permission in (("editor", "write"), ("commenter", "comment"), ("viewer", "read"), ("", None)):
        assert await site.value(None, ask, document, guest_role=role) == permission
        assert await site.value(None, ask, site.plan, guest_role=role) is None
        assert await site.value(None, "SELECT count(*) FROM documents", guest_role=role) == bool(role)
    for role in ("owner", "admin", "nonsense"):
        assert await site.value(None, ask, document, guest_role=role) is None
    assert await site.value("eve", ask, document, guest_role="editor") == "write"
    assert await site.value("eve", ask, document) is None


async def test_guests_create_and_rename_but_do_not_delete_publish_or_join(site: Site) -> None:
    insert = "INSERT INTO documents (workspace_id, name, title, created_by) VALUES ($1, 'notes', 'Notes', $2)"
    with pytest.raises(FORBIDDEN):
        await site.run(None, insert, PLAYGROUND, None, guest_role="viewer")
    with pytest.raises(FORBIDDEN):
        await site.run(None, insert, PLAYGROUND, site.people["ann"], guest_role="editor")
    with pytest.raises(FORBIDDEN):
        await site.run(None, insert, site.team, None, guest_role="editor")
    await site.run(None, insert, PLAYGROUND, None, guest_role="editor")
    assert await site.run(None, "UPDATE documents SET title = 'x'", guest_role="editor") == "UPDATE 1"
    for change in ("deleted_at = now()", "is_public = true"):
        with pytest.raises(FORBIDDEN):
            await site.run(None, f"UPDATE documents SET {change}", guest_role="editor")
    assert await site.run(None, "DELETE FROM documents", guest_role="editor") == "DELETE 0"
    join = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'admin')"
    with pytest.raises(FORBIDDEN):
        await site.run("eve", join, PLAYGROUND, site.people["eve"], guest_role="editor")


async def test_people_cannot_open_a_workspace_to_guests(site: Site) -> None:
    with pytest.raises(FORBIDDEN):
        await site.run("ann", "UPDATE workspaces SET kind = 'playground' WHERE id = $1", site.team)
    insert = "INSERT INTO workspaces (owner_id, name, kind) VALUES (app.user_id(), 'Mine', 'playground')"
    with pytest.raises(FORBIDDEN):
        await site.run("ann", insert)
    found = await site.row("SELECT slug, kind, owner_id FROM workspaces WHERE id = $1", PLAYGROUND)
    assert found == ("playground", "playground", SYSTEM_USER)


async def test_emails_have_an_at_sign_and_one_live_user(site: Site) -> None:
    insert = "INSERT INTO users (email) VALUES ($1)"
    for email in ("o'brien@x.com", "ann@пример.рф", "a@host", "a+b@x.co.uk"):
        await site.owner.execute(insert, email)
    for email in ("ann", "@x.com", "a@b@c", "a@b..com", "a b@x.com", "a@x.com."):
        with pytest.raises(asyncpg.CheckViolationError):
            await site.owner.execute(insert, email)
    with pytest.raises(asyncpg.UniqueViolationError):
        await site.owner.execute(insert, "EVE@example.COM")
    await site.owner.execute("UPDATE users SET deleted_at = now() WHERE id = $1", site.people["eve"])
    await site.owner.execute(insert, "eve@example.com")


async def test_slugs_are_words_and_dashes_and_belong_to_one_live_workspace(site: Site) -> None:
    change = "UPDATE workspaces SET slug = $1 WHERE id = $2"
    for slug in ("a/b", "A", "-a", "a-", "a--b", "", "a b"):
        with pytest.raises(asyncpg.CheckViolationError):
            await site.owner.execute(change, slug, site.team)
    with pytest.raises(asyncpg.UniqueViolationError):
        await site.owner.execute(change, "playground", site.team)
    await site.owner.execute("UPDATE workspaces SET deleted_at = now() WHERE id = $1", PLAYGROUND)
    await site.owner.execute(change, "playground", site.team)
    made = [await site.value("ann", "SELECT app.slugify($1)", name) for name in ("Hello, World!", "Ärger 数据", "?!")]
    assert made[:2] == ["hello-world", "ärger-数据"]
    long = await site.value("ann", "SELECT app.slugify($1)", "a" * 79 + " b")
    for slug in (*made, long):
        await site.owner.execute(change, slug, site.team)


async def test_a_name_belongs_to_one_live_document_of_a_workspace(site: Site) -> None:
    insert = "INSERT INTO documents (workspace_id, name, title) VALUES ($1, $2, 'x') RETURNING id"
    first = await site.owner.fetchval(insert, site.team, "a/b c")
    await site.owner.execute(insert, PLAYGROUND, "a/b c")
    await site.owner.execute(insert, site.team, None)
    with pytest.raises(asyncpg.UniqueViolationError):
        await site.owner.execute(insert, site.team, "a/b c")
    await site.owner.execute("UPDATE documents SET deleted_at = now() WHERE id = $1", first)
    await site.owner.execute(insert, site.team, "a/b c")
    with pytest.raises(asyncpg.CheckViolationError):
        await site.owner.execute(insert, site.team, "")


async def test_deleting_a_workspace_takes_all_it_holds(site: Site) -> None:
    await site.append((site.plan, b"a"))
    await site.run("server", "SELECT app.refresh_search()")
    await site.owner.execute("DELETE FROM workspaces WHERE id = $1", site.team)
    for table in ("documents", "document_heads", "document_updates", "document_stats", "document_search"):
        assert await site.owner.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    await site.owner.execute("DELETE FROM users WHERE id = $1", site.people["ann"])
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):  # which one depends on the version
        await site.owner.execute("DELETE FROM users WHERE id = $1", SYSTEM_USER)


async def test_nothing_was_forgotten(site: Site) -> None:
    assert await site.owner.fetch("SELECT * FROM app.schema_gaps") == []
    await site.owner.execute("CREATE TABLE bare (user_id uuid REFERENCES users)")
    await site.owner.execute("CREATE FUNCTION app.open() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
    gaps = {tuple(row) for row in await site.owner.fetch("SELECT * FROM app.schema_gaps")}
    assert gaps == {
        ("bare", "table without row-level security"),
        ("bare.user_id", "foreign key without index"),
        ("open", "SECURITY DEFINER without search_path"),
        ("open", "function that everybody may execute"),
    }


async def test_an_expiry_is_set_by_who_may_delete_and_its_setter_is_kept(site: Site) -> None:
    expire = "UPDATE documents SET expires_at = now() + interval '1 day' WHERE id = $1"
    anns = await site.value(
        "ann", "INSERT INTO documents (workspace_id, title) VALUES ($1, 'x') RETURNING id", site.team
    )
    with pytest.raises(FORBIDDEN):
        await site.run("ed", expire, anns)
    with pytest.raises(FORBIDDEN):
        await site.run("ed", "UPDATE documents SET expires_set_by = app.user_id() WHERE id = $1", anns)
    for who, document in (("ann", site.plan), ("ed", site.plan), ("ann", anns)):
        assert await site.run(who, expire, document) == "UPDATE 1"
        found = await site.row("SELECT expires_set_by FROM documents WHERE id = $1", document)
        assert found == (site.people[who],)
        await site.run(who, "UPDATE documents SET expires_at = NULL WHERE id = $1", document)
    for column, value, allowed in (("expires_at", "now() + interval '1 day'", False), ("description", "'x'", True)):
        insert = f"INSERT INTO documents (workspace_id, title, {column}) VALUES ($1, 'x', {value})"
        with nullcontext() if allowed else pytest.raises(FORBIDDEN):
            await site.run(None, insert, PLAYGROUND, guest_role="editor")
