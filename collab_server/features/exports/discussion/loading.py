"""Reading the threads of a document for a file, with the rights of its reader."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Database, Subject
from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.anchors.locating import Finder
from collab_server.errors import UnprocessableContent
from collab_server.features.comments import presentation, queries
from collab_server.features.comments.queries import Comment
from collab_server.features.exports.discussion.threads import Discussion, Entry, Thread

_PAGE = 500
UNKNOWN = "Somebody"

Place = tuple[int, int] | None


async def list_comments(db: Database, reader: Subject, document_id: UUID) -> list[Comment]:
    """List the comments of a document that the reader may read, the oldest first; also deleted ones with replies."""
    found: list[Comment] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        async with db.as_user(reader) as conn:
            page = await queries.list_comments(
                conn,
                document_id,
                _PAGE,
                after,
                me=reader.user_id,
                thread_id=None,
                resolved=None,
                threads=None,
                mine=False,
            )
        found += page
        if len(page) < _PAGE:
            return found
        after = page[-1].created_at, page[-1].id


def locate(update: bytes, anchors: Sequence[bytes]) -> tuple[str | None, list[Place]]:
    """Return (the content of a document, where anchors are in it: UTF-16 units, None for an orphan). JSON has no
    positions, and its content is None. Pure; for a worker process. Raises Malformed.
    """
    try:
        units = read_content_units(update)
    except UnprocessableContent:
        return None, [None] * len(anchors)
    finder = Finder(units, update)
    located = [finder.locate(anchor) for anchor in anchors]
    return units.content, [
        None if each.start is None or each.end is None else (each.start, each.end) for each in located
    ]


def make_discussion(comments: Sequence[Comment], content: str, where: dict[UUID, Place]) -> Discussion:
    """Make the threads of comments. `where`: the places of those with anchors, in `content`."""
    by_thread: dict[UUID, list[Comment]] = {}
    for comment in comments:
        by_thread.setdefault(comment.thread_id, []).append(comment)
    threads: list[Thread] = []
    for thread_id, found in by_thread.items():
        root = next((each for each in found if each.id == thread_id), None)
        living = [each for each in found if each.deleted_at is None]
        if root is None or not living:
            continue
        place = where.get(root.id)
        threads.append(
            Thread(
                id=str(root.id),
                quote=root.anchor.text if root.anchor else None,
                start=place[0] if place else None,
                end=place[1] if place else None,
                resolved=root.resolved,
                resolved_by=root.resolved_by.name if root.resolved_by else None,
                resolved_at=root.resolved_at,
                entries=tuple(map(_to_entry, living)),
            )
        )
    return Discussion(content, tuple(threads))


def _to_entry(comment: Comment) -> Entry:
    return Entry(
        id=str(comment.id),
        parent_id=str(comment.parent_id) if comment.parent_id else None,
        author=presentation.author_name(comment) or UNKNOWN,
        author_id=str(comment.author_id) if comment.author_id else None,
        at=comment.created_at,
        content=comment.content,
        html=comment.content_html,
        edited=comment.edited,
        reactions=tuple((each.emoji, each.count, tuple(each.people)) for each in comment.reactions),
    )
