"""Replaces contents of items in an encoded update, item by item."""

from collections.abc import Callable, Iterator

from collab_server.core.yjs.contents import leading_number, walk_structs
from collab_server.core.yjs.lib0 import read_var_uint, skip_any, write_var_uint
from collab_server.core.yjs.structs import DELETED, EMBED, FORMAT, GC, SKIP, STRING

_WITHOUT_VALUES = frozenset({GC, SKIP, DELETED, STRING})

Parts = list[tuple[int, bytes, int]]
"""Contents in the place of one: (kind, bytes, length in clocks)."""

Replace = Callable[[bytes, int, int, int], Parts | None]
"""(update, kind, first, end) of a content -> its replacement, or None to keep it."""


def rewrite_contents(update: bytes, replace: Replace) -> bytes:
    """The validated update with all contents replaced for which `replace` returns a replacement."""
    written: list[bytes] = []
    sections, position = read_var_uint(update, 0)
    copied = 0
    for _ in range(sections):
        written.append(update[copied:position])
        count, position = read_var_uint(update, position)
        copied = position
        client, position = read_var_uint(update, position)
        clock, position = read_var_uint(update, position)
        pieces: list[bytes] = []
        structs = count
        for kind, start, first, end, length, right_origin in walk_structs(update, position, count):
            position = end
            if kind not in _WITHOUT_VALUES:
                parts = replace(update, kind, first, position)
                if parts is not None:
                    info = update[start]
                    (new_kind, content, size), *others = parts
                    place = update[start + 1 : first]
                    pieces += (update[copied:start], bytes((info & 0xE0 | new_kind,)), place, content)
                    # Yjs splits a run in the same way: each part has the part before it as its left origin.
                    before = clock + size - 1
                    for new_kind, content, size in others:
                        left_origin = write_var_uint(client) + write_var_uint(before)
                        pieces += (bytes((0x80 | info & 0x40 | new_kind,)), left_origin, right_origin, content)
                        before += size
                    structs += len(others)
                    copied = position
            clock += length
        written += (write_var_uint(structs), *pieces)
    written.append(update[copied:])
    return b"".join(written)


def any_values(update: bytes, position: int, count: int) -> Iterator[tuple[int, int]]:
    """(first, end) of each of `count` lib0 `any` values."""
    for _ in range(count):
        end = skip_any(update, position)
        yield position, end
        position = end


def json_texts(update: bytes, kind: int, first: int, end: int) -> list[bytes]:
    number, position = leading_number(update, first)
    if kind == EMBED:
        return [update[position:end]]
    if kind == FORMAT:
        _, position = read_var_uint(update, position + number)
        return [update[position:end]]
    texts = []
    for _ in range(number):
        length, position = read_var_uint(update, position)
        texts.append(update[position : position + length])
        position += length
    return texts
