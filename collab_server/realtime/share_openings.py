"""Counts the uses of links by sockets. A client that reconnects within a minute goes on with its use."""

import asyncio
from uuid import UUID

from collab_server.access import queries
from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.errors import CollabError, ShareUsedUp
from collab_server.observability.logging import log


class ShareOpenings:
    """The uses that last while a socket is open. One that a crash leaves open counts again when its client returns."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ending: dict[UUID, asyncio.Task[None]] = {}

    async def begin(self, identity: Identity, *, same_device: bool) -> UUID | None:
        """Count the use of a link by a socket that is admitted. Return the use, which `end` ends; None: nothing is
        counted. `same_device`: the client named its device. Raises ShareUsedUp, Unavailable.
        """
        link = identity.link
        if link is None or link.client is None:
            return None
        if self._ending:
            # The same client may be back before its earlier socket was written off.
            await asyncio.wait(self._ending.values())
        async with self._db.as_service() as conn:
            opening = await queries.open_share(conn, link.id, link.client, same_device=same_device)
        if opening is None:
            raise ShareUsedUp("the link was opened as often as it may be")
        return opening

    def end(self, opening: UUID) -> None:
        """Write that the socket of a use has ended."""
        task = asyncio.get_running_loop().create_task(self._write_end(opening))
        self._ending[opening] = task
        task.add_done_callback(lambda _: self._ending.pop(opening, None))

    async def flush(self) -> None:
        """Wait until all ends are written: the process stops."""
        if self._ending:
            await asyncio.wait(self._ending.values())

    async def _write_end(self, opening: UUID) -> None:
        try:
            async with self._db.as_service() as conn:
                await queries.end_opening(conn, opening)
        except CollabError:
            log.warning("the end of a link's use was not stored: its client is counted again when it returns")
