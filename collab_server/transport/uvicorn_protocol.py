"""uvicorn's WebSocket protocol class with two additions: a room writes ready-made frames, and messages reach their
session by a call instead of a queue and a task switch.

The handshake, parsing, pings and the closing handshake stay uvicorn's and websockets'. Where this class is not used
(another ASGI server, Starlette's TestClient), `transport.asgi` does the same through the standard interface.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from collab_server.transport.frames import Outgoing
from collab_server.transport.socket import OnMessage

EXTENSION = "collab_server.socket"
"""Key in the ASGI scope's `extensions` under which the endpoint finds the protocol object."""
HIGH_WATER = 262_144
"""Bytes in a socket's write buffer from which its peer counts as slow."""


class FanOutProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection; implements transport.socket.Socket."""

    last_sent: float = 0.0
    _on_message: OnMessage | None = None
    _on_writable: Callable[[], None] | None = None
    _busy: asyncio.Task[None] | None = None
    _failure: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._waiting: deque[bytes] = deque()
        cast(asyncio.Transport, transport).set_write_buffer_limits(high=HIGH_WATER)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if scope := getattr(self, "scope", None):
            scope["extensions"][EXTENSION] = self

    # ---- outwards

    def write(self, outgoing: Outgoing) -> None:
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return
        self.last_sent = time.monotonic()
        self.transport.write(outgoing.wire)

    @property
    def queued(self) -> int:
        return self.transport.get_write_buffer_size()

    @property
    def congested(self) -> bool:
        return not self.writable.is_set()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._on_writable is not None:
            self._on_writable()

    def end(self, code: int, reason: str) -> None:
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if not self.transport.is_closing():
            self.transport.resume_reading()
        # A peer that neither answers nor reads must not hold the socket.
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    # ---- inwards

    def send_receive_event_to_app(self) -> None:
        if self._on_message is None:
            super().send_receive_event_to_app()
            return
        message = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "text":
            self.end(1003, "unsupported: messages are binary")
        elif self._busy is not None:
            self._waiting.append(bytes(message))
        else:
            self._give(bytes(message))

    def _give(self, message: bytes) -> None:
        assert self._on_message is not None
        try:
            pending = self._on_message(message)
        except Exception as error:
            self._fail(error)
            return
        if pending is not None:
            self.transport.pause_reading()
            self._busy = self.loop.create_task(self._finish(pending))

    async def _finish(self, pending: Any) -> None:
        try:
            await pending
        except Exception as error:
            self._busy = None
            self._fail(error)
            return
        self._busy = None
        while self._waiting and self._busy is None and not self.close_sent:
            self._give(self._waiting.popleft())
        if self._busy is None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None]) -> None:
        self._failure = self.loop.create_future()
        self._on_writable = on_writable
        ended = self.loop.create_task(self._drain_queue(on_message))
        try:
            await asyncio.wait({ended, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
            else:
                ended.result()
        finally:
            self._on_writable = None
            self._on_message = self._ignore
            self._failure.cancel()
            ended.cancel()
            if self._busy is not None:
                self._busy.cancel()

    async def _drain_queue(self, on_message: OnMessage) -> None:
        """Messages that came before run() took over, then the end of the socket."""
        while True:
            if self.queue.empty():
                self._on_message = on_message
            event = await self.receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] == "websocket.receive":
                if (message := event.get("bytes")) is None:
                    self.end(1003, "unsupported: messages are binary")
                elif (pending := on_message(message)) is not None:
                    await pending

    @staticmethod
    def _ignore(message: bytes) -> None:
        """After the end nobody is left to take messages."""
