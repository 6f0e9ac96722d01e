"""Decodes the structs of an encoded Yjs update (format v1) with their contents, for `tree`.

The update must have passed `updates.validate` or come from pycrdt. Unreadable bytes raise Malformed; nothing else is
checked.
"""

import json
import struct
from typing import Any, Final

from collab_server.core.yjs import utf16
from collab_server.errors import Malformed

GC: Final = 0
DELETED: Final = 1
JSON: Final = 2
BINARY: Final = 3
STRING: Final = 4
EMBED: Final = 5
FORMAT: Final = 6
TYPE: Final = 7
ANY: Final = 8
SUBDOCUMENT: Final = 9
SKIP: Final = 10

ARRAY: Final = 0
MAP: Final = 1
TEXT: Final = 2
XML_ELEMENT: Final = 3
XML_FRAGMENT: Final = 4
XML_HOOK: Final = 5
XML_TEXT: Final = 6

Id = tuple[int, int]
"""(client id, clock)"""

_LENGTH_1: Final = frozenset({BINARY, EMBED, FORMAT, TYPE, SUBDOCUMENT})


class Undefined:
    """JavaScript's undefined; the only instance is UNDEFINED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


class Subdocument:
    """A nested document, known by its id only."""

    __slots__ = ("guid",)

    def __init__(self, guid: str) -> None:
        self.guid = guid


class Branch:
    """A shared type: a root, or the content of an item.

    `reference`: ARRAY to XML_TEXT, or None for a root, because updates do not contain the type of a root. `name`: the
    tag of an element. `start`: the first item of its sequence, also a deleted one. `entries`, `starts`: the last and
    the first item per key.
    """

    __slots__ = ("entries", "name", "reference", "start", "starts")

    def __init__(self, reference: int | None, name: str = "") -> None:
        self.reference = reference
        self.name = name
        self.start: Item | None = None
        self.entries: dict[str, Item] = {}
        self.starts: dict[str, Item] = {}


class Item:
    """A run of `length` clocks by one client. `parent`: a root's name or an item's id until integration.

    content by kind: STRING str, ANY and JSON list of values, EMBED a value, FORMAT (name, value), TYPE Branch, BINARY
    bytes, SUBDOCUMENT Subdocument, otherwise None.
    """

    __slots__ = (
        "client",
        "clock",
        "content",
        "deleted",
        "key",
        "kind",
        "left",
        "length",
        "origin",
        "parent",
        "right",
        "right_origin",
    )

    def __init__(self, client: int, clock: int, kind: int) -> None:
        self.client = client
        self.clock = clock
        self.length = 1
        self.kind = kind
        self.content: Any = None
        self.origin: Id | None = None
        self.right_origin: Id | None = None
        self.parent: Branch | str | Id | None = None
        self.key: str | None = None
        self.deleted = kind <= DELETED
        self.left: Item | None = None
        self.right: Item | None = None


class StructReader:
    """Decodes an update in one pass. `position`: the start of the next value."""

    __slots__ = ("position", "update")

    def __init__(self, update: bytes) -> None:
        self.update = update
        self.position = 0

    def structs(self) -> dict[int, list[Item]]:
        """Read {client id: its structs by clock, without Skip}. The delete set is next. Raises Malformed."""
        try:
            return self._structs()
        except (IndexError, UnicodeDecodeError, struct.error, json.JSONDecodeError, RecursionError) as error:
            raise Malformed(f"an update cannot be read: {error}") from None

    def deletes(self) -> list[tuple[int, int, int]]:
        """Read the delete set: (client id, first clock, clock after the last). Raises Malformed."""
        ranges = []
        try:
            for _ in range(self._uint()):
                client = self._uint()
                for _ in range(self._uint()):
                    clock = self._uint()
                    ranges.append((client, clock, clock + self._uint()))
        except IndexError:
            raise Malformed("a delete set is cut off") from None
        return ranges

    def _structs(self) -> dict[int, list[Item]]:
        update, uint, string = self.update, self._uint, self._string
        clients: dict[int, list[Item]] = {}
        for _ in range(uint()):
            count = uint()
            client = uint()
            clock = uint()
            items = clients.setdefault(client, [])
            for _ in range(count):
                info = update[self.position]
                self.position += 1
                kind = info & 31
                item = Item(client, clock, kind)
                if kind in (GC, SKIP):
                    item.length = uint()
                    clock += item.length
                    if kind == GC:
                        items.append(item)
                    continue
                if info & 0x80:
                    item.origin = (uint(), uint())
                if info & 0x40:
                    item.right_origin = (uint(), uint())
                if not info & 0xC0:
                    item.parent = string() if uint() else (uint(), uint())
                    if info & 0x20:
                        item.key = string()
                if kind == STRING:
                    item.content = text = string()
                    item.length = utf16.length(text)
                else:
                    self._content(item)
                clock += item.length
                items.append(item)
        return clients

    def _content(self, item: Item) -> None:
        kind = item.kind
        if kind == ANY:
            item.content = [self._any() for _ in range(self._uint())]
            item.length = len(item.content)
        elif kind == DELETED:
            item.length = self._uint()
        elif kind == FORMAT:
            item.content = (self._string(), _json(self._string()))
        elif kind == TYPE:
            reference = self._uint()
            item.content = Branch(reference, self._string() if reference in (XML_ELEMENT, XML_HOOK) else "")
        elif kind == EMBED:
            item.content = _json(self._string())
        elif kind == BINARY:
            item.content = self._bytes()
        elif kind == SUBDOCUMENT:
            item.content = Subdocument(self._string())
            self._any()
        elif kind == JSON:
            texts = [self._string() for _ in range(self._uint())]
            item.content = [UNDEFINED if text == "undefined" else _json(text) for text in texts]
            item.length = len(texts)
        else:
            raise Malformed(f"content kind {kind} does not exist")

    def _uint(self) -> int:
        update, position = self.update, self.position
        byte = update[position]
        position += 1
        number = byte & 127
        shift = 7
        while byte > 127:
            byte = update[position]
            position += 1
            number |= (byte & 127) << shift
            shift += 7
        self.position = position
        return number

    def _bytes(self) -> bytes:
        length = self._uint()
        start = self.position
        self.position = end = start + length
        if end > len(self.update):
            raise IndexError("cut off")
        return self.update[start:end]

    def _string(self) -> str:
        return self._bytes().decode()

    def _any(self) -> Any:
        tag = self.update[self.position]
        self.position += 1
        match tag:
            case 119:
                return self._string()
            case 125:
                return self._int()
            case 124 | 123 | 122:
                layout, size = {124: (">f", 4), 123: (">d", 8), 122: (">q", 8)}[tag]
                number = struct.unpack_from(layout, self.update, self.position)[0]
                self.position += size
                return number
            case 120 | 121:
                return tag == 120
            case 126:
                return None
            case 127:
                return UNDEFINED
            case 118:
                return {self._string(): self._any() for _ in range(self._uint())}
            case 117:
                return [self._any() for _ in range(self._uint())]
            case 116:
                return self._bytes()
        raise Malformed(f"value type {tag} does not exist")

    def _int(self) -> int:
        byte = self.update[self.position]
        self.position += 1
        number = byte & 63
        if byte > 127:
            number |= self._uint() << 6
        return -number if byte & 64 else number


def _json(text: str) -> Any:
    """Decode JSON, with U+FFFD for halves of surrogate pairs, because UTF-8 cannot encode them."""
    value = json.loads(text)
    return _well_formed(value) if "\\ud" in text or "\\uD" in text else value


def _well_formed(value: Any) -> Any:
    match value:
        case str():
            return utf16.replace_lone_surrogates(value)
        case list():
            return [_well_formed(part) for part in value]
        case dict():
            return {_well_formed(key): _well_formed(part) for key, part in value.items()}
    return value
