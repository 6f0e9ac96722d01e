"""Versions up and down, servers that migrate at the same time, and messages for the operator."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from collab_server.adapters import migration_files, migrations
from collab_server.errors import ConfigurationError
from tests import databases
from tests.require import ROOT
from tests.waiting import until

VERSIONS = sorted(path.name for path in (ROOT / "migrations" / "versions").iterdir())
ROLES = ["app_admin", "app_readonly", "app_readwrite", "app_service"]

each_version = pytest.mark.parametrize("version", databases.VERSIONS)


async def rows(dsn: str, query: str) -> list[Any]:
    conn = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await conn.fetch(query)]
    finally:
        await conn.close()


async def run(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


async def objects(dsn: str) -> list[str]:
    """Everything that is ours and lives in the database."""
    return await rows(
        dsn,
        """
        WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'app')),
             extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
        SELECT 'relation ' || relname FROM pg_class WHERE relnamespace IN (TABLE ours) 
        UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace IN (TABLE ours)
          AND ('pg_proc'::regclass, oid) NOT IN (TABLE extensions)
        UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace IN (TABLE ours) AND typtype = 'e'
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'app'
        ORDER BY 1
        """,
    )


@asynccontextmanager
async def ordinary_login(version: databases.Version, admin: str, *rights: str) -> AsyncIterator[str]:
    """DSN of a fresh login that owns nothing, in the database of `admin`; `rights` may name {login} and {database}.

    The embedded PostgreSQL lets no other login in: there a superuser becomes it as soon as it is connected.
    """
    login, password = f"collab_test_{uuid4().hex[:8]}", uuid4().hex
    database = urlsplit(admin).path[1:]
    await run(admin, f"CREATE ROLE {login} LOGIN PASSWORD '{password}'")
    for right in rights:
        await run(admin, right.format(login=login, database=database))
    parts = urlsplit(admin)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5432
    try:
        yield (
            f"{admin}&role={login}" if version == "18" else f"postgresql://{login}:{password}@{host}:{port}/{database}"
        )
    finally:
        await run(admin, f"DROP OWNED BY {login} CASCADE")
        await run(admin, f"DROP ROLE {login}")


@each_version
async def test_upgrade_from_empty_to_the_newest_version_and_back_and_again(version: databases.Version) -> None:
    async with databases.empty(version) as dsn:
        assert await migrations.status(dsn) == migrations.Status(None, VERSIONS[-1], VERSIONS)
        await migrations.upgrade(dsn)
        assert await migrations.status(dsn) == migrations.Status(VERSIONS[-1], VERSIONS[-1], [])
        first = await objects(dsn)
        assert "relation documents" in first and "function append_updates" in first
        await migrations.downgrade(dsn)
        assert await objects(dsn) == []
        assert await rows(dsn, "SELECT rolname FROM pg_roles WHERE rolname ~ '^app_' ORDER BY 1") == ROLES
        await migrations.upgrade(dsn)
        assert await objects(dsn) == first


async def test_each_version_goes_back_to_the_objects_of_the_version_before() -> None:
    async with databases.empty("18") as dsn:
        made: list[list[str]] = [[]]
        for step in VERSIONS:
            await migrations.upgrade(dsn, step)
            assert (await migrations.status(dsn)).current == step
            made.append(await objects(dsn))
        for step, before in zip(reversed(["base", *VERSIONS[:-1]]), reversed(made[:-1]), strict=True):
            await migrations.downgrade(dsn, step)
            assert await objects(dsn) == before, step


@each_version
async def test_servers_that_migrate_at_once_take_turns(version: databases.Version) -> None:
    script = (
        "import asyncio, sys; from collab_server.adapters.migrations import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    )
    async with databases.empty(version) as one, databases.empty(version) as other:
        servers = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", script, dsn, cwd=ROOT)
            for dsn in (one, other, one, other)
        ]
        assert await asyncio.gather(*(server.wait() for server in servers)) == [0] * len(servers)
        for dsn in (one, other):
            assert (await migrations.status(dsn)).pending == []
            assert await rows(dsn, "SELECT count(*) FROM workspaces") == [1]


async def test_documents_that_were_there_before_the_log_get_a_place_in_it() -> None:
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0002_create_documents")
        await run(dsn, "INSERT INTO documents (workspace_id, title) SELECT id, 'old' FROM workspaces")
        await migrations.upgrade(dsn)
        for table in ("document_heads", "document_stats", "search_queue"):
            assert await rows(dsn, f"SELECT count(*) FROM {table}") == [1], table


async def test_a_version_that_fails_leaves_no_objects() -> None:
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0002_create_documents")
        await run(dsn, "CREATE FUNCTION app.load_document(uuid) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        before = await objects(dsn)
        with pytest.raises(ConfigurationError, match="function") as caught:
            await migrations.upgrade(dsn)
        assert "\n" not in caught.value.detail
        assert await objects(dsn) == before
        assert (await migrations.status(dsn)).current == "0002_create_documents"


async def test_the_login_gets_its_roles_and_limits() -> None:
    async with databases.migrated("18") as database:
        for setting, value in migrations.LOGIN_SETTINGS.items():
            assert await rows(database.login_dsn, f"SHOW {setting}") == [value]
        for role in migrations.SERVER_ROLES:
            await run(database.login_dsn, f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run(database.login_dsn, "SET ROLE app_admin")


@each_version
async def test_a_login_that_may_create_roles_and_schemas_can_do_it_all_itself(version: databases.Version) -> None:
    async with databases.empty(version) as admin:
        rights = (
            "ALTER ROLE {login} CREATEROLE",
            "GRANT CREATE ON DATABASE {database} TO {login}",
            "GRANT CREATE ON SCHEMA public TO {login}",
            # as its creator would be, if it were the first to migrate in this cluster
            "GRANT app_readonly, app_readwrite, app_service, app_admin TO {login} WITH ADMIN OPTION"
            + (", INHERIT FALSE, SET FALSE" if version == "18" else ""),
        )
        await migrations.upgrade(admin)
        await migrations.downgrade(admin)
        async with ordinary_login(version, admin, *rights) as dsn:
            await migrations.upgrade(dsn)
            may = "SET" if version == "18" else "MEMBER"
            for role in migrations.SERVER_ROLES:
                assert await rows(dsn, f"SELECT pg_has_role(current_user, '{role}', '{may}')") == [True]
            conn = await asyncpg.connect(dsn, server_settings={"role": "app_service"})
            assert await conn.fetchval("SELECT count(*) FROM workspaces") == 1
            await conn.close()
            await migrations.downgrade(dsn)


async def test_a_login_that_lacks_rights_is_told_which() -> None:
    async with databases.empty("15") as admin:
        await migrations.upgrade(admin)  # the roles exist
        await migrations.downgrade(admin)
        async with ordinary_login("15", admin) as dsn:
            login = urlsplit(dsn).username
            with pytest.raises(ConfigurationError) as caught:
                await migrations.upgrade(dsn)
            database = urlsplit(dsn).path[1:]
            assert caught.value.detail == (
                "the login lacks rights to migrate; a superuser must run: "
                f'GRANT CREATE ON DATABASE "{database}" TO "{login}"; GRANT CREATE ON SCHEMA public TO "{login}"'
            )
        rights = ("GRANT CREATE ON DATABASE {database} TO {login}", "GRANT CREATE ON SCHEMA public TO {login}")
        async with ordinary_login("15", admin, *rights) as dsn:
            with pytest.raises(ConfigurationError, match=r"GRANT app_readwrite, app_service TO"):
                await migrations.upgrade(dsn)


async def test_a_database_newer_than_the_server_is_refused() -> None:
    async with databases.migrated("18") as database:
        await run(database.owner_dsn, "UPDATE alembic_version SET version_num = '9999_future'")
        for attempt in (migrations.status, migrations.upgrade):
            with pytest.raises(ConfigurationError, match="9999_future, newer than this collab_server"):
                await attempt(database.owner_dsn)


async def test_each_way_a_dsn_can_be_wrong_has_its_own_line() -> None:
    embedded = databases.embedded_cluster()
    faults = {
        "nonsense://x": "cannot be read",
        "postgresql://127.0.0.1:1/x": "cannot reach PostgreSQL",
        databases.with_database(embedded.dsn, "nowhere"): 'database "nowhere" does not exist: create it',
        embedded.dsn.replace("collab_server@", "stranger@"): "refused the login",
    }
    for dsn, part in faults.items():
        with pytest.raises(ConfigurationError) as caught:
            await migrations.status(dsn)
        assert part in caught.value.detail, dsn
        assert "\n" not in caught.value.detail


async def _holds(dsn: str, query: str) -> bool:
    return await rows(dsn, query) == [True]


async def test_other_sessions_work_while_a_version_waits_for_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(migrations, "LOCK_PAUSE", 0.1)
    monkeypatch.setattr(migrations, "LOCK_ATTEMPTS", 10_000)  # until this test has seen two of them
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0022_list_documents")
        reader, writer = [await asyncpg.connect(dsn) for _ in range(2)]
        reading = reader.transaction()
        await reading.start()
        await reader.fetchval("SELECT count(*) FROM documents")
        migration = asyncio.create_task(migrations.upgrade(dsn))
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'documents'::regclass AND NOT granted)"
        try:
            for _ in range(2):  # it comes again
                await until(lambda: _holds(dsn, waiting), "the version to wait for its lock", 30)
                # behind the lock that the version waits for
                await writer.execute("INSERT INTO documents (workspace_id, title) SELECT id, 'new' FROM workspaces")
            assert not migration.done()
        finally:
            await reading.rollback()
        await migration
        assert (await migrations.status(dsn)).pending == []
        for conn in (reader, writer):
            await conn.close()


async def test_a_version_that_never_gets_its_lock_reports_it_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(migrations, "LOCK_PAUSE", 0)
    monkeypatch.setattr(migrations, "LOCK_ATTEMPTS", 2)
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0023_keep_former_slugs")
        before = await objects(dsn)
        conn = await asyncpg.connect(dsn)
        async with conn.transaction():
            await conn.fetchval("SELECT count(*) FROM documents")
            with pytest.raises(ConfigurationError, match="lock timeout"):
                await migrations.upgrade(dsn)
        await conn.close()
        assert await objects(dsn) == before


async def test_an_index_is_built_while_its_table_is_written_to() -> None:
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0024_limit_documents")
        writer, other = [await asyncpg.connect(dsn) for _ in range(2)]
        # an attempt that failed has left an index that is not valid
        await run(dsn, "CREATE INDEX document_search_language_workspace ON document_search (language)")
        writing = writer.transaction()
        await writing.start()
        await writer.execute("INSERT INTO documents (workspace_id, title) SELECT id, 'one' FROM workspaces")
        await writer.fetchval("SELECT app.refresh_search()")
        migration = asyncio.create_task(migrations.upgrade(dsn))
        building = (
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ~ '(CREATE|DROP) INDEX CONCURRENTLY' "
            "AND wait_event_type = 'Lock' AND datname = current_database())"
        )
        await until(lambda: _holds(dsn, building), "the index to wait for the writer", 30)
        await other.execute("INSERT INTO documents (workspace_id, title) SELECT id, 'two' FROM workspaces")
        assert await other.fetchval("SELECT app.refresh_search()") == 1
        assert not migration.done()
        await writing.commit()
        await migration
        definition = "SELECT indexdef FROM pg_indexes WHERE indexname ~ '^document_search_language'"
        [made] = await rows(dsn, definition)
        assert made.endswith("(language, workspace_id)")
        assert await rows(dsn, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [0]
        for conn in (writer, other):
            await conn.close()


def blocking_indexes(upgrade: str) -> list[str]:
    """Tables of earlier versions on which a version builds an index that blocks writes."""
    made = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", upgrade))
    on = r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?\w* *ON (?:ONLY )?(?:public\.)?(\w+)"
    constraints = r"ALTER TABLE (\w+)\s+ADD (?:CONSTRAINT \w+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)(?! USING INDEX)"
    return [table for table in re.findall(on, upgrade) + re.findall(constraints, upgrade) if table not in made]


def test_new_versions_build_indexes_of_existing_tables_concurrently() -> None:
    assert blocking_indexes(migration_files.read_step("0022_list_documents", "up")) == ["documents"]
    for version in VERSIONS[VERSIONS.index("0022_list_documents") + 1 :]:
        assert blocking_indexes(migration_files.read_step(version, "up")) == [], version


def test_versions_are_numbered_without_gaps_and_have_steps_up_and_down() -> None:
    assert migration_files.list_versions() == VERSIONS
    for number, version in enumerate(VERSIONS, 1):
        assert re.fullmatch(rf"{number:04}(_[a-z]+)+", version), version
        files = (ROOT / "migrations" / "versions" / version).iterdir()
        assert sorted(path.name for path in files) == ["down.sql", "up.sql"], version
        assert len(version) <= 32, "the database stores no longer names"
