"""Files on disk for the time of a request: uploads for imports, and archives."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.errors import InsufficientStorage, TooLarge, TooMany

_IN_MEMORY: Final = 1 << 20
PART_OF_ONE: Final = 4
"""One person may use this part of the space."""


class Spool:
    """`most`: bytes of all files together. A person may use a quarter of them, or `most_of_one` if that is more."""

    def __init__(self, most: int, most_of_one: int = 0) -> None:
        self.most = most
        self.most_of_one = min(most, max(most // PART_OF_ONE, most_of_one))
        self.used = 0
        self._of_one: Counter[str] = Counter()

    @contextmanager
    def open(self) -> Iterator["SpoolFile"]:
        """Open a file without a name. It is deleted at the end."""
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            opened = SpoolFile(self, file, on_behalf_of.get())
            try:
                yield opened
            finally:
                self._give_back(opened)

    def take(self, file: "SpoolFile", size: int) -> None:
        """Raises TooLarge, TooMany, InsufficientStorage."""
        if file.size + size > self.most_of_one:
            raise TooLarge(f"a file may have at most {self.most_of_one} bytes")
        if file.person and self._of_one[file.person] + size > self.most_of_one:
            raise TooMany("your other files use all your space; try again in a moment", retry_after=30)
        if self.used + size > self.most:
            raise InsufficientStorage("other files use all the space; try again in a moment")
        self.used += size
        self._of_one[file.person] += size
        file.size += size

    def _give_back(self, file: "SpoolFile") -> None:
        self.used -= file.size
        self._of_one[file.person] -= file.size
        if not self._of_one[file.person]:
            del self._of_one[file.person]


class SpoolFile:
    """`file`: for file readers. `size`: written bytes."""

    def __init__(self, spool: Spool, file: IO[bytes], person: str) -> None:
        self.file = file
        self.person = person
        self.size = 0
        self._spool = spool

    def write(self, piece: bytes) -> None:
        """Add it at the end. Raises TooLarge, TooMany, InsufficientStorage (the disk is full, too)."""
        self.reserve(len(piece))
        self.append(piece)

    def reserve(self, size: int) -> None:
        """Take space for bytes that `append` will write. Raises TooLarge, TooMany, InsufficientStorage."""
        self._spool.take(self, size)

    def append(self, piece: bytes) -> None:
        """Write into reserved space; may run in a thread. Raises InsufficientStorage."""
        try:
            self.file.seek(0, SEEK_END)
            self.file.write(piece)
        except OSError as error:
            raise InsufficientStorage("the disk has no space for this file") from error

    def read(self, at: int, size: int) -> bytes:
        """Read at most `size` bytes at the position `at`."""
        self.file.seek(at)
        return self.file.read(size)
