"""Several serving processes on one port: started, started again when one dies, and stopped together."""

import asyncio
import multiprocessing
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres, keep_running
from collab_server.adapters.process_metrics import ProcessMetrics
from collab_server.background import Backoff
from collab_server.errors import CollabError, ConfigurationError
from collab_server.observability.logging import configure_logging, log
from collab_server.process import listener as port
from collab_server.process import worker as process
from collab_server.services import Services
from collab_server.settings import Settings

RESTART = (0.5, 30.0)
"""Seconds before a process that died is started again: the first delay and the longest."""
LEAVE = 15.0
"""Seconds beyond the settings' own times until a process that does not end is killed."""

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class _Place:
    """What one process is told. `settings`: with the port that was bound. `directory`: of the sockets for metrics."""

    settings: Settings
    dsn: str
    number: int
    count: int
    directory: Path


def supervise(
    settings: Settings,
    dsn: str,
    embedded: EmbeddedPostgres | None,
    count: int,
    on_ready: Callable[[], Awaitable[None]],
) -> None:
    """Run `count` processes until SIGTERM or SIGINT; `on_ready` is awaited once all take connections.

    Raises ConfigurationError where one of them does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="collab_server-"))
    try:
        places = [_Place(settings, dsn, number, count, directory) for number in range(count)]
        asyncio.run(_Supervisor(places, embedded, on_ready).run())
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Supervisor:
    def __init__(
        self, places: list[_Place], embedded: EmbeddedPostgres | None, on_ready: Callable[[], Awaitable[None]]
    ) -> None:
        self._places = places
        self._embedded = embedded
        self._on_ready = on_ready
        self._ready: set[int] = set()
        self._all_ready = False
        self._failed = False
        self._leaving = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        _on_signal(lambda: loop.call_soon_threadsafe(self._leaving.set))
        database = asyncio.create_task(keep_running(self._embedded)) if self._embedded else None
        await asyncio.gather(*(self._keep(place) for place in self._places))
        # A second signal must not cut short what the parent has to clear away.
        _on_signal(lambda: None)
        if database is not None:
            database.cancel()
        if self._failed:
            raise ConfigurationError("a server process could not start; the log says why")
        log.info("all processes have stopped", extra={"processes": len(self._places)})

    async def _keep(self, place: _Place) -> None:
        """Have this process running until the end."""
        backoff = Backoff(*RESTART)
        while not self._leaving.is_set():
            child = _Child(place, self._on_word)
            started = time.monotonic()
            status = await child.run(self._leaving)
            if self._leaving.is_set():
                return
            if not self._all_ready:
                self._failed = True
                self._leaving.set()
                return
            lived = time.monotonic() - started
            backoff.reset_after(lived)
            log.error(
                "a server process died and is started again",
                extra={"process_number": place.number, "exit_status": status, "seconds": round(lived, 1)},
            )
            await _unless(self._leaving, backoff.next_delay())

    def _on_word(self, number: int) -> None:
        self._ready.add(number)
        if not self._all_ready and len(self._ready) == len(self._places):
            self._all_ready = True
            self._announcing = asyncio.ensure_future(self._on_ready())


class _Child:
    """One process, from its start to its end. `on_word`: called with its number when it takes connections."""

    def __init__(self, place: _Place, on_word: Callable[[int], None]) -> None:
        self._place = place
        self._on_word = on_word
        self._ended = asyncio.Event()

    async def run(self, leaving: asyncio.Event) -> int | None:
        """Wait until it ends, by itself or as `leaving` says; its exit status (negative: the signal)."""
        loop = asyncio.get_running_loop()
        ours, its = _SPAWN.Pipe()
        child = _SPAWN.Process(target=_serve, args=(self._place, its), name=f"collab_server {self._place.number}")
        await asyncio.to_thread(child.start)
        its.close()
        loop.add_reader(child.sentinel, self._ended.set)
        loop.add_reader(ours.fileno(), self._heard, ours)
        try:
            await _first(self._ended, leaving)
            await self._end(child)
        finally:
            loop.remove_reader(child.sentinel)
            loop.remove_reader(ours.fileno())
            ours.close()
            child.join()
        return child.exitcode

    def _heard(self, ours: Connection) -> None:
        asyncio.get_running_loop().remove_reader(ours.fileno())
        try:
            ours.recv_bytes()
        except (EOFError, OSError):
            return
        self._on_word(self._place.number)

    async def _end(self, child: SpawnProcess) -> None:
        settings = self._place.settings
        for stop in (child.terminate, child.kill):
            if self._ended.is_set():
                return
            stop()
            await _unless(self._ended, settings.drain_seconds + 2 * settings.shutdown_grace + LEAVE)


def _on_signal(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: act())


async def _unless(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but no longer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


# ---- in the process itself


def _serve(place: _Place, parent: Connection) -> None:
    settings = place.settings
    configure_logging(settings.log_level, settings.log_format)
    process_metrics = ProcessMetrics(place.directory, place.number, place.count)

    async def ready() -> None:
        asyncio.get_running_loop().add_reader(parent.fileno(), _parent_died, parent)
        parent.send_bytes(b"ready")

    try:
        with port.bound(settings, shared=True) as listener:
            process.run(Services(settings, place.dsn, process_metrics=process_metrics), listener, ready)
    except CollabError as error:
        log.error("a server process cannot start", extra={"process_number": place.number, "reason": error.detail})
        raise SystemExit(1) from None


def _parent_died(parent: Connection) -> None:
    """Nobody would stop this process, nor start it again: it leaves as on SIGTERM."""
    asyncio.get_running_loop().remove_reader(parent.fileno())
    log.error("the parent process has died")
    signal.raise_signal(signal.SIGTERM)
