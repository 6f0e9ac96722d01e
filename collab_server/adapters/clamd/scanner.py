"""A client of clamd, the daemon of ClamAV: commands that end with a zero byte, and files as INSTREAM chunks."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from collab_server.errors import ConfigurationError, ScannerUnavailable, TooLarge

NAME: Final = "COLLAB_CLAMD_ADDRESS"
CHUNK_BYTES: Final = 256 * 1024
AT_ONCE: Final = 8
"""Files that one process has scanned at a time. clamd works on ten, unless its MaxThreads says otherwise."""
CONNECT_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 180.0
"""Longer than clamd works on one file (its MaxScanTime is 120 s)."""
_MAX_ANSWER: Final = 4096
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})")
_T = TypeVar("_T")


class Scanner:
    """Asks the clamd at one address, with a connection for each question. All methods raise ScannerUnavailable."""

    def __init__(self, address: str) -> None:
        """`address`: host:port or unix:/path. Raises ConfigurationError."""
        self._path = address.removeprefix("unix:") if address.startswith("unix:/") else ""
        self._host, self._port = ("", 0) if self._path else _read_address(address)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """Return the name of the malware that a file has; None if clamd finds none.

        Memory is bounded. An error of `chunks` is raised as it is. Raises TooLarge for more bytes than clamd takes.
        """
        async with self._places:
            reader, writer = await self._connect()
            # It runs while the file is sent: clamd may refuse a file before its end, and closes the connection.
            answer = asyncio.create_task(_read_answer(reader))
            try:
                await _send_file(writer, chunks, answer)
                return _find_malware(await _in_time(answer, ANSWER_SECONDS))
            finally:
                answer.cancel()
                answer.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                writer.close()

    async def ping(self) -> None:
        """Check that it answers."""
        reader, writer = await self._connect()
        try:
            await _write(writer, b"zPING\0")
            answer = await _in_time(_read_answer(reader), WRITE_SECONDS)
        finally:
            writer.close()
        if answer != "PONG":
            raise ScannerUnavailable("what listens there is no clamd")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._path:
            return await _in_time(asyncio.open_unix_connection(self._path, limit=_MAX_ANSWER), CONNECT_SECONDS)
        return await _in_time(asyncio.open_connection(self._host, self._port, limit=_MAX_ANSWER), CONNECT_SECONDS)


def _read_address(address: str) -> tuple[str, int]:
    found = _HOST.fullmatch(address)
    port = int(found[3]) if found else 0
    if found is None or not 0 < port < 65536:
        raise ConfigurationError(f"{NAME} must look like host:port or unix:/path")
    return found[1] or found[2], port


async def _send_file(writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes], answer: "asyncio.Task[str]") -> None:
    """Send a file until its end, or until there is an answer."""
    try:
        await _write(writer, b"zINSTREAM\0")
        async for chunk in chunks:
            for start in range(0, len(chunk), CHUNK_BYTES):
                if answer.done():
                    return
                piece = chunk[start : start + CHUNK_BYTES]
                await _write(writer, len(piece).to_bytes(4, "big") + piece)
        await _write(writer, bytes(4))
    except ScannerUnavailable:
        # The answer that was given before the connection closed says why.
        await asyncio.wait([answer], timeout=1)
        if not answer.done() or answer.exception() is not None:
            raise


async def _write(writer: asyncio.StreamWriter, octets: bytes) -> None:
    writer.write(octets)
    await _in_time(writer.drain(), WRITE_SECONDS)


async def _read_answer(reader: asyncio.StreamReader) -> str:
    try:
        answer = await reader.readuntil(b"\0")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise ScannerUnavailable("the malware scanner has closed the connection") from None
    return answer[:-1].decode("utf-8", "replace").strip()


def _find_malware(answer: str) -> str | None:
    """Return the name in `stream: NAME FOUND`. Raises TooLarge, ScannerUnavailable."""
    told = answer.removeprefix("stream: ")
    if told == "OK":
        return None
    if told.endswith(" FOUND"):
        return told.removesuffix(" FOUND")
    if told.startswith("INSTREAM size limit exceeded"):
        raise TooLarge("the malware scanner takes no file of this size: ask the operator to raise its StreamMaxLength")
    raise ScannerUnavailable("the malware scanner could not scan the file")


async def _in_time(step: Awaitable[_T], seconds: float) -> _T:
    try:
        async with asyncio.timeout(seconds):
            return await step
    except TimeoutError:
        raise ScannerUnavailable(f"the malware scanner did not answer within {seconds:.0f} s") from None
    except OSError:
        raise ScannerUnavailable("the malware scanner cannot be reached") from None
