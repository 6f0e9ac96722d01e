"""Editing together over plain HTTP, for clients whose proxies block WebSockets: a stream of events, and POSTs."""

import asyncio
import secrets
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request
from pydantic import ConfigDict
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from collab_server.access.authors import author_of
from collab_server.access.check import require
from collab_server.access.identity import Identity, asked_to_sign_in
from collab_server.access.policy import Action, Role, allowed
from collab_server.core.protocol import ywebsocket
from collab_server.core.protocol.cluster_messages import ClientFrame
from collab_server.core.protocol.messages import Awareness, QueryAwareness, SyncStep2, Unknown, Update
from collab_server.core.yjs import updates
from collab_server.core.yjs.lib0 import Reader
from collab_server.errors import (
    Forbidden,
    Malformed,
    NotFound,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.realtime.documents.document_connection import READ_ONLY
from collab_server.realtime.documents.limits import MAX_STATE_VECTOR_BYTES
from collab_server.realtime.endpoints.services import realtime_services
from collab_server.realtime.endpoints.websocket import client_of
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.sse import FRAMES_PER_TURN, EventsSession
from collab_server.security import base64url
from collab_server.web.credentials import identify
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.fields import Model
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

MAX_DEVICE = 200
MAX_AGENT = 500
MAX_FRAMES = 10_000
"""Messages of one request."""
_NO_STREAM = "there is no such stream; open another"
_EXAMPLE = (
    'event: open\ndata: {"stream": "5b1f0e5c2a7d9e31.kGvH", "generation": 0, "role": "editor"}\n\n'
    "data: AAABAA==\n\ndata: AAECAAA=\n\n: still here\n\n"
    'event: close\ndata: {"code": 1012, "reason": "restarting: the server restarts; come back"}\n\n'
)
_BODY = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


class TakenOut(Model):
    """`committed`: how many messages of the request had content. All of it is committed."""

    model_config = ConfigDict(json_schema_extra={"example": {"committed": 2}})

    committed: int


@router.get(
    "/documents/{document_id}/events",
    tags=["events"],
    response_class=Response,
    responses={
        **documented(Unauthenticated, Forbidden, NotFound, StaleGeneration, TooMany, Unavailable, Malformed),
        200: {
            "description": "Events, until the client or the server ends it",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
    },
)
async def open_events(
    document_id: UUID,
    request: Request,
    state_vector: Annotated[
        str | None, Query(max_length=65_536, description="What the client has: a Yjs state vector, base64 (URL-safe).")
    ] = None,
    generation: Annotated[
        int | None, Query(ge=0, le=2**62, description="Of the document that the client's copy is of.")
    ] = None,
    device_id: Annotated[str, Query(max_length=MAX_DEVICE, description="Of the client's own choice.")] = "",
    last_event_id: Annotated[
        str | None, Header(max_length=65_536, description="As `state_vector`; browsers send it when they come back.")
    ] = None,
    *,
    events: Annotated[
        bool, Query(description="Also send live events of the document: `change` and `resync`, as `GET /sync/stream`.")
    ] = False,
) -> Response:
    """Open a document as a WebSocket would: the same room, rights and limits, over a response of server-sent events.

    First comes the event `open`, whose `stream` names it for POSTs. Events without a name are y-websocket messages in
    base64: the server's SyncStep1 (answer it with a SyncStep2, by POST), presence, a SyncStep2 with what the client
    lacks, then updates and presence as they happen. `role` tells that the client may edit from now on, or no more.
    `close` is the last event, with the code that a WebSocket would be closed with. A comment or an id comes every 15 s.
    """
    service = realtime_services(request).realtime
    service.hub.check_open()
    epoch = service.access.epoch
    known = _state_vector(state_vector or last_event_id)
    client = client_of(request)
    async with service.join_slots.held(client, secrets.token_hex(4)):
        identity = await identify(request, web_services(request).authenticator, service.settings, reading=True)
        with asked_to_sign_in(identity):
            role = await require(service.db, identity, document_id, Action.VIEW)
        session = EventsSession(service, identity, document_id, client)
        await session.open(
            role,
            device=device_id.replace("\x00", "").strip() or None,
            agent=request.headers.get("user-agent", "")[:MAX_AGENT],
            generation=generation,
            state_vector=known,
            epoch=epoch,
            events=events,
        )
    return _Events(session)


class _Events(Response):
    """The stream of a session that has begun."""

    def __init__(self, session: EventsSession) -> None:
        super().__init__()
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._session.socket(scope, receive, send)


def _state_vector(text: str | None) -> bytes:
    """Raises Malformed."""
    if not text:
        return b"\0"
    try:
        state_vector = base64url.decode(text)
    except ValueError as error:
        raise Malformed("a state vector is base64") from error
    if len(state_vector) > MAX_STATE_VECTOR_BYTES:
        raise Malformed(f"a state vector may have at most {MAX_STATE_VECTOR_BYTES} bytes")
    updates.decode_state_vector(state_vector)
    return state_vector


@router.post(
    "/documents/{document_id}/events/{stream_id}",
    tags=["events"],
    responses=documented(
        Malformed, Unauthenticated, Forbidden, NotFound, StaleGeneration, TooLarge, TooMany, Unavailable
    ),
    openapi_extra={"requestBody": _BODY},
)
async def say(
    document_id: UUID, stream_id: str, request: Request, identity: CurrentIdentity, db: CurrentDatabase
) -> TakenOut:
    """Say y-websocket messages to a document: updates, answers to the server's SyncStep1, presence. The body holds them
    one after the other, each after its length (varUint, as lib0 writes it).

    Answered when all content is committed. Content that may not be written is refused (403), what else is in the body
    is taken. After a failure nothing is known: open another stream and answer its SyncStep1; what comes twice is
    harmless. Any server of a cluster takes it, whichever holds the stream.
    """
    service = realtime_services(request).realtime
    service.hub.check_open()
    role = await require(db, identity, document_id, Action.VIEW)
    session = service.streams.get(stream_id)
    if isinstance(session, EventsSession):
        if not session.is_of(identity, document_id):
            raise NotFound(_NO_STREAM)
        return TakenOut(committed=await session.handle(_frames(await request.body())))
    if stream_id.partition(".")[0] == service.replication.id.hex() or not service.replication.reaches_others:
        raise NotFound(_NO_STREAM)
    return TakenOut(
        committed=await _pass_on(service, identity, role, document_id, stream_id, _frames(await request.body()))
    )


def _frames(body: bytes) -> list[bytes]:
    """Raises Malformed, TooLarge."""
    reader = Reader(body)
    frames: list[bytes] = []
    while reader.remaining:
        if len(frames) == MAX_FRAMES:
            raise TooLarge(f"a request may have at most {MAX_FRAMES} messages")
        frames.append(reader.var_bytes())
    return frames


async def _pass_on(
    service: RealtimeService, identity: Identity, role: Role, document_id: UUID, stream_id: str, frames: list[bytes]
) -> int:
    """Another node holds the stream: content goes into the log from here, presence to that node."""
    messages = [(frame, ywebsocket.decode(frame)) for frame in frames]
    content = 0
    refused = False
    for number, (frame, message) in enumerate(messages):
        if number % FRAMES_PER_TURN == FRAMES_PER_TURN - 1:
            await asyncio.sleep(0)
        if isinstance(message, SyncStep2 | Update):
            if allowed(role, Action.EDIT):
                await service.rest_updates(document_id, message.update, author_of(identity, None), joinable=True)
            elif message.update != updates.EMPTY_UPDATE:
                refused = True
            content += 1
        elif isinstance(message, Awareness | QueryAwareness):
            service.replication.publish_stream_message(document_id, ClientFrame(stream_id, identity.bearer, frame))
        elif not isinstance(message, Unknown):
            raise Malformed("a stream is asked for what the client lacks when it is opened")
    if refused:
        raise Forbidden(READ_ONLY)
    return content
