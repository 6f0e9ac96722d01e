"""The schema's revisions (folder migrations/) brought to a database, and the logins that the server needs there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

import collab_server
from collab_server.backends.db import connect, one_line
from collab_server.errors import ConfigurationError
from collab_server.telemetry import log

LOGIN_ROLE = "collab_server"
LOGIN_SETTINGS = {
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
}
SERVER_ROLES = ("app_readwrite", "app_service")

_ROLES = ("app_readonly", "app_readwrite", "app_service", "app_admin")
LOCK_TIMEOUT = "2s"
"""How long a revision waits for a lock, while whoever comes to the same table waits behind it."""
LOCK_ATTEMPTS = 30
LOCK_PAUSE = 1.0
"""Seconds between two attempts at a revision that did not get its locks."""
_LOCK_STATES = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_LOCK_KEY = 0x636F6C6C6162  # "collab"
_LOCK_PATIENCE = 600

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Status:
    """`current` is None in an empty database; `pending` are the revisions between it and `head`, oldest first."""

    current: str | None
    head: str
    pending: list[str]


async def upgrade(dsn: str, revision: str = "head") -> None:
    """Brings the database to `revision`, by default the newest, and lets its login take on the server's roles.

    Safe in several processes at once. Raises ConfigurationError with one line that says what the operator must do.
    """
    async with _connected(dsn) as conn:
        if (await _status(conn)).pending:
            await _check_rights(conn)
            async with _locked(conn):
                if (await _status(conn)).pending:
                    await _run_alembic(dsn, "upgrade", revision)
        await _grant_roles(conn)


async def downgrade(dsn: str, revision: str = "base") -> None:
    """Takes the database back to `revision`, by default to an empty one: its tables and all that is in them go."""
    async with _connected(dsn) as conn, _locked(conn):
        await _run_alembic(dsn, "downgrade", revision)
        if revision == "base":
            await conn.execute("DROP TABLE IF EXISTS public.alembic_version")


async def status(dsn: str) -> Status:
    async with _connected(dsn) as conn:
        return await _status(conn)


async def ensure_login(dsn: str, login: str = LOGIN_ROLE) -> None:
    """Makes `login`, which has no rights of its own, able to work as the server. `dsn`: of a superuser, or of an owner
    with CREATEROLE.
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
        name = quoted(login)
        if found is None:
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT")
        await persistently(conn, f"GRANT {', '.join(SERVER_ROLES)} TO {name}")
        for setting, value in LOGIN_SETTINGS.items():
            await persistently(conn, f"ALTER ROLE {name} SET {setting} = '{value}'")


def execute_script(sql: str) -> None:
    """For revisions: runs several statements at once, within the transaction of the revision."""
    from alembic import op

    bind = op.get_bind()
    bind.exec_driver_sql("SELECT")  # the driver opens the transaction with the first statement that goes through it
    connection: Any = bind.connection
    connection.run_async(lambda conn: conn.execute(sql))


def create_index(name: str, definition: str, *, unique: bool = False) -> None:
    """For revisions: builds an index of a table that is in use, while it is written to. `definition`: what follows ON.

    Ends the transaction of the revision, so such a revision does nothing else. What a failed attempt has left is
    dropped first: the revision can be run again.
    """
    drop_index(name)
    _outside_a_transaction(f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY {name} ON {definition}")


def drop_index(name: str) -> None:
    """For revisions: like `create_index`. Harmless where there is no such index."""
    _outside_a_transaction(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _outside_a_transaction(statement: str) -> None:
    from alembic import op

    with op.get_context().autocommit_block():
        bind = op.get_bind()
        # It waits for the transactions of others without keeping anybody from the table.
        bind.exec_driver_sql("SET lock_timeout = 0")
        try:
            bind.exec_driver_sql(statement)
        finally:
            bind.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def migrations_folder() -> Path:
    """Inside an installed package, or beside it in a checkout."""
    package = Path(collab_server.__file__).parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def revisions() -> list[str]:
    """All revisions, oldest first. A file is named like its revision and sorts after the one it follows."""
    return sorted(path.stem for path in (migrations_folder() / "versions").glob("[0-9]*.py"))


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
    """One migration at a time. Polled: CREATE INDEX CONCURRENTLY would wait for a session that waits for a lock."""
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
    known = revisions()
    current = None
    if await conn.fetchval("SELECT to_regclass('public.alembic_version')"):
        current = await conn.fetchval("SELECT version_num FROM public.alembic_version")
    if current is not None and current not in known:
        raise ConfigurationError(
            f"the database is at revision {current}, newer than this collab_server, whose newest is {known[-1]}"
        )
    return Status(current, known[-1], known[known.index(current) + 1 :] if current else known)


async def _run_alembic(dsn: str, command: str, revision: str) -> None:
    """Each revision in its own transaction; one that does not get its locks is tried again from its beginning."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError  # at an ordinary start nothing is pending

    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            await _run_alembic_once(dsn, command, revision)
        except (SQLAlchemyError, asyncpg.PostgresError) as error:
            # execute_script goes past SQLAlchemy, whose errors wrap PostgreSQL's
            state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
            if state not in _LOCK_STATES or attempt == LOCK_ATTEMPTS:
                raise ConfigurationError(f"the database could not be migrated: {one_line(error)}") from error
            log.info("a migration waits for a lock", extra={"attempt": attempt})
            await asyncio.sleep(LOCK_PAUSE)
        else:
            return


async def _run_alembic_once(dsn: str, command: str, revision: str) -> None:
    from alembic import command as commands
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connection() -> Connection:
        conn = await connect(dsn)
        await conn.execute(
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
            f"SET lock_timeout = '{LOCK_TIMEOUT}'"
        )
        return conn

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    run: Callable[[Config, str], None] = getattr(commands, command)

    def on(connection: object) -> None:
        config.attributes["connection"] = connection
        run(config, revision)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connection, poolclass=NullPool)
    try:
        async with engine.connect() as conn:
            await conn.run_sync(on)
    finally:
        await engine.dispose()


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
    login, database = quoted(rights["login"]), quoted(rights["database"])
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
    login = quoted(await conn.fetchval("SELECT current_user::text"))
    grant = f"GRANT {', '.join(row['r'] for row in missing)} TO {login}"
    try:
        await persistently(conn, grant + (" WITH INHERIT FALSE, SET TRUE" if newer else ""))
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"the login may not take on the server's roles; a superuser must run: {grant}"
        ) from error


async def persistently(conn: Connection, statement: str) -> None:
    """Roles belong to the cluster: another database's server may be changing the same ones at this moment."""
    for attempt in range(20):
        try:
            await conn.execute(statement)
            return
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError):  # "tuple concurrently updated"
            if attempt == 19:
                raise
            await asyncio.sleep(0.05)


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
