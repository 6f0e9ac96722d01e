"""What waits for its turn on one socket while a large message leaves in slices."""

from collections import deque
from collections.abc import Iterable

SLICE_BYTES = 65_536
"""Bytes for each socket within one turn of the event loop. Twice as much makes turns longer and nothing faster."""


class Backlog:
    """Bytes in order, of which nothing is copied: whoever else is sent the same holds the same.

    `size`: bytes that have not been taken. `paused`: the transport takes no more now. `scheduled`: the next slice will
    be taken without anybody asking. `pong`: the answer to the latest ping, for the end.
    """

    __slots__ = ("_pieces", "_taken", "paused", "pong", "scheduled", "size")

    def __init__(self, pieces: Iterable[bytes], *, paused: bool) -> None:
        self._pieces: deque[bytes] = deque()
        self._taken = 0
        self.size = 0
        self.paused = paused
        self.scheduled = False
        self.pong: bytes | None = None
        self.add(pieces)

    def add(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._pieces.append(piece)
            self.size += len(piece)

    def take(self) -> list[bytes | memoryview]:
        """The next SLICE_BYTES, or the rest, as buffers that follow one another."""
        buffers: list[bytes | memoryview] = []
        room = SLICE_BYTES
        while self._pieces and room:
            piece, begin = self._pieces[0], self._taken
            end = min(len(piece), begin + room)
            buffers.append(piece if end - begin == len(piece) else memoryview(piece)[begin:end])
            room -= end - begin
            if end == len(piece):
                self._pieces.popleft()
                self._taken = 0
            else:
                self._taken = end
        self.size -= SLICE_BYTES - room
        return buffers
