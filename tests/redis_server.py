"""A Redis of the test's own, from PATH or from a wheel: started, killed, paused and started again on the same port."""

import asyncio
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.require import needs, redis_program
from tests.server import free_port
from tests.waiting import until


class RedisServer:
    """`url` for COLLAB_REDIS_URL. It keeps nothing on disk. `configuration`: further lines of redis.conf."""

    port_setting = "port"

    def __init__(self, directory: Path, *configuration: str) -> None:
        needs("redis")
        self.port = free_port()
        self._configuration = configuration
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        program = redis_program()
        assert program is not None
        self._directory.mkdir(parents=True, exist_ok=True)
        lines = (f"{self.port_setting} {self.port}", "bind 127.0.0.1", 'save ""', f"dir {self._directory}")
        path = self._directory / "redis.conf"
        path.write_text("\n".join((*lines, *self._configuration)))
        self._process = subprocess.Popen([program, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        await until(self._listens, "Redis to listen")

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signal(signal.SIGCONT)
        self.kill()
