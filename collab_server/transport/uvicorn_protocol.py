"""uvicorn's WebSocket protocol class with two additions: a room writes ready-made frames, and messages reach their
session by a call instead of a queue and a task switch.

Whole binary messages in one frame are read here; the handshake, every other frame, pings and the closing handshake stay
uvicorn's and websockets'. Where this class is not used (another ASGI server, Starlette's TestClient), `transport.asgi`
does the same through the standard interface.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol, State

from collab_server.transport.frames import Outgoing, extent
from collab_server.transport.socket import OnMessage

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

EXTENSION = "collab_server.socket"
"""Key in the ASGI scope's `extensions` under which the endpoint finds the protocol object."""
HIGH_WATER = 262_144
"""Bytes in a socket's write buffer from which its peer counts as slow."""

_WHOLE_BINARY = 0x82
"""First byte of a frame that is a whole binary message: FIN, no reserved bit, opcode 2."""


class _End:
    """Stands in for a socket's event queue once its messages go by call: then only the end is left to tell."""

    __slots__ = ("reached", "waiter")

    def __init__(self) -> None:
        self.reached = False
        self.waiter: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        if event["type"] == "websocket.disconnect":
            self.reached = True
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(error)


class FanOutProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection; implements transport.socket.Socket."""

    last_sent: float = 0.0
    _on_message: OnMessage | None = None
    _on_writable: Callable[[], None] | None = None
    _busy: asyncio.Task[None] | None = None
    _end: _End | None = None
    _waiting: deque[bytes] | None = None
    _framed = False
    """We know where each incoming frame begins, and websockets' parser stands where `_owed` says."""
    _owed = 0
    """Bytes of the current frame that websockets' parser has not got yet; at 0 it stands between two frames."""
    _begun = b""
    """A frame's first bytes, too few to tell its length; the parser has none of them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
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

    def data_received(self, data: bytes) -> None:
        if not self._framed:
            in_head = not self.handshake_initiated
            super().data_received(data)
            if in_head and self.handshake_initiated:
                # uvicorn gives the request's head first, whole and alone. Otherwise the parser keeps all frames.
                alone = data.find(b"\r\n\r\n") == len(data) - 4 >= 0
                self._framed = alone and not (self.conn.extensions or self.conn.max_fragment_size or self.conn.debug)
            return
        if self._begun:
            data = self._begun + data
            self._begun = b""
        conn = self.conn
        limit = sys.maxsize if conn.max_message_size is None else conn.max_message_size
        position, end = 0, len(data)
        while position < end:
            if conn.state is not State.OPEN:
                self._framed = False
                super().data_received(data[position:])
                return
            if self._owed == 0:
                payload = position + 6
                if (
                    payload <= end
                    and data[position] == _WHOLE_BINARY
                    and conn.current_size is None
                    and self._on_message is not None
                ):
                    length = data[position + 1] - 0x80
                    if length == 126:
                        payload += 2
                        length = int.from_bytes(data[position + 2 : position + 4], "big")
                    elif length == 127:
                        payload += 8
                        length = int.from_bytes(data[position + 2 : position + 10], "big")
                    if 0 <= length <= limit and payload + length <= end:
                        position = payload + length
                        self._take(apply_mask(data[payload:position], data[payload - 4 : payload]))
                        continue
                self._owed = extent(data, position)
                if self._owed == 0:
                    self._begun = data[position:]
                    return
                if self._owed < 0:
                    self._framed = False
                    super().data_received(data[position:])
                    return
            piece = data[position : position + self._owed]
            position += len(piece)
            self._owed -= len(piece)
            super().data_received(piece)

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
        else:
            self._take(bytes(message))

    def _take(self, message: bytes) -> None:
        if self._busy is not None:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append(message)
        else:
            self._give(message)

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
        if self._end is not None:
            self._end.fail(error)

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None]) -> None:
        self._on_writable = on_writable
        try:
            if self._end is None:
                while not self.queue.empty():
                    event = await self.receive()
                    if event["type"] == "websocket.disconnect":
                        return
                    if event["type"] == "websocket.receive":
                        if (message := event.get("bytes")) is None:
                            self.end(1003, "unsupported: messages are binary")
                        elif (pending := on_message(message)) is not None:
                            await pending
                self._end = _End()
                self.queue = cast(Any, self._end)
                self._forget_handshake()
            if self._end.reached:
                return
            self._end.waiter = self.loop.create_future()
            self._on_message = on_message
            await self._end.waiter
        finally:
            self._on_writable = None
            self._on_message = self._ignore
            if self._busy is not None:
                self._busy.cancel()

    def _forget_handshake(self) -> None:
        """Let go of the request and its answer, which uvicorn and a frame of websockets' parser hold to the end."""
        del self.request, self.response
        conn = self.conn
        if self._framed and self._owed == 0 and conn.state is State.OPEN and not conn.reader.buffer:
            conn.parser = Protocol.parse(conn)
            next(conn.parser)

    @staticmethod
    def _ignore(message: bytes) -> None:
        """After the end nobody is left to take messages."""
