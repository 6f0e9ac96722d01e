"""A document's content over HTTP: read in several forms, and edited as a text while people type in it."""

import json
import re
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action, allowed
from collab_server.accounts import devices
from collab_server.backends.db import caller
from collab_server.backends.workers import Workers
from collab_server.crdt import content_editing, content_requests, prosemirror_json
from collab_server.crdt.content_editing import Base
from collab_server.documents import base_queries, queries, rendering
from collab_server.documents.content_models import AppendIn, ContentPatch, InsertIn, WrittenOut
from collab_server.errors import (
    BaseUnknown,
    Conflict,
    DocumentDamaged,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
    UnsupportedMediaType,
)
from collab_server.web.bodies import body_of, decoded, raw_body
from collab_server.web.depends import (
    CurrentDatabase,
    CurrentIdentity,
    CurrentRooms,
    CurrentWorkers,
    Edited,
    Rooms,
    Writer,
)
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MARKDOWN: Final = "text/markdown"
JSON: Final = "application/json"
FORMATS: Final = {"markdown": MARKDOWN, "text": "text/plain", "html": "text/html", "json": JSON}
Format = Literal["markdown", "text", "html", "json", "prosemirror"]
OnConflict = Annotated[
    Literal["merge", "fail"],
    Query(
        description="merge: change what the body changes in the text of If-Match; fail: 412 if it says something else"
    ),
]

_TAG = re.compile(r'(?:W/)?"([0-9a-f]{64})(?:-json)?"')
_USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_WRITING: dict[int | str, dict[str, Any]] = {
    **documented(
        Unauthenticated,
        Forbidden,
        NotFound,
        Malformed,
        Conflict,
        PreconditionFailed,
        TooLarge,
        UnprocessableContent,
        TooMany,
        DocumentDamaged,
        Unavailable,
    ),
    412: {
        "description": "`precondition_failed`: The text has changed (`base_unknown`: and yours is not known any more)"
    },
}
_TEXT: dict[str, Any] = {"schema": {"type": "string"}, "example": "# Plan\n\nWrite it down.\n"}
_JSON_TEXT = {
    "schema": {
        "type": "object",
        "properties": {"content": {"type": "string"}},
        "required": ["content"],
        "additionalProperties": False,
    },
    "example": {"content": "# Plan\n\nWrite it down.\n"},
}


@router.get(
    "/documents/{document_id}/content",
    tags=["documents"],
    response_class=Response,
    responses={
        **_USUAL,
        **documented(StaleGeneration, TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
        200: {"content": {kind: {} for kind in FORMATS.values()}, "description": "The text as it is now"},
        304: {"description": "Not changed since the hash in If-None-Match"},
    },
)
async def get_content(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    format: Annotated[Format | None, Query(description="Instead of the header Accept")] = None,
) -> Response:
    """A document's text, with everything that the server has received: as Markdown (the ETag is its SHA-256), in JSON
    with that hash, rendered as safe HTML, or as the plain text of that. The ETag of the first two is what If-Match
    takes when you send the text back. `format=prosemirror`: the nodes of a ProseMirror document, as JSON. Of a damaged
    document this is the text as it was stored last, with `X-Content-Damaged: true`; writing answers `damaged_document`.
    """
    role = await require(db, identity, document_id, Action.VIEW)
    damaged = False
    try:
        await rooms.settle(document_id)
    except DocumentDamaged:
        # The text of the last fold is there, and nothing can be merged with it.
        damaged = True
    if format == "prosemirror":
        return await _nodes(document_id, rooms, workers, request)
    kind = FORMATS[format] if format else _preferred(request.headers.get("accept", ""))
    async with db.as_service() as conn:
        content = await queries.find_content(conn, document_id)
        if content is None:
            raise NotFound(ABSENT)
        if allowed(role, Action.EDIT) and kind in (MARKDOWN, JSON) and not damaged:
            await base_queries.save_stored(conn, document_id, content.content_hash)
    form = rendering.MEDIA_TYPES.get(kind)
    etag = f'"{content.content_hash}-json"' if kind == JSON else f'"{content.content_hash}"'
    etag = rendering.etag(content.content_hash, form) if form else etag
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if content.truncated:
        headers["x-content-truncated"] = "true"
    if damaged:
        headers["x-content-damaged"] = "true"
    if _is_held(request, etag):
        return Response(status_code=304, headers=headers)
    if form:
        text = await rendering.rendered(db, workers, document_id, content.content, content.content_hash, form)
        headers["content-security-policy"] = rendering.CONTENT_POLICY
        return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)
    if kind == JSON:
        body = {"content": content.content, "content_hash": content.content_hash, "truncated": content.truncated}
        return Response(json.dumps(body, ensure_ascii=False), media_type=kind, headers=headers)
    return Response(content.content, media_type=f"{kind}; charset=utf-8", headers=headers)


