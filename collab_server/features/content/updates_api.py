"""Routes of a document's Yjs updates, for programs with a copy of their own and no socket."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from collab_server.access.authors import author_of
from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.adapters.postgres import caller
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
from collab_server.features.auth import devices
from collab_server.security import base64url
from collab_server.web.bodies import body_of, raw_body
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms
from collab_server.web.fields import Model
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

YJS = "application/octet-stream"
MAX_VECTOR = 60_000
"""Maximum length in base64url, for the size of request lines; about 5,000 Yjs clients."""
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_HEADERS = {
    "x-seq": {
        "description": "The answer includes the document's log up to this number",
        "schema": {"type": "integer"},
    },
    "x-generation": {"description": "The document's generation", "schema": {"type": "integer"}},
}


class AppendedOut(Model):
    """`seq`: the document's log is committed up to this number, the update included."""

    seq: int = Field(examples=[42])
    generation: int = Field(examples=[1], description="An older copy of the document cannot be merged")


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
    generation: Annotated[int | None, Query(ge=0, lt=2**53, description="Generation of your copy, if known")] = None,
) -> AppendedOut:
    """Append a Yjs update (format v1). Open editors receive it; the answer follows the commit. A repeated update is
    harmless. An update of an older generation is carried over to the present one, once; load the document again then.
    It is refused (409) where the older generation is not kept.
    """
    await require(db, identity, document_id, Action.EDIT)
    _, update = await raw_body(request, (YJS,))
    device = (device_id or caller.get().device_id).replace("\0", "").strip() or None
    await devices.note_version(db, identity, device)
    appended = await rooms.append(document_id, update, author_of(identity, device), generation=generation)
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
        Query(
            max_length=MAX_VECTOR,
            description="State vector of your copy, base64url; else all",
            examples=["AA"],
        ),
    ] = "",
) -> Response:
    """Return the updates missing in a copy with this state vector, as one Yjs update (format v1) with all received
    edits.
    """
    await require(db, identity, document_id, Action.VIEW)
    update, committed = await rooms.edits.missing(document_id, _decode_state_vector(state_vector))
    headers = {
        "x-seq": str(committed.seq),
        "x-generation": str(committed.generation),
        "cache-control": "private, no-store",
    }
    return Response(update, media_type=YJS, headers=headers)


def _decode_state_vector(given: str) -> bytes:
    """base64url, with or without padding, as it is in a URL. Raises Malformed."""
    if not given:
        return b"\0"
    try:
        return base64url.decode(given)
    except ValueError:
        raise Malformed("state_vector is not base64url") from None
