"""Loads encoded documents: as a pycrdt Doc where that is exact, else as a Tree."""

import re
from contextlib import suppress
from typing import Final

import pycrdt

from collab_server.core.yjs import inspection, tree, updates
from collab_server.core.yjs.hide_contents import hide_contents
from collab_server.core.yjs.structs import STRING, Id, StructReader
from collab_server.errors import Malformed

_SURROGATE_PAIR: Final = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
"""UTF-8 of a character with two UTF-16 code units, and so with two clocks."""

Doc = pycrdt.Doc[pycrdt.Text]
Document = Doc | tree.Tree


def load(update: bytes) -> Document:
    """The integrated part of a validated update: a Doc if pycrdt and Yjs agree on this document, else a Tree.

    They disagree in three cases. Characters are cut in two. Something is pending: pycrdt integrates structs after a gap
    if they do not depend on it. An item's parent is no shared type: pycrdt fails, and Yjs collects the item.
    Upstream: https://github.com/y-crdt/y-crdt/pull/618 (gaps), https://github.com/y-crdt/y-crdt/issues/404 (parents).
    Raises Malformed.
    """
    if not cuts_surrogate_pairs(update):
        doc: Doc = pycrdt.Doc()
        with suppress(Malformed, RuntimeError):
            updates.ask_pycrdt(doc.apply_update, hide_contents(update))
            if not is_pending(update, doc.get_state()):
                return doc
    return tree.read_tree(update)


def is_pending(update: bytes, state_vector: bytes) -> bool:
    """Whether the update has structs or deletes beyond the state vector of its integrated part."""
    rest = inspection.inspect(updates.diff(update, state_vector))
    if rest.structs:
        return True
    clocks = updates.decode_state_vector(state_vector)
    return any(end > clocks.get(client, 0) for client, _, end in rest.deletes)


def cuts_surrogate_pairs(update: bytes) -> bool:
    """Whether an insertion or deletion cuts a character with two clocks.

    Editors make such edits when they compare UTF-16 code units and replace an emoji by a similar one. Yjs replaces both
    halves by U+FFFD. pycrdt keeps the character on one side and writes structs of length 0, or moves the clocks after
    it, or moves the half: its Doc then encodes another document.
    Upstream: https://github.com/y-crdt/y-crdt/pull/399 (closed without a fix).
    """
    if not _SURROGATE_PAIR.search(update):
        return False
    reader = StructReader(update)
    structs = reader.structs()
    inside: set[Id] = set()
    cuts: set[Id] = set()
    for client, start, end in reader.deletes():
        cuts.add((client, start))
        cuts.add((client, end))
    for client, items in structs.items():
        for item in items:
            if item.origin is not None:
                cuts.add((item.origin[0], item.origin[1] + 1))
            if item.right_origin is not None:
                cuts.add(item.right_origin)
            if item.kind == STRING and len(item.content) != item.length:
                clock = item.clock
                for character in item.content:
                    clock += 1
                    if character > "\uffff":
                        inside.add((client, clock))
                        clock += 1
    return not inside.isdisjoint(cuts)
