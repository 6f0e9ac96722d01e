"""A WebSocket after its handshake, held by one small object: no task, no timer, no queue while it rests.

Reads frames as RFC 6455 demands of a server without extensions, and hands binary messages to the session by a call;
a room writes ready-made frames to it. A large message leaves in slices, the next when the transport has taken the last;
what is written meanwhile waits behind it. tests/adapters/websocket/test_incoming.py holds it against websockets' own
reading, tests/adapters/websocket/test_slices.py against whole writes.

Over 300 lines: reading, writing and closing share the state of one handshake, on the hot path.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from collab_server import _speedups
from collab_server.adapters.websocket.frame_parser import control
from collab_server.adapters.websocket.large_messages import SMALL_FRAGMENT_BYTES, Allowed, Bounds, LargeIncoming
from collab_server.adapters.websocket.sending import CLOSING, OPEN, OVER
from collab_server.adapters.websocket.socket import OnEnd, OnMessage, OnUpdate
from collab_server.adapters.websocket.token_bucket import TokenBucket
from collab_server.errors import TooMany

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

HIGH_WATER = 262_144
"""Bytes in a socket's write buffer from which its peer counts as slow."""
HELD_BYTES = 65_536
"""What a client may send before its session takes messages; then it waits."""
CLOSE_TIMEOUT = 10.0
"""How long the peer may take to answer our close, and to read what was written before."""
TURN_SECONDS = 0.004
"""Frames of one socket are handled for about so long within one turn of the event loop."""
FRAME_RATE = 500.0
FRAME_BURST = 2_000
"""Control frames and fragments a peer may send in a second for long, and at once."""
IGNORED_FRAMES = 1_000
"""Frames between our close and the peer's that are looked at; later ones are read and dropped."""

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_WHOLE_BINARY = 0x82
"""First byte of a frame that is a whole binary message: FIN, no reserved bit, opcode 2."""
_PING_FRAME = control(_PING, b"")

_NOTHING = bytearray()
"""Shared by all connections that wait for no rest of a frame; nobody adds to it."""


