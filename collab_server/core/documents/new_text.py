"""Creates documents with a text, or with rich text. Runs in a worker process."""

import pycrdt

from collab_server.core.documents.compaction import CompactedDocument
from collab_server.core.documents.projection import FRAGMENT_ROOTS, TEXT_ROOT, project_document
from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, Node
from collab_server.core.prosemirror_edits.edit import insert_nodes
from collab_server.core.text.line_ends import normalize_line_ends
from collab_server.core.yjs import tree
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Branch
from collab_server.core.yjs.updates import encode_state_vector


def new_text_document(text: str, client_id: int) -> CompactedDocument:
    """A document with `text` in its text root, as one insertion by the client `client_id`.

    Line ends become line feeds, because CodeMirror counts each line end as one character.
    """
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=client_id)
    doc.get(TEXT_ROOT, type=pycrdt.Text).insert(0, normalize_line_ends(text))
    return CompactedDocument(doc.get_update(), doc.get_state(), project_document(doc), pending=False)


def new_rich_document(markdown: str, client_id: int) -> CompactedDocument:
    """A document whose root for rich text has the nodes of `markdown`, with Tiptap's names, by the client `client_id`.

    Without Markdown it is one empty paragraph: editors and requests find out from the root that the text is rich.
    Raises TooMuchWork, and UnprocessableContent for blocks nested too deeply.
    """
    schema = detect_schema(Node(DOCUMENT))
    nodes = read_markdown(normalize_line_ends(markdown), schema) or [schema.node("paragraph")]
    composer = Composer(client_id, 0)
    insert_nodes(composer, FRAGMENT_ROOTS[0], Branch(None), nodes)
    update = composer.update()
    clocks = encode_state_vector({client_id: composer.clock})
    return CompactedDocument(update, clocks, project_document(tree.read_tree(update)), pending=False)
