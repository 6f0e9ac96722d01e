"""Processes beside the server for what would hold up its event loop: folding, content, validation of large updates."""

import asyncio
import json
import logging
import os
import pickle
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, ParamSpec, TypeVar

from collab_server.adapters.fair_queue import FairQueue, on_behalf_of
from collab_server.adapters.worker_process import BOOTSTRAP, HEADER, OUT_OF_TIME, REQUEST
from collab_server.errors import CollabError, TooMuchWork, Unavailable

log = logging.getLogger(__name__)

MAX_WAITING: Final = 1000
"""Calls that may wait for a free process; one more raises Unavailable."""
MAX_BYTES: Final = 512 << 20
"""Most bytes of the arguments of all calls that wait or run."""
MAX_BYTES_OF_ONE: Final = 128 << 20
"""The same for one person, unless it is one call."""

WHOLE_DOCUMENT_SECONDS: Final = 120.0
"""Limit of a call that reads or writes a whole document: one of 64 MB takes long."""
EDIT_SECONDS: Final = 10.0
"""Limit of a requested edit or rendering."""
SLACK: Final = 3.0
"""A call may take so many times its seconds of the processor, on a machine that has others to serve."""
MAX_EDITS_OF_ONE: Final = 16
"""Edits and renderings of one person that wait or run."""
IDLE_SECONDS: Final = 60.0
"""Idle time until an extra process ends and frees its memory."""