class Connection(LargeIncoming):
    """Implements transport.socket.Socket. `connections`: the server's set of open connections, of which this is one
    until it is lost.
    """

    __slots__ = (
        "_begun",
        "_busy",
        "_close_timer",
        "_connections",
        "_frames",
        "_heard",
        "_heard_at",
        "_ignored",
        "_is_addressed",
        "_limit",
        "_on_end",
        "_on_message",
        "_on_update",
        "_on_writable",
        "_pinged_at",
        "last_sent",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        bounds: Bounds,
        connections: set[Any],
        received: bytes,
        *,
        reading: bool,
        lost: bool,
    ) -> None:
        """`received`: what the client sent behind its handshake. `reading`: whether the transport reads now. `lost`:
        the client has gone already.
        """
        super().__init__(transport)
        self._bounds = bounds
        self._connections = connections
        self._begun = bytearray(received) if received else _NOTHING
        self._needed = 0
        self._fragments: bytearray | None = None
        self._frames: TokenBucket | None = None
        self._size = 0
        self._ignored = 0
        self._limit = bounds.max_message_bytes
        self._large: Allowed | None = None
        self._skip = 0
        """Bytes of a frame that are still to come and to be dropped."""
        self._on_message: OnMessage | None = None
        self._on_update: OnUpdate | None = None
        self._is_addressed = False
        self._on_writable: Callable[[], None] | None = None
        self._on_end: OnEnd | None = None
        self._busy: asyncio.Task[None] | None = None
        self._deferred = False
        """Frames that have arrived are handled in the next turn."""
        self._close_timer: asyncio.TimerHandle | None = None
        self._heard = True
        self._heard_at = self.last_sent = time.monotonic()
        self._pinged_at = 0.0
        if lost:
            self._state = OVER
            self._direct = False
            return
        transport.set_write_buffer_limits(high=HIGH_WATER)
        transport.set_protocol(self)
        connections.add(self)
        if not reading:
            self._read_on()

    def limit_messages(self, size: int | None) -> None:
        self._limit = self._bounds.max_message_bytes if size is None else min(size, self._bounds.max_message_bytes)

    def take_updates(self, on_update: OnUpdate, *, addressed: bool) -> None:
        self._on_update, self._is_addressed = on_update, addressed

    def resume_writing(self) -> None:
        # Whoever takes data is alive, even if our ping is still behind it.
        self._heard = True
        super().resume_writing()

    def _on_drained(self) -> None:
        if self._on_writable is not None:
            self._on_writable()

    def end(self, code: int, reason: str) -> None:
        if self._state != OPEN:
            return
        self._state = CLOSING
        self._direct = False
        self._write_frame(control(_CLOSE, Close(code, reason).serialize()))
        self._leave_large()
        if self._busy is None:
            self._read_on()
        self._limit_closing()

    def _limit_closing(self) -> None:
        """A peer that neither answers nor reads must not hold the socket."""
        if self._close_timer is None:
            self._close_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._transport.abort)

    def tick(self, now: float) -> None:
        if self._sent:
            self._sent = False
            self.last_sent = now
        interval, timeout = self._bounds.ping_interval, self._bounds.ping_timeout
        large = self._large
        contested = large is not None and self._busy is None and self._bounds.large.contested
        if contested and large is not None and large.is_slow(now, len(self._begun) + self._size):
            self.end(1013, "unavailable: others wait to send as much; come back")
        # What we do not read, we cannot hear.
        if self._heard or self._busy is not None or (large is not None and large.waiting):
            self._heard = False
            self._heard_at = now
            self._pinged_at = 0.0
        elif self._state != OPEN or interval is None:
            return
        elif self._pinged_at:
            if timeout is not None and now - self._pinged_at > timeout:
                self._fail(1011, "keepalive: no answer to a ping")
        elif now - self._heard_at > interval:
            self._pinged_at = now
            self._write_frame(_PING_FRAME)

    def shutdown(self) -> None:
        """uvicorn, as the server stops."""
        if self._state == OPEN:
            self._fail(1012, "")
        else:
            self._hang_up()

    # ---- the end

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        """Returns at once: the connection lives on without its caller."""
        self._on_message, self._on_writable, self._on_end = on_message, on_writable, on_end
        if self._state == OVER:
            self._tell_end(None)
            return
        begun, self._begun = bytes(self._begun), _NOTHING
        self._read_on()
        if begun:
            self.data_received(begun)

    def endpoint_left(self) -> None:
        """The endpoint has returned: nobody will take messages any more, if nobody does now."""
        if self._on_message is None:
            self._fail(1011, "internal: the endpoint left")

    def connection_lost(self, error: Exception | None) -> None:
        self._state = OVER
        self._direct = False
        self._backlog = None
        self._leave_large()
        self._connections.discard(self)
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._tell_end(None)
        self._transport.close()

    def _tell_end(self, error: Exception | None) -> None:
        if self._on_message is not None:
            self._on_message = _ignore
        on_end, self._on_end, self._on_writable, self._on_update = self._on_end, None, None, None
        if self._busy is not None and error is None:
            self._busy.cancel()
        if on_end is not None:
            on_end(error)

    def _fail(self, code: int, reason: str) -> None:
        """The peer broke the protocol, or is gone: tell it why, and hang up."""
        if self._state == OPEN:
            self._write_frame(control(_CLOSE, Close(code, reason).serialize()))
        self._hang_up()

    def _hang_up(self) -> None:
        """Read nothing more, and close when all is sent."""
        self._state = OVER
        self._direct = False
        self._leave_large()
        if self.queued:
            self._limit_closing()
        if self._backlog is None:
            self._transport.close()
        else:
            self._transport.pause_reading()

    # ---- inwards

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._on_message is None or self._begun or self._busy is not None:
            self._begin(data)
            if self._busy is not None or self._deferred:
                self._transport.pause_reading()
                return
            if self._on_message is None:
                if len(self._begun) > HELD_BYTES:
                    self._transport.pause_reading()
                return
            if len(self._begun) < self._needed:
                return
            data, self._begun = bytes(self._begun), _NOTHING
        elif (
            self._on_update is not None
            and self._state == OPEN
            and self._fragments is None
            and not self._skip
            and len(data) <= self._limit
            and (update := _speedups.read_update_frame(data, self._is_addressed)) is not None
        ):
            try:
                pending = self._on_update(*update)
            except Exception as error:
                self._not_taken(error)
            else:
                if pending is not None or (self._large is not None and self._large.since):
                    self._taken(pending)
            return
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        position, end = 0, len(data)
        if (
            6 <= end < 132
            and data[1] == end + 0x7A
            and data[0] == _WHOLE_BINARY
            and self._state == OPEN
            and self._fragments is None
            and end - 6 <= self._limit
        ):
            # One small message and nothing else: what typing is, where it could not be read at once.
            self._take(apply_mask(data[6:], data[2:6]))
            return
        started = 0.0
        while self._state != OVER:
            if self._busy is not None:
                self._keep(data, position, 0)
                return
            if position and position < end:
                now = time.monotonic()
                if not started:
                    started = now
                elif now - started > TURN_SECONDS:
                    self._defer(data, position)
                    return
            payload = position + 6
            if end - position < 2:
                self._keep(data, position, 2)
                return
            first, length = data[position], data[position + 1] - 0x80
            if length == 126:
                payload += 2
                if end < payload:
                    self._keep(data, position, 8)
                    return
                length = int.from_bytes(data[position + 2 : position + 4], "big")
            elif length == 127:
                payload += 8
                if end < payload:
                    self._keep(data, position, 14)
                    return
                length = int.from_bytes(data[position + 2 : position + 10], "big")
            if (first != _WHOLE_BINARY or self._fragments is not None or length < 0) and not self._is_sound(
                first, length
            ):
                return
            if length > self._limit - self._size and not first & 8:
                taken_up = self._take_large(data, position, payload, length)
                if taken_up < 0:
                    return
                if taken_up > position:
                    position = taken_up
                    continue
            stop = payload + length
            if stop > end:
                self._keep(data, position, stop - position)
                return
            whole: Any = data if length < HELD_BYTES else memoryview(data)
            message = apply_mask(whole[payload:stop], data[payload - 4 : payload])
            position = stop
            if first == _WHOLE_BINARY:
                self._take(message)
            else:
                self._take_other(first, message)

    def _defer(self, data: bytes, position: int) -> None:
        """Leave the rest to the next turn: others have theirs first."""
        self._keep(data, position, 0)
        self._deferred = True
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Handle what has arrived and was not handled yet; then read again."""
        self._deferred = False
        if self._state == OVER or self._busy is not None:
            return
        if self._begun:
            self.data_received(b"")
        if self._busy is None:
            self._read_on()

    def _keep(self, data: bytes, position: int, needed: int) -> None:
        if position < len(data):
            self._begin(data[position:] if position else data)
        self._needed = needed

    def _begin(self, data: bytes) -> None:
        if self._begun is _NOTHING:
            self._begun = bytearray()
        self._begun += data

    def _is_sound(self, first: int, length: int) -> bool:
        opcode = first & 15
        fault = ""
        if first & 0x70:
            fault = "reserved bits must be 0"
        elif opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            fault = "invalid opcode"
        elif length < 0:
            fault = "frames of a client are masked"
        elif opcode >= _CLOSE:
            if length > 125 or not first & 0x80:
                fault = "a control frame is short and whole"
            elif opcode == _CLOSE and self._fragments is not None:
                fault = "a close within a message"
        elif (opcode == _CONTINUATION) is (self._fragments is None):
            fault = "a continuation without a beginning" if opcode == _CONTINUATION else "a message within a message"
        if fault:
            self._fail(1002, f"protocol: {fault}")
        return not fault

    def _take_other(self, first: int, payload: bytes) -> None:
        opcode = first & 15
        if self._state != OPEN and opcode != _CLOSE:
            self._ignore_frame(first, opcode)
            return
        if (opcode in (_PING, _PONG) or len(payload) < SMALL_FRAGMENT_BYTES) and not self._pay_frame():
            return
        if opcode == _PING:
            # Only the latest ping needs an answer: a peer that does not read gets none now.
            if self._backlog is not None:
                self._backlog.pong = control(_PONG, payload)
            elif self._state == OPEN and not self.congested:
                self._transport.write(control(_PONG, payload))
        elif opcode == _CLOSE:
            self._take_close(payload)
        elif opcode == _TEXT:
            self.end(1003, "unsupported: messages are binary")
            if not first & 0x80:
                self._fragments = bytearray()
        elif opcode != _PONG:
            if self._fragments is None:
                self._fragments = bytearray()
            self._fragments += payload
            self._size = len(self._fragments)
            if first & 0x80:
                message, self._fragments, self._size = bytes(self._fragments), None, 0
                self._take(message)

    def _pay_frame(self) -> bool:
        """Whether the peer may send one more small frame; else its socket ends."""
        if self._frames is None:
            self._frames = TokenBucket(FRAME_RATE, FRAME_BURST)
        try:
            self._frames.spend(1.0)
        except TooMany as error:
            self._tell_end(error)
            self.end(error.close_code, error.close_reason)
            return False
        return True

    def _take_close(self, payload: bytes) -> None:
        try:
            Close.parse(payload)
        except ProtocolError as error:
            self._fail(1002, f"protocol: {error}")
        except UnicodeDecodeError:
            self._fail(1007, "protocol: the close's reason is not UTF-8")
        else:
            if self._state == OPEN:
                self._write_frame(control(_CLOSE, payload))
            self._hang_up()

    def _ignore_frame(self, first: int, opcode: int) -> None:
        if opcode < _CLOSE:
            self._fragments = None if first & 0x80 else bytearray()
            self._size = 0
        self._ignored += 1
        if self._ignored > IGNORED_FRAMES:
            self._discard()

    def _discard(self) -> None:
        """Take what comes without a look at it. To close at once would reset the connection, and the peer might not get
        to our close; not to read would hide the connection's end.
        """
        self._state = OVER
        self._leave_large()
        if self._backlog is None and not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    def _take(self, message: bytes) -> None:
        if self._state != OPEN:
            self._ignore_frame(_WHOLE_BINARY, _BINARY)
            return
        try:
            pending = cast(OnMessage, self._on_message)(message)
        except Exception as error:
            self._not_taken(error)
        else:
            self._taken(pending)

    def _not_taken(self, error: Exception) -> None:
        self._leave_large()
        self._tell_end(error)

    def _taken(self, pending: Coroutine[Any, Any, None] | None) -> None:
        if pending is None:
            if self._large is not None and self._large.since:
                self._leave_large()
        else:
            self._transport.pause_reading()
            self._busy = asyncio.get_running_loop().create_task(self._finish(pending))

    async def _finish(self, pending: Any) -> None:
        try:
            await pending
        except Exception as error:
            self._busy = None
            self._tell_end(error)
        self._busy = None
        self._leave_large()
        self._go_on()

    def _read_on(self) -> None:
        if self._state != OVER and not self._deferred and not self._transport.is_closing():
            self._transport.resume_reading()


def _ignore(message: bytes) -> None:
    """Drop messages after the end."""
