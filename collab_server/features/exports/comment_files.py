"""Files of a document with its comments."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Subject
from collab_server.errors import CollabError, TooLarge, TooMuchWork, UnprocessableContent
from collab_server.features.comments.presentation import stored_anchor
from collab_server.features.comments.queries import Comment
from collab_server.features.content import markup, rendering
from collab_server.features.document_log import store
from collab_server.features.documents.document_queries import Document
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.exports import formats, reading
from collab_server.features.exports.discussion import loading
from collab_server.features.exports.discussion.threads import Discussion, keep_open
from collab_server.features.exports.files import pictures
from collab_server.features.exports.services import Sources

Choice = Literal["false", "true", "all"]
"""Which threads: none, the open ones, or also the resolved ones."""

FORMATS: Sequence[formats.Format] = ("docx", "md", "html", "json")
"""Those with a form for comments."""


def choose(choice: Choice | None, format_: formats.Format, *, of_version: bool) -> Choice:
    """The choice for a file. None: Word documents have comments, others have none. Raises UnprocessableContent."""
    if choice is None:
        return "true" if format_ == "docx" and not of_version else "false"
    if choice == "false":
        return choice
    if format_ not in FORMATS:
        raise UnprocessableContent(f"{format_} files have no comments; ask for {', '.join(FORMATS)}")
    if of_version:
        raise UnprocessableContent("comments are on the present text: ask without `version`, or with comments=false")
    return choice


async def load(sources: Sources, reader: Subject, document: Document, choice: Choice) -> Discussion | None:
    """Return the comments of a document that the reader may read, in its settled text. None: there are none.

    Raises NotFound, DocumentDamaged, TooMuchWork, TooMany, Unavailable.
    """
    comments = await loading.list_comments(sources.db, reader, document.id)
    if not comments:
        return None
    found = await _place(sources, document, comments)
    threads = found.threads if choice == "all" else keep_open(found.threads)
    return Discussion(found.content, threads) if threads else None


async def _place(sources: Sources, document: Document, comments: Sequence[Comment]) -> Discussion:
    anchored = [stored_anchor(each.id, each.anchor) for each in comments if each.anchor is not None]
    if document.type == ENCRYPTED:
        return loading.make_discussion(comments, "", {each.comment_id: each.position for each in anchored})
    loaded = await store.load(sources.db, sources.workers, document.id)
    content, places = await sources.converters.run(
        loading.locate, loaded.stored.snapshot, [each.anchor for each in anchored]
    )
    if content is None:
        content = (await reading.get_text(sources, document.id)).content
    where = {each.comment_id: place for each, place in zip(anchored, places, strict=True)}
    return loading.make_discussion(comments, content, where)


async def write(sources: Sources, document: Document, discussion: Discussion, format_: formats.Format) -> bytes:
    """Return a file with comments, of a format other than json. Raises UnprocessableContent (too slow, or a password),
    TooLarge, TooMany, Unavailable, StoreUnavailable.
    """
    if document.type == ENCRYPTED:
        raise UnprocessableContent("a password has no plain text; ask for json")
    if len(discussion.content.encode()) > rendering.MAX_BYTES:
        raise TooLarge(
            f"a text of more than {rendering.MAX_BYTES} bytes cannot be exported as {format_} with comments; "
            "ask for md without them"
        )
    if format_ == "md":
        return await sources.converters.run(formats.write_markdown_with_comments, discussion)
    if format_ == "html":
        try:
            page = await sources.converters.run(formats.write_page_with_comments, discussion, document.title)
        except markup.TooLong:
            raise TooMuchWork("rendering this text takes too long; ask for text/markdown") from None
        return await pictures.put_into_page(sources, document.id, page)
    changed = document.last_edited_at or document.created_at
    shown = await pictures.load_embedded(sources, document.id, discussion.content)
    return await sources.converters.run(formats.write_docx_with_comments, discussion, document.title, changed, shown)


async def load_all(sources: Sources, user_id: UUID | None, document: Document) -> Discussion | None:
    """Like `load`, with resolved threads; where the document cannot be read, threads have no places."""
    comments = await loading.list_comments(sources.db, Subject(user_id), document.id)
    if not comments:
        return None
    try:
        found = await _place(sources, document, comments)
    except CollabError:
        found = loading.make_discussion(comments, "", {})
    return found if found.threads else None
