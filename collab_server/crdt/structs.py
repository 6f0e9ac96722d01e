"""Reads the structs of an encoded Yjs update (format v1) with their contents, for `tree`.

Only for updates that `updates.validate` has accepted or that pycrdt has written: what cannot be read raises Malformed,
but nothing else is checked here.
"""

import json
import struct
from typing import Any, Final

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
    """JavaScript's undefined, as one value: UNDEFINED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


class Subdocument:
    """A nested document, of which the outer one knows no more than its id."""

    __slots__ = ("guid",)

    def __init__(self, guid: str) -> None:
        self.guid = guid


class Branch:
    """A shared type: a root, or the content of an item.

    `reference` is ARRAY..XML_TEXT, or None for a root, whose type is written nowhere. `name`: the tag of an element.
    `start`: the first item of its sequence, deleted ones included. `entries`, `starts`: the last, the first per key.
    """

    __slots__ = ("entries", "name", "reference", "start", "starts")

    def __init__(self, reference: int | None, name: str = "") -> None:
        self.reference = reference
        self.name = name
        self.start: Item | None = None
        self.entries: dict[str, Item] = {}
        self.starts: dict[str, Item] = {}


class Item:
    """A run of `length` clocks by one client. `parent` is a root's name or an item's id until the item is integrated.

    content by kind: STRING str, ANY and JSON list of values, EMBED a value, FORMAT (name, value), TYPE Branch,
    BINARY bytes, SUBDOCUMENT Subdocument, otherwise None.
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
    """One pass over an update; `position` is where the next value starts."""

    __slots__ = ("position", "update")

    def __init__(self, update: bytes) -> None:
        self.update = update
        self.position = 0

    def structs(self) -> dict[int, list[Item]]:
        """{client id: its structs by clock, Skip left out}; afterwards the delete set is next. Raises Malformed."""
        try:
            return self._structs()
        except (IndexError, UnicodeDecodeError, struct.error, json.JSONDecodeError, RecursionError) as error:
            raise Malformed(f"an update cannot be read: {error}") from None

    def deletes(self) -> list[tuple[int, int, int]]:
        """(client id, first clock, clock after the last). Raises Malformed."""
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
                    item.length = len(text) if text.isascii() else len(text.encode("utf-16-le")) >> 1
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
    """Halves of surrogate pairs, which JSON can hold and UTF-8 cannot, as U+FFFD."""
    value = json.loads(text)
    return _well_formed(value) if "\\ud" in text or "\\uD" in text else value


def _well_formed(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [_well_formed(part) for part in value]
        case dict():
            return {_well_formed(key): _well_formed(part) for key, part in value.items()}
    return value
