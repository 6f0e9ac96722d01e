"""Bounds how many of a pool's connections one person may hold, so that nobody's slow statements use up the pool."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Shares:
    """`each`: how many a name may hold at a time. Who waits is served in the order of coming."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        """Names that hold something."""
        return len(self._held)

    @asynccontextmanager
    async def taken(self, name: str, timeout: float) -> AsyncIterator[None]:  # noqa: ASYNC109
        """One of the name's, as long as the block runs. Raises TimeoutError after `timeout` seconds without."""
        if self._held.get(name, 0) < self._each:
            self._held[name] = self._held.get(name, 0) + 1
        else:
            await self._wait(name, timeout)
        try:
            yield
        finally:
            self._give_back(name)

    async def _wait(self, name: str, seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._give_back(name)  # it was ours at the very moment of giving up
            raise

    def _give_back(self, name: str) -> None:
        waiting = self._waiting.get(name)
        while waiting:
            turn = waiting.popleft()
            if not waiting:
                del self._waiting[name]
            if not turn.done():
                turn.set_result(None)
                return
        self._held[name] -= 1
        if not self._held[name]:
            del self._held[name]
