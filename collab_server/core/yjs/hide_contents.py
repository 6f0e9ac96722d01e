"""Hides marked contents from pycrdt and restores them afterwards.

`hide_contents` replaces each marked content by a buffer with the original bytes, because pycrdt leaves buffers
unchanged; `restore_contents` is its inverse. Updates with hidden contents are never stored or sent.

Upstream: not reported yet.
"""

import json
from itertools import groupby
from typing import Final

from collab_server.core.yjs.content_marks import HIDDEN
from collab_server.core.yjs.contents import MARK, encode_marked, is_marked, leading_number
from collab_server.core.yjs.lib0 import read_var_uint, write_var_bytes, write_var_uint
from collab_server.core.yjs.rewrite_contents import Parts, any_values, json_texts, rewrite_contents
from collab_server.core.yjs.structs import ANY, EMBED, FORMAT, JSON, SUBDOCUMENT, TYPE, XML_ELEMENT

_BUFFER: Final = 116
_NO_OPTIONS: Final = b"\x76\x00"
"""An empty lib0 object."""


def hide_contents(update: bytes) -> bytes:
    """The update in the form for pycrdt, with all marked contents hidden."""
    return rewrite_contents(update, _hide_content) if MARK in update else update


def restore_contents(update: bytes) -> bytes:
    """The update in the form for storage and clients, with all hidden contents restored."""
    return rewrite_contents(update, _restore_content) if HIDDEN in update else update


def _hide_content(update: bytes, kind: int, first: int, end: int) -> Parts | None:
    if not is_marked(update, first):
        return None
    number, after = leading_number(update, first)
    if kind == ANY:
        kept = [_buffer(b"A" + update[start:stop]) for start, stop in any_values(update, after, number)]
        return [(ANY, write_var_uint(number) + b"".join(kept), number)]
    if kind == JSON:
        kept = [_buffer(b"J" + text) for text in json_texts(update, kind, first, end)]
        return [(ANY, write_var_uint(number) + b"".join(kept), number)]
    if kind == TYPE:
        name = update[read_var_uint(update, after)[1] : end]
        return [(TYPE, write_var_uint(XML_ELEMENT) + write_var_bytes(HIDDEN + b"%d" % number + name), 1)]
    if kind == SUBDOCUMENT:
        guid, options = update[after : after + number], update[after + number : end]
        return [(SUBDOCUMENT, write_var_bytes(HIDDEN + options.hex().encode() + b":" + guid) + _NO_OPTIONS, 1)]
    [text] = json_texts(update, kind, first, end)
    hidden = write_var_bytes(json.dumps((HIDDEN + text).decode(), ensure_ascii=False).encode())
    key = b"" if kind == EMBED else write_var_bytes(update[after : after + number])
    return [(kind, key + hidden, 1)]


def _buffer(content: bytes) -> bytes:
    return bytes((_BUFFER,)) + write_var_bytes(HIDDEN + content)


def _restore_content(update: bytes, kind: int, first: int, end: int) -> Parts | None:
    if update.find(HIDDEN, first, end) < 0:
        return None
    number, after = leading_number(update, first)
    if kind == ANY:
        return _restore_any_values([update[start:stop] for start, stop in any_values(update, after, number)])
    if kind == TYPE:
        name = update[read_var_uint(update, after)[1] : end].removeprefix(HIDDEN)
        return [(TYPE, encode_marked(int(name[:1])) + write_var_bytes(name[1:]), 1)]
    if kind == SUBDOCUMENT:
        options, _, guid = update[after : after + number].removeprefix(HIDDEN).partition(b":")
        return [(SUBDOCUMENT, encode_marked(len(guid)) + guid + bytes.fromhex(options.decode()), 1)]
    if kind not in (EMBED, FORMAT):
        return None
    [text] = json_texts(update, kind, first, end)
    original = json.loads(text).encode().removeprefix(HIDDEN)
    if kind == EMBED:
        return [(EMBED, encode_marked(len(original)) + original, 1)]
    return [(FORMAT, encode_marked(number) + update[after : after + number] + write_var_bytes(original), 1)]


def _restore_any_values(values: list[bytes]) -> Parts:
    """Restore consecutive values; pycrdt has joined JSON contents with their neighbours."""
    parts: Parts = []
    for is_json, run in groupby(map(_read_buffer, values), key=lambda value: value[0] == b"J"):
        content = [value for _, value in run]
        if is_json:
            parts.append((JSON, encode_marked(len(content)) + b"".join(map(write_var_bytes, content)), len(content)))
        else:
            parts.append((ANY, encode_marked(len(content)) + b"".join(content), len(content)))
    return parts


def _read_buffer(value: bytes) -> tuple[bytes, bytes]:
    """(b"J" for a JSON text or b"A" for any other value, its bytes)"""
    if value[0] != _BUFFER:
        return b"A", value
    content = value[read_var_uint(value, 1)[1] :]
    if not content.startswith(HIDDEN):
        return b"A", value
    return content[len(HIDDEN) : len(HIDDEN) + 1], content[len(HIDDEN) + 1 :]
