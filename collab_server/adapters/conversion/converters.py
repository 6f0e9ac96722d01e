"""Worker processes for conversions between files and documents, separate from the workers of live documents."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, ParamSpec, TypeVar

from collab_server.adapters.conversion.spool import Spool
from collab_server.adapters.fair_queue import FairQueue, is_guest, on_behalf_of
from collab_server.adapters.workers import Workers
from collab_server.errors import TooMany, TooMuchWork

PROCESSES: Final = 2
"""Number of processes. One person uses one at a time, so others do not wait for that person's files."""
SECONDS: Final = 30.0
"""Time limit of one file."""
GUEST_SECONDS: Final = 10.0
"""Time limit of one file without a signed-in user."""
MEMORY_BYTES: Final = 3 << 30
MAX_WAITING: Final = 64
MAX_OF_ONE: Final = 8
"""Maximum number of waiting and running files of one person."""
MAX_ARCHIVES: Final = 4
"""Maximum number of concurrent archives. Half as many for guests."""
MAX_UPLOADS: Final = 2
"""Maximum number of single files in memory. As many again for guests."""
SPOOL_BYTES: Final = 4_000_000_000
MAX_LINE: Final = 64
"""Maximum number of waiting and running archives or files."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Converters:
    """`workers`: the processes. `spool`: the files on disk. `guest_seconds`: `seconds` of guests."""

    def __init__(
        self, spool: Spool | None = None, *, seconds: float = SECONDS, guest_seconds: float = GUEST_SECONDS
    ) -> None:
        self.spool = spool or Spool(SPOOL_BYTES)
        self.workers = Workers(
            PROCESSES,
            call_seconds=seconds,
            memory_bytes=MEMORY_BYTES,
            too_long=TooMuchWork,
            max_waiting=MAX_WAITING,
            most_of_one=MAX_OF_ONE,
            keep=0,
        )
        self._guest_seconds = min(guest_seconds, seconds)
        self._archives = _Places(MAX_ARCHIVES, MAX_ARCHIVES // 2)
        self._uploads = _Places(MAX_UPLOADS, MAX_UPLOADS)
        self._with_archive: set[str] = set()

    async def run(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """Like Workers.run. Raises TooMany and Unavailable if too many wait, TooMuchWork above the limits of time or
        memory.
        """
        seconds = self._guest_seconds if is_guest(on_behalf_of.get()) else self.workers.call_seconds
        try:
            return await self.workers.run_within(seconds, function, *arguments, **named)
        except MemoryError:
            raise TooMuchWork("the conversion needs too much memory") from None

    @asynccontextmanager
    async def one_archive(self) -> AsyncIterator[None]:
        """Reserve the only concurrent archive of a person, until its last byte is sent or read. Raises TooMany for a
        second one.
        """
        person = on_behalf_of.get()
        if person in self._with_archive:
            raise TooMany("only one archive at a time: wait until yours is complete", retry_after=30)
        if person:
            self._with_archive.add(person)
        try:
            yield
        finally:
            self._with_archive.discard(person)

    @asynccontextmanager
    async def archive(self) -> AsyncIterator[None]:
        """Reserve a place for writing or reading an archive. It must not be held during waits for a client. Raises
        Unavailable.
        """
        async with self._archives.place():
            yield

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[None]:
        """A place to have a single file in memory. Raises TooMany, Unavailable."""
        async with self._uploads.place():
            yield

    async def close(self) -> None:
        await self.workers.close()


class _Places:
    """Places for signed-in users, and separate ones for guests."""

    def __init__(self, places: int, guests: int) -> None:
        self._signed_in = FairQueue(places, most=MAX_LINE, most_of_one=MAX_OF_ONE)
        self._guests = FairQueue(guests, most=MAX_LINE, most_of_one=MAX_OF_ONE)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        queue = self._guests if is_guest(on_behalf_of.get()) else self._signed_in
        async with queue.place():
            yield
