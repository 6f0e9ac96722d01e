"""Routes for edits of a document's text, also while people type in it."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.adapters.postgres import caller
from collab_server.core.documents import apply_edit, edit_requests
from collab_server.core.documents.apply_edit import RemovesMuch
from collab_server.errors import (
    BaseUnknown,
    Conflict,
    DocumentDamaged,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
    UnsupportedMediaType,
)
from collab_server.features.auth import devices
from collab_server.features.content import merge_base_queries
from collab_server.features.content.if_match import find_text, parse_if_match, read_if_match
from collab_server.features.content.media_types import JSON, MARKDOWN
from collab_server.features.content.models import AppendIn, ContentPatch, InsertIn, WrittenOut
from collab_server.web.bodies import body_of, decoded, raw_body
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.rooms import Edited, RestAuthor
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

OnConflict = Annotated[
    Literal["merge", "fail"],
    Query(
        description="merge: merge the changes since the version of If-Match; fail: 412 if the text has changed since"
    ),
]

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
    412: {"description": "`precondition_failed`: The text has changed (`base_unknown`: your version is unknown)"},
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
    workers: CurrentWorkers,
    request: Request,
    response: Response,
    on_conflict: OnConflict = "merge",
) -> WrittenOut:
    """Replace the text of a document. Open editors show the changes and keep their cursors. A replaced word keeps its
    formats (bold, a link, a comment); a new line gets no list or heading format. Line ends become line feeds.

    In the node tree of an editor such as Tiptap the text is Markdown: unchanged blocks keep everything that Markdown
    cannot express, and changed blocks are edited in place. An editor drops nodes outside its schema: include tables,
    tasks and images in the schema before you send them.

    With If-Match (the ETag of a GET, or `"version:N"`), your changes to that text are merged with later changes of
    others. The same request again changes nothing. Without If-Match the document gets the text of the body.
    """
    await require(db, identity, document_id, Action.EDIT)
    kind, body = await raw_body(request, (MARKDOWN, "text/plain", JSON))
    wanted = apply_edit.Put(_parse_json_body(body) if kind == JSON else decoded(body))
    return await _write(document_id, identity, db, rooms, workers, request, response, wanted, on_conflict)


def _parse_json_body(body: bytes) -> str:
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
    workers: CurrentWorkers,
    request: Request,
    response: Response,
    on_conflict: OnConflict = "merge",
) -> WrittenOut:
    """Make single edits of the text: replace a found passage, or insert and delete at a position. They refer to the
    text of If-Match (required for positions), otherwise to the present text. A passage that is missing or not unique is
    a conflict, and then no edit is made. Line ends match each other, and become line feeds.
    """
    await require(db, identity, document_id, Action.EDIT)
    edits = [edit.request() for edit in body.edits]
    if any(isinstance(edit, edit_requests.Splice) for edit in edits) and parse_if_match(request, only=False) is None:
        raise UnprocessableContent("positions need the version of the text in If-Match")
    wanted = edit_requests.Patch(edits, body.unit)
    return await _write(document_id, identity, db, rooms, workers, request, response, wanted, on_conflict)


@router.post("/documents/{document_id}/content/append", tags=["documents"], responses=_WRITING)
async def append_content(
    document_id: UUID,
    body: AppendIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    response: Response,
) -> WrittenOut:
    """Append to the text. If-Match is ignored: two concurrent appends are both made. Line ends become line feeds."""
    await require(db, identity, document_id, Action.EDIT)
    wanted = edit_requests.Append(body.content, body.between)
    return await _write(document_id, identity, db, rooms, workers, request, response, wanted, None)


@router.post("/documents/{document_id}/content/insert", tags=["documents"], responses=_WRITING)
async def insert_content(
    document_id: UUID,
    body: InsertIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    response: Response,
) -> WrittenOut:
    """Insert below a heading, before the next heading of the same or a higher level. If-Match is ignored. A missing or
    ambiguous heading is a conflict.
    """
    await require(db, identity, document_id, Action.EDIT)
    path = (body.heading,) if isinstance(body.heading, str) else tuple(body.heading)
    wanted = edit_requests.Insert(body.content, path, body.position, body.between)
    return await _write(document_id, identity, db, rooms, workers, request, response, wanted, None)


async def _write(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    response: Response,
    wanted: apply_edit.EditRequest,
    on_conflict: Literal["merge", "fail"] | None,
) -> WrittenOut:
    """Make the edit; the right to it is checked by the caller. `on_conflict` None: regardless of the present text."""
    only = on_conflict == "fail"
    base = None if on_conflict is None else await read_if_match(request, db, workers, document_id, only=only)
    writer = RestAuthor(identity, caller.get().device_id or None)
    await devices.note_version(db, identity, writer.device)
    make = rooms.edits.edit_alone if base is not None and base.only else rooms.edits.edit
    is_kept = False
    while True:
        try:
            made = await make(document_id, writer, apply_edit.apply_edit, wanted, base, is_kept=is_kept)
            break
        except RemovesMuch:
            await web_services(request).keep_version(document_id, "before-deletion", identity.user_id)
            is_kept = True
        except BaseUnknown:
            base = await find_text(db, document_id, base)
            if base is None:
                raise
    whole = made.result.merged or "return=representation" in request.headers.get("prefer", "").replace(" ", "")
    if whole or base is not None or isinstance(wanted, apply_edit.Put):
        # After a mere append the client has no text for a later If-Match.
        async with db.as_service() as conn:
            written = made.result
            await merge_base_queries.save_base(
                conn, document_id, written.content_hash, written.content, written.state_vector
            )
    if not (made.result.merged and isinstance(wanted, apply_edit.Put)):
        # RFC 9110, 9.3.4: no validator if a PUT was not stored unchanged.
        response.headers["etag"] = f'"{made.result.content_hash}"'
    return _to_response(made, whole=whole)


def _to_response(made: Edited[apply_edit.EditResult], *, whole: bool) -> WrittenOut:
    written = made.result
    return WrittenOut(
        seq=made.committed.seq,
        generation=made.committed.generation,
        content_hash=written.content_hash,
        changed=written.changed,
        merged=written.merged,
        content=written.content if whole else None,
    )
