"""The servers that are compared: how each is started, alone on the first core, and stopped."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.installation import CACHE, FLOOR, PYTHON, need_floor, need_npm, need_python, need_sqlite
from benchmarks.processes import Cpu
from benchmarks.wire import Family, LoadError, Target

PEERS = Path(__file__).resolve().parent / "peers"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
IDLE_SECONDS = 20.0
"""A server that is never idle is measured as it is."""
IDLE_LOOKS = 3
IDLE_CPU = 0.01
PEER_STOP_SECONDS = 2.0
"""A peer holds nothing that it would have to store."""
MANY_CORES = (os.cpu_count() or 1) > 1 and shutil.which("taskset") is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Server:
    """`durable`: what is on disk when a client has an update. `command` and `environment`: of the port and of a folder
    that is this server's own for the whole run. `need`: installs it, or raises Missing. `quiet_seconds`,
    `acknowledges`: see Target. `once`: measured in one round, however many there are.
    """

    name: str
    durable: str
    family: Family
    command: Callable[[int, Path], list[str]]
    environment: Callable[[int, Path], dict[str, str]] = lambda port, folder: {}
    need: Callable[[], None] = lambda: None
    path: str = ""
    quiet_seconds: float = 1.0
    ours: bool = False
    acknowledges: bool = False
    once: bool = False
    log: Path = field(default=CACHE / "server.log")

    @contextmanager
    def running(self, folder: Path, *, pinned: bool = True) -> Iterator[Target]:
        """`pinned`: to the first core, with all that it starts. Raises LoadError when it does not start."""
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        CACHE.mkdir(exist_ok=True)
        command = self.command(port, folder)
        if pinned and MANY_CORES:
            command = ["taskset", "-c", "0", *command]
        environment = {**os.environ, **self.environment(port, folder)}
        cwd = PEERS.parent.parent if self.ours else CACHE
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)
        try:
            self._answers(port, process)
            _wait_until_idle(process.pid)
            yield Target(self.family, "127.0.0.1", port, self.path, process.pid, self.quiet_seconds, self.acknowledges)
            if process.poll() is not None:
                raise LoadError(f"the server ended with {process.returncode} during the work")
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS if self.ours else PEER_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                if self.ours:
                    print(f"{self.name} did not stop within {STOP_SECONDS:.0f} s", file=sys.stderr)
                process.kill()
                process.wait()

    def _answers(self, port: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError as error:
                if process.poll() is not None:
                    raise LoadError(f"the server ended with {process.returncode}; see {self.log.name}") from error
                if time.monotonic() > deadline:
                    raise LoadError(f"no answer within {START_SECONDS:.0f} s; see {self.log.name}") from error
            time.sleep(0.05)


def _wait_until_idle(pid: int) -> None:
    """What a server does after its start, without being asked, is not part of the work."""
    deadline = time.monotonic() + IDLE_SECONDS
    quiet = 0
    while quiet < IDLE_LOOKS and time.monotonic() < deadline:
        cpu = Cpu(pid)
        time.sleep(0.1)
        quiet = quiet + 1 if cpu.server() <= IDLE_CPU else 0


def _ours_environment(port: int, folder: Path) -> dict[str, str]:
    # A recorded session is typed again faster than one socket may write for long.
    allowed = {
        "COLLAB_RATE_UPDATES": "100000",
        "COLLAB_RATE_REQUESTS": "0",
        "COLLAB_GUEST_CREATIONS_PER_MINUTE": "100000",
        "COLLAB_GUEST_CREATION_BURST": "100000",
    }
    return {"COLLAB_DATA_DIR": str(folder), "COLLAB_PORT": str(port), "COLLAB_LOG_LEVEL": "warning", **allowed}


def _ours_command(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "collab_server", "serve"]


def _y_websocket_command(port: int, folder: Path) -> list[str]:
    return ["node", str(CACHE / "node_modules/@y/websocket-server/src/server.js")]


def _y_websocket_environment(port: int, folder: Path) -> dict[str, str]:
    return {"PORT": str(port), "HOST": "127.0.0.1"}


COMMITTED = "committed to PostgreSQL"
SERVERS = {
    "ours": Server(
        "collab_server",
        COMMITTED,
        "y-websocket",
        _ours_command,
        _ours_environment,
        path="/ws",
        quiet_seconds=4.0,
        ours=True,
        acknowledges=True,
    ),
    "ours-hocuspocus": Server(
        "collab_server, Hocuspocus clients",
        COMMITTED,
        "Hocuspocus",
        _ours_command,
        _ours_environment,
        path="/hocuspocus",
        quiet_seconds=4.0,
        ours=True,
        acknowledges=True,
    ),
    "y-websocket": Server(
        "y-websocket", "nothing", "y-websocket", _y_websocket_command, _y_websocket_environment, need_npm
    ),
    "y-websocket-leveldb": Server(
        "y-websocket, LevelDB",
        "written soon after, not synced",
        "y-websocket",
        _y_websocket_command,
        lambda port, folder: {**_y_websocket_environment(port, folder), "YPERSISTENCE": str(folder / "leveldb")},
        need_npm,
    ),
    "hocuspocus": Server(
        "Hocuspocus",
        "nothing (acknowledges what is in memory)",
        "Hocuspocus",
        lambda port, folder: ["node", str(PEERS / "hocuspocus.mjs"), str(port)],
        need=need_npm,
        path="/",
        acknowledges=True,
    ),
    "hocuspocus-sqlite": Server(
        "Hocuspocus, SQLite",
        "the whole document after 2 to 10 s (acknowledges what is in memory)",
        "Hocuspocus",
        lambda port, folder: ["node", str(PEERS / "hocuspocus.mjs"), str(port), str(folder / "documents.sqlite")],
        need=need_sqlite,
        path="/",
        acknowledges=True,
    ),
    "pycrdt-websocket": Server(
        "pycrdt-websocket",
        "nothing",
        "y-websocket",
        lambda port, folder: [str(PYTHON), str(PEERS / "pycrdt_websocket_server.py"), str(port)],
        need=need_python,
        once=True,
    ),
    "floor": Server(
        "the floor: frames received and sent in C",
        "nothing",
        "y-websocket",
        lambda port, folder: [str(FLOOR), str(port)],
        need=need_floor,
        path="/ws",
    ),
}
