"""Line ends of texts: a line feed alone, for editors count a line end as one character.

A carriage return in a Y.Text moves every later position of an editor by one. Programs' texts lose theirs before they
are written. What a Yjs client writes is merged as it is; `repair` makes the edit that takes it out of the document.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from collab_server.crdt import roots, text_diff, text_editing, tree, updates
from collab_server.crdt.composing import Composer
from collab_server.crdt.edits import Edit
from collab_server.crdt.room import Author
from collab_server.crdt.roots import Kind
from collab_server.crdt.text_diff import Change

AUTHOR: Final = Author(None, "line ends")
"""Whom the log names for a repair."""
MOST_CHANGES: Final = 5_000
"""Each cuts a run of characters in two, which costs Yjs the square of their number: 100,000 take it a minute."""
_RETURN: Final = re.compile("\r\n?")


def with_line_feeds(text: str) -> str:
    """The text with a line feed for each line end: CR LF, and a CR that stands alone."""
    return _RETURN.sub("\n", text) if "\r" in text else text


def repairs(text: str) -> list[Change]:
    """What makes `with_line_feeds(text)` of the text, so that every line feed that is there stays."""
    return [
        Change(found.start(), found.start() + 1, "" if len(found[0]) == 2 else "\n") for found in _RETURN.finditer(text)
    ]


def _gathered(text: str, changes: Sequence[Change]) -> list[Change]:
    """At most MOST_CHANGES that do the same, each of a stretch of lines."""
    size = -(-len(changes) // MOST_CHANGES)
    found: list[Change] = []
    for first in range(0, len(changes), size):
        group = changes[first : first + size]
        start, end = group[0].start, group[-1].end
        shifted = [Change(one.start - start, one.end - start, one.text) for one in group]
        found.append(Change(start, end, text_diff.apply(text[start:end], shifted)))
    return found


def repair(parts: Sequence[bytes], client: int) -> Edit[int]:
    """The edit that leaves no carriage return in a document's text; the result: how many there were.

    Whoever makes it of the same document makes the same update, so two servers that repair at once add each line feed
    once. `client` is only used where the id that this needs has been used.
    """
    whole = updates.merge(parts)
    read = tree.read(whole)
    projection = roots.project_document(read)
    branch = read.roots.get(projection.root) if projection.root is not None else None
    changes: list[Change] = []
    count = 0
    if branch is not None and projection.format == "text" and roots.kind_of(branch) is Kind.TEXT:
        text = roots.text_of(branch)
        changes = repairs(text)
        count = len(changes)
        if count > MOST_CHANGES and not text_editing.has_formats(branch):
            changes = _gathered(text, changes)
    if not changes:
        return Edit(updates.EMPTY_UPDATE, 0)
    assert projection.root is not None
    text_editing.write(draft := Composer(0, 0), projection.root, branch, changes)
    own = int.from_bytes(hashlib.sha256(draft.update()).digest()[:4], "big") or 1
    author = client if own in read.clocks else own
    composer = Composer(author, read.clocks.get(author, 0))
    text_editing.write(composer, projection.root, branch, changes)
    return Edit(composer.update(), count)
