"""Composes Yjs updates by hand: new items of one client, and deletions.

A pycrdt Doc cannot write all edits. It gives elements string attributes only. It also differs from the visible document
if something is pending or a character is cut in two (see documents/loading.py).

Upstream: not reported yet (attributes); https://github.com/y-crdt/y-crdt/pull/618 (gaps).
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

from collab_server.core.yjs import utf16
from collab_server.core.yjs.edit_functions import Place
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.core.yjs.structs import ANY, FORMAT, STRING, TYPE, XML_ELEMENT, XML_TEXT, Id, Item
from collab_server.core.yjs.updates import EMPTY_UPDATE

Parent = str | Id
"""The name of a root, or the id of an item with a shared type."""

_MAX_INTEGER: Final = 2**31 - 1


class Composer:
    """Composes one update of new items by `client`, from clock `start`. No other writer may use this client id
    meanwhile.
    """

    def __init__(self, client: int, start: int) -> None:
        self.client = client
        self._start = start
        self._clock = start
        self.place: Place | None = None
        """The place of the last edit: after the new item, or at the deleted one."""
        self._structs: list[bytes] = []
        self._deleted: dict[int, list[tuple[int, int]]] = {}

    def update(self) -> bytes:
        """The composed update; EMPTY_UPDATE without edits."""
        if not self._structs and not self._deleted:
            return EMPTY_UPDATE
        written = [b"\0"]
        if self._structs:
            header = (1, len(self._structs), self.client, self._start)
            written = [*map(write_var_uint, header), *self._structs]
        written.append(write_var_uint(len(self._deleted)))
        for client in sorted(self._deleted, reverse=True):
            ranges = _join_ranges(self._deleted[client])
            written += (write_var_uint(client), write_var_uint(len(ranges)))
            for first, end in ranges:
                written += (write_var_uint(first), write_var_uint(end - first))
        return b"".join(written)

    @property
    def clock(self) -> int:
        """The clock after the last new item."""
        return self._clock

    def delete(self, client: int, first: int, end: int) -> None:
        """Delete the clocks from `first` up to but not including `end`."""
        self._deleted.setdefault(client, []).append((first, end))
        if self.place is None or not self.place.behind:
            self.place = Place((client, first), behind=False)

    def delete_item(self, item: Item) -> None:
        """Delete an item with its content."""
        self.delete(item.client, item.clock, item.clock + item.length)

    def text(self, parent: Parent, left: Id | None, right: Id | None, text: str) -> Id:
        """Insert a non-empty text between two neighbours; returns the id of its last UTF-16 code unit."""
        return self.item(STRING, parent, left, right, write_var_string(text), utf16.length(text))

    def format(self, parent: Parent, left: Id | None, right: Id | None, name: str, value: Any) -> Id:
        """Start a format, or end it with None; returns the item's id."""
        content = write_var_string(name) + write_var_string(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )
        return self.item(FORMAT, parent, left, right, content, 1)

    def element(
        self, parent: Parent, left: Id | None, right: Id | None, name: str, attributes: Mapping[str, Any]
    ) -> Id:
        """Insert an empty XmlElement; returns its id, the parent of its future children."""
        content = write_var_uint(XML_ELEMENT) + write_var_string(name)
        element = self.item(TYPE, parent, left, right, content, 1)
        for key, value in attributes.items():
            self.attribute(element, None, key, value)
        return element

    def xml_text(self, parent: Parent, left: Id | None, right: Id | None) -> Id:
        """Insert an empty XmlText; returns its id, the parent of its future text."""
        return self.item(TYPE, parent, left, right, write_var_uint(XML_TEXT), 1)

    def attribute(self, parent: Parent, last: Id | None, key: str, value: Any) -> Id:
        """Set an attribute. `last`: the last item under this key, also a deleted one."""
        return self.item(ANY, parent, last, None, write_var_uint(1) + _any(value), 1, key=key)

    def item(
        self,
        kind: int,
        parent: Parent,
        left: Id | None,
        right: Id | None,
        content: bytes,
        length: int,
        *,
        key: str | None = None,
    ) -> Id:
        """Insert an item with an encoded content of `length` clocks; returns the id of its last clock."""
        info = kind | (0x80 if left else 0) | (0x40 if right else 0) | (0x20 if key is not None else 0)
        parts = [bytes((info,))]
        for neighbour in (left, right):
            if neighbour is not None:
                parts += map(write_var_uint, neighbour)
        if left is None and right is None:
            if isinstance(parent, str):
                parts += (b"\1", write_var_string(parent))
            else:
                parts += (b"\0", *map(write_var_uint, parent))
            if key is not None:
                parts.append(write_var_string(key))
        parts.append(content)
        self._structs.append(b"".join(parts))
        self._clock += length
        if kind in (STRING, TYPE):
            self.place = Place((self.client, self._clock - 1), behind=True)
        elif self.place is None:
            # Nothing that can be seen by itself: an attribute of an element, the start or end of a format.
            if key is None and left is not None:
                self.place = Place(left, behind=True)
            elif key is None and right is not None:
                self.place = Place(right, behind=False)
            elif not isinstance(parent, str):
                self.place = Place(parent, behind=False)
        return (self.client, self._clock - 1)


def _join_ranges(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined


def _any(value: Any) -> bytes:
    """Encode a JSON value as a lib0 `any`."""
    match value:
        case None:
            return b"\x7e"
        case bool():
            return b"\x78" if value else b"\x79"
        case int() if abs(value) <= _MAX_INTEGER:
            return b"\x7d" + _var_int(value)
        case int() | float():
            return b"\x7b" + struct.pack(">d", value)
        case str():
            return b"\x77" + write_var_string(value)
        case list():
            return b"\x75" + write_var_uint(len(value)) + b"".join(map(_any, value))
        case dict():
            pairs = (write_var_string(key) + _any(part) for key, part in value.items())
            return b"\x76" + write_var_uint(len(value)) + b"".join(pairs)
    raise TypeError(f"{type(value).__name__} cannot be written")


def _var_int(number: int) -> bytes:
    """Encode a lib0 varInt: sign and 6 bits in the first byte, 7 bits in each further byte."""
    sign, number = (0x40, -number) if number < 0 else (0, number)
    first, rest = number & 63, number >> 6
    return bytes((first | sign | (0x80 if rest else 0),)) + (write_var_uint(rest) if rest else b"")
