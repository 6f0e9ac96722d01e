"""Migrations: bring a database to a version of the schema, and prepare the logins of the server.

The steps are plain SQL (see `migration_files`), run by asyncpg itself. A migration framework would add only the order
of the files and the table of the version.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import ParamSpec, TypeAlias

import asyncpg

from collab_server.adapters import migration_files
from collab_server.adapters.migration_files import OUTSIDE_TRANSACTION
from collab_server.adapters.postgres_checks import connect
from collab_server.adapters.postgres_errors import one_line
from collab_server.errors import ConfigurationError
from collab_server.observability.logging import log

LOGIN_ROLE = "collab_server"
LOGIN_SETTINGS = {
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
}
SERVER_ROLES = ("app_readwrite", "app_service")

_ROLES = ("app_readonly", "app_readwrite", "app_service", "app_admin")
LOCK_TIMEOUT = "2s"
"""How long a step waits for a lock. Other sessions that need the same table wait behind it."""
LOCK_ATTEMPTS = 30
LOCK_PAUSE = 1.0
"""Seconds between two attempts at a step that did not get its locks."""
_LOCK_STATES = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_LOCK_KEY = 0x636F6C6C6162  # "collab"
_LOCK_PATIENCE = 600

# The name is that of earlier releases, which read the table before they start and refuse a newer database.
_VERSION_TABLE = "public.alembic_version"
_OBJECT_TABLE = "public.schema_objects"

Arguments = ParamSpec("Arguments")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Status:
    """The version of a database, and the work that `upgrade` would do.

    `current` is None in an empty database. `pending` are the versions between it and `head`, oldest first. `changed`
    are the files of objects whose stored hash differs; empty in a database without stored hashes.
    """

    current: str | None
    head: str
    pending: list[str]
    changed: list[str] = field(default_factory=list)


async def upgrade(dsn: str, version: str = "head") -> None:
    """Apply all versions up to `version`, by default all and then the changed objects. Grant the server's roles.

    Several processes may do so at the same time. Raises ConfigurationError with one line for the operator.
    """
    async with _connected(dsn) as conn:
        status = await _status(conn)
        if status.pending or status.changed:
            await _check_rights(conn)
            async with _locked(conn):
                await _upgrade(conn, version)
        await _grant_roles(conn)


async def downgrade(dsn: str, version: str = "base") -> None:
    """Take the database back to `version`, by default to an empty one. Deletes the tables of later versions."""
    async with _connected(dsn) as conn, _locked(conn):
        current = (await _status(conn)).current
        known = migration_files.list_versions()
        target = 0 if version == "base" else known.index(migration_files.get_version(version)) + 1
        applied = known[: known.index(current) + 1] if current else []
        await _prepare_session(conn)
        for index in reversed(range(target, len(applied))):
            await _retry(_step, conn, known[index], "down", known[index - 1] if index else None)
        if version == "base":
            await conn.execute(f"DROP TABLE IF EXISTS {_VERSION_TABLE}")


async def status(dsn: str) -> Status:
    """The status of the database behind `dsn`. Raises ConfigurationError for a database newer than this server."""
    async with _connected(dsn) as conn:
        return await _status(conn)


async def ensure_login(dsn: str, login: str = LOGIN_ROLE) -> None:
    """Create `login` without rights of its own if it is missing, and grant it the server's roles and settings.

    `dsn` belongs to a superuser or to an owner with CREATEROLE.
    """
    async with _connected(dsn) as conn:
        found = await conn.fetchrow(
            "SELECT coalesce(rolconfig, '{}') AS settings, pg_has_role(rolname, 'app_readwrite', 'MEMBER') "
            "AND pg_has_role(rolname, 'app_service', 'MEMBER') AS member FROM pg_roles WHERE rolname = $1",
            login,
        )
        wanted = {f"{name}={value}" for name, value in LOGIN_SETTINGS.items()}
        if found is not None and found["member"] and wanted <= set(found["settings"]):
            return
        name = quote_identifier(login)
        if found is None:
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT")
        await change_role(conn, f"GRANT {', '.join(SERVER_ROLES)} TO {name}")
        for setting, value in LOGIN_SETTINGS.items():
            await change_role(conn, f"ALTER ROLE {name} SET {setting} = '{value}'")


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    conn = await connect(dsn)
    try:
        yield conn
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ConfigurationError(f"the database could not be prepared: {one_line(error)}") from error
    finally:
        conn.terminate()


@asynccontextmanager
async def _locked(conn: Connection) -> AsyncIterator[None]:
    """Hold the advisory lock of migrations.

    The lock is polled, because CREATE INDEX CONCURRENTLY waits for a session that waits for a lock.
    """
    for _ in range(_LOCK_PATIENCE * 10):
        if await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            break
        await asyncio.sleep(0.1)
    else:
        raise ConfigurationError(f"another collab_server has been migrating this database for {_LOCK_PATIENCE} s")
    try:
        yield
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


async def _status(conn: Connection) -> Status:
    known = migration_files.list_versions()
    current = None
    if await _has_table(conn, _VERSION_TABLE):
        current = await conn.fetchval(f"SELECT version_num FROM {_VERSION_TABLE}")
    if current is not None:
        current = migration_files.present_name(current)
        if current not in known:
            raise ConfigurationError(
                f"the database is at version {current}, newer than this collab_server, whose newest is {known[-1]}"
            )
    changed = list(await _find_changed(conn)) if await _has_table(conn, _OBJECT_TABLE) else []
    return Status(current, known[-1], known[known.index(current) + 1 :] if current else known, changed)


async def _upgrade(conn: Connection, version: str) -> None:
    pending = (await _status(conn)).pending
    await _prepare_session(conn)
    await conn.execute(
        f"CREATE TABLE IF NOT EXISTS {_VERSION_TABLE} "
        "(version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
    )
    last = None if version == "head" else migration_files.get_version(version)
    for each in pending:
        if last is not None and each > last:
            return
        await _retry(_step, conn, each, "up", each)
    if last is None:
        await _retry(_replace_objects, conn)


async def _prepare_session(conn: Connection) -> None:
    await conn.execute(
        f"SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '{LOCK_TIMEOUT}'"
    )


async def _retry(run: Callable[Arguments, Awaitable[None]], *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
    """Run a step. One that does not get its locks was rolled back and starts again from its beginning."""
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            await run(*args, **kwargs)
        except asyncpg.PostgresError as error:
            if error.sqlstate not in _LOCK_STATES or attempt == LOCK_ATTEMPTS:
                raise ConfigurationError(f"the database could not be migrated: {one_line(error)}") from error
            log.info("a migration waits for a lock", extra={"attempt": attempt})
            await asyncio.sleep(LOCK_PAUSE)
        else:
            return


async def _step(conn: Connection, version: str, direction: str, result: str | None) -> None:
    """Run the step of `version` up or down, after which the database is at `result`; None: it is empty."""
    sql = migration_files.read_step(version, direction)
    if sql.startswith(OUTSIDE_TRANSACTION):
        # It waits for the transactions of other sessions without keeping them from the table.
        await conn.execute("SET lock_timeout = 0")
        try:
            for statement in sql.removesuffix(";\n").split(";\n"):
                await conn.execute(statement)
        finally:
            await conn.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        sql = ""
    async with conn.transaction():
        if direction == "down" and await _has_table(conn, _OBJECT_TABLE):
            await conn.execute(f"DELETE FROM {_OBJECT_TABLE}")  # a step down puts back earlier definitions
        await conn.execute(f"{sql}\nDELETE FROM {_VERSION_TABLE}")
        if result is not None:
            await conn.execute(f"INSERT INTO {_VERSION_TABLE} VALUES ($1)", migration_files.stored_name(result))


async def _find_changed(conn: Connection) -> dict[str, str]:
    """SQL of the objects whose hash is not the stored one, by file name, in the order of their creation."""
    stored = {row["name"]: row["hash"] for row in await conn.fetch(f"SELECT name, hash FROM {_OBJECT_TABLE}")}
    objects = migration_files.read_objects()
    return {name: sql for name, sql in objects.items() if stored.get(name) != migration_files.hash_object(sql)}


async def _replace_objects(conn: Connection) -> None:
    async with conn.transaction():
        await conn.execute("SET LOCAL check_function_bodies = off")
        for name, sql in (await _find_changed(conn)).items():
            await conn.execute(sql)
            await conn.execute(
                f"INSERT INTO {_OBJECT_TABLE} VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET hash = EXCLUDED.hash",
                name,
                migration_files.hash_object(sql),
            )
        await conn.execute(f"DELETE FROM {_OBJECT_TABLE} WHERE name <> ALL ($1)", list(migration_files.read_objects()))


async def _has_table(conn: Connection, name: str) -> bool:
    found: bool = await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", name)
    return found


async def _check_rights(conn: Connection) -> None:
    rights = await conn.fetchrow(
        "SELECT current_user AS login, current_database() AS database, "
        "has_database_privilege(current_database(), 'CREATE') AS may_create_schemas, "
        "has_schema_privilege('public', 'CREATE') AS may_create_tables, "
        "(SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) "
        "OR (SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)) = cardinality($1) AS may_have_roles",
        list(_ROLES),
    )
    assert rights is not None
    login, database = quote_identifier(rights["login"]), quote_identifier(rights["database"])
    cures = {
        "may_create_schemas": f"GRANT CREATE ON DATABASE {database} TO {login}",
        "may_create_tables": f"GRANT CREATE ON SCHEMA public TO {login}",
        "may_have_roles": f"ALTER ROLE {login} CREATEROLE",
    }
    if needed := [cure for right, cure in cures.items() if not rights[right]]:
        raise ConfigurationError(f"the login lacks rights to migrate; a superuser must run: {'; '.join(needed)}")


async def _grant_roles(conn: Connection) -> None:
    newer = conn.get_server_version().major >= 16
    missing = await conn.fetch(
        "SELECT r FROM unnest($1::text[]) r WHERE NOT pg_has_role(current_user, r, $2)",
        list(SERVER_ROLES),
        "SET" if newer else "MEMBER",
    )
    if not missing:
        return
    login = quote_identifier(await conn.fetchval("SELECT current_user::text"))
    grant = f"GRANT {', '.join(row['r'] for row in missing)} TO {login}"
    try:
        await change_role(conn, grant + (" WITH INHERIT FALSE, SET TRUE" if newer else ""))
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"the login may not take on the server's roles; a superuser must run: {grant}"
        ) from error


async def change_role(conn: Connection, statement: str) -> None:
    """Execute a statement on a role, again if a server of another database changes the same role at this moment."""
    for attempt in range(20):
        try:
            await conn.execute(statement)
            return
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError):  # "tuple concurrently updated"
            if attempt == 19:
                raise
            await asyncio.sleep(0.05)


def quote_identifier(identifier: str) -> str:
    """The identifier in double quotes, for a statement."""
    return '"' + identifier.replace('"', '""') + '"'
