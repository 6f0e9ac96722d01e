"""Storing the threads of an imported document."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.postgres_errors import InsufficientPrivilege
from collab_server.errors import CollabError, Unavailable
from collab_server.features.comments import anchor_queries, write_queries
from collab_server.features.comments.context import CommentContext
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.imports import threads
from collab_server.features.imports.threads import Discussion, StoredThread

_MAX_AUTHOR_NAME = 200


async def store(
    context: RequestContext, converters: Converters, document_id: UUID, update: bytes, discussion: Discussion
) -> tuple[str, ...]:
    """Store the threads of a new document in the importer's name: all of them, or none. Return notes. `update`: the
    whole document. Raises Unavailable.
    """
    me = str(context.identity.user_id) if context.identity.user_id else None
    try:
        prepared = await converters.run(threads.prepare, discussion, update, me)
        await _insert(context, document_id, prepared.threads)
    except Unavailable:
        raise
    except CollabError as error:
        return (f"its comments are left out: {error.detail}",)
    except InsufficientPrivilege:
        return ("its comments are left out: you may not comment here",)
    return prepared.notes


async def _insert(context: RequestContext, document_id: UUID, made: tuple[StoredThread, ...]) -> None:
    author = author_of(context.identity, None)
    shared = {
        "author_id": author.user_id,
        "author_kind": author.kind or "user",
        "author_name": author.name[:_MAX_AUTHOR_NAME] if author.name else None,
    }
    async with context.db.as_service() as conn:
        state = await anchor_queries.find_state(conn, document_id)
    if state is None:
        return
    writing = CommentContext(context.identity, context.db, context.rooms, context.workers)
    async with writing.writing() as conn:
        # Lists are in the order of time, and all of this happens at one time.
        at = await write_queries.read_clock(conn)
        for thread in made:
            ids: list[UUID] = []
            for comment in thread.comments:
                parent = ids[comment.parent] if comment.parent is not None and comment.parent < len(ids) else None
                fields: dict[str, Any] = {
                    **shared,
                    "content": comment.content,
                    "content_html": comment.html,
                    "parent_id": parent,
                    "created_at": at,
                }
                at += timedelta(microseconds=1)
                if not ids and thread.anchor is not None:
                    anchor, text, start, end = thread.anchor
                    # Row 0: the first reader looks for the words, which may have been edited since.
                    fields |= {
                        "yjs_anchor": anchor,
                        "anchor_text": text,
                        "position": {"start": start, "end": end},
                        "anchor_generation": state.generation,
                        "anchor_seq": 0,
                    }
                id_ = await write_queries.insert_comment(conn, document_id, fields)
                if id_ is None:
                    return
                ids.append(id_)
            if thread.resolved and ids:
                await write_queries.update_comment(conn, ids[0], {"resolved": True})
