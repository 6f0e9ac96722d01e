"""Walks encoded Yjs updates (format v1) without pycrdt, in time linear to their length.

Checks everything from outside, because pycrdt trusts its input: it reserves memory by declared counts, overflows its
stack on deeply nested values, wraps clocks at 2**32, and keeps only the last of several sections of one client in a
delete set. Upstream: https://github.com/y-crdt/y-crdt/pull/639 (counts); the others are not reported yet.
"""

import re
from typing import Final, NamedTuple

from collab_server.core.yjs import utf16
from collab_server.core.yjs.contents import skip_content
from collab_server.core.yjs.lib0 import long_var_uint, skip_string
from collab_server.errors import Malformed

MAX_CLOCK: Final = 2**31 - 1
"""Yjs counts to 2**53 - 1. pycrdt silently wraps at 2**32 and computes some differences in 32 signed
bits. Upstream: not reported yet.
"""

Range = tuple[int, int, int]
"""(client id, first clock, clock after the last)"""

# An item's id, checked and skipped in one call: client id up to 2**53 - 1, clock up to 2**31 - 1.
_ID: Final = (
    rb"(?:[\x00-\x7f]|[\x80-\xff]{1,6}[\x01-\x7f]|[\x80-\xff]{7}[\x01-\x0f])"
    rb"(?:[\x00-\x7f]|[\x80-\xff]{1,3}[\x01-\x7f]|[\x80-\xff]{4}[\x01-\x07])"
)
_match_id: Final = re.compile(_ID).match


class UpdateSummary(NamedTuple):
    """The contents of an update.

    structs: ranges of clocks in the update's order, adjacent ones joined, without Skip. deletes: deleted ranges in the
    update's order. marked: the update with marks, to store and send instead of it, or None for an update without marks.
    """

    structs: tuple[Range, ...]
    deletes: tuple[Range, ...]
    marked: bytes | None = None


def inspect(update: bytes) -> UpdateSummary:
    """Walk a v1 update, strictly and in linear time and memory. Does not set `marked`.

    Raises Malformed in these cases: a Yjs client could not read the update; Yjs and pycrdt understand it differently (a
    repeated client, clocks above MAX_CLOCK); Yjs would throw (structs and deletes of length 0, an item with a later
    item of its own client as origin or parent); bytes follow its end. JSON texts are only checked for UTF-8.
    """
    return inspect_with_flags(update)[0]


def inspect_with_flags(update: bytes) -> tuple[UpdateSummary, bool, bool]:
    """(summary, it has values for `may_be_changed`, it has contents without an exact encoding in pycrdt)"""
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
    """(ranges, position of the delete set, and the two flags of inspect_with_flags)"""
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
                    length = utf16.length_of_utf8(text)
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
    """Skip the id of an origin or parent of the item at `clock` of the client in `client_bytes`; returns the position.

    Raises Malformed for a later item of the same client, because Yjs would throw.
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
