"""A WebSocket client that does as it is told, so also what no client should do. Written from RFC 6455 alone."""

import asyncio
import base64
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

WITHIN = 15.0
"""Seconds that a condition may take to come true before the test fails."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, head: bytes) -> None:
        super().__init__(head.decode(errors="replace"))
        fields = head.split(b" ", 2)
        self.status = int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


@dataclass(frozen=True)
class Ended:
    """How a socket ended: the server's close frame, or code 1006 where it sent none."""

    code: int
    reason: str


def encode_frame(
    payload: bytes,
    opcode: int = BINARY,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    declared: int | None = None,
) -> bytes:
    """A client's WebSocket frame. `declared`: the length to claim; `reserved`: the three reserved bits as a number."""
    length = len(payload) if declared is None else declared
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, mask_bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    return head + (b"\0\0\0\0" if masked else b"") + payload


class Socket:
    """One WebSocket connection. Messages wait in `messages` unless `on_message` takes them; pings are answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._changed = asyncio.Event()
        self.messages: list[bytes] = []
        self.on_message: Callable[[bytes], None] | None = None
        self.pongs: list[bytes] = []
        self.ended: Ended | None = None
        self.head = b""
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def dial(cls, url: str, headers: Sequence[tuple[str, str]] = ()) -> Self:
        """Connect and shake hands. Raises Refused."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**26)
        socket = cls(reader, writer)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **dict(headers),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())
        try:
            async with asyncio.timeout(WITHIN):
                socket.head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            writer.close()
            raise Refused(getattr(error, "partial", b"")) from error
        if not socket.head.startswith(b"HTTP/1.1 101 "):
            writer.close()
            raise Refused(socket.head)
        socket._reading = asyncio.create_task(socket._read())
        return socket

    def changed(self) -> None:
        """Something happened: conditions are looked at again."""
        self._changed.set()

    async def until(self, holds: Callable[[], object], what: str = "", within: float = WITHIN) -> None:
        """Wait until `holds()` is true."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within} s: {what or holds}; {self!r}") from None

    def __repr__(self) -> str:
        return f"<Socket ended={self.ended} messages={self.messages[-5:]!r}>"

    def write(self, octets: bytes) -> None:
        """Bytes as they are, framed or not. Nothing happens once the socket has ended."""
        if not self._writer.is_closing():
            self._writer.write(octets)

    def send(self, payload: bytes, opcode: int = BINARY, **how: Any) -> None:
        """One frame; `how`: see encode_frame."""
        self.write(encode_frame(payload, opcode, **how))

    async def drain(self) -> None:
        """Wait until the kernel has taken (almost) everything written."""
        try:
            await self._writer.drain()
        except ConnectionError:
            await self.until(lambda: self.ended)

    def pause(self) -> None:
        """Stop reading: the server sees a peer that does not take its messages."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Read again."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def round_trip(self, within: float = WITHIN) -> None:
        """A WebSocket ping and its pong: the server's protocol layer has read everything sent before."""
        token = os.urandom(8)
        self.send(token, PING)
        await self.until(lambda: token in self.pongs or self.ended, "a pong", within)

    async def end(self, within: float = WITHIN) -> Ended:
        """Wait until the server has ended the socket; how."""
        await self.until(lambda: self.ended, "the end of the socket", within)
        assert self.ended is not None
        return self.ended

    async def close(self, code: int = 1000) -> None:
        """An orderly end from this side."""
        if self.ended is None:
            self.send(struct.pack("!H", code), CLOSE)
            await self.end()
        await self.abort()

    async def abort(self) -> None:
        """The line is cut: no close frame, the connection reset."""
        self._writer.transport.abort()
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        ended = Ended(1006, "")
        parts: list[bytes] = []
        try:
            while True:
                first, second = await self._reader.readexactly(2)
                length = second & 127
                if length == 126:
                    (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
                payload = await self._reader.readexactly(length)
                opcode = first & 15
                assert not second & 128, "a server must not mask"
                assert not first & 0x70, "reserved bits without an extension"
                if opcode == PING:
                    self.send(payload, PONG)
                elif opcode == PONG:
                    self.pongs.append(payload)
                elif opcode == CLOSE:
                    code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 1005
                    ended = Ended(code, payload[2:].decode())
                    self.send(payload[:2], CLOSE)
                    break
                else:
                    assert opcode != TEXT, "a text frame makes both client libraries throw"
                    parts.append(payload)
                    if first & 128:
                        self._deliver(b"".join(parts))
                        parts = []
                self.changed()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.ended = ended
            self._writer.close()
            self.changed()

    def _deliver(self, message: bytes) -> None:
        if self.on_message is not None:
            self.on_message(message)
        else:
            self.messages.append(message)
