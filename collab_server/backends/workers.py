"""Processes beside the server for what would hold up its event loop: folding, content, validation of large updates."""

import asyncio
import json
import logging
import os
import pickle
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, ParamSpec, TypeVar

from collab_server.backends.worker_process import BOOTSTRAP, HEADER
from collab_server.errors import Unavailable

log = logging.getLogger(__name__)

MAX_WAITING: Final = 1000
"""Calls that may wait for a free process; one more raises Unavailable."""

SOCKET_BUFFER: Final = 1 << 20
"""Bytes; with the default of 200 KB a large update takes several turns of the event loop."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class TookTooLong(Unavailable):
    """The call was ended, with its process, after `call_seconds`."""


class Workers:
    """At most `size` processes, each started when first needed, each at one call at a time.

    call_seconds: a call that takes longer is ended with its process. memory_bytes: of address space per process.
    """

    def __init__(self, size: int = 1, *, memory_bytes: int = 4 << 30, call_seconds: float = 120.0) -> None:
        self.memory_bytes = memory_bytes
        self.call_seconds = call_seconds
        self._free = [_Worker(memory_bytes) for _ in range(size)]
        self._all = tuple(self._free)
        self._places = asyncio.Semaphore(size)
        self._calls: set[asyncio.Task[Any]] = set()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Calls for which there is no process."""
        return max(0, len(self._calls) - len(self._all))

    async def run(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """What the function, one of a module's top level, returns or raises; arguments and result are pickled.

        A cancelled caller does not stop the call. A process that dies is replaced and the call repeated once. Raises
        Unavailable when it dies again, too many calls wait, or after `close`; TookTooLong after `call_seconds`.
        """
        if self._closed:
            raise Unavailable("the worker processes are closed")
        if self.waiting >= MAX_WAITING:
            raise Unavailable("too many calls wait for a worker process")
        call = asyncio.create_task(self._call(pickle.dumps((function, arguments, named), protocol=5)))
        self._calls.add(call)
        call.add_done_callback(self._done)
        try:
            succeeded, answer = await asyncio.shield(call)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise Unavailable("the worker processes are closed") from None
        if not succeeded:
            raise answer
        result: _T = answer
        return result

    def _done(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # Of a call whose caller has gone, nobody else asks.

    async def _call(self, request: bytes) -> tuple[bool, Any]:
        await self._places.acquire()
        worker = self._free.pop()
        try:
            for attempt in (1, 2):
                try:
                    async with asyncio.timeout(self.call_seconds):
                        return await worker.exchange(request)
                except TimeoutError:
                    log.error("a worker process was ended: its call took too long", extra={"worker": worker.pid})
                    raise TookTooLong("a worker process could not do this in time") from None
                except (OSError, EOFError) as error:
                    log.warning("a worker process died", extra={"attempt": attempt, "error": str(error)})
                finally:
                    if worker.busy:
                        await worker.stop()
            raise Unavailable("a worker process could not do this")
        finally:
            self._free.append(worker)
            self._places.release()

    async def warm(self) -> None:
        """Start every process and have it import what folding needs, so that the first call does not wait for it."""
        await asyncio.gather(*(self.run(_import_documents) for _ in self._all))

    async def close(self) -> None:
        """End all processes, and with Unavailable the calls that are still running; afterwards nothing is left."""
        self._closed = True
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._all))


class _Worker:
    """One process and the socket to it; started by the first `exchange`, and again by the first after its end."""

    def __init__(self, memory_bytes: int) -> None:
        self.busy = False
        self._memory_bytes = memory_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def exchange(self, request: bytes) -> tuple[bool, Any]:
        """(True, result) or (False, exception). Raises OSError or EOFError when the process dies meanwhile.

        If this does not return, `busy` stays true and the process must be stopped, or its answer would be taken for
        the next call's.
        """
        self.busy = True
        if self._process is not None and (self._process.returncode is not None or self._reader.at_eof()):
            await self.stop()
            self.busy = True
        if self._process is None:
            await self._start()
        self._writer.write(HEADER.pack(len(request)))
        self._writer.write(request)
        await self._writer.drain()
        (size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        answer: tuple[bool, Any] = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - from our process
        self.busy = False
        return answer

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
            descriptor = theirs.fileno()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-c",
                    BOOTSTRAP,
                    json.dumps(sys.path),
                    *map(str, (descriptor, os.getpid(), self._memory_bytes)),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    pass_fds=(descriptor,),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=2 * SOCKET_BUFFER)

    async def stop(self) -> None:
        """Kill the process, wait for its end and close the socket; nothing if there is none."""
        self.busy = False
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        await process.wait()


def _import_documents() -> None:
    import collab_server.crdt.documents  # noqa: F401
