"""The caller of a request about comments: rights, transactions and answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from collab_server.access.check import require
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed
from collab_server.adapters.postgres import Conn, Database, acting
from collab_server.adapters.postgres_errors import InsufficientPrivilege
from collab_server.adapters.workers import Workers
from collab_server.errors import Forbidden, NotFound, UnprocessableContent
from collab_server.features.comments import queries, write_queries
from collab_server.features.comments.anchoring import Where, locate_anchors
from collab_server.features.comments.models import CommentOut
from collab_server.features.comments.presentation import stored_anchor, to_response
from collab_server.features.comments.queries import NO_COMMENT, Anchor, Comment
from collab_server.features.comments.write_queries import Locked
from collab_server.web.etags import changed_meanwhile
from collab_server.web.rooms import Rooms


@dataclass(frozen=True, slots=True)
class CommentContext:
    """The caller of one request and the services for its answer."""

    identity: Identity
    db: Database
    rooms: Rooms
    workers: Workers

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Conn]:
        """Begin a transaction that sees the comments that the caller may read."""
        async with self.db.as_user(self.identity.rights) as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Conn]:
        """Begin a transaction that changes comments in the caller's name. Raises Forbidden.

        A user of an application has no account, and must not act in the name of the issuer of the token.
        """
        identity = self.identity
        try:
            if identity.user_id != identity.rights_of:
                async with self.db.as_service() as conn, acting(conn, identity.user_id, identity.name):
                    yield conn
            else:
                async with self.db.as_user(identity.subject) as conn:
                    yield conn
        except InsufficientPrivilege:
            raise Forbidden("you may not comment on this document") from None

    async def require_comment(self, comment_id: UUID, action: Action) -> tuple[UUID, Role]:
        """Return the document of a living comment and the caller's role in it. Raises NotFound, Forbidden."""
        async with self.reading() as conn:
            document_id = await write_queries.find_document(conn, comment_id)
        if document_id is None:
            raise NotFound(NO_COMMENT)
        return document_id, await self._require(document_id, action)

    async def _require(self, document_id: UUID, action: Action) -> Role:
        try:
            return await require(self.db, self.identity, document_id, action)
        except NotFound:
            raise NotFound(NO_COMMENT) from None

    def is_author(self, author_id: UUID | None) -> bool:
        return author_id is not None and author_id == self.identity.user_id

    def require_author(self, author_id: UUID | None) -> None:
        """Raises Forbidden unless the caller is this author, with an account."""
        if self.identity.user_id is None:
            raise Forbidden("without an account nobody can tell who wrote a comment: sign in to change yours")
        if not self.is_author(author_id):
            raise Forbidden("only its author may edit a comment")

    def require_author_or_editor(self, author_id: UUID | None, role: Role) -> None:
        """Raises Forbidden unless the caller is this author or may edit the document."""
        if self.is_author(author_id) or allowed(role, Action.EDIT):
            return
        if self.identity.user_id is None:
            raise Forbidden("without an account nobody can tell who wrote a comment: sign in to change yours")
        raise Forbidden("only its author and editors of the document may do this")

    def require_account(self) -> UUID:
        """Return the caller's user id. Raises Forbidden without an account."""
        if self.identity.user_id is None:
            raise Forbidden("reactions need an account: sign in")
        return self.identity.user_id

    async def lock(self, conn: Conn, comment_id: UUID, version: int | None = None) -> Locked:
        """Lock a living comment. Raises NotFound, PreconditionFailed if it is not at `version` (None: any)."""
        locked = await write_queries.lock_comment(conn, comment_id)
        if locked is None:
            raise NotFound(NO_COMMENT)
        if version is not None and locked.row_version != version:
            raise changed_meanwhile(locked.row_version)
        return locked

    async def get_response(self, comment_id: UUID) -> CommentOut:
        """Return the JSON shape of a comment that the caller may read. Raises NotFound, and like `locate`."""
        async with self.reading() as conn:
            comment = await queries.get_comment(conn, comment_id, self.identity.user_id)
        await self._require(comment.document_id, Action.VIEW)
        return (await self.to_responses(comment.document_id, [comment]))[0]

    async def to_responses(self, document_id: UUID, comments: Sequence[Comment]) -> list[CommentOut]:
        """Return the JSON shapes of comments of a document. Raises like `locate`."""
        anchored = [(comment.id, comment.anchor) for comment in comments if comment.anchor is not None]
        where = await self.locate(document_id, anchored)
        return [to_response(comment, where) for comment in comments]

    async def locate(self, document_id: UUID, anchored: Sequence[tuple[UUID, Anchor]]) -> dict[UUID, Where]:
        """Find where anchors are now, by comment. Raises Unavailable, TooMany."""
        if not anchored:
            return {}
        stored = [stored_anchor(comment_id, anchor) for comment_id, anchor in anchored]
        return await locate_anchors(self.db, self.rooms, self.workers, document_id, stored)


def require_root(locked: Locked) -> None:
    """Raises UnprocessableContent unless the comment is the first of its thread."""
    if not locked.is_root:
        raise UnprocessableContent("only the first comment of a thread can be resolved or anchored")
