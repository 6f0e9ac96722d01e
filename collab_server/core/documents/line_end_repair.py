"""Removes carriage returns from documents. API clients' texts lose theirs before they are written, but updates of Yjs
clients are merged unchanged and may contain some.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from collab_server.core.documents.projection import Kind, kind_of, project_document, read_text
from collab_server.core.room.entries import Author
from collab_server.core.text import ytext_edits
from collab_server.core.text.diff import Change, apply_changes
from collab_server.core.text.line_ends import line_end_changes
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.edit_functions import Edit

AUTHOR: Final = Author(None, "line ends")
"""Author of repairs in the log."""
MAX_CHANGES: Final = 5_000
"""Limit for one repair: each change splits a run, at a quadratic cost for Yjs; 100,000 changes take it a minute."""


def _group_changes(text: str, changes: Sequence[Change]) -> list[Change]:
    """Equivalent changes, at most MAX_CHANGES, each over several lines."""
    size = -(-len(changes) // MAX_CHANGES)
    grouped: list[Change] = []
    for first in range(0, len(changes), size):
        group = changes[first : first + size]
        start, end = group[0].start, group[-1].end
        shifted = [Change(change.start - start, change.end - start, change.text) for change in group]
        grouped.append(Change(start, end, apply_changes(text[start:end], shifted)))
    return grouped


def repair(parts: Sequence[bytes], client: int) -> Edit[int]:
    """An edit that removes all carriage returns from the document's text; its result is their number.

    The same document always gives the same update, so two servers that repair at the same time add each line feed once.
    `client`: fallback if the computed client id has been used already.
    """
    whole = updates.merge(parts)
    document = tree.read_tree(whole)
    projection = project_document(document)
    branch = document.roots.get(projection.root) if projection.root is not None else None
    changes: list[Change] = []
    count = 0
    if branch is not None and projection.format == "text" and kind_of(branch) is Kind.TEXT:
        text = read_text(branch)
        changes = line_end_changes(text)
        count = len(changes)
        if count > MAX_CHANGES and not ytext_edits.has_formats(branch):
            changes = _group_changes(text, changes)
    if not changes:
        return Edit(updates.EMPTY_UPDATE, 0)
    assert projection.root is not None
    ytext_edits.write_changes(draft := Composer(0, 0), projection.root, branch, changes)
    own = int.from_bytes(hashlib.sha256(draft.update()).digest()[:4], "big") or 1
    author = client if own in document.clocks else own
    composer = Composer(author, document.clocks.get(author, 0))
    ytext_edits.write_changes(composer, projection.root, branch, changes)
    return Edit(composer.update(), count)
