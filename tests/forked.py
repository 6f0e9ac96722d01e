"""Runs `collab-server` in a process of its own that need not import anything: a copy of tests/forker.py.

A new interpreter takes a second of the processor for its imports, and a run of all tests starts some hundreds. The
servers with `new_interpreter` (tests/server.py) are started as an operator starts them.
"""

import asyncio
import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TypeAlias

from tests.require import ROOT

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Forked:
    """A running `collab-server`, with what tests use of asyncio.subprocess.Process."""

    def __init__(self, pid: int, status: Connection, stdout: asyncio.StreamReader | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._end(*status))

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        self.returncode = int(await reader.readline())
        writer.close()
        return self.returncode

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def start(*arguments: str, environment: Mapping[str, str], log: IO[bytes]) -> Forked:
    """Run a command whose stdout is read through the result; `log` is its stderr."""
    ours, its = os.pipe()
    stdout = asyncio.StreamReader()
    with open(its, "wb", buffering=0) as writing, open(os.devnull, "rb") as nothing:
        protocol = asyncio.StreamReaderProtocol(stdout)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(ours, "rb", buffering=0))
        pid, status = await _copy(arguments, environment, ROOT, nothing, writing, log)
    return Forked(pid, status, stdout)


async def run(
    *arguments: str, environment: Mapping[str, str], directory: Path = ROOT, given: bytes = b""
) -> tuple[int, bytes, bytes]:
    """(exit status, stdout, stderr) of a command. `given`: its stdin."""
    with ExitStack() as files:
        stdin, stdout, stderr = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        stdin.write(given)
        stdin.seek(0)
        pid, status = await _copy(arguments, environment, directory, stdin, stdout, stderr)
        code = await Forked(pid, status, None).wait()
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read(), stderr.read()


async def _copy(
    arguments: tuple[str, ...], environment: Mapping[str, str], directory: Path, *streams: IO[bytes]
) -> tuple[int, Connection]:
    """The process id of a new process, and where its exit status comes from. `streams`: stdin, stdout and stderr."""
    ours, its = socket.socketpair()
    wanted = {"arguments": arguments, "environment": dict(environment), "directory": str(directory)}
    with its:
        socket.send_fds(_forker(), [b"\0"], [*(stream.fileno() for stream in streams), its.fileno()])
    reader, writer = await asyncio.open_connection(sock=ours)
    number = await reader.readline()
    assert number, "tests/forker.py has ended; its stderr says why"
    writer.write(json.dumps(wanted).encode() + b"\n")  # only now does it begin: nobody has to wait for its number
    return int(number), (reader, writer)


@functools.cache
def _forker() -> socket.socket:
    """The socket to the process that makes the copies."""
    ours, its = socket.socketpair()
    own = {name: value for name, value in os.environ.items() if not name.startswith("COLLAB_")}
    with its:
        forker = subprocess.Popen(
            [sys.executable, "-m", "tests.forker", str(its.fileno())],
            cwd=ROOT,
            env=own,
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
        )

    def end() -> None:
        ours.close()
        forker.wait()

    atexit.register(end)
    return ours
