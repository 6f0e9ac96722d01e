"""Encoded Yjs updates (format v1) as bytes: check, merge, compare. The only caller of pycrdt's byte functions.

pycrdt trusts what it reads: it reserves memory by declared counts, dies of deeply nested values, wraps clocks at
2**32, drops all but the last of a client's sections in a delete set, and changes or misreads some contents.
Everything from outside therefore goes through `validate` or `decode_state_vector` first; the other functions
take only bytes that did. Contents that pycrdt would change are marked then, and masked while it works (masking.py).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, ParamSpec, Self, TypeVar

import pycrdt

from collab_server.crdt.contents import MARK, skip_content
from collab_server.crdt.lib0 import Reader, long_var_uint, skip_string, write_var_uint
from collab_server.crdt.masking import mark, mask, may_be_changed, unmask
from collab_server.errors import Malformed

EMPTY_UPDATE: Final = b"\x00\x00"

MAX_CLOCK: Final = 2**31 - 1
"""Yjs counts to 2**53 - 1, pycrdt silently wraps at 2**32 and computes some differences in 32 signed bits."""

MERGE_GROUP: Final = 16
"""pycrdt's merge is superlinear in the number of updates, and from 21 on it can panic: its comparison of collected with
uncollected structs at one clock is no total order, which Rust's sort notices only then."""

BULK: Final = 64
"""From this many added ranges on, a client's deletes are sorted anew."""

Range = tuple[int, int, int]
"""(client id, first clock, clock after the last)"""

_P = ParamSpec("_P")
_T = TypeVar("_T")

# An item's id, checked and skipped in one call: client id up to 2**53 - 1, clock up to 2**31 - 1.
_ID: Final = (
    rb"(?:[\x00-\x7f]|[\x80-\xff]{1,6}[\x01-\x7f]|[\x80-\xff]{7}[\x01-\x0f])"
    rb"(?:[\x00-\x7f]|[\x80-\xff]{1,3}[\x01-\x7f]|[\x80-\xff]{4}[\x01-\x07])"
)
_match_id: Final = re.compile(_ID).match

# Characters outside the BMP, by lead byte: a literal at the start makes each search several times faster than a set.
_find_surrogate_pair: Final = tuple(re.compile(rb"\x%02x[\x80-\xbf]{3}" % lead).search for lead in range(0xF0, 0xF5))


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """What an update contains.

    structs: ranges of clocks, in the update's order, adjacent ones joined, Skip left out. deletes: ranges that it
    deletes, as they stand. marked: what is to be stored and sent in the update's place, None: the update itself.
    """

    structs: tuple[Range, ...]
    deletes: tuple[Range, ...]
    marked: bytes | None = None


def inspect(update: bytes) -> UpdateSummary:
    """Walk a v1 update; total and strict, in time and memory linear to its length. `marked` is not looked for.

    Raises Malformed for whatever a Yjs client could not read, for what Yjs and pycrdt understand differently
    (a client that occurs twice, clocks above MAX_CLOCK), for what makes Yjs throw (structs and deletes of length 0,
    an item that names a later one of its client), and for bytes after the end.
    JSON texts are only checked to be UTF-8.
    """
    return _inspect(update)[0]


def _inspect(update: bytes) -> tuple[UpdateSummary, bool, bool]:
    """(summary, it has values that pycrdt may change, it has contents that pycrdt always changes)"""
    try:
        structs, position, has_values, has_changed = _walk_structs(update)
        deletes, position = _walk_deletes(update, position)
    except IndexError:
        raise Malformed("an update is cut off") from None
    except UnicodeDecodeError:
        raise Malformed("a string in an update is not UTF-8") from None
    if position != len(update):
        raise Malformed(f"{len(update) - position} bytes after an update")
    return UpdateSummary(structs, deletes), has_values, has_changed


