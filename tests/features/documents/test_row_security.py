"""What PostgreSQL itself lets people do to tags, categories, favourites, views and the archive."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from collab_server.adapters.postgres import Database
from collab_server.features.documents import document_queries, list_queries
from tests import databases
from tests.site import PLAYGROUND, Site, open_site
from tests.waiting import until

FORBIDDEN = asyncpg.InsufficientPrivilegeError
ATTACH = "INSERT INTO document_tags (document_id, tag_id, workspace_id) VALUES ($1, $2, $3)"
TAG = "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, $2::text, $2) RETURNING id"
CATEGORY = "INSERT INTO categories (workspace_id, name, slug, parent_id) VALUES ($1, $2::text, $2, $3) RETURNING id"


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


async def test_editors_organize_viewers_look_and_others_see_nothing(site: Site) -> None:
    tag = await site.value("ed", TAG, site.team, "red")
    category = await site.value("ed", CATEGORY, site.team, "drawer", None)
    await site.run("ed", ATTACH, site.plan, tag, site.team)
    await site.run("ed", "UPDATE documents SET category_id = $1", category)
    for table in ("tags", "categories", "document_tags"):
        assert await site.value("vic", f"SELECT count(*) FROM {table}") == 1, table
        assert await site.value("eve", f"SELECT count(*) FROM {table}") == 0, table
        assert await site.value(None, f"SELECT count(*) FROM {table}", guest_role="editor") == 0, table
        assert await site.run("vic", f"DELETE FROM {table}") == "DELETE 0", table
    for who in ("vic", "eve"):
        with pytest.raises(FORBIDDEN):
            await site.value(who, TAG, site.team, "blue")
        with pytest.raises(FORBIDDEN):
            await site.value(who, CATEGORY, site.team, "box", None)
        with pytest.raises(FORBIDDEN):
            await site.run(who, ATTACH, site.plan, tag, site.team)
        for table in ("tags", "categories"):
            assert await site.run(who, f"UPDATE {table} SET name = 'x'") == "UPDATE 0"
    for column in ("workspace_id = $1", "created_at = now()"):
        with pytest.raises(FORBIDDEN):
            await site.run("ed", f"UPDATE tags SET {column}", *([site.team] if "$" in column else []))


async def test_tags_and_categories_do_not_cross_workspaces(site: Site) -> None:
    other = "INSERT INTO workspaces (owner_id, name, kind) VALUES (app.user_id(), 'Other', 'team') RETURNING id"
    elsewhere = await site.value("ed", other)
    tag = await site.value("ed", TAG, elsewhere, "theirs")
    category = await site.value("ed", CATEGORY, elsewhere, "theirs", None)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await site.run("ed", ATTACH, site.plan, tag, site.team)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await site.run("ed", "UPDATE documents SET category_id = $1", category)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await site.value("ed", CATEGORY, site.team, "child", category)


async def test_favourites_are_private_and_only_of_what_one_sees(site: Site) -> None:
    mark = "INSERT INTO document_favourites (user_id, document_id) VALUES ($1, $2)"
    await site.run("vic", mark, site.people["vic"], site.plan)
    assert await site.value("vic", "SELECT count(*) FROM document_favourites") == 1
    assert await site.value("ann", "SELECT count(*) FROM document_favourites") == 0
    assert await site.run("ann", "DELETE FROM document_favourites") == "DELETE 0"
    for who, user in (("ann", "vic"), ("eve", "eve")):
        with pytest.raises(FORBIDDEN):
            await site.run(who, mark, site.people[user], site.plan)
    with pytest.raises(FORBIDDEN):
        await site.run(None, mark, site.people["vic"], site.plan, guest_role="editor")


async def test_views_are_written_by_the_server_only(site: Site) -> None:
    arguments: list[Any] = [[site.plan, UUID(int=9)], [3, 1]]
    now = await site.owner.fetchval("SELECT now()")
    count = "SELECT app.count_views($1, $2, $3, $4, $5, $6)"
    rest: list[Any] = [[now, now], [site.plan, UUID(int=9)], [site.people["vic"], UUID(int=8)], [now, now]]
    for _ in range(2):
        await site.run("server", count, *arguments, *rest)
    assert await site.row("SELECT view_count, last_viewed_at FROM document_stats") == (6, now)
    assert await site.value("vic", "SELECT count(*) FROM document_views") == 1
    assert await site.value("ann", "SELECT count(*) FROM document_views") == 0
    with pytest.raises(FORBIDDEN):
        await site.run("vic", count, *arguments, *rest)
    with pytest.raises(FORBIDDEN):
        await site.run("vic", "UPDATE document_views SET viewed_at = now()")


async def test_the_archive_and_the_purges_are_the_servers_own(site: Site) -> None:
    own = ("SELECT count(*) FROM document_archive", "SELECT app.purge_documents(0)", "SELECT app.purge_archive(0)")
    for statement in own:
        for who in ("ann", "eve", None):
            with pytest.raises(FORBIDDEN):
                await site.value(who, statement)
    assert await site.value("server", "SELECT app.purge_documents(0)") == 0
    await site.owner.execute("UPDATE documents SET deleted_at = now() - interval '2 days'")
    assert await site.value("server", "SELECT app.purge_documents(3)") == 0
    assert await site.value("server", "SELECT app.purge_documents(1)") == 1
    assert await site.row("SELECT title, pending FROM document_archive") == ("Plan of the house", [])


async def test_authors_empty_their_own_trash_and_nobody_skips_it(site: Site) -> None:
    assert await site.run("ann", "DELETE FROM documents") == "DELETE 0"
    await site.run("ed", "UPDATE documents SET deleted_at = now()")
    assert await site.run("vic", "DELETE FROM documents") == "DELETE 0"
    assert await site.run("eve", "DELETE FROM documents") == "DELETE 0"
    assert await site.run("ed", "DELETE FROM documents") == "DELETE 1"


async def test_a_move_asks_for_rights_at_both_ends(site: Site) -> None:
    other = "INSERT INTO workspaces (owner_id, name, kind) VALUES (app.user_id(), 'Other', 'team') RETURNING id"
    places = {who: await site.value(who, other) for who in ("ann", "ed", "vic", "eve")}
    move = "SELECT app.move_document($1, $2)"
    insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'A') RETURNING id"
    annas = await site.value("ann", insert, site.team)
    for who, document, target in (
        ("vic", site.plan, places["vic"]),
        ("eve", site.plan, places["eve"]),
        ("ed", annas, places["ed"]),  # not its author
        ("ed", site.plan, places["ann"]),  # no rights there
        (None, site.plan, PLAYGROUND),
    ):
        with pytest.raises(FORBIDDEN):
            await site.value(who, move, document, target, guest_role="editor")
    await site.value("ed", move, site.plan, places["ed"])
    await site.value("ann", move, annas, places["ann"])
    assert await site.row("SELECT workspace_id FROM documents WHERE id = $1", site.plan) == (places["ed"],)
    with pytest.raises(asyncpg.NoDataFoundError):
        await site.value("ed", move, UUID(int=7), places["ed"])


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_of_two_moves_at_once_the_second_sees_the_first(version: databases.Version) -> None:
    async with databases.migrated(version) as database:
        watching, first, second = [await asyncpg.connect(database.owner_dsn) for _ in range(3)]
        one = await watching.fetchval(CATEGORY, PLAYGROUND, "one", None)
        two = await watching.fetchval(CATEGORY, PLAYGROUND, "two", None)
        move = "UPDATE categories SET parent_id = $2 WHERE id = $1"
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = $1)"
        try:
            begun = first.transaction()
            await begun.start()
            await first.execute(move, one, two)
            waiting = asyncio.create_task(second.execute(move, two, one))
            await until(lambda: watching.fetchval(waits, second.get_server_pid()), "the second move to wait")
            await begun.commit()
            with pytest.raises(asyncpg.CheckViolationError, match="within itself"):
                await waiting
        finally:
            for conn in (watching, first, second):
                await conn.close()


async def listed(db: Database, statements: list[str] | None = None) -> list[list_queries.Listed]:
    """The documents of the playground; `statements`: takes what was asked of PostgreSQL for it."""
    async with db.as_user(None) as conn:
        with conn.query_logger(lambda record: (statements if statements is not None else []).append(record.query)):
            return await list_queries.list_documents(conn, PLAYGROUND, list_queries.Filters(), "title", "asc", 50, None)


async def test_a_list_is_one_statement_however_long_it_is() -> None:
    async with databases.migrated() as database:
        db = Database(database.login_dsn, guest_role="editor")
        await db.open()
        try:
            costs = []
            for wanted in (1, 12):
                while len(await listed(db)) < wanted:
                    async with db.as_user(None) as conn:
                        await document_queries.insert_document(conn, PLAYGROUND, {"title": "T"})
                statements: list[str] = []
                assert len(await listed(db, statements)) == wanted
                costs.append(len(statements))
            assert costs == [1, 1]
        finally:
            await db.close()
