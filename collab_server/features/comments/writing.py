"""Writing comments: the text is rendered first, in a worker, and then stored in one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.access.policy import Role
from collab_server.adapters.postgres_errors import ForeignKeyViolation
from collab_server.core.room.entries import Author
from collab_server.errors import Conflict, LostRace, NotFound, TooMuchWork, UnprocessableContent
from collab_server.features.comments import markup, queries, reader_queries, write_queries
from collab_server.features.comments.anchoring import PlacedAnchor, place_anchor
from collab_server.features.comments.context import CommentContext, require_root
from collab_server.features.comments.mentions import MAX_MENTIONS, MAX_UNREACHABLE, Reader, Readers, find_wanted
from collab_server.features.comments.models import CommentIn, CommentPatch
from collab_server.features.comments.write_queries import Existing
from collab_server.features.content.markup import TooLong

_NO_ANCHOR: Mapping[str, None] = dict.fromkeys(
    ("yjs_anchor", "anchor_text", "position", "anchor_generation", "anchor_seq")
)
_MAX_AUTHOR_NAME = 200


@dataclass(frozen=True, slots=True)
class Composed:
    """A text as it is stored. `mentioned`: users."""

    columns: dict[str, Any]
    mentioned: frozenset[UUID]


async def compose(context: CommentContext, document_id: UUID, content: str, ids: Collection[UUID]) -> Composed:
    """Render a text, with its mentions. `ids`: users to mention besides.

    Raises UnprocessableContent for too many mentions, TooMuchWork, TooMany, Unavailable.
    """
    wanted = find_wanted(content, ids)
    readers: list[Reader] = []
    if not wanted.is_empty:
        async with context.reading() as conn:
            readers = await reader_queries.find_readers(
                conn, document_id, wanted, by_address=context.identity.kind == "user"
            )
    try:
        rendered = await context.workers.run(markup.render, content, readers)
    except TooLong:
        raise TooMuchWork("rendering this comment takes too long") from None
    known = Readers(readers)
    mentioned = {*rendered.mentioned, *(user_id for user_id in ids if known.find(user_id))}
    if len(mentioned) > MAX_MENTIONS:
        raise UnprocessableContent(f"a comment mentions at most {MAX_MENTIONS} people")
    others = [str(user_id) for user_id in dict.fromkeys(ids) if known.find(user_id) is None]
    unreachable = [*rendered.unreachable, *others][:MAX_UNREACHABLE]
    columns = {"content": content, "content_html": rendered.html, "unreachable": unreachable}
    return Composed(columns, frozenset(mentioned))


async def create_comment(context: CommentContext, document_id: UUID, body: CommentIn) -> UUID:
    """Store a new comment and return its id; the same comment again is harmless. The caller may comment.

    Raises Conflict for an `id` of another comment, UnprocessableContent, NotFound, and like `compose`.
    """
    author = author_of(context.identity, None)
    if body.id is not None and await _is_repeated(context, document_id, body, author):
        return body.id
    placed = None
    if body.anchor is not None:
        placed = await place_anchor(context.db, context.rooms, context.workers, document_id, body.anchor.wish())
    composed = await compose(context, document_id, body.content, body.mentions)
    fields = {
        **composed.columns,
        **_anchor_columns(placed),
        "parent_id": body.parent_id,
        "author_id": author.user_id,
        "author_kind": author.kind or "user",
        "author_name": author.name[:_MAX_AUTHOR_NAME] if author.name else None,
    }
    if body.id is not None:
        fields["id"] = body.id
    try:
        async with context.writing() as conn:
            made = await write_queries.insert_comment(conn, document_id, fields)
            if made is not None:
                await write_queries.replace_mentions(conn, made, composed.mentioned)
                return made
    except ForeignKeyViolation:
        if body.parent_id is None:
            raise LostRace("the document was moved at the same time") from None
        raise UnprocessableContent("there is no such comment in this document to reply to") from None
    if body.id is None:
        raise NotFound("there is no such document")
    if not await _is_repeated(context, document_id, body, author):
        raise Conflict("this id belongs to another comment")
    return body.id


async def _is_repeated(context: CommentContext, document_id: UUID, body: CommentIn, author: Author) -> bool:
    """Return whether the comment is stored already. Raises Conflict if another one has its id."""
    assert body.id is not None
    async with context.reading() as conn:
        found = await write_queries.find_existing(conn, body.id)
    if found is None:
        return False
    if found.deleted:
        raise Conflict("this comment has been deleted")
    name = author.name[:_MAX_AUTHOR_NAME] if author.name else None
    kind = author.kind or "user"
    expected = Existing(document_id, body.parent_id, author.user_id, kind, name, body.content, deleted=False)
    if found != expected:
        raise Conflict("this id belongs to another comment")
    return True


async def change_comment(
    context: CommentContext, document_id: UUID, role: Role, comment_id: UUID, body: CommentPatch, version: int | None
) -> None:
    """Change a comment. `role`: the caller's, who may comment. `version`: of If-Match.

    Raises Forbidden, NotFound, PreconditionFailed, UnprocessableContent, LostRace, and like `compose`.
    """
    async with context.reading() as conn:
        before = await queries.get_comment(conn, comment_id, context.identity.user_id)
    changes_text = bool(body.model_fields_set & {"content", "mentions"})
    if changes_text:
        context.require_author(before.author_id)
    if "anchor" in body.model_fields_set:
        context.require_author_or_editor(before.author_id, role)
        if before.thread_id != before.id:
            raise UnprocessableContent("only the first comment of a thread has an anchor")
    composed, placed = None, None
    if changes_text:
        content = before.content if body.content is None else body.content
        composed = await compose(context, document_id, content, body.mentions or ())
    if body.anchor is not None:
        placed = await place_anchor(context.db, context.rooms, context.workers, document_id, body.anchor.wish())
    async with context.writing() as conn:
        locked = await context.lock(conn, comment_id, version)
        fields: dict[str, Any] = {}
        if composed is not None:
            context.require_author(locked.author_id)
            if body.content is None and locked.content != before.content:
                raise LostRace("the comment was edited at the same time")
            fields |= composed.columns
        if "anchor" in body.model_fields_set:
            require_root(locked)
            fields |= _anchor_columns(placed)
        await write_queries.update_comment(conn, comment_id, fields)
        if composed is not None:
            await write_queries.replace_mentions(conn, comment_id, composed.mentioned)


def _anchor_columns(placed: PlacedAnchor | None) -> dict[str, Any]:
    if placed is None:
        return dict(_NO_ANCHOR)
    return {
        "yjs_anchor": placed.anchor,
        "anchor_text": placed.text,
        "position": {"start": placed.start, "end": placed.end},
        "anchor_generation": placed.generation,
        "anchor_seq": placed.seq,
    }
