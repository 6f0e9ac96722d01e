"""Documents of the offline client, Markdown or rich text: edits of the Markdown give updates, others' are applied."""

from itertools import pairwise

import pycrdt

from collab_server.core.documents.projection import TEXT_ROOT, project_document
from collab_server.core.documents.text_kind import find_text_kind, find_text_root, read_source
from collab_server.core.prosemirror_edits.edit import edit_fragment
from collab_server.core.text import ytext_edits
from collab_server.core.text.diff import Change, apply_changes, diff_texts, insert_whole_lines
from collab_server.core.text.line_ends import normalize_line_ends
from collab_server.core.yjs import tree
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.hide_contents import hide_contents, restore_contents
from collab_server.core.yjs.updates import EMPTY_UPDATE, ask_pycrdt
from collab_server.errors import UnprocessableContent


class OfflineText:
    """A document with the validated update `state`, edited as the Yjs client `client_id`.

    Positions and lengths count code points. Line ends of new text become line feeds. Not thread-safe.
    """

    def __init__(self, client_id: int, state: bytes) -> None:
        self.client_id = client_id
        self._doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=client_id)
        if state != EMPTY_UPDATE:
            ask_pycrdt(self._doc.apply_update, hide_contents(state))
        self._text = self._doc.get(TEXT_ROOT, type=pycrdt.Text)

    @property
    def text(self) -> str:
        """The text to be edited: the Markdown of rich text."""
        return str(self._text) or self._nodes_text or ""

    @property
    def content(self) -> str:
        """The visible content: the text, or the projection of a document of another kind."""
        return str(self._text) or project_document(self._doc).content

    @property
    def _nodes_text(self) -> str | None:
        """The Markdown of rich text; None for other documents."""
        if not {*self._doc.keys()} - {TEXT_ROOT}:
            return None
        roots = tree.read_tree(restore_contents(self._doc.get_update())).roots
        try:
            is_rich = find_text_kind(roots, "markdown") == "rich_text"
        except UnprocessableContent:
            return None
        return read_source(roots, "rich_text") if is_rich else None

    def apply(self, update: bytes) -> None:
        """Apply a validated update. Raises Malformed."""
        ask_pycrdt(self._doc.apply_update, hide_contents(update))

    def splice(self, position: int, deleted: int, inserted: str) -> bytes:
        """Delete and insert characters; returns the update. Raises ValueError beyond the end of the text."""
        text = self.text
        if not 0 <= position <= position + deleted <= len(text):
            raise ValueError(f"the text has {len(text)} characters")
        return self._edit([Change(position, position + deleted, normalize_line_ends(inserted))], text)

    def append(self, inserted: str) -> bytes:
        """Insert at the end; returns the update."""
        text = self.text
        return self._edit([Change(len(text), len(text), normalize_line_ends(inserted))], text)

    def replace(self, wanted: str) -> bytes:
        """Change the text to `wanted`; returns the update. Unchanged parts keep their identity."""
        text = self.text
        return self._edit(insert_whole_lines(text, diff_texts(text, normalize_line_ends(wanted))), text)

    def _edit(self, changes: list[Change], text: str) -> bytes:
        """Make ascending changes; EMPTY_UPDATE if nothing changes."""
        assert all(one.end <= other.start for one, other in pairwise(changes))
        if not str(self._text) and self._nodes_text is not None:
            return self._edit_nodes(apply_changes(text, changes))
        if any(formats for _, formats in self._text.diff()):
            return self._edit_formatted(changes)
        before = self._doc.get_state()
        changed = False
        with self._doc.transaction():
            for change in reversed(changes):
                # pycrdt counts bytes of UTF-8.
                first = len(text[: change.start].encode())
                last = first + len(text[change.start : change.end].encode())
                if last > first:
                    del self._text[first:last]
                    changed = True
                if change.text:
                    self._text.insert(first, change.text)
                    changed = True
        return self._doc.get_update(before) if changed else EMPTY_UPDATE

    def _edit_nodes(self, wanted: str) -> bytes:
        """Change rich text to this Markdown. Raises UnprocessableContent for nodes that cannot be changed to it."""
        document = tree.read_tree(restore_contents(self._doc.get_update()))
        name = find_text_root(document.roots, "rich_text")
        composer = Composer(self.client_id, document.clocks.get(self.client_id, 0))
        edit_fragment(composer, name, document.roots[name], wanted)
        update = composer.update()
        if update != EMPTY_UPDATE:
            self.apply(update)
        return update

    def _edit_formatted(self, changes: list[Change]) -> bytes:
        """Make changes in a text with formats; a replaced word keeps its formats, as in edits over REST."""
        document = tree.read_tree(self._doc.get_update())
        composer = Composer(self.client_id, document.clocks.get(self.client_id, 0))
        ytext_edits.write_changes(composer, TEXT_ROOT, document.roots.get(TEXT_ROOT), changes)
        update = composer.update()
        if update != EMPTY_UPDATE:
            self.apply(update)
        return update
