"""One server process from the start to its exit: database, migrations, socket, signals, drain."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import urlsplit

import uvicorn

from collab_server import __version__, app
from collab_server.backends import db, migrate
from collab_server.backends.embedded import EmbeddedPostgres
from collab_server.errors import ConfigurationError
from collab_server.settings import Settings
from collab_server.telemetry import log
from collab_server.transport.http_protocol import BoundedHttpProtocol
from collab_server.transport.uvicorn_protocol import FanOutProtocol

BACKLOG = 2048
"""Connections the kernel holds while we accept: a thousand clients return at once after a restart."""


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
    await migrate.upgrade(owner_dsn)
    await migrate.ensure_login(owner_dsn)


async def _check_schema(dsn: str) -> None:
    await db.check_reachable(dsn)
    status = await migrate.status(dsn)
    if status.pending:
        raise ConfigurationError(
            f"the database lacks {len(status.pending)} migration(s): run `collab-server migrate` as its owner first"
        )
    await db.check(dsn)


class _Uvicorn(uvicorn.Server):
    """uvicorn that drains the rooms while their sockets are still open."""

    def __init__(self, config: uvicorn.Config, server: app.Server, address: str) -> None:
        super().__init__(config)
        self._server = server
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"collab_server ready at {self._address}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await self._server.drain()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigurationError where the operator must act."""
    signal.signal(signal.SIGTERM, _leave)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings.secret()
    with _listening(settings) as listener, database(settings) as (dsn, embedded):
        server = app.Server(settings, dsn, embedded.ensure_running if embedded else None)
        asgi = app.build(server)
        config = uvicorn.Config(
            asgi,
            ws=FanOutProtocol,
            loop="uvloop",
            http=BoundedHttpProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            backlog=BACKLOG,
            ws_max_size=settings.max_message_bytes,
            ws_ping_interval=settings.ping_interval,
            ws_ping_timeout=settings.ping_timeout,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=int(settings.shutdown_grace) or 1,
        )
        runner = _Uvicorn(config, server, _address(listener))
        log.info("starting", extra={"version": __version__, "embedded": settings.embedded})
        # uvicorn takes the signals while it runs, and raises them once more when it has ended.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        runner.run(sockets=[listener])
        if not runner.started:
            raise ConfigurationError("the server could not start; the log says why")
        log.info("stopped")


def _leave(number: int, frame: FrameType | None) -> None:
    """SIGTERM before the server runs: leave through the `finally`s, so that PostgreSQL stops too."""
    sys.exit(0)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from error
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return urlsplit(f"http://{shown}:{port}").geturl()
