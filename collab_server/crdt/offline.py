"""A text document as a client without a connection holds it: edits come out as updates, others' updates go in.

Line ends of what is written become line feeds.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Final

import pycrdt

from collab_server.crdt import text_diff, text_editing, tree
from collab_server.crdt.composing import Composer
from collab_server.crdt.line_ends import with_line_feeds
from collab_server.crdt.masking import mask
from collab_server.crdt.roots import TEXT_ROOT, project_document
from collab_server.crdt.updates import EMPTY_UPDATE, ask_pycrdt

MAX_COMPARED: Final = 4_000_000
"""Pairs of lines, or of words, up to which two texts are compared piece by piece."""

Change = tuple[int, int, str]
"""(start, end, what stands there then)"""


class OfflineText:
    """The document of `state` (a validated update), edited as the Yjs client `client_id`. Positions and lengths count
    characters (code points). Not to be used from two threads.
    """

    def __init__(self, client_id: int, state: bytes) -> None:
        self.client_id = client_id
        self._doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=client_id)
        if state != EMPTY_UPDATE:
            ask_pycrdt(self._doc.apply_update, mask(state))
        self._text = self._doc.get(TEXT_ROOT, type=pycrdt.Text)

    @property
    def text(self) -> str:
        return str(self._text)

    @property
    def content(self) -> str:
        """What people see of it: the text, or what a document of another kind says."""
        return self.text or project_document(self._doc).content

    def apply(self, update: bytes) -> None:
        """Take in a validated update. Raises Malformed."""
        ask_pycrdt(self._doc.apply_update, mask(update))

    def splice(self, position: int, deleted: int, inserted: str) -> bytes:
        """The update of an edit. Raises ValueError where the text is shorter than that."""
        text = self.text
        if not 0 <= position <= position + deleted <= len(text):
            raise ValueError(f"the text has {len(text)} characters")
        return self._edit([(position, position + deleted, with_line_feeds(inserted))], text)

    def append(self, inserted: str) -> bytes:
        text = self.text
        return self._edit([(len(text), len(text), with_line_feeds(inserted))], text)

    def replace(self, wanted: str) -> bytes:
        """The update that makes it say `wanted`: what stays is not touched, so that others' edits there stay too."""
        text = self.text
        return self._edit(list(_changes(text, with_line_feeds(wanted), 0, _lines)), text)

    def _edit(self, changes: list[Change], text: str) -> bytes:
        """`changes`: ascending. EMPTY_UPDATE where nothing changes."""
        assert all(one[1] <= other[0] for one, other in pairwise(changes))
        if any(formats for _, formats in self._text.diff()):
            return self._edit_formatted(changes)
        before = self._doc.get_state()
        changed = False
        with self._doc.transaction():
            for start, end, inserted in reversed(changes):
                # pycrdt counts bytes of UTF-8.
                first = len(text[:start].encode())
                last = first + len(text[start:end].encode())
                if end > start:
                    del self._text[first:last]
                    changed = True
                if inserted:
                    self._text.insert(first, inserted)
                    changed = True
        return self._doc.get_update(before) if changed else EMPTY_UPDATE

    def _edit_formatted(self, changes: list[Change]) -> bytes:
        """What replaces a word has its formats, as in edits by REST."""
        read = tree.read(self._doc.get_update())
        composer = Composer(self.client_id, read.clocks.get(self.client_id, 0))
        wanted = [text_diff.Change(*change) for change in changes]
        text_editing.write(composer, TEXT_ROOT, read.roots.get(TEXT_ROOT), wanted)
        update = composer.update()
        if update != EMPTY_UPDATE:
            self.apply(update)
        return update


def _changes(old: str, new: str, offset: int, split: Callable[[str], list[str]]) -> Iterator[Change]:
    """What turns `old`, which begins at `offset`, into `new`: by lines, and within changed lines by words."""
    before, after = split(old), split(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    offset += sum(map(len, before[:start]))
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    places = [offset, *(offset + end for end in accumulate(map(len, before)))]
    if len(before) * len(after) > MAX_COMPARED:
        yield offset, places[-1], "".join(after)
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if split is _lines:
            # Line by line, so that a line that is new stands between two line ends and not within one.
            while a < b and c < d:
                yield from _changes(before[a], after[c], places[a], _words)
                a, c = a + 1, c + 1
        if a < b or c < d:
            yield places[a], places[b], "".join(after[c:d])


def _shared(one: list[str], other: list[str]) -> int:
    """Pieces with which both begin."""
    most = min(len(one), len(other))
    return next((place for place in range(most) if one[place] != other[place]), most)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\W", text)
