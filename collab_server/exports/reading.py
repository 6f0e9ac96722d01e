"""A document as it is now, in the bytes of a format."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.documents import project
from collab_server.documents import queries, rendering, store
from collab_server.documents.document_queries import Document, Encrypted
from collab_server.documents.kinds import ENCRYPTED
from collab_server.errors import DocumentDamaged, NotFound, TooLarge, UnprocessableContent
from collab_server.exports import formats, manifest
from collab_server.exports.converting import Converters

_WHOLE: Final = 1 << 30
"""Bytes; no document is as large."""
_AT_ONCE: Final = 262_144
"""Characters that are written where the sockets are; it takes less than asking a process."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What documents are read with. `settle`: see web.depends.Rooms."""

    db: Database
    workers: Workers
    converters: Converters
    settle: Callable[[UUID], Awaitable[None]]


async def settled(sources: Sources, document_id: UUID) -> bool:
    """Have the stored text include everything received by now; False: the document is damaged, and the text is that of
    the last fold. Raises NotFound, Unavailable.
    """
    try:
        await sources.settle(document_id)
    except DocumentDamaged:
        return False
    return True


async def state(sources: Sources, document_id: UUID) -> bytes:
    """The settled document as one Yjs update, also what waits for edits that have not come.

    Raises NotFound, DocumentDamaged, Unavailable.
    """
    return (await store.load(sources.db, sources.workers, document_id)).stored.snapshot


async def text(sources: Sources, document_id: UUID) -> queries.Content:
    """The settled document's text, cut where it is very long. Raises NotFound, Unavailable."""
    async with sources.db.as_service() as conn:
        stored = await queries.find_content(conn, document_id)
    if stored is None:
        raise NotFound(ABSENT)
    return stored


async def write(
    sources: Sources,
    document: Document,
    content: queries.Content,
    format_: formats.Format,
    category: Sequence[str] = (),
    encrypted: Encrypted | None = None,
) -> bytes:
    """The file: of a text that is stored cut, all of it. `content`, `encrypted`: of this document.

    Raises UnprocessableContent (takes too long; nested too deeply; a password), TooLarge, TooMany, NotFound,
    DocumentDamaged, Unavailable.
    """
    if document.type == ENCRYPTED and format_ != "json":
        raise UnprocessableContent("a password has no content in the clear; ask for json")
    if format_ == "yjs":
        return await state(sources, document.id)
    if format_ in ("md", "json"):
        words = content.content
        if content.truncated:
            update = await state(sources, document.id)
            whole = await sources.converters.run(project, update, _WHOLE)
            if whole.truncated:
                raise UnprocessableContent("this document is nested too deeply for a text; ask for yjs")
            words = whole.content
        if format_ == "md":
            return words.encode()
        fields = manifest.entry(document, category, encrypted)
        if len(words) <= _AT_ONCE:
            return formats.as_json(fields, words)
        return await sources.converters.run(formats.as_json, fields, words)
    if content.truncated or len(content.content.encode()) > rendering.MAX_BYTES:
        raise TooLarge(f"a text of more than {rendering.MAX_BYTES} bytes is not made a {format_}; ask for md")
    if format_ in ("html", "txt"):
        kind = rendering.MEDIA_TYPES["text/html" if format_ == "html" else "text/plain"]
        body = await rendering.rendered(
            sources.db, sources.converters.workers, document.id, content.content, content.content_hash, kind
        )
        return formats.page(document.title, body) if format_ == "html" else body.encode()
    convert = formats.as_docx if format_ == "docx" else formats.as_pdf
    changed = document.last_edited_at or document.created_at
    return await sources.converters.run(convert, content.content, document.title, changed)