def _walk_structs(update: bytes) -> tuple[tuple[Range, ...], int, bool, bool]:
    """(ranges, position of the delete set, ... as _inspect)"""
    size = len(update)
    ranges: list[Range] = []
    has_values = has_changed = False
    sections = update[0]
    position = 1
    if sections > 127:
        sections, position = long_var_uint(update, 0)
    if sections * 3 > size - position:
        raise Malformed(f"{sections} clients declared, {size - position} bytes left")
    clients: set[int] = set()
    for _ in range(sections):
        count = update[position]
        position += 1
        if count > 127:
            count, position = long_var_uint(update, position - 1)
        client_position = position
        client = update[position]
        position += 1
        if client > 127:
            client, position = long_var_uint(update, client_position)
        client_bytes = update[client_position:position]
        clock = update[position]
        position += 1
        if clock > 127:
            clock, position = long_var_uint(update, position - 1)
        if count * 2 > size - position:
            raise Malformed(f"{count} structs declared, {size - position} bytes left")
        if client in clients:
            raise Malformed(f"client {client} occurs twice in an update")
        clients.add(client)
        start = clock
        for _ in range(count):
            info = update[position]
            position += 1
            kind = info & 31
            if info & 0xC0:
                position = _skip_id(update, position, client_bytes, clock)
                if info > 0xBF:
                    position = _skip_id(update, position, client_bytes, clock)
            elif kind and kind != 10:
                named = update[position]
                position += 1
                if named == 1:
                    position = skip_string(update, position)
                elif named == 0:
                    position = _skip_id(update, position, client_bytes, clock)
                else:
                    raise Malformed(f"parent info {named} does not exist")
                if info & 0x20:
                    position = skip_string(update, position)
            if kind == 4:
                length = update[position]
                position += 1
                if length > 127:
                    length, position = long_var_uint(update, position - 1)
                end = position + length
                if end > size:
                    raise Malformed(f"a string of {length} bytes declared, {size - position} left")
                text = update[position:end]
                if not text.isascii():
                    length = len(text.decode().encode("utf-16-le")) >> 1
                position = end
            elif kind < 2 or kind == 10:
                if kind != 1 and info != kind:
                    raise Malformed(f"struct info {info:#x} does not exist")
                length = update[position]
                position += 1
                if length > 127:
                    length, position = long_var_uint(update, position - 1)
                if kind == 10:
                    if start != clock:
                        ranges.append((client, start, clock))
                    clock += length
                    start = clock
                    continue
            else:
                has_values = True
                if kind == 9 or kind == 2 or (kind == 7 and update[position] == 5):
                    has_changed = True
                length, position = skip_content(update, position, kind)
            if not length:
                raise Malformed("a struct has length 0")
            clock += length
        if clock > MAX_CLOCK:
            raise Malformed("a clock is greater than 2**31 - 1")
        if start != clock:
            ranges.append((client, start, clock))
    return tuple(ranges), position, has_values, has_changed


def _skip_id(update: bytes, position: int, client_bytes: bytes, clock: int) -> int:
    """The position after the id of another item, which an item at `clock` of the client in `client_bytes` names.

    One of the same client must be older: Yjs takes that for granted and throws.
    """
    if update.startswith(client_bytes, position):
        position += len(client_bytes)
        number = update[position]
        position += 1
        if number > 127:
            number, position = long_var_uint(update, position - 1)
        if number >= clock:
            raise Malformed("an item names itself or a later one")
        return position
    match = _match_id(update, position)
    if match is None:
        raise Malformed("an id in an update cannot be read")
    return match.end()


def _walk_deletes(update: bytes, position: int) -> tuple[tuple[Range, ...], int]:
    """(ranges, position after the delete set)"""
    sections = update[position]
    position += 1
    if not sections:
        return (), position
    size = len(update)
    if sections > 127:
        sections, position = long_var_uint(update, position - 1)
    if sections * 2 > size - position:
        raise Malformed(f"deletes of {sections} clients declared, {size - position} bytes left")
    ranges: list[Range] = []
    clients: set[int] = set()
    for _ in range(sections):
        client = update[position]
        position += 1
        if client > 127:
            client, position = long_var_uint(update, position - 1)
        count = update[position]
        position += 1
        if count > 127:
            count, position = long_var_uint(update, position - 1)
        if count * 2 > size - position:
            raise Malformed(f"{count} deleted ranges declared, {size - position} bytes left")
        if client in clients:
            raise Malformed(f"client {client} occurs twice in a delete set")
        clients.add(client)
        for _ in range(count):
            start = update[position]
            position += 1
            if start > 127:
                start, position = long_var_uint(update, position - 1)
            length = update[position]
            position += 1
            if length > 127:
                length, position = long_var_uint(update, position - 1)
            if start + length > MAX_CLOCK:
                raise Malformed("a deleted clock is greater than 2**31 - 1")
            if not length:
                raise Malformed("a deleted range has length 0")
            ranges.append((client, start, start + length))
    return tuple(ranges), position


