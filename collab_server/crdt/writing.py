"""New documents out of text. Pure functions, run in a worker."""

import pycrdt

from collab_server.crdt.documents import Folded
from collab_server.crdt.line_ends import with_line_feeds
from collab_server.crdt.roots import TEXT_ROOT, project_document


def text_document(text: str, client_id: int) -> Folded:
    """A document whose text root holds `text`, as if the client `client_id` had typed it: what editors of text and the
    stored content show. Line ends become `\\n`, for CodeMirror counts each as one character.
    """
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=client_id)
    doc.get(TEXT_ROOT, type=pycrdt.Text).insert(0, with_line_feeds(text))
    return Folded(doc.get_update(), doc.get_state(), project_document(doc), pending=False)
