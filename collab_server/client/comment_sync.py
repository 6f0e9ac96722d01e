"""Sends changes of comments in their order, and fetches what others did. One request is one comment or one change."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from uuid import UUID

from collab_server.client.comment_store import CommentStore
from collab_server.client.comments import CommentEntry, CommentRefusal
from collab_server.client.outbox import TemporarilyRefused
from collab_server.client.wire import RequestRejected, ServerConnection, ServerUnavailable

REFUSALS = frozenset({400, 403, 404, 409, 412, 413, 422})
"""Statuses that are about one change. Others, such as 401, are about the connection."""
CHANGED_MEANWHILE = "precondition_failed"

_T = TypeVar("_T")
Fields = dict[str, Any]


class InThread(Protocol):
    """Runs a function of the store in the store's thread."""

    def __call__(self, function: Callable[..., _T], /, *arguments: Any, **named: Any) -> Awaitable[_T]: ...


async def send_comments(
    wire: ServerConnection, do: InThread, store: CommentStore, upto: int
) -> tuple[int, list[CommentRefusal]]:
    """Send unsent changes up to this one; returns their number, and those that were refused.

    A change that the server cannot process now stays, with all later ones of its comment. Raises TemporarilyRefused
    then, after all others; ServerUnavailable, RequestRejected.
    """
    sent, after, later = 0, 0, ""
    refusals: list[CommentRefusal] = []
    held: set[UUID] = set()
    while (begun := await do(store.begin_next, after, upto)) is not None:
        entry, known = begun
        after = entry.n
        if held & _about(entry):
            held.add(entry.comment_id)
            continue
        try:
            told = await _send(wire, entry, known)
        except _Refused as refused:
            error = refused.error
            refusals.append(await do(store.refuse, entry, error.code, error.detail, refused.told))
        except ServerUnavailable as error:
            if error.status != 500:
                raise
            held.add(entry.comment_id)
            later = str(error)
            continue
        else:
            await do(store.accept, entry, told)
        sent += 1
    if later:
        raise TemporarilyRefused(later)
    return sent, refusals


def _about(entry: CommentEntry) -> set[UUID]:
    parent = entry.body.get("parent_id")
    return {entry.comment_id, *([UUID(parent)] if parent else [])}


class _Refused(Exception):
    """A change is refused. `told`: the comment with the text that others gave it."""

    def __init__(self, error: RequestRejected, told: Fields | None = None) -> None:
        super().__init__(str(error))
        self.error, self.told = error, told


async def _send(wire: ServerConnection, entry: CommentEntry, known: Fields | None) -> Fields | None:
    """Send a change; returns the comment after it, None if it is to be fetched. Raises _Refused, ServerUnavailable,
    RequestRejected. `known`: the comment as the server last told it.
    """
    path = f"/comments/{entry.comment_id}"
    try:
        match entry.kind:
            case "create":
                return await _create(wire, entry)
            case "edit":
                return await _edit(wire, entry, known)
            case "delete":
                return await _delete(wire, path)
            case "resolve" | "reopen":
                return await wire.change("POST", f"{path}/{entry.kind}")
            case _:
                method = "PUT" if entry.kind == "react" else "DELETE"
                return await wire.change(method, f"{path}/reactions/{quote(entry.body['emoji'], safe='')}")
    except RequestRejected as error:
        # A refusal without a problem document is not this server's.
        if error.status not in REFUSALS or error.code.startswith("http_"):
            raise
        raise _Refused(error) from error


async def _create(wire: ServerConnection, entry: CommentEntry) -> Fields | None:
    body = {key: entry.body[key] for key in ("content", "parent_id", "mentions") if key in entry.body}
    body["id"] = str(entry.comment_id)
    forms: list[Fields] = [{"anchor": anchor} for anchor in entry.body.get("anchors", [])] or [{}]
    for number, form in enumerate(forms, 1):
        try:
            return await wire.change("POST", f"/documents/{entry.document_id}/comments", {**body, **form})
        except RequestRejected as error:
            if error.status == 409 and entry.tried:
                # It arrived the last time, and was edited or deleted since then.
                return await wire.find_comment(entry.comment_id)
            if error.status != 422 or number == len(forms):
                raise
    return None


async def _edit(wire: ServerConnection, entry: CommentEntry, known: Fields | None) -> Fields | None:
    """Replace the text that was there when the new one was written, and no other."""
    path, content, base = f"/comments/{entry.comment_id}", entry.body["content"], entry.body["base"]
    while True:
        if known is None or known["content"] not in (base, content):
            known = await wire.find_comment(entry.comment_id)
            if known is None:
                raise RequestRejected("not_found", "there is no such comment", 404)
        if known["content"] == content:
            return known
        if known["content"] != base:
            detail = "the text was changed meanwhile"
            raise _Refused(RequestRejected(CHANGED_MEANWHILE, detail, 412), known)
        try:
            return await wire.change("PATCH", path, {"content": content}, version=known["row_version"])
        except RequestRejected as error:
            if error.status != 412:
                raise
            # Also whatever else changed makes another version, such as resolving.
            known = None


async def _delete(wire: ServerConnection, path: str) -> Fields | None:
    try:
        return await wire.change("DELETE", path)
    except RequestRejected as error:
        if error.status != 404:
            raise
        return None


async def fetch_comments(wire: ServerConnection, do: InThread, store: CommentStore) -> int:
    """Fetch comments that are new or changed; returns the number of requests that told something.

    Raises ServerUnavailable, RequestRejected.
    """
    documents, comments = await do(store.wanted)
    for document_id, wanted in documents:
        try:
            found = await wire.comments(document_id)
        except RequestRejected as error:
            if error.status not in (403, 404):
                raise
            found = []
        await do(store.apply_list, document_id, wanted, found)
    for comment_id, told in comments:
        await do(store.apply_comment, comment_id, told, await wire.find_comment(comment_id))
    return len(documents) + len(comments)
