"""The bytes of a file that is about to be kept, with their size and SHA-256."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from starlette.requests import ClientDisconnect

from collab_server.adapters.conversion.spool import SpoolFile
from collab_server.errors import Malformed, TooLarge, UnprocessableContent

HEAD_BYTES = 65_536
"""Bytes from which the type of a file is told."""
PIECE_BYTES = 1 << 20


class Source(Protocol):
    """A file that can be read more than once."""

    size: int
    head: bytes
    key: str | None
    """Names the object that has all the bytes already, if there is one."""

    @property
    def checksum(self) -> bytes:
        """SHA-256."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Read it from its beginning."""
        ...


class SpooledSource:
    """A file that arrives in pieces and is kept on disk until it is stored. Disk and hash work runs in a thread."""

    key: str | None = None

    def __init__(self, file: SpoolFile, most: int) -> None:
        self._file = file
        self._most = most
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self.size = 0
        self.head = b""

    @property
    def checksum(self) -> bytes:
        return self._hash.digest()

    async def add(self, piece: bytes) -> None:
        """Raises TooLarge, TooMany, InsufficientStorage."""
        self.size += len(piece)
        if self.size > self._most:
            raise TooLarge(f"a file may have at most {self._most} bytes")
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        self._file.reserve(len(piece))
        self._waiting += piece
        if len(self._waiting) >= PIECE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Raises as `add`."""
        if self._waiting:
            await asyncio.to_thread(self._write, bytes(self._waiting))
            self._waiting.clear()

    def _write(self, octets: bytes) -> None:
        self._hash.update(octets)
        self._file.append(octets)

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(0, self.size, PIECE_BYTES):
            yield await asyncio.to_thread(self._file.read, at, PIECE_BYTES)


class BytesSource:
    """A file in memory."""

    key: str | None = None

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.size = len(octets)
        self.head = octets[:HEAD_BYTES]

    @property
    def checksum(self) -> bytes:
        return hashlib.sha256(self._octets).digest()

    def chunks(self) -> AsyncIterator[bytes]:
        return once(self._octets)


class StoredSource:
    """A file that is in the store in parts. `make`: reads them all."""

    def __init__(
        self, chunks: Callable[[], AsyncIterator[bytes]], size: int, checksum: bytes, head: bytes, key: str | None
    ) -> None:
        self._chunks = chunks
        self._checksum = checksum
        self.size, self.head, self.key = size, head, key

    @property
    def checksum(self) -> bytes:
        return self._checksum

    def chunks(self) -> AsyncIterator[bytes]:
        return self._chunks()

    @classmethod
    async def make(cls, chunks: Callable[[], AsyncIterator[bytes]], key: str | None) -> "StoredSource":
        made = hashlib.sha256()
        head, size = b"", 0
        async for piece in chunks():
            size += len(piece)
            if len(head) < HEAD_BYTES:
                head += piece[: HEAD_BYTES - len(head)]
            await asyncio.to_thread(made.update, piece)
        return cls(chunks, size, made.digest(), head, key)


async def once(octets: bytes) -> AsyncIterator[bytes]:
    """Yield all bytes as one piece; nothing for an empty file."""
    if octets:
        yield octets


async def read_whole(source: Source) -> bytes:
    """Return all bytes of a small file."""
    return b"".join([piece async for piece in source.chunks()])


def check_digest(source: Source, digest: bytes | None) -> None:
    """Compare with the SHA-256 that the client gave. Raises UnprocessableContent."""
    if digest is not None and digest != source.checksum:
        raise UnprocessableContent("the bytes that arrived do not have the SHA-256 that was said: send them again")


async def drain(stream: AsyncIterator[bytes], take: Callable[[bytes], Awaitable[None]]) -> None:
    """Give every piece of a request's body to `take`. Raises Malformed where the client goes away."""
    try:
        async for piece in stream:
            if piece:
                await take(piece)
    except ClientDisconnect:
        raise Malformed("the body is incomplete") from None
