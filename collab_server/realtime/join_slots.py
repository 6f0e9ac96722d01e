"""Slots for clients that sign in and join, given to addresses in turn, and within an address to its sockets in turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Waiting = dict[str, dict[str, deque[asyncio.Future[None]]]]


class JoinSlots:
    """Slots for `count` holders at once. A thousand clients that reconnect wait here, not for the database."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: Waiting = {}

    @asynccontextmanager
    async def held(self, address: str, socket: str) -> AsyncIterator[None]:
        """Hold a slot within the block. `address`: the client's; `socket`: any name of its connection."""
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(address, {}).setdefault(socket, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.cancelled():
                    self._forget(address, socket, turn)
                else:
                    self._release()
                raise
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        """Give the slot to the next in turn."""
        while self._waiting:
            address, sockets = next(iter(self._waiting.items()))
            socket, turns = next(iter(sockets.items()))
            turn = turns.popleft()
            # Both go to the end of their queues.
            del self._waiting[address], sockets[socket]
            if turns:
                sockets[socket] = turns
            if sockets:
                self._waiting[address] = sockets
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, address: str, socket: str, turn: asyncio.Future[None]) -> None:
        sockets = self._waiting.get(address, {})
        turns = sockets.get(socket)
        if turns is None or turn not in turns:
            return
        turns.remove(turn)
        if not turns:
            del sockets[socket]
        if not sockets:
            del self._waiting[address]
