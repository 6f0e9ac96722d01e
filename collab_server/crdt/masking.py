"""Contents that pycrdt would change or cannot read: marked in what is stored, masked while pycrdt works.

pycrdt 0.14 writes everything anew that it merges or compares. It makes 0 of -0 and floats of bigints, adds options to
subdocuments and drops others, and fails at half of a surrogate pair or a number of 2**63 and more in JSON, at JSON
content of old Yjs versions, and at XmlHook. `mark` finds these contents when an update comes in; the mark stays in the
bytes and means nothing to clients. `mask` puts in the place of each marked content one that pycrdt hands on as it is
and that holds the original bytes; `unmask` takes them out again. Masked updates are never stored or sent.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from collab_server.crdt.contents import (
    MARK,
    is_marked,
    leading_number,
    marked,
    number_at,
    skip_content,
    skip_place,
    skip_text,
)
from collab_server.crdt.lib0 import MAX_ANY_DEPTH, skip_any, skip_string, write_var_bytes, write_var_uint
from collab_server.crdt.structs import (
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

MASK: Final = b"~collab_server keeps this~"
"""With it begins what holds the original bytes. Contents of clients that have it are masked themselves."""

_BIGINT: Final = 122
_OBJECT: Final = 118
_ARRAY: Final = 117
_BUFFER: Final = 116
_NEGATIVE_ZEROS: Final = (b"\x7d\x40", b"\x7b\x80" + bytes(7), b"\x7c\x80" + bytes(3))

_find_changed_json: Final = re.compile(rb"\\u[dD][89a-fA-F]|00(?<=[0-9]{19})").search
"""Halves of surrogate pairs, and the numbers of 19 digits or more that JavaScript writes."""

Parts = list[tuple[int, bytes, int]]
"""Contents that take the place of one: (kind, bytes, length in clocks)."""


def may_be_changed(update: bytes) -> bool:
    """False where `mark` would find nothing, by a look at the bytes; nothing is said of kinds 2 and 9 and of hooks."""
    return (
        b"z" in update
        or b"\x7d\x40" in update
        or b"\x80\0\0\0" in update
        or b"\\u" in update
        or MASK in update
        or (b"00" in update and _find_changed_json(update) is not None)
    )


def mark(update: bytes) -> bytes:
    """The update with every content marked that pycrdt would change. Only for what `inspect` has accepted.

    Raises Malformed for JSON that Yjs could not read, or nested deeper than MAX_ANY_DEPTH.
    """
    return _rewritten(update, _marked)


def mask(update: bytes) -> bytes:
    """What pycrdt may be given of an update that is marked where needed."""
    return _rewritten(update, _masked) if MARK in update else update


def unmask(update: bytes) -> bytes:
    """What pycrdt has made of masked updates, as it is to be stored and sent."""
    return _rewritten(update, _unmasked) if MASK in update else update


def _rewritten(update: bytes, replace: Callable[[bytes, int, int, int], Parts | None]) -> bytes:
    """`replace`: (update, kind, first, end) of a content -> what takes its place, None: it stays."""
    written: list[bytes] = []
    sections, position = number_at(update, 0)
    copied = 0
    for _ in range(sections):
        written.append(update[copied:position])
        count, position = number_at(update, position)
        copied = position
        client, position = number_at(update, position)
        clock, position = number_at(update, position)
        pieces: list[bytes] = []
        structs = count
        for _ in range(count):
            start, info = position, update[position]
            kind = info & 31
            if kind in (GC, SKIP):
                length, position = number_at(update, position + 1)
                clock += length
                continue
            first, right_origin = skip_place(update, position + 1, info)
            if kind == DELETED:
                length, position = number_at(update, first)
            elif kind == STRING:
                length, position = skip_text(update, first)
            else:
                length, position = skip_content(update, first, kind)
                parts = replace(update, kind, first, position)
                if parts is not None:
                    (new_kind, content, size), *others = parts
                    place = update[start + 1 : first]
                    pieces += (update[copied:start], bytes((info & 0xE0 | new_kind,)), place, content)
                    # As Yjs splits a run: each further part stands behind the one before.
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


# ---- marks


def _marked(update: bytes, kind: int, first: int, end: int) -> Parts | None:
    if kind == BINARY:
        return None
    number, after = leading_number(update, first)
    length = 1
    already = is_marked(update, first)
    if kind in (JSON, EMBED, FORMAT):
        changed = already or kind == JSON or _find_changed_json(update, first, end) is not None
        if changed:
            for text in _json_texts(update, kind, first, end):
                _check_json(text)
        if kind == JSON:
            length = number
    elif kind == ANY:
        length = number
        changed = any(_is_changed(update, start, stop) for start, stop in _values(update, after, number))
    else:
        changed = kind == SUBDOCUMENT or (kind == TYPE and number == XML_HOOK)
    if already or not (changed or update.find(MASK, first, end) >= 0):
        return None
    return [(kind, marked(number) + update[after:end], length)]


def _values(update: bytes, position: int, count: int) -> Iterator[tuple[int, int]]:
    """(first, end) of each of `count` lib0 `any` values."""
    for _ in range(count):
        end = skip_any(update, position)
        yield position, end
        position = end


def _is_changed(update: bytes, start: int, end: int) -> bool:
    if update.find(b"z", start, end) < 0 and all(update.find(zero, start, end) < 0 for zero in _NEGATIVE_ZEROS):
        return False
    return _has_changed_number(update, start)[0]


def _has_changed_number(update: bytes, position: int) -> tuple[bool, int]:
    tag = update[position]
    if tag not in (_OBJECT, _ARRAY):
        return tag == _BIGINT or update.startswith(_NEGATIVE_ZEROS, position), skip_any(update, position)
    count, position = number_at(update, position + 1)
    for _ in range(count):
        if tag == _OBJECT:
            position = skip_string(update, position)
        changed, position = _has_changed_number(update, position)
        if changed:
            return True, position
    return False, position


def _json_texts(update: bytes, kind: int, first: int, end: int) -> list[bytes]:
    number, position = leading_number(update, first)
    if kind == EMBED:
        return [update[position:end]]
    if kind == FORMAT:
        _, position = number_at(update, position + number)
        return [update[position:end]]
    texts = []
    for _ in range(number):
        length, position = number_at(update, position)
        texts.append(update[position : position + length])
        position += length
    return texts


def _check_json(text: bytes) -> None:
    if text == b"undefined":
        return
    try:
        level = [_JSON.decode(text.decode())]
    except (ValueError, RecursionError):
        raise Malformed("JSON in an update cannot be read") from None
    for _ in range(MAX_ANY_DEPTH):
        level = [part for value in level for part in _parts(value)]
    if level:
        raise Malformed("values are nested too deeply")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_JSON: Final = json.JSONDecoder(parse_constant=_refuse_constant)


# ---- masks


def _masked(update: bytes, kind: int, first: int, end: int) -> Parts | None:
    if not is_marked(update, first):
        return None
    number, after = leading_number(update, first)
    if kind == ANY:
        kept = [_buffer(b"A" + update[start:stop]) for start, stop in _values(update, after, number)]
        return [(ANY, write_var_uint(number) + b"".join(kept), number)]
    if kind == JSON:
        kept = [_buffer(b"J" + text) for text in _json_texts(update, kind, first, end)]
        return [(ANY, write_var_uint(number) + b"".join(kept), number)]
    if kind == TYPE:
        name = update[number_at(update, after)[1] : end]
        return [(TYPE, write_var_uint(XML_ELEMENT) + write_var_bytes(MASK + b"%d" % number + name), 1)]
    if kind == SUBDOCUMENT:
        guid, options = update[after : after + number], update[after + number : end]
        return [(SUBDOCUMENT, write_var_bytes(MASK + options.hex().encode() + b":" + guid) + _NO_OPTIONS, 1)]
    [text] = _json_texts(update, kind, first, end)
    hidden = write_var_bytes(json.dumps((MASK + text).decode(), ensure_ascii=False).encode())
    key = b"" if kind == EMBED else write_var_bytes(update[after : after + number])
    return [(kind, key + hidden, 1)]


def _buffer(content: bytes) -> bytes:
    return bytes((_BUFFER,)) + write_var_bytes(MASK + content)


def _unmasked(update: bytes, kind: int, first: int, end: int) -> Parts | None:
    if update.find(MASK, first, end) < 0:
        return None
    number, after = leading_number(update, first)
    if kind == ANY:
        return _unmasked_values([update[start:stop] for start, stop in _values(update, after, number)])
    if kind == TYPE:
        name = update[number_at(update, after)[1] : end].removeprefix(MASK)
        return [(TYPE, marked(int(name[:1])) + write_var_bytes(name[1:]), 1)]
    if kind == SUBDOCUMENT:
        options, _, guid = update[after : after + number].removeprefix(MASK).partition(b":")
        return [(SUBDOCUMENT, marked(len(guid)) + guid + bytes.fromhex(options.decode()), 1)]
    if kind not in (EMBED, FORMAT):
        return None
    [text] = _json_texts(update, kind, first, end)
    shown = json.loads(text).encode().removeprefix(MASK)
    if kind == EMBED:
        return [(EMBED, marked(len(shown)) + shown, 1)]
    return [(FORMAT, marked(number) + update[after : after + number] + write_var_bytes(shown), 1)]


def _unmasked_values(values: list[bytes]) -> Parts:
    """pycrdt joins what follows one another; values of JSON and others are different contents."""
    parts: Parts = []
    for is_json, run in groupby(map(_uncovered, values), key=lambda value: value[0] == b"J"):
        content = [value for _, value in run]
        if is_json:
            parts.append((JSON, marked(len(content)) + b"".join(map(write_var_bytes, content)), len(content)))
        else:
            parts.append((ANY, marked(len(content)) + b"".join(content), len(content)))
    return parts


def _uncovered(value: bytes) -> tuple[bytes, bytes]:
    """(what kind of content it is, its bytes)"""
    if value[0] != _BUFFER:
        return b"A", value
    content = value[number_at(value, 1)[1] :]
    if not content.startswith(MASK):
        return b"A", value
    return content[len(MASK) : len(MASK) + 1], content[len(MASK) + 1 :]


_NO_OPTIONS: Final = bytes((_OBJECT, 0))
