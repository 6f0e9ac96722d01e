"""The two kinds of text of a document: Markdown in a Y.Text, or rich text in the nodes of an XmlFragment."""

from collections.abc import Mapping
from typing import Final, Literal

from collab_server.core.documents.projection import (
    FRAGMENT_ROOTS,
    TEXT_ROOT,
    Kind,
    find_content_root,
    find_kinds,
    read_text,
    to_storable,
)
from collab_server.core.markdown.editor_schema import EditorSchema, detect_schema, page_schema
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, Node, read_nodes
from collab_server.core.text.line_ends import normalize_line_ends
from collab_server.core.yjs.structs import Branch
from collab_server.errors import UnprocessableContent

TextKind = Literal["markdown", "rich_text"]
NO_TEXT: Final = "this document is no text, but JSON of shared types"


def find_text_kind(roots: Mapping[str, Branch], empty: TextKind) -> TextKind:
    """Find which kind of text a document has. empty: of one that nobody has written in.

    Raises UnprocessableContent for JSON.
    """
    kinds = find_kinds(dict(roots))
    name = find_content_root(kinds)
    if name is not None:
        return "markdown" if kinds[name] is Kind.TEXT else "rich_text"
    if kinds:
        raise UnprocessableContent(NO_TEXT)
    # An editor's root that has been emptied is still the one it shows.
    return "rich_text" if any(root in roots for root in FRAGMENT_ROOTS) else empty


def find_text_root(roots: Mapping[str, Branch], kind: TextKind) -> str:
    """Find the name of the root for a kind of text, also where it is absent or empty."""
    kinds = find_kinds(dict(roots))
    name = find_content_root(kinds)
    if name is not None and (kinds[name] is Kind.TEXT) == (kind == "markdown"):
        return name
    if kind == "markdown":
        return TEXT_ROOT
    return next((root for root in FRAGMENT_ROOTS if root in roots), FRAGMENT_ROOTS[0])


def read_source(roots: Mapping[str, Branch], kind: TextKind) -> str:
    """Return the Markdown of a document's text: as people have typed it, or as it is written from nodes."""
    branch = roots.get(find_text_root(roots, kind))
    if branch is None:
        return ""
    return to_storable(read_text(branch)) if kind == "markdown" else write_markdown(read_nodes(branch))


def read_new_nodes(markdown: str) -> tuple[EditorSchema, list[Node]]:
    """Return the nodes of a Markdown text for the page's editor. Raises TooMuchWork, UnprocessableContent."""
    schema = page_schema(detect_schema(Node(DOCUMENT)))
    return schema, read_markdown(normalize_line_ends(markdown), schema)


def rewrite_markdown(markdown: str) -> str:
    """Return a Markdown text as it is written from its nodes. Raises TooMuchWork, UnprocessableContent."""
    _, nodes = read_new_nodes(markdown)
    return write_markdown(Node(DOCUMENT, content=nodes))
