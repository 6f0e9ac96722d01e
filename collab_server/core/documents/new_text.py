"""Creates text documents. Runs in a worker process."""

import pycrdt

from collab_server.core.documents.compaction import CompactedDocument
from collab_server.core.documents.projection import TEXT_ROOT, project_document
from collab_server.core.text.line_ends import normalize_line_ends


def new_text_document(text: str, client_id: int) -> CompactedDocument:
    """A document with `text` in its text root, as one insertion by the client `client_id`.

    Line ends become line feeds, because CodeMirror counts each line end as one character.
    """
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=client_id)
    doc.get(TEXT_ROOT, type=pycrdt.Text).insert(0, normalize_line_ends(text))
    return CompactedDocument(doc.get_update(), doc.get_state(), project_document(doc), pending=False)
