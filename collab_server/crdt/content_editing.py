"""What a program does to a document's content: whole texts, single edits, additions under a heading. Pure; run in a
worker.

A request speaks of a text: the one that the client has read, or the present one. What it changes in that is changed in
the document as it is now, and nothing else: see text_diff.rebased.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from collab_server.crdt import fragment_editing, roots, text_diff, text_editing, tree, updates
from collab_server.crdt.composing import Composer
from collab_server.crdt.edits import Edit
from collab_server.crdt.line_ends import with_line_feeds
from collab_server.crdt.roots import TEXT_ROOT, Kind, Projection
from collab_server.crdt.structs import Branch
from collab_server.crdt.text_diff import Change
from collab_server.errors import BaseUnknown, PreconditionFailed, UnprocessableContent

MAX_TEXT: Final = roots.MAX_CONTENT_BYTES
CHANGED: Final = "the document has changed since you read it"


class Request(Protocol):
    def changes(self, text: str) -> list[Change]:
        """What is to change in the text that it speaks of, ascending and disjoint. Raises Conflict,
        UnprocessableContent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """What the client has read. `hash`: of the text; `text`: None where it is not at hand (yet). `only`: the request is
    void if the document says anything else now. `state_vector`: of the document when it said the text.
    """

    hash: str
    text: str | None
    only: bool
    state_vector: bytes = b"\0"


@dataclass(frozen=True, slots=True)
class Written:
    """The content as it is after the edit. `changed`: the edit changed something. `merged`: others had edited the text
    that the request speaks of, or a whole text is stored in other words than it came in.
    """

    content: str
    content_hash: str
    state_vector: bytes
    changed: bool
    merged: bool


@dataclass(frozen=True, slots=True)
class _Present:
    """A document's content. `name`, `branch`: of its root, None for one that nobody has written to."""

    tree: tree.Tree
    projection: Projection
    name: str
    branch: Branch | None
    kind: Kind

    @property
    def text(self) -> str:
        """In which positions are those of the root: with U+0000, unlike the projection."""
        if self.kind is Kind.XML or self.branch is None:
            return self.projection.content
        return roots.text_of(self.branch)


def edit(parts: Sequence[bytes], client: int, request: Request, base: Base | None) -> Edit[Written]:
    """Make the request's changes in the document.

    Raises PreconditionFailed, BaseUnknown, UnprocessableContent, Conflict.
    """
    whole = updates.merge(parts)
    present = _read(whole)
    text, content = present.text, present.projection.content
    wanted = _changes(request, base, present, text)
    clocks = dict(present.tree.clocks)
    composer = Composer(client, clocks.get(client, 0))
    if present.kind is Kind.XML and present.branch is not None:
        if wanted:
            fragment_editing.write(composer, present.name, present.branch, text_diff.apply(text, wanted))
        update = composer.update()
        after = roots.project_document(tree.read(updates.merge([whole, update]))).content
    else:
        text_editing.write(composer, present.name, present.branch, wanted)
        update = composer.update()
        after = roots.storable(text_diff.apply(text, wanted))
    if len(after.encode()) > MAX_TEXT:
        raise UnprocessableContent(f"a text may have at most {MAX_TEXT} bytes")
    merged = base is not None and base.hash != hash_of(content)
    if isinstance(request, Put):
        merged = after != request.body
    if composer.clock:
        clocks[client] = composer.clock
    vector = updates.encode_state_vector(clocks)
    written = Written(after, hash_of(after), vector, update != updates.EMPTY_UPDATE, merged)
    return Edit(update, written, composer.place)


def _changes(request: Request, base: Base | None, present: _Present, text: str) -> list[Change]:
    """Of the present text."""
    if base is None or base.hash == hash_of(present.projection.content):
        return request.changes(text)
    if base.only:
        raise PreconditionFailed(CHANGED)
    if base.text is None:
        raise BaseUnknown(f"{CHANGED}, and the server does not remember that text any more: read it again")
    ours = request.changes(base.text)
    if present.kind is Kind.XML or present.branch is None:
        return text_diff.rebased(ours, text_diff.changes(base.text, text))
    # Of each character is known whether it is newer than the text that was read: what is left of that differs from it
    # by deletions only, however much others have typed.
    kept, added = text_editing.since(present.branch, updates.decode_state_vector(base.state_vector))
    if added and not kept and base.text:
        return text_diff.rebased(ours, text_diff.changes(base.text, text))
    return text_diff.rebased(text_diff.rebased(ours, text_diff.changes(base.text, kept)), added)


def _read(whole: bytes) -> _Present:
    read = tree.read(whole)
    projection = roots.project_document(read)
    if projection.truncated:
        raise UnprocessableContent(
            "this document is too large, or nested too deeply, to be edited as a text; send Yjs updates"
        )
    if projection.root is None and not projection.content:
        # Nothing that can be seen: an editor's root that has been emptied is still the one it shows.
        name = next((name for name in read.roots if name in roots.FRAGMENT_ROOTS), TEXT_ROOT)
        return _Present(read, projection, name, read.roots.get(name), Kind.TEXT if name == TEXT_ROOT else Kind.XML)
    if projection.root is None or projection.format == "json":
        raise UnprocessableContent("this document is no text, but JSON of shared types; send Yjs updates")
    kind = Kind.XML if projection.format == "markdown" else Kind.TEXT
    return _Present(read, projection, projection.root, read.roots[projection.root], kind)


def hash_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Put:
    """The whole text as it is to be; its line ends become line feeds."""

    body: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", with_line_feeds(self.body))

    def changes(self, text: str) -> list[Change]:
        return text_diff.changes(text, self.body)
