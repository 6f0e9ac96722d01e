"""Around the API, with the server's own login: no table shows or takes rows of a workspace that is not one's own.

The tables come from the catalogue: one that a migration adds without saying here who may see it fails.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import databases
from tests.site import PLAYGROUND, Site, open_site

FORBIDDEN = asyncpg.InsufficientPrivilegeError
HASH = "sha256($1::text::bytea)"

MINE = {
    "users": "INSERT INTO users (id, email) VALUES ($1, $1::text || '@example.com')",
    "workspaces": "INSERT INTO workspaces (id, owner_id, name, kind) VALUES ($2, $1, 'W', 'team')",
    "workspace_members": "",
    "workspace_usage": "",
    "documents": "INSERT INTO documents (id, workspace_id, title, created_by) VALUES ($3, $2, 'D', $1)",
    "document_heads": "",
    "document_stats": "",
    "document_updates": "INSERT INTO document_updates (document_id, seq, payload) VALUES ($3, 1, 'x')",
    "history_segments": "INSERT INTO history_segments (document_id, first_seq, last_seq, generation, first_at, "
    "last_at, row_count, payload) VALUES ($3, 1, 1, 1, now(), now(), 1, 'x')",
    "document_versions": "INSERT INTO document_versions (document_id, version_number, kind, title, content, "
    "content_hash, generation, yjs_clock, yjs_snapshot, state_hash, changes_summary, metadata_snapshot, created_by, "
    "size_bytes) VALUES ($3, 1, 'manual', 'D', '', repeat('a', 64), 1, 1, 'x', 'x', '{}', '{}', $1, 0)",
    "access_tokens": f"INSERT INTO access_tokens (user_id, name, token_hash) VALUES ($1, 'x', {HASH})",
    "sessions": f"INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, {HASH}, now() + interval '1 day')",
    "user_identities": "INSERT INTO user_identities (issuer, subject, user_id) VALUES ('i', $1::text, $1)",
    "devices": "INSERT INTO devices (user_id, id) VALUES ($1, 'd')",
    "user_settings": "INSERT INTO user_settings (user_id) VALUES ($1)",
    "user_activity_days": "INSERT INTO user_activity_days (user_id) VALUES ($1)",
    "invitations": "INSERT INTO invitations (workspace_id, email, token_hash, invited_by) "
    f"VALUES ($2, 'x@example.com', {HASH}, $1)",
    "activity_log": "INSERT INTO activity_log (workspace_id, actor_id, action, entity_type, entity_id) "
    "VALUES ($2, $1, 'x', 'document', $3)",
    "tags": "INSERT INTO tags (id, workspace_id, name, slug) VALUES ($3, $2, 'T', 't')",
    "document_tags": "INSERT INTO document_tags (document_id, tag_id, workspace_id) VALUES ($3, $3, $2)",
    "document_edit_times": "",
    "categories": "INSERT INTO categories (workspace_id, name, slug) VALUES ($2, 'C', 'c')",
    "document_favourites": "INSERT INTO document_favourites (user_id, document_id) VALUES ($1, $3)",
    "sync_mutations": "INSERT INTO sync_mutations (user_id, device_id, key, fingerprint) VALUES ($1, 'd', 'k', 'x')",
    "sync_conflicts": "INSERT INTO sync_conflicts (document_id, workspace_id, user_id, device_id, kind, overwritten, "
    "written, row_version) VALUES ($3, $2, $1, 'd', 'patch', '{}', '{}', 1)",
    "presence": "INSERT INTO presence (connection_id, node_id, document_id, workspace_id, user_id) "
    "VALUES ($3::text, 'n', $3, $2, $1)",
    "active_presence": "",
    "document_views": "INSERT INTO document_views (user_id, document_id, viewed_at) VALUES ($1, $3, now())",
    "comments": "INSERT INTO comments (id, document_id, workspace_id, thread_id, author_id, content, content_html) "
    "VALUES ($3, $3, $2, $3, $1, 'C', '<p>C</p>')",
    "comment_mentions": "INSERT INTO comment_mentions (comment_id, user_id) VALUES ($3, $1)",
    "comment_reactions": "INSERT INTO comment_reactions (comment_id, user_id, emoji) VALUES ($3, $1, '*')",
    "comment_edits": "INSERT INTO comment_edits (comment_id, old_content, edited_by) VALUES ($3, 'B', $1)",
    "notifications": "INSERT INTO notifications (user_id, kind, workspace_id, document_id) "
    "VALUES ($1, 'document_changed', $2, $3)",
    "subscriptions": "",
    "suggestions": "INSERT INTO suggestions (document_id, workspace_id, author_id, hunks, generation) "
    "VALUES ($3, $2, $1, '[{}]', 0)",
    "attachments": "INSERT INTO attachments (document_id, workspace_id, file_name, original_name, content_type, "
    "size_bytes, checksum_sha256, s3_bucket, s3_key, uploaded_by) "
    f"VALUES ($3, $2, 'F', 'F', 'text/plain', 0, {HASH}, 'b', 'k', $1)",
    "public_pages": "INSERT INTO public_pages (document_id, slug) VALUES ($3, $3::text)",
    "uploads": "INSERT INTO uploads (document_id, workspace_id, file_name, size_bytes, s3_bucket, uploaded_by, "
    "expires_at) VALUES ($3, $2, 'F', 1, 'b', $1, now() + interval '1 day')",
    "shares": "INSERT INTO shares (document_id, workspace_id, grantee_id, created_by) VALUES ($3, $2, $1, $1)",
    "document_collaborators": "",
    "access_requests": "INSERT INTO access_requests (document_id, workspace_id, user_id, permission) "
    "VALUES ($3, $2, $1, 'read')",
    "sync_log": "",
    "sync_floors": "INSERT INTO sync_floors (workspace_id, floor_xid, floor_id) VALUES ($2, '1', 1)",
}
"""Tables of which people see what is theirs or their workspace's, with a row of person $1, workspace $2, document $3
("": triggers write it). In the order of their references.
"""
HIDDEN = {
    "former_page_slugs": "INSERT INTO former_page_slugs (slug, document_id) VALUES ($3::text, $3)",
    "user_credentials": "INSERT INTO user_credentials (user_id, password_hash) VALUES ($1, '$argon2id$x')",
    "sign_in_links": "INSERT INTO sign_in_links (token_hash, purpose, user_id, expires_at) "
    f"VALUES ({HASH}, 'reset', $1, now() + interval '1 day')",
    "connect_epochs": "",
    "former_slugs": f"INSERT INTO former_slugs VALUES ({HASH}) ON CONFLICT DO NOTHING",
    "storage_changes": "INSERT INTO storage_changes VALUES ($2, 1, 0)",
    "damaged_documents": "INSERT INTO damaged_documents (document_id, reason) VALUES ($3, 'x')",
    "known_places": f"INSERT INTO known_places (key, user_id) VALUES ({HASH}, $1)",
    "sign_in_attempts": f"INSERT INTO sign_in_attempts (key) VALUES ({HASH})",
    "document_archive": "INSERT INTO document_archive (document_id, workspace_id, title, type, content, pending, "
    "metadata, settings, tags, created_at) VALUES ($3, $2, 'D', 'markdown', '', '{}', '{}', '{}', '{}', now())",
    "document_renders": "INSERT INTO document_renders (document_id, format, content_hash, renderer) "
    "VALUES ($3, 'html', '', 1)",
    "document_generations": "INSERT INTO document_generations (document_id, generation, last_seq, next_vector, "
    "clients) VALUES ($3, 0, 1, 'x', '{1}')",
    "document_bases": "INSERT INTO document_bases (document_id, content_hash, content, state_vector) "
    "VALUES ($3, repeat('a', 64), '', 'x')",
    "document_search": "INSERT INTO document_search (document_id, workspace_id) VALUES ($3, $2)",
    "search_queue": "",
    "share_openings": f"INSERT INTO share_openings (share_id, client) SELECT id, {HASH} FROM shares LIMIT 1",
    "pictures": f"INSERT INTO pictures (user_id, checksum, small, medium, large) VALUES ($1, {HASH}, 'x', 'x', 'x')",
    "attachment_texts": "INSERT INTO attachment_texts (attachment_id, document_id, workspace_id) "
    "SELECT id, document_id, workspace_id FROM attachments WHERE document_id = $3 LIMIT 1",
    "object_deletions": "INSERT INTO object_deletions (s3_bucket, s3_key) VALUES ('b', 'k')",
    "mail_outbox": "INSERT INTO mail_outbox (user_id, due_at) VALUES ($1, now())",
    "sync_meta": "",
}
"""Tables of the server alone."""
PUBLIC = {"role_permissions"}
NO_DATA = {"alembic_version", "schema_objects"}


@dataclass
class World:
    person: UUID
    workspace: UUID
    document: UUID

    @property
    def ids(self) -> str:
        return f"{self.person}|{self.workspace}|{self.document}"


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


def written_out(statement: str, world: World) -> str:
    """With the ids in place of the parameters: a statement need not use them all."""
    for number, value in enumerate((world.person, world.workspace, world.document), 1):
        statement = statement.replace(f"${number}::text", f"'{value}'::text").replace(f"${number}", f"'{value}'::uuid")
    return statement


async def filled(site: Site, name: str) -> World:
    """A person with a workspace of their own, and a row in every table."""
    world = World(uuid4(), uuid4(), uuid4())
    site.people[name] = world.person
    for statement in (*MINE.values(), *HIDDEN.values()):
        if statement:
            await site.owner.execute(written_out(statement, world))
    return world


async def tables(site: Site) -> set[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = ANY ('{r,p,v,m,f}')"
    return {row[0] for row in await site.owner.fetch(query)}


async def test_of_every_table_it_is_said_who_sees_it(site: Site) -> None:
    assert await tables(site) == {*MINE, *HIDDEN, *PUBLIC, *NO_DATA}
    assert await site.owner.fetch("SELECT * FROM app.schema_gaps") == []


async def test_everybody_sees_all_of_their_own_and_nothing_else(site: Site) -> None:
    worlds = {name: await filled(site, name) for name in ("una", "otto")}
    for table in MINE:
        everything = await site.owner.fetchval(f"SELECT count(*) FROM {table}")
        for name, world in worlds.items():
            own = f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text ~ '{world.ids}'"
            if table == "activity_log":  # what was done to an account is for administrators
                own += " AND (workspace_id IS NOT NULL"
                own += " OR entity_type IN ('session', 'access_token') AND actor_id IS NOT NULL)"
            count = await site.owner.fetchval(own)
            assert 0 < count < everything, table
            assert await site.value(name, f"SELECT count(*) FROM {table}") == count, f"{name} in {table}"
        seen = await site.value("eve", f"SELECT count(*) FROM {table}")
        assert seen == (1 if table == "users" else 0), f"a stranger in {table}"


async def test_what_is_the_servers_is_closed_to_everybody(site: Site) -> None:
    await filled(site, "una")
    for table in HIDDEN:
        assert await site.owner.fetchval(f"SELECT count(*) FROM {table}") > 0, table
        for who in ("una", "eve", None):
            for statement in (f"SELECT count(*) FROM {table}", f"DELETE FROM {table}"):
                with pytest.raises(FORBIDDEN):
                    await site.run(who, statement, guest_role="editor")


async def test_nobody_changes_or_deletes_what_is_not_theirs(site: Site) -> None:
    await filled(site, "una")
    columns = """
        SELECT attname FROM pg_attribute
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
    """
    for table in (*MINE, *HIDDEN, *PUBLIC):
        if table == "users":
            continue  # a stranger has a row of their own there: see below
        for who in ("eve", None):
            for column in (row[0] for row in await site.owner.fetch(columns, table)):
                assert await attempt(site, who, f"UPDATE {table} SET {column} = {column}") in (None, 0), table
            assert await attempt(site, who, f"DELETE FROM {table}") in (None, 0), table
    assert await attempt(site, "eve", "UPDATE users SET display_name = 'x'") == 1
    assert await attempt(site, "eve", "UPDATE users SET role = 'admin'") is None
    assert await attempt(site, "eve", "DELETE FROM users") is None


async def attempt(site: Site, who: str | None, statement: str) -> int | None:
    """How many rows were changed (and are as they were again); None: that may not be said at all."""
    try:
        async with site.acting(who, "editor") as conn:
            savepoint = conn.transaction()
            await savepoint.start()
            try:
                return int((await conn.execute(statement)).rpartition(" ")[2])
            finally:
                await savepoint.rollback()
    except (FORBIDDEN, asyncpg.ObjectNotInPrerequisiteStateError):  # the latter: a view that cannot be written to
        return None


async def test_nobody_adds_to_what_is_not_theirs(site: Site) -> None:
    una = await filled(site, "una")
    for statement in (*MINE.values(), *HIDDEN.values()):
        if statement:
            for who in ("eve", None):
                with pytest.raises((FORBIDDEN, asyncpg.RaiseError, asyncpg.RestrictViolationError)):
                    await site.run(who, written_out(statement, una), guest_role="editor")


async def test_guests_see_the_playground_and_nothing_else(site: Site) -> None:
    await filled(site, "una")
    await site.document(PLAYGROUND, "Open")
    for table in MINE:
        if table == "users":
            assert await site.value(None, "SELECT count(*) FROM users", guest_role="editor") == 0
            continue
        async with site.acting(None, "editor") as conn:
            count = await conn.fetchval(f"SELECT count(*) FROM {table}")
        inside = f"""
            SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text ~ '{PLAYGROUND}'
              OR to_jsonb(t) ->> 'document_id' IN (SELECT id::text FROM documents WHERE workspace_id = '{PLAYGROUND}')
        """
        assert count <= await site.owner.fetchval(inside), table
        assert await site.value(None, f"SELECT count(*) FROM {table}") == 0, table
    assert await site.value(None, "SELECT count(*) FROM documents", guest_role="editor") == 1


async def test_the_login_owns_nothing_and_has_no_way_around(site: Site) -> None:
    login = await site.login.fetchval("SELECT session_user")
    rights = await site.owner.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles WHERE rolname = $1", login
    )
    assert rights is not None
    assert not any(tuple(rights)), dict(rights)
    for role in (login, "app_readonly", "app_readwrite", "app_service", "app_admin"):
        owned = """
            SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
            WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND r.rolname = $1
              AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
        assert await site.owner.fetchval(owned, role) == 0, role
        bypass = "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = $1"
        assert await site.owner.fetchval(bypass, role) is False
    for table in await tables(site) - NO_DATA:
        with pytest.raises(FORBIDDEN):
            await site.login.fetchval(f"SELECT count(*) FROM {table}")
