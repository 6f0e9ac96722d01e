"""Finds the order of the clocks of a document, without an object for each item.

Every clock of every client is a unit: a UTF-16 code unit, a value, a format, something deleted. Units are numbered,
those of a client in a row, and each knows the unit behind it. So no item has to be split, which is most of the work
where a text has been edited at many places. The number of all units stands for the end of each sequence, and as the
unit on the left for an unknown beginning. Greater numbers stand for beginnings.

The order is that of integration.py. Documents with collected content or missing structs are not read here.

Over 300 lines: the loops are written out, and reading and ordering share the numbers of units.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from collab_server.core.yjs import utf16
from collab_server.core.yjs.contents import skip_content
from collab_server.core.yjs.lib0 import long_var_uint, read_var_uint, skip_string, write_var_uint
from collab_server.core.yjs.structs import DELETED, GC, SKIP, STRING, TYPE

MAX_STEPS: Final = 1_000_000
"""Steps among insertions at one place. Documents that need more are not read here."""

_TWO_MARKS: Final = 0x80 + (0x80 << 7)
"""What the marks of the first two bytes add to a number of three bytes."""

MISSING: Final = 2**32 - 1
"""Stands for a unit beyond the limits."""

Chain = tuple[bytes | int, bytes | None]
"""A sequence, or the values of a key: the encoded name of the root, or the unit of the type; the encoded key."""


class NotReadable(Exception):
    """The document is not read here."""


class KeptStructs(NamedTuple):
    """What of one client's structs in an update is below its limit.

    whole: the number of structs that are wholly below it, which stand from position `first` to `end`. cut: of the next
    one, the positions of its start and of its content, its kind, and how many of its clocks are below the limit; or
    None.
    """

    client: int
    clock: int
    whole: int
    first: int
    end: int
    cut: tuple[int, int, int, int] | None


@dataclass(slots=True)
class ClientUnits:
    """The structs of a client: the first unit of each, and the units left and right of it when it was inserted.

    base, end: the client's first unit, and the unit after its last. next: the first struct that has no place yet.
    """

    id: int
    base: int
    end: int
    starts: list[int] = field(default_factory=list)
    lefts: list[int] = field(default_factory=list)
    rights: list[int] = field(default_factory=list)
    next: int = 0


class Units:
    """The structs of an update up to each client's limit.

    clients: by their first units; bases: these. none: the number of units. starts: the number of each sequence's
    beginning. parents: the unit of the type that a struct names, by its first unit. others: the units that are no
    text, as (first, unit after the last, kind). has_pairs: there are characters of two units. kept: in the order of
    the update.

    root: the encoded name of a root in which no types may stand, or None for all roots. Raises NotReadable, and
    Malformed, IndexError or UnicodeDecodeError for bytes that are no update.
    """

    def __init__(self, update: bytes, limits: Mapping[int, int], root: bytes | None) -> None:
        self.clients: list[ClientUnits] = []
        self.none = 0
        for client, limit in limits.items():
            self.clients.append(ClientUnits(client, self.none, self.none + limit))
            self.none += limit
        self.starts: dict[Chain, int] = {}
        self.parents: dict[int, int] = {}
        self.others: list[tuple[int, int, int]] = []
        self.kept: list[KeptStructs] = []
        self._update = update
        self._root = root
        self._by_id = {client.id: client for client in self.clients}
        self._by_bytes = {write_var_uint(client.id): (client.base, client.end) for client in self.clients}
        texts: dict[int, bytes] = {}
        sections, position = read_var_uint(update, 0)
        for _ in range(sections):
            position = self._read_section(position, texts)
        if any(not client.starts for client in self.clients):
            raise NotReadable
        encoded = b"".join([texts[client.id] for client in self.clients])
        self.text = encoded.decode()
        """A character for each unit. Each half of a surrogate pair is one."""
        self.has_pairs = len(self.text) != self.none
        if self.has_pairs:
            self.text = "".join(map(chr, array("H", self.text.encode("utf-16-le"))))
        self.bases = [client.base for client in self.clients]

    def client_of(self, unit: int) -> ClientUnits:
        """Return the client of a unit. Raises NotReadable for a unit that does not exist."""
        if unit >= self.none:
            raise NotReadable
        return self.clients[bisect_right(self.bases, unit) - 1]

    def _read_section(self, position: int, texts: dict[int, bytes]) -> int:
        """Read the structs of one client; return the position after them."""
        update, none, find, read_id = self._update, self.none, self._by_bytes.get, self._read_id
        count, position = read_var_uint(update, position)
        header = position
        id_, position = read_var_uint(update, position)
        size = position - header
        clock, position = read_var_uint(update, position)
        client = self._by_id.get(id_) or ClientUnits(id_, 0, 0)
        if client.starts or (clock and client.end):
            raise NotReadable
        unit, end = client.base, client.end
        add_start, add_left, add_right = client.starts.append, client.lefts.append, client.rights.append
        pieces: list[bytes] = []
        first = kept_end = position
        cut = None
        for _ in range(count):
            start, info = position, update[position]
            position += 1
            kind = info & 31
            if kind in (GC, SKIP):
                raise NotReadable
            left = right = none
            if info & 0x80:
                # Most encoded ids have as many bytes as the client's own.
                known = find(update[position : position + size])
                if known is None:
                    left, position = read_id(position)
                else:
                    position += size + 1
                    left = update[position - 1]
                    if left > 127:
                        more = update[position]
                        if 0 < more < 128:
                            left += (more - 1) << 7
                            position += 1
                        elif 0 < (most := update[position + 1]) < 128:
                            left += (more << 7) + (most << 14) - _TWO_MARKS
                            position += 2
                        else:
                            left, position = long_var_uint(update, position - 1)
                    left += known[0]
                    if left >= known[1]:
                        left = MISSING
            if info & 0x40:
                known = find(update[position : position + size])
                if known is None:
                    right, position = read_id(position)
                else:
                    position += size + 1
                    right = update[position - 1]
                    if right > 127:
                        more = update[position]
                        if 0 < more < 128:
                            right += (more - 1) << 7
                            position += 1
                        elif 0 < (most := update[position + 1]) < 128:
                            right += (more << 7) + (most << 14) - _TWO_MARKS
                            position += 2
                        else:
                            right, position = long_var_uint(update, position - 1)
                    right += known[0]
                    if right >= known[1]:
                        right = MISSING
            elif not info & 0x80:
                left, position = self._read_parent(position, info, unit)
            content = position
            if kind == STRING:
                length = update[position]
                position += 1
                if length > 127:
                    length, position = long_var_uint(update, position - 1)
                piece = update[position : position + length]
                position += length
                if not piece.isascii():
                    length = utf16.length_of_utf8(piece)
            else:
                read = read_var_uint(update, position) if kind == DELETED else skip_content(update, position, kind)
                length, position = read
                piece = b""
            if unit >= end:
                continue
            add_start(unit)
            add_left(left)
            add_right(right)
            if unit + length > end:
                length = end - unit
                piece = _cut(piece, length)
                cut = (start, content, kind, length)
            else:
                kept_end = position
            if kind != STRING:
                self.others.append((unit, unit + length, kind))
                piece = bytes(length)
            pieces.append(piece)
            unit += length
        if unit != end:
            raise NotReadable
        texts[id_] = b"".join(pieces)
        self.kept.append(KeptStructs(id_, clock, len(client.starts) - (cut is not None), first, kept_end, cut))
        return position

    def _read_parent(self, position: int, info: int, unit: int) -> tuple[int, int]:
        """Read the parent and the key of a struct: (the beginning of their sequence, the position after them)."""
        update = self._update
        key: bytes | None = None
        parent: bytes | int
        first = position + 1
        if update[position]:
            position = skip_string(update, first)
            parent = update[first:position]
        else:
            parent, position = self._read_id(first)
            self.parents[unit] = parent
        if info & 0x20:
            first = position
            position = skip_string(update, first)
            key = update[first:position]
        if key is None and info & 31 == TYPE and self._root in (None, parent):
            # Nearly always it stays, and everything that is read further would be in vain.
            raise NotReadable
        return self.starts.setdefault((parent, key), self.none + 1 + len(self.starts)), position

    def _read_id(self, position: int) -> tuple[int, int]:
        """Read the id of a unit: (the unit, position after it). MISSING for units beyond the limits."""
        update = self._update
        first = position
        while update[position] > 127:
            position += 1
        position += 1
        encoded = update[first:position]
        known = self._by_bytes.get(encoded)
        if known is None:
            client = self._by_id.get(read_var_uint(encoded, 0)[0])
            known = self._by_bytes[encoded] = (client.base, client.end) if client else (0, 0)
        clock, position = read_var_uint(update, position)
        unit = known[0] + clock
        return (unit if unit < known[1] else MISSING), position


def _cut(text: bytes, length: int) -> bytes:
    if text.isascii():
        return text[:length]
    return text.decode().encode("utf-16-le")[: 2 * length].decode("utf-16-le").encode()


def order_units(units: Units) -> "array[int]":
    """Return the unit behind each unit, and behind the beginning of each sequence. Raises NotReadable."""
    return _Order(units).run()


class _Order:
    def __init__(self, units: Units) -> None:
        self._units = units
        self._none = none = units.none
        self._following = array("I", range(1, none + 1))
        self._following.extend([none] * (1 + len(units.starts)))
        self._placed = bytearray(none) + b"\1" * (1 + len(units.starts))
        self._steps = 0

    def run(self) -> "array[int]":
        for first in self._units.clients:
            # A client whose next struct waits for another client's stands below that one.
            stack = [(first, first.end)]
            while stack:
                missing = self._advance(*stack[-1])
                if missing is None:
                    stack.pop()
                    continue
                other = self._units.client_of(missing)
                if any(other is blocked for blocked, _ in stack):
                    raise NotReadable
                stack.append((other, missing))
        return self._following

    def _advance(self, client: ClientUnits, until: int) -> int | None:
        """Place this client's structs up to the unit `until`; return a missing unit, or None."""
        following, placed, base, parents = self._following, self._placed, client.base, self._units.parents
        starts, lefts, rights = client.starts, client.lefts, client.rights
        index, count = client.next, len(starts)
        first = start = starts[index] if index < count else client.end
        missing = None
        while index < count and start <= until:
            left, right = lefts[index], rights[index]
            if not base <= left < start and not placed[left]:
                missing = left
                break
            if not base <= right < start and not placed[right]:
                missing = right
                break
            if parents and start in parents and not base <= parents[start] < start and not placed[parents[start]]:
                missing = parents[start]
                break
            after = following[left]
            # Often the struct before stays between, deleted: somebody typed, erased that, and typed again.
            if after != right and not (
                after == left + 1 and index and starts[index - 1] <= left < start - 1 and rights[index - 1] == right
            ):
                left = self._find_left(client, left, right)
                after = following[left]
            index += 1
            end = starts[index] if index < count else client.end
            following[end - 1] = after
            following[left] = start
            start = end
        client.next = index
        placed[first:start] = b"\1" * (start - first)
        return missing

    def _find_left(self, client: ClientUnits, left: int, right: int) -> int:
        """Return the left neighbour of a struct among others at the same place."""
        none, following = self._none, self._following
        origin = min(left, none)
        if left == none:
            left = self._find_beginning(right)
        other = following[left]
        if other in (right, none):
            return left
        owner, index, other_origin = self._find_struct(client, other)
        if other_origin != origin or (owner.id >= client.id and owner.rights[index] == right):
            return left
        conflicting: set[int] = set()
        before: set[int] = set()
        while other not in (right, none):
            owner, index, other_origin = self._find_struct(client, other)
            if other_origin == origin:
                if owner.id < client.id:
                    left = other
                    conflicting.clear()
                elif owner.rights[index] == right:
                    break
                else:
                    conflicting.add(other)
            elif other_origin not in before:
                break
            elif other_origin not in conflicting:
                left = other
                conflicting.clear()
            else:
                conflicting.add(other)
            before.add(other)
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise NotReadable
            other = following[other]
        return left

    def _find_struct(self, near: ClientUnits, unit: int) -> tuple[ClientUnits, int, int]:
        """Return the client of a unit, the index of its struct, and the unit left of it when it was inserted."""
        units = self._units
        owner = near if near.base <= unit < near.end else units.clients[bisect_right(units.bases, unit) - 1]
        index = bisect_right(owner.starts, unit) - 1
        return owner, index, min(owner.lefts[index], units.none) if owner.starts[index] == unit else unit - 1

    def _find_beginning(self, unit: int) -> int:
        """Return the beginning of the sequence that a unit is in."""
        following = self._following
        for start in self._units.starts.values():
            if following[start] == unit:
                return start
        for start in self._units.starts.values():
            other = following[start]
            while other not in (unit, self._none):
                self._steps += 1
                if self._steps > MAX_STEPS:
                    raise NotReadable
                other = following[other]
            if other == unit:
                return start
        raise NotReadable
