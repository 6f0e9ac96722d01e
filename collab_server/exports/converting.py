"""The processes that make files of documents and documents of files, apart from those that serve the rooms."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, ParamSpec, TypeVar

from collab_server.backends.fair_queue import FairQueue, is_guest, on_behalf_of
from collab_server.backends.workers import Workers
from collab_server.errors import TooMany, TooMuchWork
from collab_server.exports.spool import Spool

PROCESSES: Final = 2
"""One person has one of them at a time: nobody waits for one person's files."""
SECONDS: Final = 30.0
"""For one file."""
GUEST_SECONDS: Final = 10.0
"""For one file of somebody who is not signed in."""
MEMORY_BYTES: Final = 3 << 30
MAX_WAITING: Final = 64
MAX_OF_ONE: Final = 8
"""Files of one person that wait or are made."""
MAX_ARCHIVES: Final = 4
"""Archives that are written or read at the same time; half as many of people who are not signed in."""
MAX_UPLOADS: Final = 2
"""Single files that are in memory at the same time; once more as many of people who are not signed in."""
SPOOL_BYTES: Final = 4_000_000_000
MAX_LINE: Final = 64
"""Archives, or files, that wait or are at work."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Converters:
    """`workers`: the processes. `spool`: the files on disk. `guest_seconds`: `seconds` of who is not signed in."""

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
        """As Workers.run. Raises TooMany and Unavailable where too many wait, TooMuchWork for what takes too much time
        or memory.
        """
        seconds = self._guest_seconds if is_guest(on_behalf_of.get()) else self.workers.call_seconds
        try:
            return await self.workers.run_within(seconds, function, *arguments, **named)
        except MemoryError:
            raise TooMuchWork("this takes more memory than there is for it") from None

    @asynccontextmanager
    async def one_archive(self) -> AsyncIterator[None]:
        """The one archive that a person may have at a time, from when it is begun until its last byte is sent or read.
        Raises TooMany for another.
        """
        person = on_behalf_of.get()
        if person in self._with_archive:
            raise TooMany("one archive at a time: wait until yours is sent or read to its end", retry_after=30)
        if person:
            self._with_archive.add(person)
        try:
            yield
        finally:
            self._with_archive.discard(person)

    @asynccontextmanager
    async def archive(self) -> AsyncIterator[None]:
        """A place to write or read an archive; never held while a client is waited for. Raises Unavailable."""
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
    """Places for those who are signed in and, apart, for those who are not: these cannot use up the others'."""

    def __init__(self, places: int, guests: int) -> None:
        self._signed_in = FairQueue(places, most=MAX_LINE, most_of_one=MAX_OF_ONE)
        self._guests = FairQueue(guests, most=MAX_LINE, most_of_one=MAX_OF_ONE)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        queue = self._guests if is_guest(on_behalf_of.get()) else self._signed_in
        async with queue.place():
            yield
