"""Skips contents of items in an encoded Yjs update, and reads and writes the mark of contents.

A content begins with a number: a count, a length, or a type. The mark writes this number in exactly eight bytes, with
needless last bytes. Yjs and yrs read the same number. A search for MARK therefore finds all marked contents in any
number of bytes; content_marks.py sets the marks.
"""

from collections.abc import Iterator
from typing import Final

from collab_server.core.yjs import utf16
from collab_server.core.yjs.lib0 import Reader, long_var_uint, read_var_uint, skip_any, skip_string
from collab_server.core.yjs.structs import (
    ANY,
    BINARY,
    DELETED,
    EMBED,
    FORMAT,
    GC,
    JSON,
    SKIP,
    STRING,
    SUBDOCUMENT,
    TYPE,
    XML_ELEMENT,
    XML_HOOK,
)
from collab_server.errors import Malformed

MARK: Final = b"\x80\x80\x80\x00"
"""End of a marked number. Other occurrences are chance, in a float or in binary content, and cost only time."""

Struct = tuple[int, int, int, int, int, bytes]
"""A struct in an update: its kind, the positions of its start, its content and its end, its length in clocks, and its
encoded right origin.
"""

_MARKED_BYTES: Final = 8
_SHIFTS: Final = (0, 7, 14, 21)


def is_marked(update: bytes, position: int) -> bool:
    """Whether the number at `position` is marked."""
    return update.startswith(MARK, position + 4) and min(update[position : position + 4]) > 127


def encode_marked(number: int) -> bytes:
    """The number in eight bytes. Raises Malformed from 2**28 on."""
    if number >> 28:
        raise Malformed("a value in an update is too long")
    return bytes(number >> shift & 127 | 128 for shift in _SHIFTS) + MARK


def leading_number(update: bytes, position: int) -> tuple[int, int]:
    """(a content's first number, marked or not, the position after it). Raises IndexError, Malformed."""
    number = update[position]
    if number < 128:
        return number, position + 1
    if not is_marked(update, position):
        return long_var_uint(update, position)
    number = sum((update[position + index] & 127) << shift for index, shift in enumerate(_SHIFTS))
    return number, position + _MARKED_BYTES


def skip_content(update: bytes, position: int, kind: int) -> tuple[int, int]:
    """(length in clocks, position after) of a content of the kinds 2, 3 and 5 to 9.

    Raises Malformed, UnicodeDecodeError, and IndexError for truncated bytes.
    """
    if kind in (ANY, JSON):
        count, position = leading_number(update, position)
        if count > len(update) - position:
            raise Malformed(f"{count} values declared, {len(update) - position} bytes left")
        if kind == ANY:
            return count, skip_any(update, position, count)
        for _ in range(count):
            position = skip_string(update, position)
        return count, position
    if kind == TYPE:
        type_ref, position = leading_number(update, position)
        if type_ref > 6:
            raise Malformed(f"type {type_ref} does not exist")
        # XmlElement and XmlHook carry their name.
        return 1, skip_string(update, position) if type_ref in (XML_ELEMENT, XML_HOOK) else position
    if kind == FORMAT:
        return 1, skip_string(update, _skip_first_string(update, position))
    if kind == EMBED:
        return 1, _skip_first_string(update, position)
    if kind == BINARY:
        reader = Reader(update, position)
        reader.var_bytes()
        return 1, reader.position
    if kind == SUBDOCUMENT:
        position = _skip_first_string(update, position)
        if update[position] != 118:
            raise Malformed("the options of a subdocument are not an object")
        return 1, skip_any(update, position)
    raise Malformed(f"content kind {kind} does not exist")


def _skip_first_string(update: bytes, position: int) -> int:
    if update[position] < 128 or not is_marked(update, position):
        return skip_string(update, position)
    length, position = leading_number(update, position)
    end = position + length
    if end > len(update):
        raise Malformed(f"a string of {length} bytes declared, {len(update) - position} left")
    update[position:end].decode()
    return end


# ---- for updates that `inspect` has accepted


def skip_place(update: bytes, position: int, info: int) -> tuple[int, bytes]:
    """(position after the origins, parent and key of an item, the encoded id of its right origin)"""
    right_origin = b""
    if info & 0x80:
        position = _skip_id(update, position)
    if info & 0x40:
        start = position
        position = _skip_id(update, position)
        right_origin = update[start:position]
    if not info & 0xC0:
        position = skip_string(update, position + 1) if update[position] else _skip_id(update, position + 1)
        if info & 0x20:
            position = skip_string(update, position)
    return position, right_origin


def skip_text(update: bytes, position: int) -> tuple[int, int]:
    """(UTF-16 code units, position after)"""
    length, position = read_var_uint(update, position)
    text = update[position : position + length]
    return utf16.length_of_utf8(text), position + length


def walk_structs(update: bytes, position: int, count: int) -> Iterator[Struct]:
    """Walk `count` structs of one client in a validated update, from `position` on."""
    for _ in range(count):
        start, info = position, update[position]
        kind = info & 31
        content, right_origin = (start + 1, b"") if kind in (GC, SKIP) else skip_place(update, start + 1, info)
        if kind in (GC, SKIP, DELETED):
            length, position = read_var_uint(update, content)
        elif kind == STRING:
            length, position = skip_text(update, content)
        else:
            length, position = skip_content(update, content, kind)
        yield kind, start, content, position, length, right_origin


def _skip_id(update: bytes, position: int) -> int:
    return read_var_uint(update, read_var_uint(update, position)[1])[1]
