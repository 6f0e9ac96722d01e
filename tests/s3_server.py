"""An S3 server of the test's own (moto, in a process of its own), with one bucket."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx
import pytest

from tests.server import free_port
from tests.waiting import until

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ACCESS-OF-TESTS", "AWS_SECRET_ACCESS_KEY": "SECRET-OF-TESTS"}
"""Moto takes any. They must be in the environment of a process that uses `url`."""


@contextmanager
def credentials_of_tests() -> Iterator[None]:
    """Have these credentials in the environment, and no other variable of a cloud."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
            patch.delenv(name)
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


class S3Server:
    """`url` for COLLAB_STORAGE_URL, to which a prefix can be added by `url_of`. Nothing stays on disk."""

    bucket = "collab-files"

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.url = self.url_of("")
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, prefix: str, port: int | None = None) -> str:
        """The address of a prefix. `port`: of a proxy before the server."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return f"s3://{self.bucket}/{prefix}?endpoint={endpoint}&region=eu-central-1"

    async def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await until(self._listens, "the S3 server to listen")
        async with httpx.AsyncClient() as client:
            location = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint>"
            made = await client.put(f"{self.endpoint}/{self.bucket}", content=f"{location}</CreateBucketConfiguration>")
            made.raise_for_status()

    async def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def unfinished_uploads(self) -> list[str]:
        """Keys of multipart uploads that were neither completed nor aborted."""
        async with httpx.AsyncClient() as client:
            answer = (await client.get(f"{self.endpoint}/{self.bucket}?uploads")).raise_for_status().text
        return re.findall(r"<Key>(.*?)</Key>", answer)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
