"""Contents of a sequence as units that can be compared: a character, a value, a format, an embedded value, a type."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from collab_server.core.history.encoded_tree import encode_content
from collab_server.core.yjs import utf16
from collab_server.core.yjs.structs import ANY, JSON, STRING, TYPE, Branch, Item

View = Callable[[Branch], tuple[list[Item], dict[str, Item]]]
"""The items of a type that are to be seen: those of its sequence in order, and one for each key."""


@dataclass(slots=True)
class Units:
    """keys: equal for equal units. places: (item, offset in its clocks, clocks)."""

    keys: list[str] = field(default_factory=list)
    places: list[tuple[Item, int, int]] = field(default_factory=list)

    def slices(self, start: int, end: int) -> list[Item]:
        """Return the units as items; neighbours of one item are one."""
        found: list[Item] = []
        index = start
        while index < end:
            item, offset, length = self.places[index]
            index += 1
            while index < end and self.places[index][0] is item:
                length += self.places[index][2]
                index += 1
            found.append(_slice(item, offset, length))
        return found


def units_of(items: Iterable[Item], view: View) -> Units:
    """Split items into units. view: what to see of the types in them."""
    units = Units()
    for item in items:
        if item.kind == STRING:
            offset = 0
            for character in item.content:
                length = 2 if ord(character) > 0xFFFF else 1
                units.keys.append(character)
                units.places.append((item, offset, length))
                offset += length
        elif item.kind in (ANY, JSON):
            for index, value in enumerate(item.content):
                units.keys.append(f"value {item.kind} {value!r}")
                units.places.append((item, index, 1))
        else:
            units.keys.append(sign(item, view))
            units.places.append((item, 0, item.length))
    return units


def sign(item: Item, view: View) -> str:
    """Return a text that is equal for items of the same content, with all that is to be seen of it."""
    if item.kind == STRING:
        return f"text {item.content!r}"
    if item.kind in (ANY, JSON):
        return f"values {item.kind} {item.content!r}"
    if item.kind != TYPE:
        return f"item {item.kind} {encode_content(item)!r}"
    branch: Branch = item.content
    sequence, entries = view(branch)
    parts = "".join(units_of(sequence, view).keys)
    named = ", ".join(f"{key!r}: {sign(entry, view)}" for key, entry in sorted(entries.items()))
    return f"type {branch.reference} {branch.name!r} [{parts}] {{{named}}}"


def _slice(item: Item, offset: int, length: int) -> Item:
    if item.kind not in (STRING, ANY, JSON):
        return item
    part = Item(item.client, item.clock + offset, item.kind)
    part.length = length
    part.content = _content(item, offset, length)
    return part


def _content(item: Item, offset: int, length: int) -> str | list[bytes]:
    if item.kind == STRING:
        text: str = utf16.split(utf16.split(item.content, offset)[1], length)[0]
        return text
    values: list[bytes] = item.content[offset : offset + length]
    return values
