"""A document as it is now, in the bytes of a format."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.core.documents.projection import project
from collab_server.errors import DocumentDamaged, NotFound, TooLarge, UnprocessableContent
from collab_server.features.content import rendering
from collab_server.features.document_log import store
from collab_server.features.documents import queries
from collab_server.features.documents.document_queries import Document, Encrypted
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.exports import formats, manifest
from collab_server.features.exports.discussion.threads import Thread
from collab_server.features.exports.files import pictures
from collab_server.features.exports.services import Sources

_WHOLE: Final = 1 << 30
"""Bytes; no document is as large."""
_AT_ONCE: Final = 262_144
"""Characters written in the server process; for small texts this is faster than a worker."""


async def settle(sources: Sources, document_id: UUID) -> bool:
    """Update the stored text with all received edits. False: the document is damaged, and the text is the one of the
    last fold. Raises NotFound, Unavailable.
    """
    try:
        await sources.settle(document_id)
    except DocumentDamaged:
        return False
    return True


async def get_state(sources: Sources, document_id: UUID) -> bytes:
    """Return the settled document as one Yjs update, including pending structs. Raises NotFound, DocumentDamaged,
    Unavailable.
    """
    return (await store.load(sources.db, sources.workers, document_id)).stored.snapshot


async def get_text(sources: Sources, document_id: UUID) -> queries.Content:
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
    update: bytes | None = None,
    threads: Sequence[Thread] | None = None,
) -> bytes:
    """Return the file, also the complete text of a document stored with a cut text.

    `content`, `encrypted`: of this document. `update`: all of the document; None: as it is stored. `threads`: its
    comments, for json. Raises
    UnprocessableContent (too slow, too deeply nested, or a password), TooLarge, TooMany, NotFound, DocumentDamaged,
    Unavailable, StoreUnavailable.
    """
    if document.type == ENCRYPTED and format_ != "json":
        raise UnprocessableContent("a password has no plain text; ask for json")
    if format_ == "yjs":
        return update if update is not None else await get_state(sources, document.id)
    if format_ in ("md", "json"):
        words = content.content
        if content.truncated:
            state = update if update is not None else await get_state(sources, document.id)
            whole = await sources.converters.run(project, state, _WHOLE)
            if whole.truncated:
                raise UnprocessableContent("this document is nested too deeply for a text; ask for yjs")
            words = whole.content
        if format_ == "md":
            return words.encode()
        fields = manifest.make_entry(document, category, encrypted)
        if len(words) <= _AT_ONCE:
            return formats.write_json(fields, words, threads)
        return await sources.converters.run(formats.write_json, fields, words, threads)
    if content.truncated or len(content.content.encode()) > rendering.MAX_BYTES:
        raise TooLarge(f"a text of more than {rendering.MAX_BYTES} bytes cannot be exported as {format_}; ask for md")
    earlier = update is not None
    if format_ in ("html", "txt"):
        kind = rendering.MEDIA_TYPES["text/html" if format_ == "html" else "text/plain"]
        if update is not None:
            # A document keeps one rendering of each kind: that of its present text.
            body = await rendering.render(sources.converters.workers, content.content, kind)
        else:
            body = await rendering.render_cached(
                sources.db, sources.converters.workers, document.id, content.content, content.content_hash, kind
            )
        if format_ == "txt":
            return body.encode()
        return await pictures.put_into_page(
            sources, document.id, formats.write_page(document.title, body), earlier=earlier
        )
    convert = formats.write_docx if format_ == "docx" else formats.write_pdf
    changed = document.last_edited_at or document.created_at
    shown = await pictures.load_embedded(sources, document.id, content.content, earlier=earlier)
    return await sources.converters.run(convert, content.content, document.title, changed, shown)
