"""A very large update in pieces, each of which is an update that the log can take."""

from collections.abc import Mapping
from typing import Final

from collab_server.crdt.contents import number_at, skip_content, skip_place, skip_text
from collab_server.crdt.lib0 import write_var_string, write_var_uint
from collab_server.crdt.structs import DELETED, GC, SKIP, STRING
from collab_server.crdt.updates import UpdateSummary, diff, encode_state_vector, inspect, validate
from collab_server.errors import TooLarge

PIECE_BYTES: Final = 4_000_000
"""Larger updates are cut."""
MAX_PIECE_BYTES: Final = 16_000_000
"""Of a piece: a row of the log has at most 2**24 bytes."""

Piece = tuple[bytes, UpdateSummary]


def taken_apart(update: bytes, clocks: Mapping[int, int], size: int = PIECE_BYTES) -> list[Piece]:
    """What of an update from outside is news for who has these clocks, validated, in pieces to be taken in this order.

    Raises Malformed, and TooLarge for a value that fits in no piece.
    """
    summary = validate(update)
    update = summary.marked or update
    if any(start < clocks.get(client, 0) for client, start, _ in summary.structs):
        update = diff(update, encode_state_vector(dict(clocks)))
    pieces = split(update, size)
    if max(map(len, pieces)) > MAX_PIECE_BYTES:
        raise TooLarge(f"one value of a document may have at most {MAX_PIECE_BYTES} bytes")
    return [(piece, inspect(piece)) for piece in pieces]


def split(update: bytes, size: int) -> list[bytes]:
    """Updates of about `size` bytes that are this one together (which is validated). The last has the deletes.

    Cuts between structs, and texts; a single other value can make a piece larger.
    """
    if len(update) <= size:
        return [update]
    cutter = _Cutter(update, size)
    return cutter.cut()


class _Cutter:
    def __init__(self, update: bytes, size: int) -> None:
        self._update = update
        self._size = size
        self._pieces: list[bytes] = []
        self._sections: list[bytes] = []
        self._filled = 0
        self._client = self._clock = self._count = 0
        self._structs: list[bytes] = []

    def cut(self) -> list[bytes]:
        update = self._update
        sections, position = number_at(update, 0)
        for _ in range(sections):
            count, position = number_at(update, position)
            client, position = number_at(update, position)
            clock, position = number_at(update, position)
            self._begin(client, clock)
            copied = position
            for _ in range(count):
                start, info = position, update[position]
                kind = info & 31
                first, right_origin = (start + 1, b"") if kind in (GC, SKIP) else skip_place(update, start + 1, info)
                if kind in (GC, SKIP, DELETED):
                    length, position = number_at(update, first)
                elif kind == STRING:
                    length, position = skip_text(update, first)
                else:
                    length, position = skip_content(update, first, kind)
                if kind == STRING and position - start > self._size:
                    self._add(update[copied:start], 0)
                    self._cut_text(update, start, first, position, clock, right_origin)
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

    def _cut_text(self, update: bytes, start: int, first: int, end: int, clock: int, right_origin: bytes) -> None:
        """As Yjs splits a run: each further part stands behind the one before."""
        text = update[number_at(update, first)[1] : end].decode()
        most = max(1, self._size // 4)
        place, flags = update[start + 1 : first], update[start] & 0xE0
        for begin in range(0, len(text), most):
            part = text[begin : begin + most]
            self._add(bytes((flags | STRING,)) + place + write_var_string(part), 1)
            clock += len(part.encode("utf-16-le")) >> 1
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
