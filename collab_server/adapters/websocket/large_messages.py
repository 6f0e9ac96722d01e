"""Messages above the usual limit: one at a time in a process, and what is above every limit is not kept."""

import asyncio
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from collab_server.adapters.websocket.sending import OPEN, Sending

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

BEGINNING_BYTES = 4_096
"""Bytes of a refused message that the session sees, to find out its purpose."""
DROPPED_BYTES = 1_073_741_824
"""Largest message that is dropped while it arrives; larger ones end the socket."""
SLOW_BYTES = 65_536
"""A second: who sends a large message more slowly gives its place up while others wait for one..."""
PATIENCE = 10.0
"""... after so many seconds."""

SMALL_FRAGMENT_BYTES = 1_024
"""Smaller fragments are counted as frames, larger ones by their bytes alone, as parts of the message that they make."""

OnTooLarge = Callable[[bytes, int], None]
"""(the first bytes of a message, how many it has at least): the message is dropped, the socket may be ended."""


class Waiting(Protocol):
    def admitted(self) -> None: ...


class LargeMessages:
    """The place for the one large message that a process receives and handles."""

    def __init__(self) -> None:
        self._holder: Waiting | None = None
        self._waiting: deque[Waiting] = deque()

    @property
    def contested(self) -> bool:
        return bool(self._waiting)

    def enter(self, who: Waiting) -> bool:
        """Whether `who` has the place now; else it is called when it has."""
        if self._holder is None:
            self._holder = who
        elif self._holder is not who and who not in self._waiting:
            self._waiting.append(who)
        return self._holder is who

    def leave(self, who: Waiting) -> None:
        """Give the place up, or the wait for it."""
        if self._holder is not who:
            if who in self._waiting:
                self._waiting.remove(who)
            return
        self._holder = self._waiting.popleft() if self._waiting else None
        if self._holder is not None:
            self._holder.admitted()


@dataclass(slots=True)
class Allowed:
    """What a connection may send beyond the usual limit. `since`: when it got the place (monotonic seconds), 0.0: it
    has none. `skipping`: the rest of a message is being dropped. `shown`: bytes that `on_too_large` needs to see.
    """

    most: int
    on_too_large: OnTooLarge
    shown: int = BEGINNING_BYTES
    since: float = 0.0
    waiting: bool = False
    skipping: bool = False

    def is_slow(self, now: float, received: int) -> bool:
        taken = now - self.since
        return bool(self.since) and taken > PATIENCE and received < taken * SLOW_BYTES


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all connections of a server share. Times in seconds, None for never."""

    max_message_bytes: int
    ping_interval: float | None
    ping_timeout: float | None
    large: LargeMessages = field(default_factory=LargeMessages, compare=False)


class LargeIncoming(Sending):
    """The part of a connection that deals with frames above the usual limit."""

    __slots__ = ("_bounds", "_deferred", "_fragments", "_large", "_needed", "_size", "_skip")

    _bounds: Bounds
    _deferred: bool
    _fragments: bytearray | None
    _large: Allowed | None
    _needed: int
    _size: int
    _skip: int

    @abstractmethod
    def _keep(self, data: bytes, position: int, needed: int) -> None: ...

    @abstractmethod
    def _fail(self, code: int, reason: str) -> None: ...

    @abstractmethod
    def _pay_frame(self) -> bool: ...

    @abstractmethod
    def _ignore_frame(self, first: int, opcode: int) -> None: ...

    @abstractmethod
    def _go_on(self) -> None: ...

    def allow_large(self, most: int, on_too_large: OnTooLarge, *, shown: int = BEGINNING_BYTES) -> None:
        self._large = Allowed(most, on_too_large, shown)

    def _take_large(self, data: bytes, position: int, payload: int, length: int) -> int:
        """Where to go on with a frame at `position`, above the usual limit: `position`, to receive it; behind it, as it
        was dropped; -1: not now.
        """
        large, total = self._large, self._size + length
        if large is None:
            self._fail(1009, "too_large: the message is above the limit")
            return -1
        if length > DROPPED_BYTES:
            self._fail(1009, "too_large: no message is as large")
            return -1
        if total > large.most or large.skipping or self._state != OPEN:
            shown = payload + min(length, large.shown)
            if len(data) < shown and not large.skipping:
                self._keep(data, position, shown - position)
                return -1
            return self._drop_large(large, data, position, payload, length)
        if not large.since:
            if not self._bounds.large.enter(self):
                large.waiting = True
                self._keep(data, position, 0)
                self._deferred = True
                self._transport.pause_reading()
                return -1
            large.since = time.monotonic()
        return position

    def _drop_large(self, large: Allowed, data: bytes, position: int, payload: int, length: int) -> int:
        """Drop this frame, and later those that belong to its message."""
        if self._state != OPEN:
            self._ignore_frame(data[position], data[position] & 15)
        elif length < SMALL_FRAGMENT_BYTES:
            self._pay_frame()
        if not large.skipping:
            masked = data[payload : payload + min(length, BEGINNING_BYTES)]
            beginning = bytes((self._fragments or b"")[:BEGINNING_BYTES])
            large.skipping = True
            self._leave_large()
            if self._state == OPEN:
                shown = beginning or apply_mask(masked, data[payload - 4 : payload])
                large.on_too_large(shown, self._size + length)
        if data[position] & 0x80:
            large.skipping, self._fragments, self._size = False, None, 0
        else:
            # The next frames are found too large as well.
            self._fragments, self._size = bytearray(), large.most + 1
        self._skip = max(0, payload + length - len(data))
        return -1 if self._skip else payload + length

    def admitted(self) -> None:
        """It is our turn to send a large message."""
        if self._large is not None and self._large.waiting:
            self._large.waiting, self._large.since = False, time.monotonic()
            asyncio.get_running_loop().call_soon(self._go_on)

    def _leave_large(self) -> None:
        if self._large is not None and (self._large.since or self._large.waiting):
            waited, self._large.since, self._large.waiting = self._large.waiting, 0.0, False
            self._needed = 0
            self._bounds.large.leave(self)
            if waited:
                self._deferred = False
