"""`serve` from the start to its exit: the port, the database and its migrations, one process or several."""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from collab_server.adapters import cluster_membership, migrations, postgres_checks
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.adapters.postgres import Database
from collab_server.errors import CollabError, ConfigurationError
from collab_server.features.account.first_start import create_administrator_link
from collab_server.observability.logging import log
from collab_server.process import listener as port
from collab_server.process import worker as process
from collab_server.process.supervisor import supervise
from collab_server.services import Services
from collab_server.settings import Settings


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """A migrated database to work with: (DSN of the server's login, the embedded PostgreSQL if it is ours to run)."""
    if settings.embedded:
        embedded = EmbeddedPostgres(settings.data_dir)
        dsn = embedded.start()
        try:
            asyncio.run(_prepare(embedded.owner_dsn))
            yield dsn, embedded
        finally:
            embedded.stop()
    else:
        asyncio.run(_check_schema(settings.database_url))
        yield settings.database_url, None


async def _prepare(owner_dsn: str) -> None:
    await migrations.upgrade(owner_dsn)
    await migrations.ensure_login(owner_dsn)


async def _check_schema(dsn: str) -> None:
    await postgres_checks.check_reachable(dsn)
    status = await migrations.status(dsn)
    if status.pending or status.changed:
        lacking = (
            f"{len(status.pending)} migration(s)" if status.pending else f"{len(status.changed)} changed object(s)"
        )
        raise ConfigurationError(f"the database lacks {lacking}: run `collab-server migrate` as its owner first")
    await postgres_checks.check_usable(dsn)


def serve(settings: Settings, processes: int = 1) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigurationError where the operator must act."""
    signal.signal(signal.SIGTERM, _leave)
    settings.secret()
    with _reserved(settings, shared=processes > 1) as listener, database(settings) as (dsn, embedded):
        bound = settings.model_copy(update={"port": listener.getsockname()[1]})
        if not settings.redis_url:
            patience = settings.drain_seconds + settings.shutdown_grace + cluster_membership.LEAVING
            asyncio.run(cluster_membership.wait_until_alone(dsn, patience))

        async def ready() -> None:
            print(f"collab_server ready at {port.shown(listener)}", flush=True)
            await _show_way_in(bound, dsn)

        if processes == 1:
            process.run(Services(bound, dsn, embedded), listener, ready)
        else:
            supervise(bound, dsn, embedded, processes, ready)


def _leave(number: int, frame: FrameType | None) -> None:
    """SIGTERM before the server runs: leave through the `finally`s, so that PostgreSQL stops too."""
    sys.exit(0)


@contextmanager
def _reserved(settings: Settings, *, shared: bool) -> Iterator[socket.socket]:
    """`shared`: the socket never listens; it keeps the address for the processes that do."""
    with port.bound(settings) as listener:
        if not shared:
            yield listener
            return
        # Only an address that is not shared tells whether somebody has it already.
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    with port.bound(settings, shared=True) as listener:
        yield listener


async def _show_way_in(settings: Settings, dsn: str) -> None:
    database = Database(dsn, pool_size=1)
    try:
        await database.open()
        link = await create_administrator_link(database, settings)
    except CollabError as error:
        log.warning("there is no administrator, and none was made", extra={"reason": error.detail})
        return
    finally:
        await database.close()
    if link is not None:
        print(f"nobody administers this server yet; this link signs in once, within a day: {link}", flush=True)
