"""One direction of a socket over plain HTTP: a response of server-sent events that never ends by itself.

For clients behind proxies that let no WebSocket through. What the client says comes by other requests.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from collab_server.adapters.websocket.connection import HIGH_WATER
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.adapters.websocket.large_messages import OnTooLarge
from collab_server.adapters.websocket.sending import MAX_BEHIND_BYTES, unread_replies
from collab_server.adapters.websocket.socket import OnEnd, OnMessage, OnUpdate

CLOSE_TIMEOUT = 10.0
RUN_BYTES = 65_536
"""Events are handed to the server in runs of about this size."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # Nothing on the way may keep, compress or gather what must arrive at once.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """Implements transport.socket.Socket: each message is an event with its base64. An ASGI application for one
    request, whose response it is.
    """

    descriptor = -1

    def __init__(self) -> None:
        self._outbox: deque[bytes] = deque()
        self._queued = 0
        self._behind = 0
        """Bytes written since the stream became congested."""
        self._wake = asyncio.Event()
        self._closing = False
        self._ended = False
        self._on_writable: Callable[[], None] | None = None
        self._on_end: OnEnd | None = None
        self.last_sent = time.monotonic()

    # ---- outwards

    def write(self, outgoing: Outgoing | LargeOutgoing) -> None:
        self._put(outgoing.events)

    write_large = write

    def send_event(self, event: str, data: Mapping[str, object], *, event_id: str = "") -> None:
        """Write an event with a name and JSON. A browser that reconnects names the last `event_id`."""
        prefix = f"id: {event_id}\n" if event_id else ""
        self._put(f"{prefix}event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def send_keepalive(self, last_event_id: str | None) -> None:
        """A sign of life, and what the client may name as the last that it has seen."""
        self._put(f"id: {last_event_id}\n\n".encode() if last_event_id else b": still here\n\n")

    def _put(self, chunk: bytes) -> None:
        if self._ended or self._closing or self._behind > MAX_BEHIND_BYTES:
            return
        if self.congested:
            self._behind += len(chunk)
            if self._behind > MAX_BEHIND_BYTES:
                asyncio.get_running_loop().call_soon(self._end_unread)
                return
        self.last_sent = time.monotonic()
        self._outbox.append(chunk)
        self._queued += len(chunk)
        self._wake.set()

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def congested(self) -> bool:
        return self._queued > HIGH_WATER

    def end(self, code: int, reason: str) -> None:
        """Tell the close code that a WebSocket would get, and end the response."""
        self.send_event("close", {"code": code, "reason": reason})
        self._closing = True

    def _end_unread(self) -> None:
        error = unread_replies()
        self._behind = 0
        self.end(error.close_code, error.close_reason)

    def take_updates(self, on_update: OnUpdate, *, addressed: bool) -> None:
        """A response takes nothing."""

    def limit_messages(self, size: int | None) -> None:
        """Nothing comes in this way."""

    def allow_large(self, most: int, on_too_large: OnTooLarge, *, shown: int = 0) -> None:
        """Nothing comes in this way."""

    def tick(self, now: float) -> None:
        """The session's signs of life do."""

    # ---- the request

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        """Returns at once: the response is sent when this object is called. Nothing comes in this way."""
        self._on_writable, self._on_end = on_writable, on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client has gone or the stream was ended."""
        sending = asyncio.create_task(self._sender(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._on_writable = None
            if self._on_end is not None:
                self._on_end(None)
            if self._closing and not leaving.done() and not sending.done():
                await asyncio.wait({sending}, timeout=CLOSE_TIMEOUT)
            self._ended = True
            for task in (sending, leaving):
                task.cancel()
                # A sender that failed found the peer gone.
                with suppress(asyncio.CancelledError, OSError):
                    await task

    async def _sender(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        while True:
            while self._outbox:
                was_congested = self.congested
                run = [self._outbox.popleft()]
                size = len(run[0])
                while self._outbox and size < RUN_BYTES:
                    run.append(self._outbox.popleft())
                    size += len(run[-1])
                await send({"type": "http.response.body", "body": b"".join(run), "more_body": True})
                # What the network takes slowly counts until it is taken.
                self._queued -= size
                if was_congested and not self.congested:
                    self._behind = 0
                    if self._on_writable is not None:
                        self._on_writable()
            if self._closing:
                await send({"type": "http.response.body", "body": b""})
                return
            self._wake.clear()
            await self._wake.wait()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
