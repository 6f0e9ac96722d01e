"""Comments as the device has them: as the server last told them, with what was done here since. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

MAX_CONTENT_BYTES = 65_536


class NoSuchComment(Exception):
    """The file has no comment of this id."""


@dataclass(frozen=True, slots=True)
class LocalReaction:
    """All reactions with one emoji. `mine`: this account's is among them."""

    count: int
    mine: bool


@dataclass(frozen=True, slots=True)
class LocalComment:
    """The local version of a comment, with unsent changes.

    `author`: a name; None if it is unknown, and for comments that the server does not have yet. `quote`: the words that
    a thread is about. `waiting`: it has unsent changes. `fields`: as in the API, without unsent changes; empty for
    comments that the server does not have yet.
    """

    id: UUID
    document_id: UUID
    thread_id: UUID
    parent_id: UUID | None
    depth: int
    content: str
    author: str | None
    quote: str | None
    resolved: bool
    edited: bool
    deleted: bool
    reactions: Mapping[str, LocalReaction]
    waiting: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CommentEntry:
    """An unsent change of a comment. `kind`: create, edit, delete, resolve, reopen, react or unreact. `tried`: it may
    have arrived at the server.
    """

    n: int
    document_id: UUID
    comment_id: UUID
    kind: str
    body: Mapping[str, Any]
    tried: bool


@dataclass(frozen=True, slots=True)
class CommentRefusal:
    """A change of a comment that the server did not take. `kind`: as in CommentEntry. `code`, `detail`: of its answer;
    the code of an edit of a text that was changed meanwhile is `precondition_failed`. `text`: what was written here,
    None for other changes. `theirs`: the text at the server, where it has another.
    """

    number: int
    document_id: UUID
    comment_id: UUID
    kind: str
    code: str
    detail: str
    text: str | None
    theirs: str | None


def check_content(content: str) -> str:
    """Raises ValueError for a text that the server would refuse."""
    if not content.strip():
        raise ValueError("a comment needs a visible character")
    if "\0" in content:
        raise ValueError("a comment has no character NUL")
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise ValueError(f"a comment has at most {MAX_CONTENT_BYTES} bytes of UTF-8")
    return content


def show_comments(told: Iterable[Mapping[str, Any]], entries: Iterable[CommentEntry]) -> list[LocalComment]:
    """The comments of a document thread by thread, the oldest first. `told`: by the server.

    Deleted comments without replies are left out.
    """
    ordered = sorted(told, key=lambda fields: (fields["created_at"], fields["id"]))
    known = {comment.id: comment for comment in map(_read, ordered)}
    for entry in entries:
        apply_entry(known, entry)
    threads: dict[UUID, list[LocalComment]] = {}
    answered = _answered(known)
    for comment in known.values():
        if not comment.deleted or comment.id in answered:
            threads.setdefault(comment.thread_id, []).append(comment)
    return [comment for thread in threads.values() for comment in thread]


def _answered(known: Mapping[UUID, LocalComment]) -> set[UUID]:
    """The comments with a living comment below them."""
    found: set[UUID] = set()
    for comment in known.values():
        above = None if comment.deleted else comment.parent_id
        while above is not None and above not in found:
            found.add(above)
            above = known[above].parent_id if above in known else None
    return found


def _read(fields: Mapping[str, Any]) -> LocalComment:
    parent = fields["parent_id"]
    return LocalComment(
        id=UUID(fields["id"]),
        document_id=UUID(fields["document_id"]),
        thread_id=UUID(fields["thread_id"]),
        parent_id=UUID(parent) if parent else None,
        depth=fields["depth"],
        content=fields["content"],
        author=fields["author"]["name"],
        quote=fields["anchor"]["quote"] if fields["anchor"] else None,
        resolved=fields["resolved"],
        edited=fields["edited"],
        deleted=fields["deleted"],
        reactions={each["emoji"]: LocalReaction(each["count"], each["mine"]) for each in fields["reactions"]},
        waiting=False,
        fields=fields,
    )


def apply_entry(known: dict[UUID, LocalComment], entry: CommentEntry) -> None:
    """Apply an unsent change to what is shown. A change of a comment that is not here any more changes nothing."""
    comment = known.get(entry.comment_id)
    if entry.kind == "create":
        # The server may have it already, without having acknowledged it.
        known[entry.comment_id] = replace(comment or _make(known, entry), waiting=True)
    elif comment is not None:
        known[entry.comment_id] = replace(_change(comment, entry), waiting=True)


def _make(known: Mapping[UUID, LocalComment], entry: CommentEntry) -> LocalComment:
    parent_id = UUID(entry.body["parent_id"]) if entry.body.get("parent_id") else None
    parent = known.get(parent_id) if parent_id else None
    return LocalComment(
        id=entry.comment_id,
        document_id=entry.document_id,
        thread_id=parent.thread_id if parent else entry.comment_id,
        parent_id=parent_id,
        depth=parent.depth + 1 if parent else 0,
        content=entry.body["content"],
        author=None,
        quote=entry.body.get("quote"),
        resolved=False,
        edited=False,
        deleted=False,
        reactions={},
        waiting=True,
        fields={},
    )


def _change(comment: LocalComment, entry: CommentEntry) -> LocalComment:
    match entry.kind:
        case "edit":
            return replace(comment, content=entry.body["content"], edited=True)
        case "delete":
            return replace(comment, content="", author=None, deleted=True)
        case "resolve" | "reopen":
            return replace(comment, resolved=entry.kind == "resolve")
        case _:
            return replace(comment, reactions=_react(comment.reactions, entry))


def _react(reactions: Mapping[str, LocalReaction], entry: CommentEntry) -> Mapping[str, LocalReaction]:
    emoji, present = entry.body["emoji"], entry.kind == "react"
    before = reactions.get(emoji, LocalReaction(0, mine=False))
    after = LocalReaction(before.count + present - before.mine, present)
    return {name: one for name, one in {**reactions, emoji: after}.items() if one.count}
