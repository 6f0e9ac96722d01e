"""A WebSocket through the plain ASGI interface: for any server, and for Starlette's TestClient."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from collab_server.adapters.websocket.connection import HIGH_WATER
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.adapters.websocket.large_messages import BEGINNING_BYTES, OnTooLarge
from collab_server.adapters.websocket.sending import MAX_BEHIND_BYTES, unread_replies
from collab_server.adapters.websocket.socket import OnEnd, OnMessage, OnUpdate, Socket
from collab_server.adapters.websocket.uvicorn_protocol import EXTENSION, FanOutProtocol

CLOSE_TIMEOUT = 10.0


def socket_of(scope: Scope, receive: Receive, send: Send) -> Socket:
    """The Socket of an accepted connection: uvicorn's own where our protocol class runs it, else the fallback."""
    protocol: FanOutProtocol | None = scope.get("extensions", {}).get(EXTENSION)
    return AsgiSocket(receive, send) if protocol is None else protocol.hand_over()


class AsgiSocket:
    """Implements transport.socket.Socket with a queue of at most HIGH_WATER bytes (plus one message) and a sending
    task.
    """

    descriptor = -1

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._outbox: deque[bytes] = deque()
        self._queued = 0
        self._behind = 0
        """Bytes written since the socket became congested."""
        self._limit: int | None = None
        self._on_too_large: OnTooLarge | None = None
        self._wake = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._ended = False
        self._on_writable: Callable[[], None] | None = None
        self.last_sent = time.monotonic()

    def write(self, outgoing: Outgoing | LargeOutgoing) -> None:
        if self._ended or self._closing is not None:
            return
        if self.congested:
            self._behind += sum(map(len, outgoing.payloads))
            if self._behind > MAX_BEHIND_BYTES:
                error = unread_replies()
                self.end(error.close_code, error.close_reason)
                return
        self.last_sent = time.monotonic()
        for payload in outgoing.payloads:
            self._outbox.append(payload)
            self._queued += len(payload)
        self._wake.set()

    write_large = write

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def congested(self) -> bool:
        return self._queued > HIGH_WATER

    def end(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()

    def take_updates(self, on_update: OnUpdate, *, addressed: bool) -> None:
        """All messages go to `on_message`."""

    def limit_messages(self, size: int | None) -> None:
        self._limit = size

    def allow_large(self, most: int, on_too_large: OnTooLarge, *, shown: int = 0) -> None:
        # The ASGI server has received the whole message already, by a limit of its own.
        self._limit, self._on_too_large = most, on_too_large

    def tick(self, now: float) -> None:
        """The server's own pings do."""

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        self._on_writable = on_writable
        sending = asyncio.create_task(self._sender())
        reading = asyncio.create_task(self._reader(on_message))
        fault: Exception | None = None
        try:
            await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
            # A sender that failed found the peer gone.
            if reading.done() and isinstance(error := reading.exception(), Exception):
                fault = error
        finally:
            self._on_writable = None
            on_end(fault)
            if self._closing is not None and not sending.done():
                await asyncio.wait({sending}, timeout=CLOSE_TIMEOUT)
            self._ended = True
            for task in (reading, sending):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _reader(self, on_message: OnMessage) -> None:
        while True:
            event: Any = await self._receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] != "websocket.receive" or self._closing is not None:
                continue
            message = event.get("bytes")
            if message is None:
                self.end(1003, "unsupported: messages are binary")
            elif self._limit is not None and len(message) > self._limit:
                if self._on_too_large is None:
                    self.end(1009, "too_large: the message is above the limit")
                else:
                    self._on_too_large(message[:BEGINNING_BYTES], len(message))
            elif (pending := on_message(message)) is not None:
                await pending

    async def _sender(self) -> None:
        while True:
            while self._outbox:
                payload = self._outbox.popleft()
                was_congested = self.congested
                self._queued -= len(payload)
                await self._send({"type": "websocket.send", "bytes": payload})
                if was_congested and not self.congested:
                    self._behind = 0
                    if self._on_writable is not None:
                        self._on_writable()
            if self._closing is not None:
                code, reason = self._closing
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._wake.clear()
            await self._wake.wait()
