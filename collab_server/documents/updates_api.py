"""A document as Yjs bytes over HTTP, for programs that keep a copy of their own and no socket."""

import base64
import binascii
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.accounts import devices
from collab_server.backends.db import caller
from collab_server.crdt.room import Author
from collab_server.errors import (
    DocumentDamaged,
    Forbidden,
    Malformed,
    NotFound,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
    UnsupportedMediaType,
)
from collab_server.web.bodies import body_of, raw_body
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

YJS = "application/octet-stream"
MAX_VECTOR = 60_000
"""Characters of base64url: request lines are not made for more. Some 5,000 Yjs clients."""
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_HEADERS = {
    "x-seq": {
        "description": "Everything up to this number of the document's log is in the answer",
        "schema": {"type": "integer"},
    },
    "x-generation": {"description": "The document's generation", "schema": {"type": "integer"}},
}


class AppendedOut(BaseModel):
    """`seq`: the document's log is committed up to this number, the update included."""

    seq: int = Field(examples=[42])
    generation: int = Field(examples=[1], description="Of the document: a copy of an older one cannot be merged")


@router.post(
    "/documents/{document_id}/updates",
    tags=["documents"],
    responses=documented(
        Unauthenticated,
        Forbidden,
        NotFound,
        Malformed,
        StaleGeneration,
        TooLarge,
        UnprocessableContent,
        UnsupportedMediaType,
        TooMany,
        DocumentDamaged,
        Unavailable,
    ),
    openapi_extra=body_of((YJS, _BYTES)),
)
async def post_update(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    request: Request,
    device_id: Annotated[str | None, Query(max_length=200, description="As the header X-Device-Id")] = None,
    client_version: Annotated[str | None, Query(max_length=100, description="As X-Client-Version")] = None,
    generation: Annotated[int | None, Query(ge=0, lt=2**53, description="The one of your copy, if you know it")] = None,
) -> AppendedOut:
    """Append a Yjs update (format v1). Everybody in the document gets it; the answer comes when PostgreSQL has it. The
    same update twice does no harm. A copy of an older generation is refused (409), for it cannot be merged.
    """
    await require(db, identity, document_id, Action.EDIT)
    _, update = await raw_body(request, (YJS,))
    device = (device_id or caller.get().device_id).replace("\0", "").strip() or None
    await devices.note_version(db, identity, device)
    appended = await rooms.append(document_id, update, Author(identity.user_id, device), generation=generation)
    return AppendedOut(seq=appended.seq, generation=appended.generation)


@router.get(
    "/documents/{document_id}/updates",
    tags=["documents"],
    response_class=Response,
    responses={
        **documented(
            Unauthenticated, Forbidden, NotFound, StaleGeneration, Malformed, DocumentDamaged, Unavailable, TooMany
        ),
        200: {"content": {YJS: _BYTES}, "description": "A Yjs update (format v1)", "headers": _HEADERS},
    },
)
async def get_updates(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    state_vector: Annotated[
        str,
        Query(max_length=MAX_VECTOR, description="What you have, as base64url; without it everything", examples=["AA"]),
    ] = "",
) -> Response:
    """What a copy with this state vector lacks: one Yjs update (format v1) with all that the server has received,
    folded or not.
    """
    await require(db, identity, document_id, Action.VIEW)
    update, known = await rooms.edits.missing(document_id, _vector(state_vector))
    headers = {"x-seq": str(known.seq), "x-generation": str(known.generation), "cache-control": "private, no-store"}
    return Response(update, media_type=YJS, headers=headers)


def _vector(given: str) -> bytes:
    """base64url, with or without padding, as it is in a URL. Raises Malformed."""
    if not given:
        return b"\0"
    try:
        return base64.b64decode(given.rstrip("=") + "=" * (-len(given.rstrip("=")) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("state_vector is not base64url") from None
