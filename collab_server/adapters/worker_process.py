"""The other end of `workers.Workers`: a process that takes calls from a socket until its parent is gone.

Started as `python -c BOOTSTRAP ...`, not by multiprocessing: that would import the whole server's main module into
every worker, and needs two threads in the parent.
"""

import ctypes
import gc
import os
import pickle
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from typing import Final

HEADER: Final = struct.Struct(">Q")
"""Header of an answer: its length in bytes."""

REQUEST: Final = struct.Struct(">Qd")
"""Header of a call: its length in bytes, and its limit in seconds of the processor; then the process ends."""

OUT_OF_TIME: Final = -signal.SIGVTALRM
"""The return code of a process whose call took more."""

BOOTSTRAP: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from collab_server.adapters.worker_process import main; main(*map(int, sys.argv[2:]))"
)

NICENESS: Final = 5
"""Folding must not compete with the sockets of the parent."""

COLLECT_ABOVE: Final = 20_000
"""Objects left by a call; fewer wait for those of the next."""

_PR_SET_PDEATHSIG: Final = 1


def main(descriptor: int, parent: int, memory_bytes: int) -> None:
    """Serve calls from the socket `descriptor`; `memory_bytes` limits the address space of this process."""
    # The parent drains its rooms on these signals, for which it needs its workers.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _die_with(parent)
    os.nice(NICENESS)
    _limit_memory(memory_bytes)
    # A document in Python is one large cycle: cheaper not to look for while it is read, and to free as soon as it is.
    gc.disable()
    with socket.socket(fileno=descriptor) as connection, suppress(ConnectionError):
        while (request := _receive(connection)) is not None:
            answer = _answer(request)
            # Before it is sent: this process must not end in the time of the next call.
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            connection.sendall(answer)
            del request, answer
            if gc.get_count()[0] > COLLECT_ABOVE:
                _give_memory_back()


def _die_with(parent: int) -> None:
    """Linux ends this process with the one that started it, however that ends; elsewhere the socket's end does."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def _limit_memory(memory_bytes: int) -> None:
    """A decode bomb then ends this process instead of the machine. Not every system has the limit."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _give_memory_back() -> None:
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _receive(connection: socket.socket) -> bytearray | None:
    """The next pickle, None when the parent has closed its end. From now on its time is counted."""
    header = _receive_exactly(connection, REQUEST.size)
    if header is None:
        return None
    size, seconds = REQUEST.unpack(header)
    # Of the processor, not of the clock: a busy machine says nothing about the call. Nobody handles the signal, so it
    # ends the process, whatever library it is in.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    return _receive_exactly(connection, size)


def _receive_exactly(connection: socket.socket, size: int) -> bytearray | None:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = connection.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return received


def _answer(request: bytearray) -> bytes:
    """The pickle, with its length before it, of (True, result) or (False, exception)."""
    try:
        function, arguments, named = pickle.loads(request)  # noqa: S301 - from the parent
        answer = pickle.dumps((True, function(*arguments, **named)), protocol=5)
    except BaseException as error:
        # The parent decides; panics of pycrdt are no Exceptions either.
        answer = _pickled_error(error)
    return HEADER.pack(len(answer)) + answer


def _pickled_error(error: BaseException) -> bytes:
    trace = "in a worker process:\n" + "".join(traceback.format_exception(error))
    if isinstance(error, Exception):
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error.add_note(trace)
        with suppress(Exception):
            answer = pickle.dumps((False, error), protocol=5)
            pickle.loads(answer)  # noqa: S301 - our own; some exceptions can be written and not read
            return answer
    replacement = RuntimeError(f"{type(error).__name__}: {error}")
    replacement.add_note(trace)
    return pickle.dumps((False, replacement), protocol=5)
