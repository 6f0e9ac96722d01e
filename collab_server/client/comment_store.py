"""Comments in the client's file: reading and changing them here, and applying what the server tells of them."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from collab_server.client import comment_queries
from collab_server.client.comments import CommentEntry, CommentRefusal, LocalComment, NoSuchComment, check_content
from collab_server.client.comments import show_comments as show
from collab_server.client.store import Store
from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.anchors.locating import locate
from collab_server.core.anchors.placing import Placed, place
from collab_server.core.anchors.wishes import OffsetWish, QuoteWish
from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.yjs import utf16
from collab_server.errors import CollabError

CONTEXT = 64
"""Characters around a quote that tell it from others."""
MANY_NEWS = 3
"""So many changed comments of a document cost as much as all of them."""


class CommentStore:
    """Access to the comments in a store, in the store's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ---- what people do

    def open(self, document_id: UUID) -> list[LocalComment]:
        """The comments of a document; if they have never been here, they are fetched with the next sync."""
        self._store.existing(document_id)
        if not comment_queries.is_known(self._store.conn, document_id):
            with self._store.writing() as conn:
                comment_queries.want(conn, document_id)
        return self._shown(document_id)

    def _shown(self, document_id: UUID) -> list[LocalComment]:
        conn = self._store.conn
        return show(comment_queries.list_comments(conn, document_id), comment_queries.list_entries(conn, document_id))

    def _find(self, comment_id: UUID) -> LocalComment:
        document_id = comment_queries.find_document(self._store.conn, comment_id)
        shown = [] if document_id is None else self._shown(document_id)
        for comment in shown:
            if comment.id == comment_id and not comment.deleted:
                return comment
        raise NoSuchComment(f"there is no comment {comment_id} here")

    def create(
        self,
        document_id: UUID,
        content: str,
        quote: str | None,
        at: int | None,
        parent: UUID | None,
        mentions: Sequence[UUID],
    ) -> UUID:
        """Comment on a document; see LocalClient.comment."""
        comment_id = uuid4()
        body: dict[str, Any] = {"content": check_content(content)}
        with self._store.writing() as conn:
            self._store.existing(document_id)
            if parent is not None:
                if quote is not None:
                    raise ValueError("a reply is about what its thread is about: it has no quote")
                if self._find(parent).document_id != document_id:
                    raise NoSuchComment(f"there is no comment {parent} in this document")
                body["parent_id"] = str(parent)
            if quote is not None:
                body |= {"quote": quote, "anchors": self._anchors(document_id, quote, at)}
            elif at is not None:
                raise ValueError("only a quote has a place")
            if mentions:
                body["mentions"] = [str(user) for user in mentions]
            comment_queries.append_entry(conn, document_id, comment_id, "create", body)
        return comment_id

    def _anchors(self, document_id: UUID, quote: str, at: int | None) -> list[dict[str, str]]:
        """The forms of an anchor on this quote in the local text, the best first. Raises ValueError."""
        update, _ = self._store.merged_update(document_id)
        try:
            content = read_content_units(update).content
            wish: QuoteWish | OffsetWish = QuoteWish(quote)
            if at is not None:
                if content[at : at + len(quote)] != quote or not 0 <= at <= len(content):
                    raise ValueError(f"character {at} is not the beginning of this quote")
                first = utf16.length(content[:at])
                wish = OffsetWish(first, first + utf16.length(quote), content_hash(content), quote=quote)
            placed = place(update, wish)
        except CollabError as error:
            raise ValueError(error.detail) from error
        return [*_relative(update, placed), _quote(content, placed)]

    def edit(self, comment_id: UUID, content: str) -> None:
        """Replace the text of a comment."""
        with self._store.writing():
            comment = self._find(comment_id)
            if content != comment.content:
                self._append(comment, "edit", {"content": check_content(content), "base": comment.content})

    def delete(self, comment_id: UUID) -> None:
        with self._store.writing():
            self._append(self._find(comment_id), "delete", {})

    def set_resolved(self, comment_id: UUID, *, resolved: bool) -> None:
        """Resolve or reopen the thread of a comment, by its first one."""
        with self._store.writing():
            comment = self._find(comment_id)
            for first in self._shown(comment.document_id):
                if first.id == comment.thread_id and first.resolved != resolved:
                    self._append(first, "resolve" if resolved else "reopen", {})

    def set_reaction(self, comment_id: UUID, emoji: str, *, present: bool) -> None:
        if not emoji.strip() or emoji.isascii():
            raise ValueError("a reaction is one emoji or one symbol")
        with self._store.writing():
            comment = self._find(comment_id)
            known = comment.reactions.get(emoji)
            if (known is not None and known.mine) != present:
                self._append(comment, "react" if present else "unreact", {"emoji": emoji})

    def _append(self, comment: LocalComment, kind: str, body: dict[str, Any]) -> None:
        comment_queries.append_entry(self._store.conn, comment.document_id, comment.id, kind, body)

    def refusals(self) -> list[CommentRefusal]:
        return comment_queries.list_refusals(self._store.conn)

    def retry(self, number: int) -> None:
        """Send a refused change again. What the server has instead is then what an edit replaces."""
        with self._store.writing() as conn:
            document_id, comment_id, kind, body, theirs = self._take_refusal(number)
            if kind == "edit" and theirs is not None:
                body["base"] = theirs
            comment_queries.append_entry(conn, document_id, comment_id, kind, body)

    def dismiss(self, number: int) -> None:
        with self._store.writing():
            self._take_refusal(number)

    def _take_refusal(self, number: int) -> tuple[UUID, UUID, str, dict[str, Any], str | None]:
        taken = comment_queries.take_refusal(self._store.conn, number)
        if taken is None:
            raise NoSuchComment(f"there is no refused change #{number}")
        return taken

    # ---- sending

    def count_waiting(self) -> int:
        """The number of changes that can be sent."""
        return comment_queries.count_waiting(self._store.conn)

    def last_entry(self) -> int:
        return comment_queries.last_entry(self._store.conn)

    def begin_next(self, after: int, upto: int) -> tuple[CommentEntry, dict[str, Any] | None] | None:
        """The next change to send, with the comment as the server last told it. It counts as tried from now on."""
        with self._store.writing() as conn:
            entry = comment_queries.next_entry(conn, after, upto)
            if entry is None:
                return None
            comment_queries.mark_tried(conn, entry.n)
            return entry, comment_queries.find_comment(conn, entry.comment_id)

    def accept(self, entry: CommentEntry, told: dict[str, Any] | None) -> None:
        """The server has a change. `told`: the comment after it; None: it is to be fetched."""
        with self._store.writing() as conn:
            comment_queries.delete_entry(conn, entry.n)
            if told is not None:
                comment_queries.save_comment(conn, told)
            else:
                comment_queries.note_news(conn, entry.document_id, entry.comment_id)

    def refuse(self, entry: CommentEntry, code: str, detail: str, told: dict[str, Any] | None) -> CommentRefusal:
        """The server did not take a change; it is kept apart. `told`: the comment with a text of others."""
        with self._store.writing() as conn:
            comment_queries.delete_entry(conn, entry.n)
            if told is not None:
                comment_queries.save_comment(conn, told)
            return comment_queries.insert_refusal(conn, entry, code, detail, told["content"] if told else None)

    # ---- fetching

    def is_wanting(self) -> bool:
        """Whether something is to be fetched."""
        conn = self._store.conn
        return bool(comment_queries.list_wanted(conn) or comment_queries.list_news(conn))

    def wanted(self) -> tuple[list[tuple[UUID, int]], list[tuple[UUID, int]]]:
        """(documents, comments) to be fetched, with their counters."""
        lists = dict(comment_queries.list_wanted(self._store.conn))
        news: dict[UUID, list[tuple[UUID, int]]] = {}
        for document_id, comment_id, told in comment_queries.list_news(self._store.conn):
            news.setdefault(document_id, []).append((comment_id, told))
        many = [document_id for document_id, found in news.items() if len(found) > MANY_NEWS]
        if many:
            with self._store.writing() as conn:
                for document_id in many:
                    comment_queries.want(conn, document_id)
                lists = dict(comment_queries.list_wanted(conn))
        return list(lists.items()), [one for document, found in news.items() if document not in lists for one in found]

    def apply_list(self, document_id: UUID, wanted: int, comments: list[dict[str, Any]]) -> None:
        """All comments of a document, as they were when its counter was `wanted`."""
        with self._store.writing() as conn:
            news = [one for one in comment_queries.list_news(conn) if one[0] == document_id]
            comment_queries.delete_comments(conn, document_id)
            for fields in comments:
                comment_queries.save_comment(conn, fields)
            comment_queries.mark_listed(conn, document_id, wanted)
            for _, comment_id, told in news:
                comment_queries.mark_fetched(conn, comment_id, told)

    def apply_comment(self, comment_id: UUID, told: int, fields: dict[str, Any] | None) -> None:
        """A comment, as it was when its counter was `told`; None: it is gone."""
        with self._store.writing() as conn:
            if fields is None:
                comment_queries.delete_comment(conn, comment_id)
            else:
                comment_queries.save_comment(conn, fields)
            comment_queries.mark_fetched(conn, comment_id, told)


def _relative(update: bytes, placed: Placed) -> list[dict[str, str]]:
    """The anchor as relative positions, which follow the words through edits of others."""
    [found] = locate(update, [placed.anchor])
    if found.relative_start is None or found.relative_end is None:
        return []
    return [{"relative_start": _base64url(found.relative_start), "relative_end": _base64url(found.relative_end)}]


def _quote(content: str, placed: Placed) -> dict[str, str]:
    """The anchor as a quote with the text around it, for a document that was replaced meanwhile."""
    start, end = utf16.to_code_points(content, placed.start), utf16.to_code_points(content, placed.end)
    around = {"prefix": content[max(0, start - CONTEXT) : start], "suffix": content[end : end + CONTEXT]}
    return {"quote": content[start:end], **{name: text for name, text in around.items() if text}}


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
