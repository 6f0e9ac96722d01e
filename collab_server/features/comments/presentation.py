"""Comments as answers show them."""

from collections.abc import Mapping
from uuid import UUID

from collab_server.features.comments.anchoring import StoredAnchor, Where
from collab_server.features.comments.models import AnchorOut, AuthorOut, CommentOut, MentionOut, ReactionOut
from collab_server.features.comments.queries import Anchor, Comment, Person
from collab_server.security import base64url

DELETED_USER = "Deleted user"
GUEST = "Guest"


def stored_anchor(comment_id: UUID, anchor: Anchor) -> StoredAnchor:
    return StoredAnchor(comment_id, anchor.anchor, anchor.text, anchor.position, anchor.generation, anchor.seq)


def to_response(comment: Comment, where: Mapping[UUID, Where]) -> CommentOut:
    """Return the JSON shape of a comment. `where`: the present places of anchors, by comment."""
    deleted = comment.deleted_at is not None
    return CommentOut(
        id=comment.id,
        document_id=comment.document_id,
        thread_id=comment.thread_id,
        parent_id=comment.parent_id,
        depth=comment.depth,
        content="" if deleted else comment.content,
        content_html="" if deleted else comment.content_html,
        author=_author(comment, hidden=deleted),
        mentions=[] if deleted else [_person(person) for person in comment.mentions],
        unreachable=[] if deleted else comment.unreachable,
        reactions=[
            ReactionOut(emoji=each.emoji, count=each.count, mine=each.mine, people=each.people)
            for each in comment.reactions
        ],
        resolved=comment.resolved,
        resolved_by=_person(comment.resolved_by) if comment.resolved_by else None,
        resolved_at=comment.resolved_at,
        edited=comment.edited,
        deleted=deleted,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        row_version=comment.row_version,
        anchor=_anchor(comment.anchor, where.get(comment.id)) if comment.anchor else None,
    )


def author_name(comment: Comment) -> str | None:
    """The name of a comment's author that its reader sees. None: the reader may not know it."""
    if comment.author_kind in ("guest", "app_user"):
        return comment.author_name or GUEST
    return DELETED_USER if comment.author_id is None else comment.user_name


def _author(comment: Comment, *, hidden: bool) -> AuthorOut:
    if hidden:
        return AuthorOut(id=None, kind=comment.author_kind, name=None, avatar_url=None)  # type: ignore[arg-type]
    return AuthorOut(
        id=comment.author_id,
        kind=comment.author_kind,  # type: ignore[arg-type]
        name=author_name(comment),
        avatar_url=comment.avatar_url,
    )


def _person(person: Person) -> MentionOut:
    return MentionOut(id=person.id, name=person.name)


def _anchor(anchor: Anchor, where: Where | None) -> AnchorOut:
    if where is None:
        return AnchorOut(quote=anchor.text, start=None, end=None, orphaned=True, relative_start=None, relative_end=None)
    return AnchorOut(
        quote=anchor.text,
        start=where.start,
        end=where.end,
        orphaned=where.orphaned,
        relative_start=_encoded(where.relative_start),
        relative_end=_encoded(where.relative_end),
    )


def _encoded(position: bytes | None) -> str | None:
    return None if position is None else base64url.encode(position)
