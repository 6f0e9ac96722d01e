"""A small TCP proxy that does what a load balancer does: asks each node whether it is ready, and prefers those."""

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx

from tests.server import Server, free_port

CHECK_SECONDS = 0.1


class PreferringProxy:
    """`ws` and `hocuspocus` lead to a node that is ready; each new connection to the next one."""

    def __init__(self, nodes: Sequence[Server]) -> None:
        self.port = free_port()
        self.ws = f"ws://127.0.0.1:{self.port}/ws"
        self.hocuspocus = f"ws://127.0.0.1:{self.port}/hocuspocus"
        self.ready = list(nodes)
        self._nodes = nodes
        self._turn = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    async def _check(self) -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                self.ready = [node for node in self._nodes if await _is_ready(client, node)]
                await asyncio.sleep(CHECK_SECONDS)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.ready:
                return
            node = self.ready[next(self._turn) % len(self.ready)]
            inside, outside = await asyncio.open_connection("127.0.0.1", node.port)
            await asyncio.gather(_pump(reader, outside), _pump(inside, writer))
        except OSError:
            return
        finally:
            writer.close()

    async def __aenter__(self) -> Self:
        self._checking = asyncio.create_task(self._check())
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in (self._checking, *self._tasks):
            task.cancel()
        await asyncio.gather(self._checking, *self._tasks, return_exceptions=True)


async def _is_ready(client: httpx.AsyncClient, node: Server) -> bool:
    try:
        return (await client.get(f"{node.http}/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()
    writer.close()
