"""Routes for clients that work without a connection; see crdt/bundles.py for the binary form of both."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ValidationError

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.crdt.bundles import (
    MEDIA_TYPE,
    Answer,
    Answered,
    End,
    Mutated,
    Pushed,
    Refused,
    Wanted,
    decode_pull,
    decode_push,
    encode_answer,
)
from collab_server.documents.api import CurrentDesk
from collab_server.errors import Forbidden, Malformed, NotFound, TooLarge, Unauthenticated, Unavailable
from collab_server.sync import mutation_queries
from collab_server.sync.models import (
    MOST_DOCUMENTS,
    MOST_OPERATIONS,
    ConflictOut,
    ConflictPage,
    PullIn,
    PushIn,
    inlined,
)
from collab_server.sync.pulling import answers
from collab_server.sync.pushing import Push
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

NDJSON = "application/x-ndjson"
_JSON = "application/json"
_REFUSALS = documented(Unauthenticated, Forbidden, Malformed, TooLarge, Unavailable)
_Body = TypeVar("_Body", bound=BaseModel)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _described(model: type[BaseModel]) -> dict[str, Any]:
    """The request's body for OpenAPI: it is read here, as it has two forms."""
    schema = inlined(model.model_json_schema())
    content = {_JSON: {"schema": schema, "example": schema["example"]}, MEDIA_TYPE: _BINARY}
    invalid = {"description": "`invalid`: The request is not valid"}
    return {"requestBody": {"required": True, "content": content}, "responses": {"422": invalid}}


_PULLED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line (or frame) for each document, in their order, and one that says that this is the end",
        "content": {
            NDJSON: {
                "example": {
                    "id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
                    "status": "ok",
                    "generation": 0,
                    "seq": 12,
                    "state_vector": "AA==",
                    "update": "AAA=",
                }
            },
            MEDIA_TYPE: _BINARY,
        },
    }
}
_PUSHED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A result for each operation, in their order",
        "content": {
            _JSON: {
                "schema": {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}},
                "example": {
                    "results": [
                        {
                            "status": "ok",
                            "document_id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
                            "generation": 0,
                            "seq": 13,
                        },
                        {
                            "status": "refused",
                            "document_id": "0b6ff3a5-6f7d-4a39-9c3e-1f3b1f6f2f10",
                            "code": "not_found",
                            "detail": "there is no such document",
                        },
                    ]
                },
            },
            MEDIA_TYPE: _BINARY,
        },
    }
}


def _is_binary(header: str | None) -> bool:
    return MEDIA_TYPE in (header or "").lower()


async def _read(request: Request, model: type[_Body]) -> _Body:
    """Raises RequestValidationError."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_context=False)]
        raise RequestValidationError(faults) from None


@router.post(
    "/sync/pull",
    tags=["sync"],
    response_class=Response,
    responses={**_REFUSALS, **_PULLED},
    openapi_extra=_described(PullIn),
)
async def pull(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, workers: CurrentWorkers
) -> StreamingResponse:
    """What a client lacks of up to 1,000 documents, from the state vectors that it has: all that is committed, folded
    or not, up to `seq`. A document that is absent or not yours to see is refused as `not_found`, one of which you hold
    an older generation as `stale_generation`. Each line is final by itself: whatever did not arrive is asked for again.
    """
    if _is_binary(request.headers.get("content-type")):
        wanted = decode_pull(await request.body(), MOST_DOCUMENTS)
    else:
        body = await _read(request, PullIn)
        wanted = [Wanted(d.id, d.state_vector or b"\0", d.generation, d.seq, d.row_version) for d in body.documents]
    binary = _is_binary(request.headers.get("accept"))
    encode = encode_answer if binary else _line
    lines = answers(db, workers, identity, wanted)

    async def stream() -> AsyncIterator[bytes]:
        async for answer in lines:
            yield encode(answer)

    headers = {"cache-control": "private, no-store", "vary": "accept, authorization"}
    return StreamingResponse(stream(), media_type=MEDIA_TYPE if binary else NDJSON, headers=headers)


@router.post(
    "/sync/push",
    tags=["sync"],
    response_class=Response,
    responses={**_REFUSALS, **_PUSHED},
    openapi_extra=_described(PushIn),
)
async def push(request: Request, desk: CurrentDesk) -> Response:
    """What a device did to many documents: Yjs updates and mutations (`create`, `patch`, `tag`, `delete`, `restore`),
    in the order in which it did them. Each is committed or refused by itself, so all of it may be sent again until the
    answer arrives: an update twice is harmless, and a mutation's `key` has it done once. Of two who change one field
    without knowing of one another the later edit stays (`edited_at`), whichever arrives last. The other one is kept:
    `conflict` of a result says what it overwrote, `superseded` what was later and stays.
    """
    if _is_binary(request.headers.get("content-type")):
        device, operations = decode_push(await request.body(), MOST_OPERATIONS)
        if not 1 <= len(device) <= 200 or "\x00" in device:
            raise Malformed("a device id has 1 to 200 characters")
        results = await Push(desk, device).run(operations)
    else:
        body = await _read(request, PushIn)
        results = await Push(desk, body.device_id).run(body.operations)
    if _is_binary(request.headers.get("accept")):
        return Response(b"".join(map(encode_answer, [*results, End()])), media_type=MEDIA_TYPE)
    return Response(json.dumps({"results": [shown(one) for one in results]}, ensure_ascii=False), media_type=_JSON)


def _line(answer: Answer) -> bytes:
    return json.dumps(shown(answer), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def shown(answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    match answer:
        case Answered():
            return {
                "id": str(answer.document_id),
                "status": "ok",
                "generation": answer.generation,
                "seq": answer.seq,
                "state_vector": base64.b64encode(answer.state_vector).decode(),
                "update": base64.b64encode(answer.update).decode(),
                **({"document": json.loads(answer.metadata)} if answer.metadata else {}),
            }
        case Refused():
            name = {"id": str(answer.document_id), "document_id": str(answer.document_id)}
            generation = {} if answer.generation is None else {"generation": answer.generation}
            return {"status": "refused", **name, "code": answer.code, "detail": answer.detail, **generation}
        case Pushed():
            found = {"generation": answer.generation, "seq": answer.seq}
            return {"status": "ok", "document_id": str(answer.document_id), **found}
        case Mutated():
            result: dict[str, Any] = json.loads(answer.result)
            return result
        case End():
            return {"status": "end", **({"code": answer.code, "detail": answer.detail} if answer.code else {})}


@router.get(
    "/documents/{document_id}/conflicts",
    tags=["sync"],
    responses=documented(Unauthenticated, Forbidden, NotFound, Malformed, Unavailable),
)
async def list_conflicts(
    document_id: UUID,
    desk: CurrentDesk,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> ConflictPage:
    """What devices overwrote in a document's metadata without knowing of it, and what they brought too late to stay
    (`kept`), the latest first. Forgotten after 90 days.
    """
    after = cursors.decode(cursor, datetime, UUID) if cursor else None
    await require(desk.db, desk.identity, document_id, Action.VIEW)
    if desk.identity.kind == "connect":
        raise Forbidden("a connect token opens a document; it does not show who changed it")
    async with desk.db.as_user(desk.identity.user_id) as conn:
        position = (after[0], after[1]) if after else None
        found = await mutation_queries.list_conflicts(conn, document_id, limit + 1, position)
    last = found[limit - 1] if len(found) > limit else None
    return ConflictPage(
        items=[ConflictOut(**asdict(one)) for one in found[:limit]],
        next_cursor=cursors.encode(last.created_at, last.id) if last else None,
    )
