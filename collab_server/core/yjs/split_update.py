"""Splits very large updates into smaller ones for the log."""

from collections.abc import Mapping
from typing import Final

from collab_server.core.yjs import utf16
from collab_server.core.yjs.contents import walk_structs
from collab_server.core.yjs.inspection import UpdateSummary, inspect
from collab_server.core.yjs.lib0 import read_var_uint, write_var_string, write_var_uint
from collab_server.core.yjs.structs import STRING
from collab_server.core.yjs.updates import diff, encode_state_vector, validate
from collab_server.errors import TooLarge

PIECE_BYTES: Final = 4_000_000
"""Larger updates are split."""
MAX_PIECE_BYTES: Final = 16_000_000
"""Limit of one piece: a row of the log has at most 2**24 bytes."""

Piece = tuple[bytes, UpdateSummary]


def split_incoming(update: bytes, clocks: Mapping[int, int], size: int = PIECE_BYTES) -> list[Piece]:
    """Validate an update from outside, remove everything below these clocks, and split the rest into pieces in order.

    Raises Malformed, and TooLarge for a value larger than MAX_PIECE_BYTES.
    """
    summary = validate(update)
    update = summary.marked or update
    if any(start < clocks.get(client, 0) for client, start, _ in summary.structs):
        update = diff(update, encode_state_vector(dict(clocks)))
    pieces = split_update(update, size)
    if max(map(len, pieces)) > MAX_PIECE_BYTES:
        raise TooLarge(f"one value of a document may have at most {MAX_PIECE_BYTES} bytes")
    return [(piece, inspect(piece)) for piece in pieces]


def split_update(update: bytes, size: int) -> list[bytes]:
    """Split a validated update into updates of about `size` bytes; the last one has all deletes.

    Splits between structs and within texts only: a single large value of another kind makes a larger piece.
    """
    if len(update) <= size:
        return [update]
    return _Splitter(update, size).run()


class _Splitter:
    def __init__(self, update: bytes, size: int) -> None:
        self._update = update
        self._size = size
        self._pieces: list[bytes] = []
        self._sections: list[bytes] = []
        self._filled = 0
        self._client = self._clock = self._count = 0
        self._structs: list[bytes] = []

    def run(self) -> list[bytes]:
        update = self._update
        sections, position = read_var_uint(update, 0)
        for _ in range(sections):
            count, position = read_var_uint(update, position)
            client, position = read_var_uint(update, position)
            clock, position = read_var_uint(update, position)
            self._begin(client, clock)
            copied = position
            for kind, start, first, end, length, right_origin in walk_structs(update, position, count):
                position = end
                if kind == STRING and position - start > self._size:
                    self._add(update[copied:start], 0)
                    self._split_text(update, start, first, position, clock, right_origin)
                    copied = position
                else:
                    self._count += 1
                clock += length
                if self._filled + position - copied > self._size:
                    self._add(update[copied:position], 0)
                    copied = position
                    self._end_piece()
                    self._begin(client, clock)
            self._add(update[copied:position], 0)
            self._end_section()
        if self._sections or update[position:] != b"\0":
            self._pieces.append(self._piece(update[position:]))
        return self._pieces

    def _split_text(self, update: bytes, start: int, first: int, end: int, clock: int, right_origin: bytes) -> None:
        """Write the text as several items; as in Yjs, each part has the part before it as its left origin."""
        text = update[read_var_uint(update, first)[1] : end].decode()
        part_length = max(1, self._size // 4)
        place, flags = update[start + 1 : first], update[start] & 0xE0
        for begin in range(0, len(text), part_length):
            part = text[begin : begin + part_length]
            self._add(bytes((flags | STRING,)) + place + write_var_string(part), 1)
            clock += utf16.length(part)
            flags = 0x80 | update[start] & 0x40
            place = write_var_uint(self._client) + write_var_uint(clock - 1) + right_origin
            if self._filled > self._size:
                self._end_piece()
                self._begin(self._client, clock)

    def _begin(self, client: int, clock: int) -> None:
        self._client, self._clock, self._count, self._structs = client, clock, 0, []

    def _add(self, structs: bytes, count: int) -> None:
        self._structs.append(structs)
        self._count += count
        self._filled += len(structs)

    def _end_section(self) -> None:
        if self._count:
            header = (self._count, self._client, self._clock)
            self._sections.append(b"".join([*map(write_var_uint, header), *self._structs]))

    def _end_piece(self) -> None:
        self._end_section()
        self._pieces.append(self._piece(b"\0"))
        self._sections, self._filled = [], 0

    def _piece(self, deletes: bytes) -> bytes:
        return write_var_uint(len(self._sections)) + b"".join(self._sections) + deletes