def ask_pycrdt(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Its refusals as Malformed, and so its panics, which pyo3 raises as a BaseException."""
    try:
        return function(*arguments, **named)
    except ValueError as error:
        raise Malformed(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Malformed(f"pycrdt panicked: {error}") from None


def validate(update: bytes) -> UpdateSummary:
    """inspect, then let pycrdt read all of it, so that nothing goes out or into the log that a client cannot read.

    Contents that pycrdt would change are marked: see UpdateSummary.marked.
    """
    summary, has_values, has_changed = _inspect(update)
    if has_changed or (has_values and (MARK in update or may_be_changed(update))):
        marked = mark(update)
        if marked != update:
            summary = replace(summary, marked=marked)
        ask_pycrdt(pycrdt.get_state, mask(marked))
    else:
        ask_pycrdt(pycrdt.get_state, update)
    return summary


def merge(updates: Sequence[bytes]) -> bytes:
    """One update with everything that is in `updates`, each validated; what still misses dependencies is kept.

    Linear: in groups of at most 16, then the groups. No updates, or only empty ones, give EMPTY_UPDATE.
    """
    pending = [update for update in updates if update != EMPTY_UPDATE]
    if len(pending) < 2:
        return pending[0] if pending else EMPTY_UPDATE
    everything = b"".join(pending)
    is_marked = MARK in everything
    if is_marked:
        pending = [mask(update) for update in pending]
    while len(pending) > 1:
        pending = [
            ask_pycrdt(pycrdt.merge_updates, *group) if len(group) > 1 else group[0]
            for group in (pending[first : first + MERGE_GROUP] for first in range(0, len(pending), MERGE_GROUP))
        ]
    merged = pending[0]
    if any(find(everything) for find in _find_surrogate_pair):
        # Where updates overlap, pycrdt can cut a surrogate pair and leave a string of length 0, on which Yjs throws.
        # Decoding drops it.
        merged = ask_pycrdt(pycrdt.get_update, merged, b"\x00")
    return unmask(merged) if is_marked else merged


def diff(update: bytes, state_vector: bytes) -> bytes:
    """What of `update` (validated) a peer with `state_vector` lacks; always with all its deletes.

    Raises Malformed if the state vector cannot be read.
    """
    decode_state_vector(state_vector)
    if MARK in update:
        return unmask(ask_pycrdt(pycrdt.get_update, mask(update), state_vector))
    return ask_pycrdt(pycrdt.get_update, update, state_vector)


def lacking(updates: Sequence[bytes], state_vector: bytes) -> bytes:
    """What of all these a peer with `state_vector` lacks, as one update. Raises Malformed as `diff`."""
    return diff(merge(updates), state_vector)


def state_vector(update: bytes) -> bytes:
    """Encoded state vector of `update` (validated): per client only what goes without a gap from clock 0 on."""
    return ask_pycrdt(pycrdt.get_state, mask(update))


def decode_state_vector(encoded: bytes) -> dict[int, int]:
    """{client id: clocks known}; total. Raises Malformed; so also for a client that occurs twice."""
    reader = Reader(encoded)
    count = reader.var_uint()
    if count * 2 > reader.remaining:
        raise Malformed(f"{count} clients declared, {reader.remaining} bytes left")
    clocks: dict[int, int] = {}
    for _ in range(count):
        client = reader.var_uint()
        clocks[client] = clock = reader.var_uint()
        if clock > MAX_CLOCK:
            raise Malformed("a clock is greater than 2**31 - 1")
    reader.end()
    if len(clocks) != count:
        raise Malformed("a client occurs twice in a state vector")
    return clocks


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """The same bytes for equal mappings: higher client ids first, as Yjs writes them."""
    pairs = [write_var_uint(client) + write_var_uint(clocks[client]) for client in sorted(clocks, reverse=True)]
    return write_var_uint(len(pairs)) + b"".join(pairs)


def _insert(boundaries: list[int], start: int, end: int) -> None:
    if not boundaries or boundaries[-1] < start:
        boundaries += (start, end)
        return
    low = bisect_left(boundaries, start)
    high = bisect_right(boundaries, end)
    boundaries[low:high] = ([] if low & 1 else [start]) + ([] if high & 1 else [end])


class DeleteSet:
    """Which clocks of which clients are deleted. Ranges per client are kept sorted, disjoint and not adjacent."""

    __slots__ = ("_boundaries",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        # Per client [start, end, start, end, ...], strictly increasing: an odd index means "inside".
        self._boundaries: dict[int, list[int]] = {}
        self.add(ranges)

    @classmethod
    def from_update(cls, update: bytes) -> Self:
        """The deletes of a validated update."""
        # pycrdt drops the structs much faster than they are walked here.
        return cls(inspect(diff(update, state_vector(update))).deletes)

    def add(self, ranges: Iterable[Range]) -> None:
        """Take up (client id, start, end) ranges in any order, overlapping or not."""
        by_client: dict[int, list[tuple[int, int]]] = {}
        for client, start, end in ranges:
            if start < end:
                by_client.setdefault(client, []).append((start, end))
        for client, added in by_client.items():
            boundaries = self._boundaries.setdefault(client, [])
            if len(added) > BULK:
                # Inserting one by one would be quadratic.
                added += zip(boundaries[::2], boundaries[1::2], strict=True)
                added.sort()
                boundaries.clear()
            for start, end in added:
                _insert(boundaries, start, end)

    def covers(self, ranges: Iterable[Range]) -> bool:
        """Whether all of `ranges` are deleted already."""
        for client, start, end in ranges:
            if start >= end:
                continue
            boundaries = self._boundaries.get(client, ())
            index = bisect_right(boundaries, start)
            if not index & 1 or boundaries[index] < end:
                return False
        return True

    def ranges(self) -> list[Range]:
        """All ranges, sorted by client id and clock."""
        return [
            (client, boundaries[index], boundaries[index + 1])
            for client, boundaries in sorted(self._boundaries.items())
            for index in range(0, len(boundaries), 2)
        ]


def deletes_of(updates: Iterable[bytes]) -> DeleteSet:
    """The deletes of validated updates."""
    found = DeleteSet()
    for update in updates:
        found.add(DeleteSet.from_update(update).ranges())
    return found
