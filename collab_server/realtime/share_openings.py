"""Counts the uses of links by sockets. A client that reconnects within a minute goes on with its use."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from collab_server.access import queries
from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import CollabError, ShareUsedUp, Unavailable
from collab_server.observability.logging import log

Result = TypeVar("Result")
STOP_SECONDS = 5.0
"""Time for writing the ends of all uses when the process stops."""


class Opening(NamedTuple):
    """A use of a link that lasts while a socket is open. `client`: of one link; see `access.links.Device`."""

    id: UUID
    client: bytes


class ShareOpenings:
    """The uses that last while a socket is open. One that a crash leaves open counts again when its client returns.

    What is written for one client is written in turn: it may be back before its earlier socket was written off.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._connections: Counter[Opening] = Counter()
        """How many connections go on with each use: a device may have several."""
        self._last: dict[bytes, asyncio.Task[Any]] = {}
        """The last task of each client that has any."""
        self._stopping = False
        self._stopped: list[Opening] = []
        """The uses that `stop` ended."""

    async def begin(self, identity: Identity, *, same_device: bool) -> Opening | None:
        """Count the use of a link by a socket that is admitted. Return the use, which `end` ends; None: nothing is
        counted. `same_device`: the client named its device. Raises ShareUsedUp, Unavailable.
        """
        link = identity.link
        if link is None or link.client is None:
            return None
        counting = self._in_turn(link.client, partial(self._count, link.id, link.client, same_device=same_device))
        try:
            return await asyncio.shield(counting)
        except asyncio.CancelledError:
            # PostgreSQL may have counted already.
            counting.add_done_callback(self._end_unused)
            raise

    def end(self, opening: Opening) -> None:
        """Note that a socket of a use has ended. After `stop`, nothing is left to do."""
        if opening not in self._connections:
            return
        self._connections[opening] -= 1
        if not self._connections[opening]:
            self._in_turn(opening.client, partial(self._write_end, opening))

    async def stop(self) -> None:
        """End all uses before their sockets are closed: the clients may be at another server at once."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self._last:
                    await asyncio.wait(self._last.values())
                self._stopped, self._connections = list(self._connections), Counter()
                await self._write(queries.end_openings, self._stopped)

    async def begin_minute(self) -> None:
        """Let the minute in which clients may return begin now, as the sockets that `stop` ended are closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._write(queries.prolong_ends, self._stopped)

    def _in_turn(self, client: bytes, work: Callable[[], Awaitable[Result]]) -> "asyncio.Task[Result]":
        """Run the work after the earlier work for this client."""
        task = asyncio.get_running_loop().create_task(_after(self._last.get(client), work))
        self._last[client] = task
        task.add_done_callback(lambda _: self._forget(client, task))
        return task

    def _forget(self, client: bytes, task: asyncio.Task[Any]) -> None:
        if self._last.get(client) is task:
            del self._last[client]

    async def _count(self, share_id: UUID, client: bytes, *, same_device: bool) -> Opening:
        if self._stopping:
            raise Unavailable("the server is restarting")
        async with self._db.as_service() as conn:
            found = await queries.open_share(conn, share_id, client, same_device=same_device)
        if found is None:
            raise ShareUsedUp("the link was opened as often as it may be")
        opening = Opening(found, client)
        self._connections[opening] += 1
        return opening

    def _end_unused(self, counting: asyncio.Task[Opening]) -> None:
        if not counting.cancelled() and counting.exception() is None:
            self.end(counting.result())

    async def _write_end(self, opening: Opening) -> None:
        if self._connections[opening]:
            return  # Another socket of the device goes on with it.
        del self._connections[opening]
        await self._write(queries.end_openings, [opening])

    async def _write(self, write: Callable[[Conn, list[UUID]], Awaitable[None]], openings: list[Opening]) -> None:
        if not openings:
            return
        try:
            async with self._db.as_service() as conn:
                await write(conn, [opening.id for opening in openings])
        except CollabError:
            log.warning("ends of uses of links were not stored: their clients are counted again when they return")


async def _after(former: asyncio.Task[Any] | None, work: Callable[[], Awaitable[Result]]) -> Result:
    if former is not None:
        await asyncio.wait({former})
    return await work()
