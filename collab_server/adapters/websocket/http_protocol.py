"""uvicorn's HTTP protocol class with bounds on a request's head and on the time that its head and body take.

uvicorn has no such timeouts. Upstream: https://github.com/Kludex/uvicorn/issues/157 (closed without them).
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
HEAD_SECONDS = 15.0
"""A connection that has not brought the head of a request by then is closed; for its first request from its beginning,
for later ones from the head's first byte (until then, idle connections are uvicorn's to close)."""
BODY_SECONDS = 15.0
BODY_RATE = 16_384
"""A body may take BODY_SECONDS, and one second more for each BODY_RATE bytes that have come."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedHttpProtocol(HttpToolsProtocol):
    _head_bytes = 0
    _in_head = True
    _body_bytes = 0
    _body_began = 0.0
    _deadline: asyncio.TimerHandle | None = None
    _deadline_of_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            # What follows the head in the same piece of data is not the head's: judge by what the parser had before.
            if self._head_bytes - len(data) > MAX_HEAD_BYTES or (
                self._head_bytes > MAX_HEAD_BYTES and b"\r\n\r\n" not in data
            ):
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        # The connection is another protocol's from now on.
        self._in_head, self._head_bytes = True, 0
        self._stop_deadline()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._body_bytes = 0
        self._stop_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle is not None and self.cycle.response_complete:
            # What nobody has read of the body.
            self.cycle.body = bytearray()
        super().on_response_complete()

    def _watch(self) -> None:
        """Have a deadline while a head or a body is unfinished. Requests that come whole need none."""
        if self._in_head and not self._head_bytes:
            if self._deadline is not None and not self._deadline_of_head:
                self._stop_deadline()
            return
        if self._deadline is not None and self._deadline_of_head != self._in_head:
            self._stop_deadline()
        if self._deadline is None and not self.transport.is_closing():
            self._deadline_of_head = self._in_head
            if self._in_head:
                self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)
            else:
                self._body_began = self.loop.time()
                self._deadline = self.loop.call_later(BODY_SECONDS, self._look_at_body)

    def _look_at_body(self) -> None:
        self._deadline = None
        done = self.cycle is None or self.cycle.response_complete
        if not done and self.flow.read_paused:
            # We do not read: the client cannot be faster.
            self._body_began = self.loop.time()
            self._deadline = self.loop.call_later(BODY_SECONDS, self._look_at_body)
            return
        left = self._body_began + BODY_SECONDS + self._body_bytes / BODY_RATE - self.loop.time()
        if left > 0 and not done:
            self._deadline = self.loop.call_later(left, self._look_at_body)
        else:
            self._too_slow()

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if not self._in_head and self.cycle is not None and not self.cycle.response_started:
            self.transport.write(_TOO_SLOW)
        self.transport.close()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
