"""Reads an encoded document without a Doc: its shared types as a tree, in the order in which Yjs shows them.

pycrdt reads a text well, but a Doc cannot say of what type a root is, its JSON is made by native recursion that a
deeply nested document overflows, and it never returns from an array that holds text. So whatever is not one plain text
is read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from collab_server.crdt.integration import Integration
from collab_server.crdt.structs import ANY, FORMAT, JSON, STRING, Branch, StructReader

MAX_FORMATS: Final = 100
"""Formats that one place of a text can have; more would cost the product of formats and runs."""


@dataclass(frozen=True, slots=True)
class Tree:
    """roots: by name. clocks: per client, how many are integrated. pending: something waits for what is not there."""

    roots: dict[str, Branch]
    clocks: dict[int, int]
    pending: bool


def read(update: bytes) -> Tree:
    """A document's whole encoding: validated, or written by pycrdt. Raises Malformed if it cannot be read."""
    reader = StructReader(update)
    structs = reader.structs()
    integration = Integration(structs)
    integration.run()
    all_deleted = integration.delete(reader.deletes())
    clocks = {client: known.end for client, known in integration.clients.items() if known.end}
    all_integrated = all(integration.next[client] == len(items) for client, items in structs.items())
    return Tree(integration.roots, clocks, pending=not (all_deleted and all_integrated))


def contents(branch: Branch) -> Iterator[tuple[int, Any]]:
    """(kind, content) of the visible items of a sequence, in order; an ANY or JSON holds a list of values."""
    item = branch.start
    while item is not None:
        if not item.deleted:
            yield item.kind, item.content
        item = item.right


def entries(branch: Branch) -> dict[str, Any]:
    """The visible values of a map, or the attributes of an element, sorted by key: plain values or Branch."""
    values = {}
    for key in sorted(branch.entries):
        item = branch.entries[key]
        if item.deleted or item.kind == FORMAT:
            continue
        values[key] = item.content[-1] if item.kind in (ANY, JSON) else item.content
    return values


def delta(branch: Branch) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(str, Branch or embedded value, its formats) in order."""
    formats: dict[str, Any] = {}
    texts: list[str] = []
    for kind, content in contents(branch):
        if kind == STRING:
            texts.append(content)
            continue
        if texts:
            yield "".join(texts), formats
            texts = []
        if kind == FORMAT:
            name, value = content
            formats = {key: formats[key] for key in formats if key != name}
            if value is not None and len(formats) < MAX_FORMATS:
                formats[name] = value
        elif kind in (ANY, JSON):
            for value in content:
                yield value, formats
        else:
            yield content, formats
    if texts:
        yield "".join(texts), formats
