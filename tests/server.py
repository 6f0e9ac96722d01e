"""A real server process for tests: started, killed, stopped and started again on the same data and port."""

import asyncio
import atexit
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from tests import databases, forked
from tests.require import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 40.0
BUSY = "another process is at it"
"""What `collab-server maintain` says while a server maintains."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def _prepared_cluster() -> Path:
    """A migrated database that nothing has served yet. Each new server begins with a copy of it, as making one takes
    seconds.
    """
    folder = Path(tempfile.mkdtemp(prefix="collab-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("COLLAB_")}
    command = [sys.executable, "-m", "collab_server", "migrate"]
    subprocess.run(command, cwd=ROOT, env={**own, "COLLAB_DATA_DIR": str(folder)}, check=True, capture_output=True)
    databases.do_not_flush(folder)
    return folder / "postgres"


class Server:
    """`settings`: COLLAB_ variables without the prefix, lower case. The log goes to <directory>/server.log."""

    processes = 1
    """Behind the one port."""
    from_nothing = False
    """Whether the server makes its own database at its first start."""
    new_interpreter = False
    """Whether it imports its modules anew. Otherwise it starts with them (tests/forked.py)."""

    interpreter: tuple[str, ...] = (sys.executable,)
    """For `new_interpreter`."""

    def __init__(self, directory: Path, **settings: object) -> None:
        self.directory = directory
        self.data_dir = Path(str(settings.get("data_dir", directory / "data")))
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.http = f"http://{self.host}"
        self.ws = f"ws://{self.host}/ws"
        self.hocuspocus = f"ws://{self.host}/hocuspocus"
        self.api = f"{self.http}/api/v1"
        self.log_path = directory / "server.log"
        self._settings = settings
        self._process: asyncio.subprocess.Process | forked.Forked | None = None

    def configure(self, **settings: object) -> None:
        """Change settings for the next start."""
        self._settings = {**self._settings, **settings}

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("COLLAB_")}
        given = {f"COLLAB_{name.upper()}": str(value) for name, value in self._settings.items()}
        # Tests ask faster than people do; those of the limit set their own. An automatic version would be an entry of
        # the change feed at a moment that no test expects.
        free = {"COLLAB_RATE_REQUESTS": "0", "COLLAB_VERSION_INTERVAL": "0"}
        return {**own, **free, "COLLAB_DATA_DIR": str(self.data_dir), "COLLAB_PORT": str(self.port), **given}

    @property
    def process(self) -> asyncio.subprocess.Process | forked.Forked:
        assert self._process is not None, "the server is not running"
        return self._process

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    @property
    def postgres_pid(self) -> int:
        """The embedded postmaster."""
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    @property
    def owner_dsn(self) -> str:
        """Superuser access to the embedded database."""
        embedded = EmbeddedPostgres(self.data_dir)
        assert embedded.attach() is not None, "the embedded database is not running"
        return embedded.owner_dsn

    async def start(self) -> None:
        """Start, and wait until it takes connections."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.from_nothing or "database_url" in self._settings or self.data_dir.exists()):
            await asyncio.to_thread(shutil.copytree, _prepared_cluster(), self.data_dir / "postgres", symlinks=True)
        with self.log_path.open("ab") as log:
            arguments = ("serve", "--workers", str(self.processes))
            if self.new_interpreter:
                self._process = await asyncio.create_subprocess_exec(
                    *(*self.interpreter, "-m", "collab_server", *arguments),
                    cwd=ROOT,
                    env=self.environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            else:
                self._process = await forked.start(*arguments, environment=self.environment, log=log)
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"the server did not start:\n{self.log}") from None
        assert line.startswith(b"collab_server ready at"), f"{line!r}\n{self.log}"

    async def kill(self) -> None:
        """SIGKILL, as a crash."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()

    async def command(self, *arguments: str, given: str | None = None) -> str:
        """Run `collab-server` with this server's settings; its output. Fails where the command does. `given`: stdin."""
        status, output, errors = await forked.run(
            *arguments, environment=self.environment, given=(given or "").encode()
        )
        assert status == 0, errors.decode()
        return output.decode().strip()

    async def maintain(self) -> dict[str, int]:
        """Run `collab-server maintain`, and return its counts by job.

        The server maintains too, once a minute after its start and then every hour. This waits for its run, and what
        that run did is not counted here.
        """
        while True:
            try:
                lines = (await self.command("maintain")).splitlines()
            except AssertionError as error:
                if BUSY not in str(error):
                    raise
            else:
                return {name: int(count) for name, _, count in (line.partition(": ") for line in lines)}

    async def create_token(self, email: str, *, name: str | None = None, scope: str = "write") -> str:
        """An API token of a new user."""
        await self.command("user", "create", email, "--name", name or email)
        return await self.command("token", "create", email, "--scope", scope)

    async def document(self, address: str, token: str | None = None) -> dict[str, Any]:
        """What the API says of the document at this address."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"{self.api}/documents/lookup", params={"address": address}, headers=_bearer(token)
            )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def content(self, address: str, token: str | None = None) -> str:
        """The document's text over the API."""
        document = await self.document(address, token)
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.get(f"{self.api}/documents/{document['id']}/content", headers=_bearer(token))
        answer.raise_for_status()
        return answer.text

    async def connect_token(self, address: str, role: str, token: str | None = None) -> str:
        """A connect token for the document at this address (which must exist)."""
        document = await self.document(address, token)
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.api}/documents/{document['id']}/connect-tokens", json={"role": role}, headers=_bearer(token)
            )
        answer.raise_for_status()
        made: str = answer.json()["token"]
        return made

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            try:
                await self.terminate()
            except TimeoutError:
                await self.kill()
        if not self._settings.get("database_url") and (self.data_dir / "postgres" / "postmaster.pid").exists():
            # The server was killed: its database runs on until the next start finds it.
            embedded = EmbeddedPostgres(self.data_dir)
            await asyncio.to_thread(embedded.start)
            await asyncio.to_thread(embedded.stop)
        if kind is not None:
            print(f"--- server log\n{self.log[-20_000:]}")


def _bearer(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}
