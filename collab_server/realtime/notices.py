"""Notices of PostgreSQL: one connection of this process listens to all channels.

A notice can be lost: with the connection, or behind a pooler that shares connections between transactions.
"""

import asyncio
from collections.abc import Callable

from collab_server.adapters.postgres import Database
from collab_server.background import RETRY, Backoff
from collab_server.errors import Unavailable
from collab_server.observability.logging import log

OnNotice = Callable[[str], None]
"""Takes the payload of a notice."""
OnBegin = Callable[[], None]


class Notices:
    """`listening`: whether notices arrive at once."""

    def __init__(self, db: Database) -> None:
        self.listening = False
        self._db = db
        self._channels: dict[str, OnNotice] = {}
        self._on_begin: list[OnBegin] = []

    def subscribe(self, channel: str, on_notice: OnNotice, on_begin: OnBegin) -> None:
        """Call `on_notice` with each notice on the channel, and `on_begin` when listening begins (again).

        Notices before `on_begin` may have been missed. Each channel has one subscriber.
        """
        self._channels[channel] = on_notice
        self._on_begin.append(on_begin)

    async def run(self) -> None:
        """Listen until cancelled."""
        backoff = Backoff(*RETRY)
        while True:
            try:
                await self._db.listen(self._channels, self._begin)
            except Unavailable:
                pass
            except Exception:
                log.exception("listening for notices failed")
            if self.listening:
                backoff.reset()
            self.listening = False
            await asyncio.sleep(backoff.next_delay())

    def _begin(self) -> None:
        self.listening = True
        for on_begin in self._on_begin:
            on_begin()
