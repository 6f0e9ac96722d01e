"""Wires that a test can cut: proxies between a node and its PostgreSQL or Redis.

They know nothing of the server; what they do to it, a network can do.
"""

import asyncio
import random
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
CHUNK = 65_536


class Wire:
    """A proxy on `port`. `dial`: connects to the target."""

    def __init__(self, dial: Dial) -> None:
        self.port = 0
        self._dial = dial
        self._server: asyncio.Server | None = None
        self._sides: set[asyncio.StreamWriter] = set()
        self._torn = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    def cut(self) -> None:
        """Every connection is reset; new ones are possible at once."""
        for side in list(self._sides):
            side.transport.abort()

    def tear(self) -> None:
        """Every connection is reset, and so is each new one until `mend`."""
        self._torn = True
        self.cut()

    def mend(self) -> None:
        self._torn = False

    def hold(self) -> None:
        """Nothing gets through, and nobody is told, until `let_go`."""
        self._flowing.clear()

    def let_go(self) -> None:
        self._flowing.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.let_go()
        self.cut()

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self._sides.add(near)
        far: asyncio.StreamWriter | None = None
        try:
            if self._torn:
                return
            back, far = await self._dial()
            self._sides.add(far)
            ways = [asyncio.ensure_future(self._there(reader, far)), asyncio.ensure_future(self._back(back, near))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            return
        finally:
            for side in (near, far):
                if side is not None:
                    self._sides.discard(side)
                    side.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        while octets := await reader.read(CHUNK):
            await self._write(far, octets)

    async def _back(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while octets := await reader.read(CHUNK):
            await self._write(near, octets)

    async def _write(self, side: asyncio.StreamWriter, octets: bytes) -> None:
        await self._flowing.wait()
        side.write(octets)
        await side.drain()


class SlowWire(Wire):
    """A wire to a port of this machine that brings `rate` bytes a second from there (None: all there are), and lets
    little more pile up on the way.
    """

    def __init__(self, port: int) -> None:
        super().__init__(lambda: _narrow(port))
        self.rate: int | None = None

    async def _back(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while True:
            rate = self.rate
            octets = await reader.read(CHUNK if rate is None else max(1, rate // 20))
            if not octets:
                return
            await self._write(near, octets)
            if rate is not None:
                await asyncio.sleep(len(octets) / rate)


async def _narrow(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that asks for little ahead of what is read."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=line, limit=CHUNK)


_MESSAGE = re.compile(rb"[*>]3\r\n\$\d+\r\ns?message\r\n")


class BusWire(Wire):
    """A wire to Redis. While `chance` is set, every second published message that comes back over it is dropped,
    doubled, late or out of order.
    """

    def __init__(self, dial: Dial) -> None:
        super().__init__(dial)
        self.chance: random.Random | None = None
        self.spoiled = 0

    async def _back(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        swapped: list[bytes] = []
        with suppress(asyncio.IncompleteReadError):
            while True:
                reply = await _reply(reader)
                if _MESSAGE.match(reply):
                    await self._flowing.wait()
                    for message in self._spoil(reply, near, swapped):
                        await self._write(near, message)
                else:
                    await self._write(near, reply)

    def _spoil(self, message: bytes, near: asyncio.StreamWriter, swapped: list[bytes]) -> list[bytes]:
        """What goes on now; `swapped` holds a message that waits for the next one to overtake it."""
        before = list(swapped)
        swapped.clear()
        chance = self.chance
        if chance is None or chance.random() < 0.5:
            return [message, *before]
        self.spoiled += 1
        fault = chance.choice(("drop", "double", "delay", "swap"))
        if fault == "swap":
            swapped.append(message)
            return before
        if fault == "delay":
            asyncio.get_running_loop().call_later(chance.uniform(0.05, 2.0), _late, near, message)
            return before
        return [message, message, *before] if fault == "double" else before


def _late(near: asyncio.StreamWriter, message: bytes) -> None:
    if not near.is_closing():
        near.write(message)


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """One whole reply of Redis (RESP2 or RESP3), as its bytes."""
    line = await reader.readuntil(b"\r\n")
    if line[:1] in (b"$", b"=", b"!"):
        size = int(line[1:])
        return line if size < 0 else line + await reader.readexactly(size + 2)
    if line[:1] in (b"*", b">", b"~", b"%"):
        count = int(line[1:]) * (2 if line[:1] == b"%" else 1)
        return line + b"".join([await _reply(reader) for _ in range(max(0, count))])
    return line
