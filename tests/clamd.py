"""A clamd of the test's own: it speaks PING and INSTREAM, and finds EICAR."""

import asyncio
import hashlib
from types import TracebackType
from typing import Self

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The file that every scanner takes for malware, and that harms nobody."""
SIGNATURE = "Eicar-Test-Signature"


class FakeClamd:
    """Listens on a free port; `address` for COLLAB_CLAMD_ADDRESS. `scanned`: SHA-256 of the files that it saw whole.

    `most`: bytes that it takes, as StreamMaxLength. `answer`: instead of OK.
    """

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._server: asyncio.Server | None = None
        self._port = 0
        self.scanned: list[str] = []
        self.most = 100_000_000
        self.answer = "OK"

    @property
    def address(self) -> str:
        return f"unix:{self._path}" if self._path else f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        if self._path:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            command = await reader.readuntil(b"\0")
            if command == b"zPING\0":
                writer.write(b"PONG\0")
            elif command == b"zINSTREAM\0":
                writer.write(f"{await self._scan(reader)}\0".encode())
            else:
                writer.write(b"UNKNOWN COMMAND\0")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _scan(self, reader: asyncio.StreamReader) -> str:
        size, seen, tail, found = 0, hashlib.sha256(), b"", False
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            chunk = await reader.readexactly(length)
            size += length
            if size > self.most:
                return "INSTREAM size limit exceeded. ERROR"
            seen.update(chunk)
            found = found or EICAR in tail + chunk
            tail = chunk[-len(EICAR) :]
        self.scanned.append(seen.hexdigest())
        return f"stream: {SIGNATURE if found else ''}{' FOUND' if found else self.answer}"
