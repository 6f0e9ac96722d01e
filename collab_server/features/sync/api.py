"""Routes for offline clients; see core/protocol/offline_sync.py for their binary form."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.core.protocol.offline_sync import (
    MEDIA_TYPE,
    Answer,
    End,
    MutationResult,
    PulledDocument,
    PullRequest,
    PushResult,
    Refusal,
    decode_pull,
    decode_push,
    encode_answer,
)
from collab_server.errors import Forbidden, Malformed, NotFound, TooLarge, Unauthenticated, Unavailable
from collab_server.features.documents.api import CurrentContext
from collab_server.features.sync import mutation_queries
from collab_server.features.sync.models import (
    MOST_DOCUMENTS,
    MOST_OPERATIONS,
    ConflictOut,
    ConflictPage,
    PullIn,
    PushIn,
    inline_references,
)
from collab_server.features.sync.pulling import iterate_answers
from collab_server.features.sync.pushing import Push
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentWorkers
from collab_server.web.fields import Model
from collab_server.web.problems import documented
from collab_server.web.routes import described_later
from collab_server.web.routes import router as _router

router = _router()

NDJSON = "application/x-ndjson"
_JSON = "application/json"
_REFUSALS = documented(Unauthenticated, Forbidden, Malformed, TooLarge, Unavailable)
_Body = TypeVar("_Body", bound=Model)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _describe_body(model: type[Model]) -> dict[str, Any]:
    """Describe the body for OpenAPI. The route reads it itself, because it has two forms."""
    schema = inline_references(model.model_json_schema())
    content = {_JSON: {"schema": schema, "example": schema["example"]}, MEDIA_TYPE: _BINARY}
    invalid = {"description": "`invalid`: The request is not valid"}
    return {"requestBody": {"required": True, "content": content}, "responses": {"422": invalid}}


_PULLED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line (or frame) for each document, in order, and a final one that marks the end",
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
        "description": "A result for each operation, in order",
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
    openapi_extra=described_later(partial(_describe_body, PullIn)),
)
async def pull(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, workers: CurrentWorkers
) -> StreamingResponse:
    """Pull missing updates of up to 1,000 documents by state vectors: all committed edits up to `seq`. An absent or
    invisible document is refused as `not_found`, and an outdated generation as `stale_generation`. Each line is
    complete in itself: request missing lines again.
    """
    if _is_binary(request.headers.get("content-type")):
        wanted = decode_pull(await request.body(), MOST_DOCUMENTS)
    else:
        body = await _read(request, PullIn)
        wanted = [
            PullRequest(d.id, d.state_vector or b"\0", d.generation, d.seq, d.row_version) for d in body.documents
        ]
    binary = _is_binary(request.headers.get("accept"))
    encode = encode_answer if binary else _encode_line
    lines = iterate_answers(db, workers, identity, wanted)

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
    openapi_extra=described_later(partial(_describe_body, PushIn)),
)
async def push(request: Request, context: CurrentContext) -> Response:
    """Push a device's edits of many documents, in their order: Yjs updates and mutations (`create`, `patch`, `tag`,
    `delete`, `restore`). Each is committed or refused separately. All of it may be sent again until an answer arrives:
    a repeated update is harmless, and a mutation is performed once for its `key`. Of two independent changes of one
    field the later edit stays (`edited_at`), whichever arrives last. The other one is kept: `conflict` of a result has
    overwritten values, `superseded` has later values that stay.
    """
    if _is_binary(request.headers.get("content-type")):
        device, operations = decode_push(await request.body(), MOST_OPERATIONS)
        if not 1 <= len(device) <= 200 or "\x00" in device:
            raise Malformed("a device id has 1 to 200 characters")
        results = await Push(context, device).run(operations)
    else:
        body = await _read(request, PushIn)
        results = await Push(context, body.device_id).run(body.operations)
    if _is_binary(request.headers.get("accept")):
        return Response(b"".join(map(encode_answer, [*results, End()])), media_type=MEDIA_TYPE)
    return Response(
        json.dumps({"results": [answer_to_json(one) for one in results]}, ensure_ascii=False), media_type=_JSON
    )


def _encode_line(answer: Answer) -> bytes:
    return json.dumps(answer_to_json(answer), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    match answer:
        case PulledDocument():
            return {
                "id": str(answer.document_id),
                "status": "ok",
                "generation": answer.generation,
                "seq": answer.seq,
                "state_vector": base64.b64encode(answer.state_vector).decode(),
                "update": base64.b64encode(answer.update).decode(),
                **({"document": json.loads(answer.metadata)} if answer.metadata else {}),
            }
        case Refusal():
            name = {"id": str(answer.document_id), "document_id": str(answer.document_id)}
            generation = {} if answer.generation is None else {"generation": answer.generation}
            return {"status": "refused", **name, "code": answer.code, "detail": answer.detail, **generation}
        case PushResult():
            found = {"generation": answer.generation, "seq": answer.seq}
            return {"status": "ok", "document_id": str(answer.document_id), **found}
        case MutationResult():
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
    context: CurrentContext,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> ConflictPage:
    """List conflicts of a document, the latest first: values overwritten without knowledge of the device, and values
    sent too late (`kept`). They are deleted after 90 days.
    """
    after = cursors.read_position(cursor, datetime, UUID)
    await require(context.db, context.identity, document_id, Action.VIEW)
    if context.identity.kind == "connect":
        raise Forbidden("a connect token may not read conflicts")
    async with context.db.as_user(context.identity.subject) as conn:
        found = await mutation_queries.list_conflicts(conn, document_id, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda conflict: (conflict.created_at, conflict.id))
    return ConflictPage(items=[ConflictOut(**asdict(conflict)) for conflict in page], next_cursor=more)
