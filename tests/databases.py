"""PostgreSQL for tests: an embedded 18 for the whole run, the system's if any, a fresh database for each test."""

import asyncio
import atexit
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from collab_server.adapters import migrations
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from tests.require import needs

Result = TypeVar("Result")
Version = Literal["18", "15"]
VERSIONS: tuple[Version, Version] = ("18", "15")
"""The embedded PostgreSQL, and the system's, which is the oldest that is supported on Debian 12."""

SYSTEM_LOGIN = f"collab_server_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
_SYSTEM_PASSWORD = uuid4().hex
_templates: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Database:
    """`owner_dsn` is a superuser's; `login_dsn` is for the login that a server has, without rights of its own."""

    owner_dsn: str
    login_dsn: str


@cache
def embedded_cluster() -> EmbeddedPostgres:
    """A running PostgreSQL 18 in a temporary folder, stopped and removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="collab-test-"))
    embedded = EmbeddedPostgres(folder)
    embedded.start()
    do_not_flush(folder)
    _finish(_reload(embedded.owner_dsn))

    def remove() -> None:
        embedded.stop()
        shutil.rmtree(folder)

    atexit.register(remove)
    return embedded


def do_not_flush(data_dir: Path) -> None:
    """Turns fsync off for the embedded PostgreSQL of this folder, from its next start or reload.

    Only a machine without power loses what is not flushed. A killed process does not, and no test can tell.
    """
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("fsync = off\n")


@asynccontextmanager
async def flushing(owner_dsn: str) -> AsyncIterator[None]:
    """Turns fsync on for this cluster while the block runs, as `collab-server doctor` demands."""
    await _reload(owner_dsn, "ALTER SYSTEM SET fsync = on")
    try:
        yield
    finally:
        await _reload(owner_dsn, "ALTER SYSTEM RESET fsync")


async def _reload(owner_dsn: str, *changes: str) -> None:
    conn = await asyncpg.connect(owner_dsn)
    try:
        for change in changes:
            await conn.execute(change)
        loaded = await conn.fetchval("SELECT pg_conf_load_time()")
        await conn.execute("SELECT pg_reload_conf()")
        while await conn.fetchval("SELECT pg_conf_load_time()") == loaded:
            continue
    finally:
        await conn.close()


@cache
def system_postgres_dsn() -> str | None:
    """A superuser's DSN for COLLAB_TEST_POSTGRES, or what listens on 127.0.0.1:5432 or its usual socket; else None."""
    account = pwd.getpwuid(os.geteuid()).pw_name
    for dsn in (
        os.environ.get("COLLAB_TEST_POSTGRES", ""),
        "postgresql://postgres@127.0.0.1:5432/postgres",
        f"postgresql://{account}@/postgres?host=%2Fvar%2Frun%2Fpostgresql&port=5432",
    ):
        if dsn and _finish(_is_superuser(dsn)):
            return dsn
    return None


def admin_dsn(version: Version) -> str:
    """A superuser's DSN for a cluster of this version. Skips the test, or fails it, where the machine has none."""
    if version == "18":
        return embedded_cluster().owner_dsn
    needs("postgres15")
    dsn = system_postgres_dsn()
    assert dsn is not None, "PostgreSQL on port 5432 lets nobody in as superuser: set COLLAB_TEST_POSTGRES to a DSN"
    return dsn


def with_database(dsn: str, name: str) -> str:
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


async def create_database(admin: str, template: str | None = None) -> str:
    """-> DSN, with the same login, of a new database in the cluster of `admin`: empty, or like `template`."""
    name = f"collab_test_{uuid4().hex}"
    conn = await asyncpg.connect(admin)
    try:
        # Copying files flushes all that PostgreSQL holds first, which costs nothing where nothing is flushed.
        strategy = "file_copy" if await conn.fetchval("SHOW fsync") == "off" else "wal_log"
        await conn.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY {strategy}")
    finally:
        await conn.close()
    return with_database(admin, name)


async def drop_database(dsn: str) -> None:
    """Drops the database of `dsn`, whoever is still connected to it."""
    conn = await asyncpg.connect(with_database(dsn, "postgres"))
    try:
        await conn.execute(f"DROP DATABASE IF EXISTS {urlsplit(dsn).path[1:]} WITH (FORCE)")
    finally:
        await conn.close()


@asynccontextmanager
async def empty(version: Version) -> AsyncIterator[str]:
    """DSN of a database without any schema."""
    dsn = await create_database(admin_dsn(version))
    try:
        yield dsn
    finally:
        await drop_database(dsn)


@asynccontextmanager
async def migrated(version: Version = "18") -> AsyncIterator[Database]:
    """A database at the newest revision, copied from one that is migrated once in a run."""
    admin = admin_dsn(version)
    if admin not in _templates:
        template = await create_database(admin)
        atexit.register(lambda: asyncio.run(_drop_quietly(template)))
        await migrations.upgrade(template)
        await _prepare_login(version, template)
        _templates[admin] = urlsplit(template).path[1:]
    dsn = await create_database(admin, _templates[admin])
    try:
        yield Database(dsn, _login_dsn(version, dsn))
    finally:
        await drop_database(dsn)


async def _prepare_login(version: Version, dsn: str) -> None:
    if version == "18":
        await migrations.ensure_login(dsn)
        return
    await migrations.ensure_login(dsn, SYSTEM_LOGIN)
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(f"ALTER ROLE {SYSTEM_LOGIN} PASSWORD '{_SYSTEM_PASSWORD}'")
    finally:
        await conn.close()


def _login_dsn(version: Version, dsn: str) -> str:
    if version == "18":
        return with_database(embedded_cluster().dsn, urlsplit(dsn).path[1:])
    parts = urlsplit(dsn)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5432
    return f"postgresql://{SYSTEM_LOGIN}:{_SYSTEM_PASSWORD}@{host}:{port}{parts.path}"


def login_dsn(owner_dsn: str) -> str:
    """The embedded PostgreSQL's DSN for the server's login, for the same database."""
    return _login_dsn("18", owner_dsn)


async def _is_superuser(dsn: str) -> bool:
    try:
        conn = await asyncpg.connect(dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        found: bool = await conn.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return found
    finally:
        await conn.close()


async def _drop_quietly(dsn: str) -> None:
    try:
        await drop_database(dsn)
    except (OSError, asyncpg.PostgresError):
        return  # stopped meanwhile: it was not ours


def _finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs `work` to its end from code that is not async, wherever that is called."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
