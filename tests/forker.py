"""A process that has imported collab_server, and makes copies of itself that run `collab-server` (tests/forked.py).

`python -m tests.forker DESCRIPTOR` takes one message a copy from this socket: the descriptors of its stdin, stdout and
stderr, and of a socket. From this, the copy reads a line of JSON with what it shall do; to it, its parent writes a line
with the copy's process id, and one with its exit status. At the end of the messages the process leaves.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress

from argon2 import PasswordHasher

from collab_server import app, cli
from collab_server.features.users import passwords

_IMPORTED = (
    "collab_server.process.bootstrap",
    *(f"{cli.__name__}.{module.name}" for module in pkgutil.iter_modules(cli.__path__)),
    # imported where they are used
    "collab_server.adapters.redis.redis_rates",
    "httpx",
    # uvicorn imports these when it runs
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvloop",
)
_STREAMS = (0, 1, 2)


def serve(control: socket.socket) -> socket.socket | None:
    """Make copies until the messages end, which returns None. In a copy: its socket, to which this returns at once."""
    ended, wake = socket.socketpair()
    ended.setblocking(False)
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the copies as well, and these have to stop
    signal.set_wakeup_fd(wake.fileno())
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([control, ended], [], [])
        if ended in ready:
            ended.recv(4096)
            _reap(running)
        if control not in ready:
            continue
        _, descriptors, _, _ = socket.recv_fds(control, 1, len(_STREAMS) + 1)
        if not descriptors:
            return None
        own = socket.socket(fileno=descriptors[-1])
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for stream, descriptor in zip(_STREAMS, descriptors[:-1], strict=True):
                os.dup2(descriptor, stream)
            for each in (control, ended, wake, *running.values()):
                each.close()
            _close(descriptors[:-1])
            return own
        running[pid] = own
        _tell(own, pid)
        _close(descriptors[:-1])


def _reap(running: dict[int, socket.socket]) -> None:
    """Tell the exit status of each copy that has ended."""
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as own:
                _tell(own, os.waitstatus_to_exitcode(status))


def _tell(own: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody waits for it any more
        own.sendall(b"%d\n" % number)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def run(own: socket.socket) -> None:
    """Become the command that the socket names. Like `python -m collab_server` in a new interpreter."""
    with own, own.makefile() as lines:
        wanted = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["directory"])
    sys.argv = ["collab-server", *wanted["arguments"]]
    gc.enable()
    runpy.run_module("collab_server", run_name="__main__", alter_sys=True)


def hash_cheaply() -> None:
    """A password's hash is to cost 50 ms and 64 MB; a run of all tests makes thousands."""
    vars(passwords)["PasswordHasher"] = lambda **_: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


if __name__ == "__main__":
    for module in _IMPORTED:
        importlib.import_module(module)
    hash_cheaply()
    for step in app.late_steps():
        step()
    # Objects of the imports stay shared with the copies: the collector would write to each of them.
    gc.disable()
    gc.freeze()
    copy = serve(socket.socket(fileno=int(sys.argv[1])))
    if copy is not None:
        run(copy)