async def _nodes(document_id: UUID, rooms: Rooms, workers: Workers, request: Request) -> Response:
    """From the bytes, and tagged by them: Markdown, and so its hash, does not say everything that nodes can."""
    update, known = await rooms.edits.missing(document_id, b"\0")
    etag = f'"{known.generation}-{known.seq}-prosemirror"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if _is_held(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(await workers.run(prosemirror_json.render, update), media_type=JSON, headers=headers)


def _is_held(request: Request, etag: str) -> bool:
    held = request.headers.get("if-none-match", "").split(",")
    return etag in (tag.strip().removeprefix("W/") for tag in held)


def _preferred(accept: str) -> str:
    """The first of our types that the Accept header names; Markdown otherwise."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in FORMATS.values():
            return kind
    return MARKDOWN


@router.put(
    "/documents/{document_id}/content",
    tags=["documents"],
    responses={**_WRITING, **documented(UnsupportedMediaType)},
    openapi_extra=body_of((MARKDOWN, _TEXT), ("text/plain", _TEXT), (JSON, _JSON_TEXT)),
)
async def put_content(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    response: Response,
    on_conflict: OnConflict = "merge",
) -> WrittenOut:
    """Have the document say this text. People who have it open see what changes, and keep their cursors. What replaces
    a word has its formats (bold, a link, a comment); a new line is none of a list or a heading. Line ends become line
    feeds.

    In the tree of nodes of an editor such as Tiptap the text is Markdown: blocks that say the same are left alone with
    all that Markdown cannot say of them, changed ones are changed within. An editor drops nodes that its schema does
    not have: give it those for tables, tasks and images before you send some.

    With If-Match (the ETag of a GET): what the body changes in that text is changed in the document, and what others
    did to it since stays. The same request again changes nothing. Without: the document says the body then.
    """
    await require(db, identity, document_id, Action.EDIT)
    kind, body = await raw_body(request, (MARKDOWN, "text/plain", JSON))
    wanted = content_editing.Put(_content_of(body) if kind == JSON else decoded(body))
    return await _write(document_id, identity, db, rooms, request, response, wanted, on_conflict)


def _content_of(body: bytes) -> str:
    """Raises Malformed, UnprocessableContent."""
    try:
        given = json.loads(decoded(body))
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(given, dict) or given.keys() != {"content"} or not isinstance(given["content"], str):
        raise UnprocessableContent('the body must be {"content": "..."}')
    return decoded(given["content"].encode("utf-8", "surrogatepass"))


@router.patch("/documents/{document_id}/content", tags=["documents"], responses=_WRITING)
async def patch_content(
    document_id: UUID,
    body: ContentPatch,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    response: Response,
    on_conflict: OnConflict = "merge",
) -> WrittenOut:
    """Single edits of the text: replace what is found, or insert and delete at a position. They speak of the text of
    If-Match, which positions need, else of the present one. What is not found, or found more than once, is a conflict;
    then none of the edits is made. Line ends are all one in what is looked for, and become line feeds in what is
    written.
    """
    await require(db, identity, document_id, Action.EDIT)
    edits = [edit.request() for edit in body.edits]
    if any(isinstance(edit, content_requests.Splice) for edit in edits) and _base(request, only=False) is None:
        raise UnprocessableContent("positions are of a text: name it by If-Match")
    wanted = content_requests.Patch(edits, body.unit)
    return await _write(document_id, identity, db, rooms, request, response, wanted, on_conflict)


@router.post("/documents/{document_id}/content/append", tags=["documents"], responses=_WRITING)
async def append_content(
    document_id: UUID,
    body: AppendIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    response: Response,
) -> WrittenOut:
    """Add to the end of the text. If-Match is not looked at: two who append at once both do. Line ends become line
    feeds.
    """
    await require(db, identity, document_id, Action.EDIT)
    wanted = content_requests.Append(body.content, body.between)
    return await _write(document_id, identity, db, rooms, request, response, wanted, None)


@router.post("/documents/{document_id}/content/insert", tags=["documents"], responses=_WRITING)
async def insert_content(
    document_id: UUID,
    body: InsertIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    response: Response,
) -> WrittenOut:
    """Add to what stands under a heading, up to the next heading of its level or above. If-Match is not looked at. A
    heading that is not there, or there twice, is a conflict.
    """
    await require(db, identity, document_id, Action.EDIT)
    path = (body.heading,) if isinstance(body.heading, str) else tuple(body.heading)
    wanted = content_requests.Insert(body.content, path, body.position, body.between)
    return await _write(document_id, identity, db, rooms, request, response, wanted, None)


def _base(request: Request, *, only: bool) -> Base | None:
    """What If-Match says of the text that the client has read. Raises Malformed."""
    given = request.headers.get("if-match", "").strip()
    if given in ("", "*"):
        if only:
            raise Malformed("on_conflict=fail needs If-Match")
        return None
    found = _TAG.fullmatch(given)
    if found is None:
        raise Malformed("If-Match takes one ETag of the content as text/markdown or application/json")
    return Base(found[1], None, only)


async def _write(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    response: Response,
    wanted: content_editing.Request,
    on_conflict: Literal["merge", "fail"] | None,
) -> WrittenOut:
    """Make the edit; the caller may. `on_conflict` None: whatever the text says."""
    base = None if on_conflict is None else _base(request, only=on_conflict == "fail")
    writer = Writer(identity, caller.get().device_id or None)
    await devices.note_version(db, identity, writer.device)
    make = rooms.edits.edit_alone if base is not None and base.only else rooms.edits.edit
    try:
        made = await make(document_id, writer, content_editing.edit, wanted, base)
    except BaseUnknown:
        # Only now is it worth reading: mostly nobody else has typed.
        assert base is not None
        async with db.as_service() as conn:
            read = await base_queries.find_base(conn, document_id, base.hash)
        if read is None:
            raise
        base = Base(base.hash, read.text, base.only, read.state_vector)
        made = await make(document_id, writer, content_editing.edit, wanted, base)
    whole = made.result.merged or "return=representation" in request.headers.get("prefer", "").replace(" ", "")
    if whole or base is not None or isinstance(wanted, content_editing.Put):
        # Who only adds something knows no text that a next request could speak of.
        async with db.as_service() as conn:
            written = made.result
            await base_queries.save_base(conn, document_id, written.content_hash, written.content, written.state_vector)
    if not (made.result.merged and isinstance(wanted, content_editing.Put)):
        # RFC 9110, 9.3.4: no validator for what a PUT has not stored just as it came.
        response.headers["etag"] = f'"{made.result.content_hash}"'
    return _shown(made, whole=whole)


def _shown(made: Edited[content_editing.Written], *, whole: bool) -> WrittenOut:
    written = made.result
    return WrittenOut(
        seq=made.committed.seq,
        generation=made.committed.generation,
        content_hash=written.content_hash,
        changed=written.changed,
        merged=written.merged,
        content=written.content if whole else None,
    )
