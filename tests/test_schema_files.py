"""The generated schema, the replaceable objects, and databases of the release before versions were SQL files."""

import asyncio
import gzip
import re

import asyncpg
import pytest

from collab_server.adapters import migration_files, migrations
from collab_server.errors import ConfigurationError
from collab_server.process import bootstrap
from collab_server.settings import Settings
from tests import databases
from tests.require import ROOT
from tests.schema_dump import dump_schema, written_schema

FORMER_DATABASE = ROOT / "tests" / "adapters" / "database_0031.sql.gz"
"""Version 0031 with some rows, dumped from a database that the release before this one made."""


async def run(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


async def read_rows(dsn: str, tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """All rows of the tables by table name, with these columns only, as sorted texts."""
    conn = await asyncpg.connect(dsn)
    try:
        return {
            table: sorted(row[0] for row in await conn.fetch(f"SELECT ({', '.join(columns)})::text FROM {table}"))
            for table, columns in tables.items()
        }
    finally:
        await conn.close()


async def list_columns(dsn: str) -> dict[str, list[str]]:
    """Columns by table, without the table of the version itself."""
    conn = await asyncpg.connect(dsn)
    try:
        found = await conn.fetch(
            "SELECT c.relname::text AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
            "AND NOT c.relispartition AND c.relname <> 'alembic_version' GROUP BY 1 ORDER BY 1"
        )
        return {row["name"]: row["columns"] for row in found}
    finally:
        await conn.close()


def without_parentheses(sql: str) -> str:
    """The dump of a restored database has fewer of them around `a OR b OR c`."""
    return sql.replace("(", "").replace(")", "")


async def stored_version(dsn: str) -> str:
    conn = await asyncpg.connect(dsn)
    try:
        found: str = await conn.fetchval("SELECT version_num FROM alembic_version")
        return found
    finally:
        await conn.close()


async def test_the_generated_schema_is_that_of_a_migrated_database() -> None:
    async with databases.migrated() as database:
        assert dump_schema(database.owner_dsn) == written_schema(), "run `make schema`"


async def test_a_database_of_the_former_release_is_upgraded_and_taken_back_without_loss() -> None:
    async with databases.empty("18") as dsn:
        await run(dsn, gzip.decompress(FORMER_DATABASE.read_bytes()).decode())
        assert await stored_version(dsn) == "0031_expiry_titles"
        schema, tables = without_parentheses(dump_schema(dsn)), await list_columns(dsn)
        rows = await read_rows(dsn, tables)
        assert len(rows["documents"]) == 8 and len(rows["document_updates"]) == 3
        assert (await migrations.status(dsn)).pending[0] == "0032_track_objects"
        for _ in range(2):
            await migrations.upgrade(dsn)
            assert without_parentheses(dump_schema(dsn)) == without_parentheses(written_schema())
            assert await read_rows(dsn, tables) == rows
            await migrations.downgrade(dsn, "0031_derive_titles")
            assert await stored_version(dsn) == "0031_expiry_titles"  # the former release can use it
            assert without_parentheses(dump_schema(dsn)) == schema
            assert await list_columns(dsn) == tables
            assert await read_rows(dsn, tables) == rows


async def test_former_names_of_versions_are_accepted() -> None:
    async with databases.empty("18") as dsn:
        await migrations.upgrade(dsn, "0002_documents")
        assert (await migrations.status(dsn)).current == "0002_create_documents"
        await migrations.downgrade(dsn, "0001_accounts")
        assert (await migrations.status(dsn)).current == "0001_create_accounts"
        assert await stored_version(dsn) == "0001_accounts"
        for attempt in (migrations.upgrade, migrations.downgrade):
            with pytest.raises(ConfigurationError, match="there is no version 0002_document of the schema"):
                await attempt(dsn, "0002_document")


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_objects_whose_hash_differs_are_created_again_with_the_same_result(version: databases.Version) -> None:
    async with databases.migrated(version) as database:
        dsn = database.owner_dsn
        await run(dsn, "UPDATE schema_objects SET hash = repeat('0', 64)")
        await run(dsn, "INSERT INTO schema_objects VALUES ('function.removed', repeat('0', 64))")
        assert (await migrations.status(dsn)).changed == list(migration_files.read_objects())
        await migrations.upgrade(dsn)
        assert (await migrations.status(dsn)).changed == []
        if version == "18":
            assert dump_schema(dsn) == written_schema()
        hashes = await read_rows(dsn, {"schema_objects": ["name", "hash"]})
        assert len(hashes["schema_objects"]) == len(migration_files.read_objects())


async def test_changed_objects_are_applied_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = migration_files.read_objects()
    changed["function.user_id"] = "CREATE OR REPLACE FUNCTION app.user_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL'"
    changed["view.active_presence"] = "CREATE VIEW active_presence AS SELECT 1"
    async with databases.migrated() as database:
        before = dump_schema(database.owner_dsn)
        with monkeypatch.context() as patch:
            patch.setattr(migration_files, "read_objects", lambda: changed)
            with pytest.raises(ConfigurationError, match='"active_presence" already exists'):
                await migrations.upgrade(database.owner_dsn)
        assert dump_schema(database.owner_dsn) == before
        assert (await migrations.status(database.owner_dsn)).changed == []


def open_database(dsn: str) -> str:
    with bootstrap.database(Settings(database_url=dsn)) as (found, _):
        return found


async def test_a_server_does_not_start_on_a_database_whose_objects_differ() -> None:
    async with databases.migrated() as database:
        assert await asyncio.to_thread(open_database, database.login_dsn) == database.login_dsn
        await run(database.owner_dsn, "UPDATE schema_objects SET hash = repeat('0', 64) WHERE name ~ 'documents'")
        with pytest.raises(ConfigurationError, match=r"lacks \d+ changed object\(s\): run `collab-server migrate`"):
            await asyncio.to_thread(open_database, database.login_dsn)


def test_each_object_file_is_named_after_its_object() -> None:
    creates = {
        "function": r"CREATE OR REPLACE FUNCTION app\.(\w+)",
        "view": r"CREATE OR REPLACE VIEW (?:app\.)?(\w+)",
        "policies": r"CREATE POLICY \w+ ON (\w+)",
        "triggers": r"CREATE (?:OR REPLACE|CONSTRAINT) TRIGGER \w+\s[^;]*?\sON (\w+)",
    }
    for name, sql in migration_files.read_objects().items():
        kind, _, subject = name.partition(".")
        assert set(re.findall(creates[kind], sql)) == {subject}, name


def test_the_newest_version_names_the_hash_of_all_objects() -> None:
    """A release that changes objects has a version of its own, so that an older server refuses the database."""
    objects = migration_files.read_objects().items()
    digest = migration_files.hash_object("".join(f"{name} {sql}\n" for name, sql in sorted(objects)))[:16]
    newest = migration_files.list_versions()[-1]
    assert f"-- objects: {digest}\n" in migration_files.read_step(newest, "up"), (
        f"objects have changed: add a version, or write `-- objects: {digest}` in {newest}, if that is not released"
    )
