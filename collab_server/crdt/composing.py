"""Writes a Yjs update by hand: new items of one client between items that are there, and deletions.

A Doc of pycrdt cannot: it gives elements no attributes but strings, and where something is pending or a character is
cut in two, it is another document than the one that people see (see folding.load).
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

from collab_server.crdt.edits import Place
from collab_server.crdt.lib0 import write_var_string, write_var_uint
from collab_server.crdt.structs import ANY, FORMAT, STRING, TYPE, XML_ELEMENT, XML_TEXT, Id, Item
from collab_server.crdt.updates import EMPTY_UPDATE

Parent = str | Id
"""The name of a root, or the id of the item that holds a shared type."""

_MAX_INTEGER: Final = 2**31 - 1


class Composer:
    """`client`: whom the items belong to, from clock `start` on; nobody else may write under that id meanwhile."""

    def __init__(self, client: int, start: int) -> None:
        self.client = client
        self._start = start
        self._clock = start
        self.place: Place | None = None
        """Where it has written last: behind what it added, or where it deleted."""
        self._structs: list[bytes] = []
        self._deleted: dict[int, list[tuple[int, int]]] = {}

    def update(self) -> bytes:
        """Everything written so far; EMPTY_UPDATE for nothing."""
        if not self._structs and not self._deleted:
            return EMPTY_UPDATE
        written = [b"\0"]
        if self._structs:
            header = (1, len(self._structs), self.client, self._start)
            written = [*map(write_var_uint, header), *self._structs]
        written.append(write_var_uint(len(self._deleted)))
        for client in sorted(self._deleted, reverse=True):
            ranges = _joined(self._deleted[client])
            written += (write_var_uint(client), write_var_uint(len(ranges)))
            for first, end in ranges:
                written += (write_var_uint(first), write_var_uint(end - first))
        return b"".join(written)

    @property
    def clock(self) -> int:
        """The clock after everything that the client has written."""
        return self._clock

    def delete(self, client: int, first: int, end: int) -> None:
        """The clocks from `first` up to, not with, `end`."""
        self._deleted.setdefault(client, []).append((first, end))
        if self.place is None or not self.place.behind:
            self.place = Place((client, first), behind=False)

    def delete_item(self, item: Item) -> None:
        """With all that it holds."""
        self.delete(item.client, item.clock, item.clock + item.length)

    def text(self, parent: Parent, left: Id | None, right: Id | None, text: str) -> Id:
        """Characters between two neighbours; the id of the last one's last UTF-16 code unit. `text` is not empty."""
        return self._item(STRING, parent, left, right, write_var_string(text), _units(text))

    def format(self, parent: Parent, left: Id | None, right: Id | None, name: str, value: Any) -> Id:
        """A sign that from here on the text has this format; None ends it."""
        content = write_var_string(name) + write_var_string(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )
        return self._item(FORMAT, parent, left, right, content, 1)

    def element(
        self, parent: Parent, left: Id | None, right: Id | None, name: str, attributes: Mapping[str, Any]
    ) -> Id:
        """An XmlElement, still empty; its id is the parent of what comes in."""
        content = write_var_uint(XML_ELEMENT) + write_var_string(name)
        made = self._item(TYPE, parent, left, right, content, 1)
        for key, value in attributes.items():
            self.attribute(made, None, key, value)
        return made

    def xml_text(self, parent: Parent, left: Id | None, right: Id | None) -> Id:
        """An XmlText, still empty; its id is the parent of what comes in."""
        return self._item(TYPE, parent, left, right, write_var_uint(XML_TEXT), 1)

    def attribute(self, parent: Parent, last: Id | None, key: str, value: Any) -> Id:
        """`last`: of the items that were ever written under this key, the last one."""
        return self._item(ANY, parent, last, None, write_var_uint(1) + _any(value), 1, key=key)

    def _item(
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


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) >> 1


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined


def _any(value: Any) -> bytes:
    """A lib0 `any` of what JSON knows."""
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
    """lib0's varInt: the sign in the first byte's second bit, 6 bits there, 7 in each that follows."""
    sign, number = (0x40, -number) if number < 0 else (0, number)
    first, rest = number & 63, number >> 6
    return bytes((first | sign | (0x80 if rest else 0),)) + (write_var_uint(rest) if rest else b"")
