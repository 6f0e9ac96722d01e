"""Reads an encoded document as a tree of its shared types, in the order of Yjs.

A pycrdt Doc reads plain texts well. For other documents it is not usable: it does not tell the type of a root, its JSON
function overflows the stack at deep nesting, and it hangs at arrays with text.

Upstream: not reported yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.structs import ANY, FORMAT, JSON, STRING, Branch, StructReader

MAX_FORMATS: Final = 100
"""Limit of formats at one place of a text: the cost is the product of formats and runs."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A document. roots: by name. clocks: number of integrated clocks per client. pending: something waits for a
    missing update.
    """

    roots: dict[str, Branch]
    clocks: dict[int, int]
    pending: bool


def read_tree(update: bytes, hidden: Iterable[Range] = ()) -> Tree:
    """Read the whole encoding of a document, validated or from pycrdt. Raises Malformed for unreadable bytes.

    hidden: clocks to read as deleted.
    """
    reader = StructReader(update)
    structs = reader.structs()
    integration = Integration(structs)
    integration.run()
    all_deleted = integration.delete(reader.deletes())
    integration.delete(list(hidden))
    clocks = {client: integrated.end for client, integrated in integration.clients.items() if integrated.end}
    all_integrated = all(integration.next[client] == len(items) for client, items in structs.items())
    return Tree(integration.roots, clocks, pending=not (all_deleted and all_integrated))


def visible_contents(branch: Branch) -> Iterator[tuple[int, Any]]:
    """The visible items of a sequence in order, as (kind, content); the content of ANY and JSON is a list of values."""
    item = branch.start
    while item is not None:
        if not item.deleted:
            yield item.kind, item.content
        item = item.right


def visible_entries(branch: Branch) -> dict[str, Any]:
    """The visible values of a map, or the attributes of an element, sorted by key: plain values or Branch."""
    values = {}
    for key in sorted(branch.entries):
        item = branch.entries[key]
        if item.deleted or item.kind == FORMAT:
            continue
        values[key] = item.content[-1] if item.kind in (ANY, JSON) else item.content
    return values


def text_delta(branch: Branch) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The visible contents in order: (str, Branch or embedded value; its formats)."""
    formats: dict[str, Any] = {}
    texts: list[str] = []
    for kind, content in visible_contents(branch):
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
