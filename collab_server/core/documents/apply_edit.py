"""Applies API clients' edits to a document's content. Pure; runs in a worker process.

A request refers to a text: the client's last read text, or the current one. Its changes of this text are transferred to
the current document; see rebase_changes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from collab_server.core.documents.projection import (
    FRAGMENT_ROOTS,
    MAX_CONTENT_BYTES,
    TEXT_ROOT,
    Kind,
    Projection,
    project_document,
    read_text,
    to_storable,
)
from collab_server.core.prosemirror_edits.edit import edit_fragment
from collab_server.core.text import ytext_edits
from collab_server.core.text.diff import Change, apply_changes, diff_texts, rebase_changes
from collab_server.core.text.line_ends import normalize_line_ends
from collab_server.core.text.removals import is_large_removal
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.edit_functions import Edit
from collab_server.core.yjs.structs import Branch
from collab_server.errors import BaseUnknown, PreconditionFailed, UnprocessableContent

MAX_TEXT: Final = MAX_CONTENT_BYTES
CHANGED: Final = "the document has changed since you read it"


class RemovesMuch(Exception):
    """The edit is a large removal, and nothing has kept the text before it."""


class EditRequest(Protocol):
    def changes(self, text: str) -> list[Change]:
        """The changes of `text`, ascending and disjoint. Raises Conflict, UnprocessableContent."""
        ...


@dataclass(frozen=True, slots=True)
class MergeBase:
    """The client's last read text.

    `hash`: of the text. `text`: None if it is not available (yet). `only`: refuse the request if the document has
    changed. `state_vector`: of the document at that time.
    """

    hash: str
    text: str | None
    only: bool
    state_vector: bytes = b"\0"


@dataclass(frozen=True, slots=True)
class EditResult:
    """The content after the edit.

    `changed`: the edit changed something. `merged`: other edits were merged, or the stored text differs from the
    request's text.
    """

    content: str
    content_hash: str
    state_vector: bytes
    changed: bool
    merged: bool


@dataclass(frozen=True, slots=True)
class CurrentContent:
    """A document's content. `name`, `branch`: of its root; None for an empty document."""

    tree: tree.Tree
    projection: Projection
    name: str
    branch: Branch | None
    kind: Kind

    @property
    def text(self) -> str:
        """The text for positions in the root. Unlike the projection, it contains U+0000."""
        if self.kind is Kind.XML or self.branch is None:
            return self.projection.content
        return read_text(self.branch)


def apply_edit(
    parts: Sequence[bytes], client: int, request: EditRequest, base: MergeBase | None, *, is_kept: bool = True
) -> Edit[EditResult]:
    """Make the request's changes in the document. is_kept: also large removals.

    Raises PreconditionFailed, BaseUnknown, UnprocessableContent, Conflict, RemovesMuch.
    """
    whole = updates.merge(parts)
    present = read_current(whole)
    wanted = find_changes(request, base, present)
    composer, after = compose_changes(whole, present, client, wanted, is_kept=is_kept)
    update = composer.update()
    merged = base is not None and base.hash != content_hash(present.projection.content)
    if isinstance(request, Put):
        merged = after != request.body
    clocks = dict(present.tree.clocks)
    if composer.clock:
        clocks[client] = composer.clock
    vector = updates.encode_state_vector(clocks)
    written = EditResult(after, content_hash(after), vector, update != updates.EMPTY_UPDATE, merged)
    return Edit(update, written, composer.place)


def compose_changes(
    whole: bytes, present: CurrentContent, client: int, wanted: Sequence[Change], *, is_kept: bool = True
) -> tuple[Composer, str]:
    """Compose changes of the current text: (the composer, the content after them). is_kept: also large removals.

    Raises UnprocessableContent, RemovesMuch.
    """
    text = present.text
    if not is_kept and is_large_removal(sum(change.end - change.start for change in wanted), len(text)):
        raise RemovesMuch
    composer = Composer(client, present.tree.clocks.get(client, 0))
    if present.kind is Kind.XML and present.branch is not None:
        if wanted:
            edit_fragment(composer, present.name, present.branch, apply_changes(text, wanted))
        after = project_document(tree.read_tree(updates.merge([whole, composer.update()]))).content
    else:
        ytext_edits.write_changes(composer, present.name, present.branch, wanted)
        after = to_storable(apply_changes(text, wanted))
    if len(after.encode()) > MAX_TEXT:
        raise UnprocessableContent(f"a text may have at most {MAX_TEXT} bytes")
    return composer, after


def find_changes(request: EditRequest, base: MergeBase | None, present: CurrentContent) -> list[Change]:
    """Find the changes of the current text. Raises PreconditionFailed, BaseUnknown, UnprocessableContent, Conflict."""
    text = present.text
    if base is None or base.hash == content_hash(present.projection.content):
        return request.changes(text)
    if base.only:
        raise PreconditionFailed(CHANGED)
    if base.text is None:
        raise BaseUnknown(f"{CHANGED}, and the server does not remember that text any more: read it again")
    ours = request.changes(base.text)
    if present.kind is Kind.XML or present.branch is None:
        return rebase_changes(ours, diff_texts(base.text, text))
    # Of each character is known whether it is newer than the text that was read: what is left of that differs from it
    # by deletions only, however much others have typed.
    kept, added = ytext_edits.compare_with_state(present.branch, updates.decode_state_vector(base.state_vector))
    if added and not kept and base.text:
        return rebase_changes(ours, diff_texts(base.text, text))
    return rebase_changes(rebase_changes(ours, diff_texts(base.text, kept)), added)


def read_current(whole: bytes) -> CurrentContent:
    """Read a document as a text. Raises Malformed, and UnprocessableContent if it has none."""
    document = tree.read_tree(whole)
    projection = project_document(document)
    if projection.truncated:
        raise UnprocessableContent(
            "this document is too large, or nested too deeply, to be edited as a text; send Yjs updates"
        )
    if projection.root is None and not projection.content:
        # Nothing that can be seen: an editor's root that has been emptied is still the one it shows.
        name = next((name for name in document.roots if name in FRAGMENT_ROOTS), TEXT_ROOT)
        return CurrentContent(
            document, projection, name, document.roots.get(name), Kind.TEXT if name == TEXT_ROOT else Kind.XML
        )
    if projection.root is None or projection.format == "json":
        raise UnprocessableContent("this document is no text, but JSON of shared types; send Yjs updates")
    kind = Kind.XML if projection.format == "markdown" else Kind.TEXT
    return CurrentContent(document, projection, projection.root, document.roots[projection.root], kind)


def content_hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Put:
    """A request for a new text; its line ends become line feeds."""

    body: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", normalize_line_ends(self.body))

    def changes(self, text: str) -> list[Change]:
        return diff_texts(text, self.body)
