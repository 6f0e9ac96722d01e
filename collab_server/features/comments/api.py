"""Routes of comments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.errors import (
    Conflict,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.comments import models, queries, reader_queries, write_queries, writing
from collab_server.features.comments.context import CommentContext, require_root
from collab_server.features.comments.emoji import is_emoji
from collab_server.features.comments.models import CommentIn, CommentOut, CommentPage, CommentPatch
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.etags import expected_version, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_WRITING = {**_USUAL, **documented(UnprocessableContent, TooMany)}


async def make_context(
    identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, workers: CurrentWorkers
) -> CommentContext:
    return CommentContext(identity, db, rooms, workers)


CurrentComments = Annotated[CommentContext, Depends(make_context)]


def _answer(response: Response, comment: CommentOut) -> CommentOut:
    """Set the ETag. Reactions change without a new one, so browsers must not revalidate a copy."""
    response.headers["etag"] = row_etag(comment.row_version)
    response.headers["cache-control"] = "private, no-store"
    return comment


@router.get(
    "/documents/{document_id}/comments",
    tags=["comments"],
    responses={**_USUAL, **documented(Malformed, TooMany)},
)
async def list_comments(
    document_id: UUID,
    context: CurrentComments,
    *,
    state: Annotated[queries.State | None, Query(description="Of the thread. orphan: its words are gone")] = None,
    thread: Annotated[UUID | None, Query(description="Comments of this thread only")] = None,
    mine: Annotated[bool, Query(description="Threads that you wrote in or are mentioned in")] = False,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> CommentPage:
    """List the comments of a document, the oldest first. Members of its workspace read them; who reads the document
    only because it is public gets an empty list. A deleted comment stays while there are replies below it.
    """
    await require(context.db, context.identity, document_id, Action.VIEW)
    after = cursors.read_position(cursor, datetime, UUID, of="comments")
    threads = None
    if state == "orphan":
        async with context.reading() as conn:
            anchored = await queries.list_anchored(conn, document_id)
        where = await context.locate(document_id, anchored)
        threads = [comment_id for comment_id, place in where.items() if place.orphaned]
    async with context.reading() as conn:
        found = await queries.list_comments(
            conn,
            document_id,
            limit + 1,
            after,
            me=context.identity.user_id,
            thread_id=thread,
            resolved=None if state in (None, "orphan") else state == "resolved",
            threads=threads,
            mine=mine,
        )
    page, more = cursors.cut_page(found, limit, lambda comment: (comment.created_at, comment.id), of="comments")
    return CommentPage(items=await context.to_responses(document_id, page), next_cursor=more)


@router.post(
    "/documents/{document_id}/comments",
    status_code=201,
    tags=["comments"],
    responses={**_WRITING, **documented(Conflict)},
)
async def create_comment(
    document_id: UUID, body: CommentIn, context: CurrentComments, response: Response
) -> CommentOut:
    """Comment on a document, or reply to a comment. The same `id` and content again is the same comment; another
    content is a conflict. Mentions: `@[Name](user:UUID)`, `@username`, `@address`, or the field `mentions`; only
    people who may read the document are mentioned: members of the workspace, and people whom it is shared with.
    """
    await require(context.db, context.identity, document_id, Action.COMMENT)
    made = await writing.create_comment(context, document_id, body)
    return _answer(response, await context.get_response(made))


@router.get("/documents/{document_id}/mentionable", tags=["comments"], responses=_USUAL)
async def list_mentionable(
    document_id: UUID,
    context: CurrentComments,
    q: Annotated[str, Query(max_length=100, description="Beginning of a word of a name or username")] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> models.MentionablePage:
    """List people to mention, by name: members of the workspace who may read the document, and people whom it is shared
    with; for the latter, those who take part in it. Case and accents do not matter. Needs the right to comment.
    """
    await require(context.db, context.identity, document_id, Action.COMMENT)
    text = "".join(character for character in q if character.isprintable())
    async with context.reading() as conn:
        found = await reader_queries.list_mentionable(conn, document_id, text, limit)
    items = [
        models.MentionableOut(id=each.id, name=each.name, username=each.username, avatar_url=each.avatar_url)
        for each in found
    ]
    return models.MentionablePage(items=items)


@router.get("/comments/{comment_id}", tags=["comments"], responses={**_USUAL, **documented(TooMany)})
async def get_comment(comment_id: UUID, context: CurrentComments, response: Response) -> CommentOut:
    """Read one comment. Its ETag is accepted by If-Match."""
    return _answer(response, await context.get_response(comment_id))


@router.patch(
    "/comments/{comment_id}",
    tags=["comments"],
    responses={**_WRITING, **documented(Malformed, PreconditionFailed)},
)
async def change_comment(
    comment_id: UUID, body: CommentPatch, context: CurrentComments, request: Request, response: Response
) -> CommentOut:
    """Edit a comment, or move its thread to other words. Only its author edits the text. The author and editors of the
    document move a thread.
    """
    document_id, role = await context.require_comment(comment_id, Action.COMMENT)
    await writing.change_comment(context, document_id, role, comment_id, body, expected_version(request))
    return _answer(response, await context.get_response(comment_id))


@router.delete(
    "/comments/{comment_id}",
    status_code=204,
    tags=["comments"],
    responses={**_USUAL, **documented(Malformed, PreconditionFailed)},
)
async def delete_comment(comment_id: UUID, context: CurrentComments, request: Request) -> None:
    """Delete a comment: its author and editors of the document. Replies stay."""
    _, role = await context.require_comment(comment_id, Action.COMMENT)
    async with context.writing() as conn:
        locked = await context.lock(conn, comment_id, expected_version(request))
        context.require_author_or_editor(locked.author_id, role)
        await write_queries.delete_comment(conn, comment_id)


@router.post("/comments/{comment_id}/resolve", tags=["comments"], responses=_WRITING)
async def resolve_comment(comment_id: UUID, context: CurrentComments, response: Response) -> CommentOut:
    """Resolve a thread, by its first comment: its author and editors of the document. Harmless if it is resolved."""
    return await _set_resolved(comment_id, context, response, resolved=True)


@router.post("/comments/{comment_id}/reopen", tags=["comments"], responses=_WRITING)
async def reopen_comment(comment_id: UUID, context: CurrentComments, response: Response) -> CommentOut:
    """Reopen a thread, by its first comment. Harmless if it is open."""
    return await _set_resolved(comment_id, context, response, resolved=False)


async def _set_resolved(
    comment_id: UUID, context: CurrentComments, response: Response, *, resolved: bool
) -> CommentOut:
    _, role = await context.require_comment(comment_id, Action.COMMENT)
    async with context.writing() as conn:
        locked = await context.lock(conn, comment_id)
        require_root(locked)
        context.require_author_or_editor(locked.author_id, role)
        await write_queries.update_comment(conn, comment_id, {"resolved": resolved})
    return _answer(response, await context.get_response(comment_id))


@router.get("/comments/{comment_id}/edits", tags=["comments"], responses={**_USUAL, **documented(Malformed)})
async def list_edits(
    comment_id: UUID, context: CurrentComments, limit: cursors.PageLimit = 50, cursor: str | None = None
) -> models.EditPage:
    """List earlier texts of a comment, the latest first."""
    await context.require_comment(comment_id, Action.VIEW)
    before = cursors.read_position(cursor, int, of="edits")
    async with context.reading() as conn:
        found = await queries.list_edits(conn, comment_id, limit + 1, before[0] if before else None)
    page, more = cursors.cut_page(found, limit, lambda edit: (edit.id,), of="edits")
    items = [models.EditOut(content=edit.content, replaced_at=edit.at) for edit in page]
    return models.EditPage(items=items, next_cursor=more)


@router.put(
    "/comments/{comment_id}/reactions/{emoji}",
    status_code=204,
    tags=["comments"],
    responses={**_WRITING, **documented(LimitReached)},
)
async def put_reaction(comment_id: UUID, emoji: str, context: CurrentComments) -> None:
    """React to a comment with an emoji or a symbol; harmless if you have. Needs an account."""
    await context.require_comment(comment_id, Action.COMMENT)
    user_id = context.require_account()
    if not is_emoji(emoji):
        raise UnprocessableContent("not an emoji: send one emoji or one symbol")
    async with context.writing() as conn:
        await context.lock(conn, comment_id)
        if not await write_queries.insert_reaction(conn, comment_id, user_id, emoji):
            raise LimitReached(f"at most {write_queries.MAX_REACTIONS_OF_ONE} reactions of a person to a comment")


@router.delete("/comments/{comment_id}/reactions/{emoji}", status_code=204, tags=["comments"], responses=_WRITING)
async def delete_reaction(comment_id: UUID, emoji: str, context: CurrentComments) -> None:
    """Take your reaction away; harmless if there is none."""
    await context.require_comment(comment_id, Action.COMMENT)
    user_id = context.require_account()
    if not is_emoji(emoji):
        raise UnprocessableContent("not an emoji: send one emoji or one symbol")
    async with context.writing() as conn:
        await write_queries.delete_reaction(conn, comment_id, user_id, emoji)
