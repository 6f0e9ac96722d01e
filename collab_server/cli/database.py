"""The database of a command: the external one, a running server's embedded one, or one started for the command."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from collab_server.adapters import migrations
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.adapters.postgres import Conn, Database, acting
from collab_server.settings import Settings, load

T = TypeVar("T")
OPERATOR = "operator"
"""The name of the actor in audit entries of commands."""


@contextmanager
def embedded_database(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """Attach to the embedded PostgreSQL of a running server, or start it for this command."""
    embedded = EmbeddedPostgres(settings.data_dir)
    if embedded.attach() is not None:
        yield embedded
        return
    embedded.start()
    try:
        asyncio.run(migrations.upgrade(embedded.owner_dsn))
        asyncio.run(migrations.ensure_login(embedded.owner_dsn))
        yield embedded
    finally:
        embedded.stop()


def with_database(work: Callable[[Conn], Awaitable[T]], *, in_transaction: bool = True) -> T:
    """Run `work` with a connection under app_service, as the operator.

    `in_transaction`: in one transaction; otherwise `work` begins its own.
    """
    settings = load()

    async def run(dsn: str) -> T:
        db = Database(dsn, pool_size=1)
        await db.open()
        try:
            async with db.as_service() as conn, acting(conn, None, OPERATOR) if in_transaction else nullcontext():
                return await work(conn)
        finally:
            await db.close()

    return run_on_database(settings, run)


def run_on_database(settings: Settings, run: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine with the DSN of the database, and return its result."""
    if not settings.embedded:
        return asyncio.run(run(settings.database_url))
    with embedded_database(settings) as embedded:
        return asyncio.run(run(embedded.dsn))
