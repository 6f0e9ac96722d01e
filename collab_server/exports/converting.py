"""The process that makes files of documents and documents of files, apart from the one that folds for the rooms."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from collab_server.backends.workers import TookTooLong, Workers
from collab_server.errors import TooMany, UnprocessableContent

SECONDS: Final = 30.0
"""For one file."""
MEMORY_BYTES: Final = 3 << 30
MAX_WAITING: Final = 16
MAX_ARCHIVES: Final = 2
"""Archives that are written or read at the same time."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Converters:
    """`workers`: the process. `archives`: how many are written or read now."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.workers = Workers(1, call_seconds=seconds, memory_bytes=MEMORY_BYTES)
        self.archives = 0

    async def run(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """As Workers.run. Raises TooMany where too many wait, UnprocessableContent for what takes too much time or
        memory, Unavailable.
        """
        if self.workers.waiting >= MAX_WAITING:
            raise TooMany("too many files are being made; try again in a moment", retry_after=5)
        try:
            return await self.workers.run(function, *arguments, **named)
        except TookTooLong:
            raise UnprocessableContent(f"this takes longer than {self.workers.call_seconds:g} s") from None
        except MemoryError:
            raise UnprocessableContent("this takes more memory than there is for it") from None

    def begin_archive(self) -> None:
        """Raises TooMany; `end_archive` must follow otherwise."""
        if self.archives >= MAX_ARCHIVES:
            raise TooMany("too many archives are being written or read; try again in a minute", retry_after=30)
        self.archives += 1

    def end_archive(self) -> None:
        self.archives -= 1

    async def close(self) -> None:
        await self.workers.close()
