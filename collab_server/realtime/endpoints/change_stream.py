"""The route of live events for pages: server-sent events of the change feed."""

from typing import Annotated

from fastapi import Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from collab_server.adapters.websocket.sse import EventStream
from collab_server.errors import Forbidden, Malformed, TooMany, Unauthenticated, Unavailable
from collab_server.features.changes import feed
from collab_server.realtime.endpoints.services import realtime_services
from collab_server.web.credentials import identify
from collab_server.web.depends import CurrentIdentity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MAX_CURSOR = 200
_EXAMPLE = (
    "id: WyIiLDE3Njk4NjA4MDAsNzUxLDQyXQ\nevent: change\n"
    'data: {"type": "event", "entity_type": "document", "entity_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11", '
    '"document_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11", "workspace_id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10", '
    '"operation": "update", "row_version": 7, "at": "2026-01-31T12:00:00.000Z"}\n\n'
    'event: presence\ndata: {"type": "presence", "workspace_id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10", '
    '"document_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11"}\n\n'
    "event: resync\ndata: {}\n\n"
    'event: close\ndata: {"code": 1012, "reason": "restarting: the server restarts; come back"}\n\n'
)


@router.get(
    "/sync/stream",
    tags=["sync"],
    response_class=Response,
    responses={
        **documented(Malformed, Unauthenticated, Forbidden, TooMany, Unavailable),
        200: {
            "description": "Events, until the client or the server ends the response",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
    },
)
async def open_change_stream(
    request: Request,
    identity: CurrentIdentity,
    cursor: Annotated[
        str | None,
        Query(max_length=MAX_CURSOR, description="`next_cursor` of `GET /sync`: changes after it come first."),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=MAX_CURSOR, description="Like `cursor`; browsers send it when they reconnect.")
    ] = None,
) -> Response:
    """Receive an event for every change in the workspaces that you may read, within a second of its commit.

    `change` names the entity, the operation and the row version, never values: read these over the other routes.
    `presence` names a document to which people came or which they left. It has no id: after a reconnect read presence
    anew. `resync` means that events are missing: read everything anew. `close` is the last event, with a code and a
    reason. A comment or an id is sent every 15 seconds. New and lost memberships take effect while the stream is open.
    """
    if identity.kind == "connect":
        raise Forbidden("a connect token is valid for one document only")
    text = last_event_id or cursor
    after = feed.parse_cursor(text, None) if text else None
    services = realtime_services(request)
    stream = await services.live_events.open_stream(
        identity, lambda: identify(request, services.authenticator, services.settings, reading=False), after
    )
    return _StreamResponse(stream)


class _StreamResponse(Response):
    def __init__(self, stream: EventStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream(scope, receive, send)