SOCKET_BUFFER: Final = 1 << 20
"""Bytes; with the default of 200 KB a large update takes several turns of the event loop."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class TookTooLong(Unavailable):
    """The call was ended, with its process, beyond its deadline."""


class _OutOfTime(Exception):
    """A process ended itself, as its call took too many seconds of the processor."""


class Workers:
    """A pool of `size` processes at most. Each is started when first needed, and runs one call at a time.

    Each person (fair_queue.on_behalf_of) has at most one process at a time, and persons take turns: with two processes
    nobody waits for one person's work.

    call_seconds: of the processor, and SLACK times as much by the clock; a call that takes longer is ended with its
    process, and raises `too_long`. memory_bytes: of address space per process. max_waiting: calls without a process.
    most_of_one: calls of one person that wait or run. keep: processes that stay when they are idle.
    """

    def __init__(
        self,
        size: int = 1,
        *,
        memory_bytes: int = 4 << 30,
        call_seconds: float = WHOLE_DOCUMENT_SECONDS,
        too_long: type[CollabError] = TookTooLong,
        max_waiting: int = MAX_WAITING,
        most_of_one: int = MAX_WAITING,
        keep: int = 1,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.memory_bytes = memory_bytes
        self.call_seconds = call_seconds
        self._too_long = too_long
        self._free = [_Worker(memory_bytes) for _ in range(size)]
        self._all = tuple(self._free)
        self._queue = FairQueue(
            size,
            most=max_waiting + size,
            most_of_one=most_of_one,
            most_bytes=MAX_BYTES,
            most_bytes_of_one=MAX_BYTES_OF_ONE,
        )
        self._keep = keep
        self._idle_seconds = idle_seconds
        self._calls: set[asyncio.Task[Any]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @classmethod
    def for_edits(cls, size: int) -> "Workers":
        """Workers for requests: edits, renderings, answers made of whole documents."""
        return cls(size, call_seconds=EDIT_SECONDS, too_long=TooMuchWork, most_of_one=MAX_EDITS_OF_ONE, keep=0)

    @property
    def waiting(self) -> int:
        """Calls that have no process yet."""
        return self._queue.waiting

    @property
    def running(self) -> int:
        """Calls that have a process."""
        return self._queue.running

    async def run(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """What the function, one of a module's top level, returns or raises; arguments and result are pickled.

        A cancelled caller does not stop the call. A process that dies is replaced and the call repeated once. Raises
        TooMany where the person has too many calls; Unavailable when the process dies again, too many calls wait, or
        after `close`; TookTooLong, or what the constructor was given for it, after `call_seconds`.
        """
        return await self.run_within(self.call_seconds, function, *arguments, **named)

    async def run_within(
        self, seconds: float, function: Callable[_P, _T], /, *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        """Like `run`, with another deadline: `seconds` of the processor."""
        if self._closed:
            raise Unavailable("the worker processes are closed")
        request = pickle.dumps((function, arguments, named), protocol=5)
        call = asyncio.create_task(self._call(on_behalf_of.get(), seconds, request))
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

    async def _call(self, person: str, seconds: float, request: bytes) -> tuple[bool, Any]:
        async with self._queue.place(person, len(request)):
            worker = self._free.pop()
            try:
                return await self._exchange(worker, seconds, request)
            finally:
                self._free.append(worker)
                self._watch(worker)

    async def _exchange(self, worker: "_Worker", seconds: float, request: bytes) -> tuple[bool, Any]:
        for attempt in (1, 2):
            try:
                async with asyncio.timeout(seconds * SLACK):
                    return await worker.exchange(request, seconds)
            except TimeoutError:
                log.error("a worker process was ended: its call took too long", extra={"worker": worker.pid})
                raise self._too_long(f"this takes longer than {seconds:g} s") from None
            except _OutOfTime:
                log.warning("a worker process ended: its call took too long", extra={"worker": worker.pid})
                raise self._too_long(f"this takes longer than {seconds:g} s") from None
            except (OSError, EOFError) as error:
                log.warning("a worker process died", extra={"attempt": attempt, "error": str(error)})
            finally:
                if worker.busy:
                    await worker.stop()
        raise Unavailable("a worker process could not do this")

    def _watch(self, worker: "_Worker") -> None:
        """End the process when it has been idle for long, unless it is one of those to keep."""
        loop = asyncio.get_running_loop()
        worker.used = loop.time()
        if self._closed or worker.watch is not None:
            return
        worker.watch = loop.call_later(self._idle_seconds, self._end_idle, worker)

    def _end_idle(self, worker: "_Worker") -> None:
        worker.watch = None
        loop = asyncio.get_running_loop()
        if self._closed or worker not in self._free or worker.pid is None:
            return
        left = worker.used + self._idle_seconds - loop.time()
        if left > 0:
            worker.watch = loop.call_later(left, self._end_idle, worker)
        elif sum(each.pid is not None for each in self._all) > self._keep:
            ending = loop.create_task(worker.stop())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def warm(self) -> None:
        """Start every process and have it import what folding needs, so that the first call does not wait for it."""
        await asyncio.gather(*(self.run(_import_documents) for _ in self._all))

    async def close(self) -> None:
        """End all processes, and with Unavailable the calls that are still running; afterwards nothing is left."""
        self._closed = True
        for worker in self._all:
            if worker.watch is not None:
                worker.watch.cancel()
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._all), *self._ending)


class _Worker:
    """One process and the socket to it; started by the first `exchange`, and again by the first after its end."""

    def __init__(self, memory_bytes: int) -> None:
        self.busy = False
        self.used = 0.0
        """The loop's time at the end of its last call."""
        self.watch: asyncio.TimerHandle | None = None
        self._memory_bytes = memory_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def exchange(self, request: bytes, seconds: float) -> tuple[bool, Any]:
        """(True, result) or (False, exception). Raises OSError or EOFError when the process dies meanwhile, _OutOfTime
        when it does as the call took more `seconds` of the processor.

        If this does not return, `busy` stays true and the process must be stopped, or its answer would be taken for
        the next call's.
        """
        self.busy = True
        if self._process is not None and (self._process.returncode is not None or self._reader.at_eof()):
            await self.stop()
            self.busy = True
        if self._process is None:
            await self._start()
        try:
            self._writer.write(REQUEST.pack(len(request), seconds))
            self._writer.write(request)
            await self._writer.drain()
            (size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            answer: tuple[bool, Any] = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - from our process
        except (OSError, EOFError) as error:
            # The socket ends with the process: its return code comes at once.
            if self._process is not None and await self._process.wait() == OUT_OF_TIME:
                raise _OutOfTime from error
            raise
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

    def stop(self) -> Coroutine[Any, Any, None]:
        """Kill the process and close the socket, at once; wait for their end. Nothing if there is none."""
        self.busy = False
        process, self._process = self._process, None
        if process is None:
            return _nothing()
        with suppress(ProcessLookupError):
            process.kill()
        self._writer.close()
        return _end(process, self._writer)


async def _nothing() -> None: ...


async def _end(process: asyncio.subprocess.Process, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await writer.wait_closed()
    await process.wait()


def _import_documents() -> None:
    import collab_server.core.documents.compaction  # noqa: F401
