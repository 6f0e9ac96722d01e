"""Zips that are sent while they are written."""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import IO, Final

_PIECE: Final = 1 << 20
_ZIP64_ABOVE: Final = 1 << 30


class ZipWriter:
    """A zip written without seeking. `add` and `open` compress in the calling thread."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._zip = zipfile.ZipFile(_Sink(self._pieces), "w", zipfile.ZIP_DEFLATED)

    def open(self, name: str, changed: datetime, *, large: bool, packed: bool = True) -> IO[bytes]:
        """Begin an entry. `large`: it may have more than 2 GiB."""
        info = zipfile.ZipInfo(name, changed.astimezone(UTC).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=large)

    def add(self, name: str, file: bytes, changed: datetime) -> None:
        view = memoryview(file)
        with self.open(name, changed, large=len(file) > _ZIP64_ABOVE) as entry:
            for start in range(0, len(view), _PIECE):
                entry.write(view[start : start + _PIECE])

    async def stream(
        self, name: str, chunks: AsyncIterator[bytes], size: int, changed: datetime
    ) -> AsyncGenerator[bytes]:
        """Add a file as it is, and yield what is written meanwhile."""
        try:
            with self.open(name, changed, large=size > _ZIP64_ABOVE, packed=False) as entry:
                async for chunk in chunks:
                    entry.write(chunk)
                    for piece in self.written():
                        yield piece
        finally:
            # A reader that leaves must not keep a file or a connection of the store.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()

    def close(self) -> None:
        self._zip.close()

    def written(self) -> list[bytes]:
        """Return the bytes written since the last call, in pieces of socket size."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return [whole[start : start + 65_536] for start in range(0, len(whole), 65_536)]


class _Sink:
    """An unseekable file for zipfile."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
