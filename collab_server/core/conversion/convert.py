"""Writes a document anew as the other kind of text: a fresh copy that takes its place as the next generation.

The text is written by one client first. Each of its characters is found in the Markdown of the former text, and has the
author of the character there. Then the copy is made as for any other generation, with a client for each author.
"""

from collections.abc import Collection
from dataclasses import dataclass

from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.conversion.crediting import credit_items
from collab_server.core.documents.projection import FRAGMENT_ROOTS, TEXT_ROOT, Kind, Projection, find_kinds, project
from collab_server.core.documents.text_kind import (
    TextKind,
    find_text_kind,
    find_text_root,
    read_new_nodes,
    read_source,
    rewrite_markdown,
)
from collab_server.core.generations.fresh_copy import FreshCopy, copy_credited, read_whole_tree
from collab_server.core.history.answers import read_blame
from collab_server.core.history.bring_back import compose_difference
from collab_server.core.history.encoded_tree import read_encoded_tree
from collab_server.core.history.stored_history import StoredHistory, open_history
from collab_server.core.prosemirror_edits.edit import MAX_TEXT, edit_fragment, insert_nodes
from collab_server.core.text.diff import apply_changes, diff_texts, rebase_changes
from collab_server.core.yjs import tree
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Branch
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge
from collab_server.errors import Conflict, TooMuchWork, UnprocessableContent

_NAMES: dict[TextKind, str] = {"markdown": "Markdown", "rich_text": "rich text"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to convert a document to.

    to: the kind of text that is wanted. empty: that of a document that nobody has written in. origin: the document of
    the other conversion, where the present generation was made by one: of what has not been changed since, the
    conversion back loses nothing.
    """

    to: TextKind
    empty: TextKind
    origin: bytes | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """A document of the other kind of text. projection: of its content."""

    copy: FreshCopy
    projection: Projection


def convert(stored: StoredHistory, wish: Wish, client: int, head: int, at: int) -> Converted:
    """Convert the document of a history. The rows of the new history have the numbers after `head`.

    client: the id of the first new client; the others follow it. at: of the conversion, in milliseconds since 1970.
    Raises Conflict (it has this kind of text already), UnprocessableContent (it is JSON, too large, nested too deeply,
    or has texts of both kinds; edits wait for missing ones), TooMuchWork, Malformed.
    """
    history = open_history(stored)
    former = read_whole_tree(history.update)
    roots = tree.read_tree(history.update).roots
    kind = find_text_kind(roots, wish.empty)
    if kind == wish.to:
        raise Conflict(f"the text of this document is {_NAMES[kind]} already")
    blame = read_blame(stored)
    source = blame.projection.content
    if blame.projection.truncated or (wish.to == "rich_text" and len(source) > MAX_TEXT):
        raise UnprocessableContent(
            f"this document is too large to be converted: rich text takes at most {MAX_TEXT} characters of Markdown"
        )
    while client in former.clients:
        client += 1
    if wish.to == "rich_text":
        _require_no_nodes(roots)
        text = _write_nodes(source, client, wish.origin)
    else:
        text = _write_text(_restore_source(source, wish.origin), client)
    own = {*FRAGMENT_ROOTS, TEXT_ROOT, find_text_root(roots, kind)}
    rest = compose_difference(read_encoded_tree(text), former, client, without=own).update
    written = read_encoded_tree(merge([text, rest]))
    try:
        credits = credit_items(written, read_content_units(text), source, blame.runs, head, at)
    except RecursionError:
        raise TooMuchWork("this document has too many types nested in one another to convert") from None
    copy = copy_credited(written, credits, {*former.clients, *written.clients}, client, head, at)
    return Converted(copy, project(copy.update))


def _require_no_nodes(roots: dict[str, Branch]) -> None:
    """Refuse nodes that are hidden by the Markdown: the converted text would be among them."""
    kinds = find_kinds(roots)
    if any(kinds.get(name) is Kind.XML for name in FRAGMENT_ROOTS):
        raise UnprocessableContent("this document has rich text besides its Markdown; delete one of them first")


def _write_nodes(source: str, client: int, origin: bytes | None) -> bytes:
    """Write Markdown as nodes. origin: a document whose nodes are taken where they say the same."""
    if origin is not None:
        try:
            return _edit_nodes(source, client, origin)
        except (UnprocessableContent, TooMuchWork):
            # The nodes of another editor, or cells that cover others. What Markdown says can be written nevertheless.
            pass
    schema, nodes = read_new_nodes(source)
    composer = Composer(client, 0)
    insert_nodes(composer, FRAGMENT_ROOTS[0], Branch(None), nodes or [schema.node("paragraph")])
    return composer.update()


def _edit_nodes(source: str, client: int, origin: bytes) -> bytes:
    name = find_text_root(tree.read_tree(origin).roots, "rich_text")
    shown = read_encoded_tree(origin)
    others: Collection[str] = shown.roots.keys() - {name}
    nodes = compose_difference(read_encoded_tree(EMPTY_UPDATE), shown, client, without=others).update
    written = tree.read_tree(nodes)
    branch = written.roots.get(name)
    if branch is None:
        raise UnprocessableContent("there are no nodes to begin with")
    composer = Composer(client, written.clocks[client])
    edit_fragment(composer, name, branch, source, for_page=True)
    return merge([nodes, composer.update()])


def _restore_source(written: str, origin: bytes | None) -> str:
    """Return Markdown that says the same as `written`, as people have typed it in `origin` as far as it is there."""
    if origin is None:
        return written
    whole = read_source(tree.read_tree(origin).roots, "markdown")
    typed = whole.rstrip("\n")
    try:
        before = rewrite_markdown(typed)
        found = apply_changes(typed, rebase_changes(diff_texts(before, written), diff_texts(before, typed)))
        return found + whole[len(typed) :] if rewrite_markdown(found) == written else written
    except (UnprocessableContent, TooMuchWork):
        return written


def _write_text(text: str, client: int) -> bytes:
    composer = Composer(client, 0)
    if text:
        composer.text(TEXT_ROOT, None, None, text)
    return composer.update()
