"""One serving process: uvicorn on a bound socket until a signal, then the drain while its sockets are still open."""

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Awaitable, Callable

import uvicorn

from collab_server import __version__, app
from collab_server.adapters.websocket.http_protocol import BoundedHttpProtocol
from collab_server.adapters.websocket.uvicorn_protocol import FanOutProtocol
from collab_server.errors import ConfigurationError
from collab_server.observability.logging import log
from collab_server.process import listener as port
from collab_server.services import Services
from collab_server.settings import Settings
from collab_server.web import routes

BACKLOG = 2048
"""Connections the kernel holds while we accept: a thousand clients return at once after a restart."""
IDLE_SECONDS = 5
"""A connection without a request is closed after this time."""
TICK = 0.05
GARBAGE_THRESHOLDS = (2000, 10, 10)
"""Hardly anything of ours is freed by the collector: counted references do it. So it need not look so often."""


class _Uvicorn(uvicorn.Server):
    """uvicorn that says when it is ready, and leaves in the order that a cluster needs."""

    def __init__(self, config: uvicorn.Config, services: Services, on_ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._services = services
        self._on_ready = on_ready
        self._preparing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._on_ready()
            # A hundred thousand objects of code and routes stay for good: going through them stalls every socket.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GARBAGE_THRESHOLDS)
            self._preparing = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        try:
            await routes.take(app.late_steps())
        except Exception:
            log.exception("routes could not be prepared: the first request of each pays for it")
        # Again for good, but not looked through: that would stall the sockets of those who came meanwhile.
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
        self._services.leave()
        await self._be_noticed()
        for listener in self.servers:
            listener.close()
        await self._services.drain()
        await super().shutdown(sockets)

    async def _be_noticed(self) -> None:
        """Serve on while /health/ready is red, so that a proxy sends newcomers elsewhere. A second Ctrl-C ends it."""
        until = time.monotonic() + self._services.settings.drain_seconds
        while time.monotonic() < until and not self.force_exit:  # noqa: ASYNC110 - a plain flag of uvicorn's
            await asyncio.sleep(TICK)


def run(services: Services, listener: socket.socket, on_ready: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready`: awaited once connections are taken.

    Raises ConfigurationError where the application does not start.
    """
    settings = services.settings
    runner = _Uvicorn(_config(services, settings), services, on_ready)
    log.info("starting", extra={"version": __version__, "embedded": settings.embedded})
    # uvicorn takes the signals while it runs, and raises them once more when it has ended. Upstream: it is meant
    # so, https://github.com/Kludex/uvicorn/pull/1600.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with port.metrics(settings) as further:
        runner.run(sockets=[listener, *further])
    if not runner.started:
        raise ConfigurationError("the server could not start; the log says why")
    log.info("stopped")


def _config(services: Services, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app.build(services),
        ws=FanOutProtocol,
        loop="uvloop",
        http=BoundedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=port.with_mapped(settings.trusted_proxies),
        ws_max_size=settings.max_message_bytes,
        ws_ping_interval=settings.ping_interval,
        ws_ping_timeout=settings.ping_timeout,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=int(settings.shutdown_grace) or 1,
    )
