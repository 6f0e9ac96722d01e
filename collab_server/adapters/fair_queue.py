"""Fair queues: each person has one place at a time, and persons take turns.

A person waits for their own earlier work first, and only then for a place. So of any number of requests by one person,
one is in the common queue, and somebody else's first request waits for at most one of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

from collab_server.adapters.rates import network_of
from collab_server.errors import TooMany, Unavailable

on_behalf_of: Final[ContextVar[str]] = ContextVar("on_behalf_of", default="")
"""The person for whom the present task works: `user:<id>`, or `address:<network>` if not signed in; "": the server."""

SERVER: Final = ""
UNBOUNDED: Final = 1 << 62
"""A bound for work that is bounded elsewhere, by the number of sockets or documents."""


def is_guest(person: str) -> bool:
    return person.startswith("address:")


def address_of(ip: str) -> str:
    """The value of `on_behalf_of` for who is not signed in."""
    return f"address:{network_of(ip)}"


class _Line:
    """What one person has in the queue."""

    __slots__ = ("bytes", "calls", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.calls = 0
        self.bytes = 0


class FairQueue:
    """`places` for all, one of them for each person. The server's own work (SERVER) waits for a place only.

    most: calls in the queue, those with a place included. most_of_one, most_bytes_of_one: the same for one person;
    bytes are what the calls say that they hold. most_bytes: of all persons.
    """

    def __init__(
        self,
        places: int,
        *,
        most: int = 1000,
        most_of_one: int = 1000,
        most_bytes: int = UNBOUNDED,
        most_bytes_of_one: int = UNBOUNDED,
    ) -> None:
        self._places = asyncio.Semaphore(places)
        self._most = most
        self._most_of_one = most_of_one
        self._most_bytes = most_bytes
        self._most_bytes_of_one = most_bytes_of_one
        self._lines: dict[str, _Line] = {}
        self._bytes = 0
        self.inside = 0
        """Calls that wait or have a place."""
        self.running = 0

    @property
    def waiting(self) -> int:
        return self.inside - self.running

    @asynccontextmanager
    async def place(self, person: str | None = None, size: int = 0) -> AsyncIterator[None]:
        """A place, for `person` (None: see on_behalf_of). `size`: bytes that the call holds while it waits and works.

        Raises TooMany where the person has too much in the queue, Unavailable where the queue is full.
        """
        person = on_behalf_of.get() if person is None else person
        line = self._enter(person, size)
        try:
            if person == SERVER:
                async with self._common():
                    yield
            else:
                async with line.lock, self._common():
                    yield
        finally:
            self._leave(person, line, size)

    @asynccontextmanager
    async def _common(self) -> AsyncIterator[None]:
        async with self._places:
            self.running += 1
            try:
                yield
            finally:
                self.running -= 1

    def _enter(self, person: str, size: int) -> _Line:
        line = self._lines.get(person)
        if line is not None and person != SERVER:
            if line.calls >= self._most_of_one:
                raise TooMany("you have asked for much that is not done yet; try again in a moment", retry_after=5)
            # One call may be as large as it likes: its own bound is elsewhere.
            if line.bytes + size > self._most_bytes_of_one:
                raise TooMany("you have sent much that is not done yet; try again in a moment", retry_after=5)
        if self.inside >= self._most or (self.inside and self._bytes + size > self._most_bytes):
            raise Unavailable("the server has more to do than it can; try again in a moment")
        if line is None:
            line = self._lines[person] = _Line()
        line.calls += 1
        line.bytes += size
        self._bytes += size
        self.inside += 1
        return line

    def _leave(self, person: str, line: _Line, size: int) -> None:
        line.calls -= 1
        line.bytes -= size
        self._bytes -= size
        self.inside -= 1
        if not line.calls:
            del self._lines[person]
