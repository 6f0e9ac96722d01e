"""What the real-time core asks of a WebSocket, whichever server holds it."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from collab_server._speedups import Range
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.adapters.websocket.large_messages import BEGINNING_BYTES, OnTooLarge

OnMessage = Callable[[bytes], Coroutine[Any, Any, None] | None]
"""Takes one binary message. A coroutine as answer must have ended before the next message is given."""

OnUpdate = Callable[[int, str | None, bytes, tuple[Range, ...], tuple[Range, ...]], Coroutine[Any, Any, None] | None]
"""Like OnMessage, for an Update message that was read already: takes the bytes of the message, its address, its update
and the structs and deletes of that (see _speedups.read_update_frame)."""

OnEnd = Callable[[Exception | None], None]
"""Called once when the socket has ended (None), or when `OnMessage` has raised: then it can still be ended properly."""


class Socket(Protocol):
    """An accepted WebSocket."""

    descriptor: int
    """File descriptor for `_speedups.write_to_all`; -1: there is none, and only `write` is called."""

    last_sent: float
    """Monotonic seconds of the last message written, as `tick` last knew it."""

    def write(self, outgoing: Outgoing) -> None:
        """Write the messages without waiting. They are kept in order, and dropped once the socket is closed.

        A socket keeps a bounded number of bytes that were written while it was congested. Beyond the bound it drops
        messages and ends with TooMany.
        """
        ...

    def write_large(self, outgoing: LargeOutgoing) -> None:
        """Like `write`; where it can, the socket sends it in slices, others' turns between them, and is congested until
        it has sent all. Not for a congested socket: its content is not counted, as many sockets share it.
        """
        ...

    @property
    def queued(self) -> int:
        """Bytes written that the network has not taken yet."""
        ...

    @property
    def congested(self) -> bool:
        """The peer reads slower than we write: send nothing that can be sent later as one."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Start the closing handshake; what was sent before goes out first."""
        ...

    def limit_messages(self, size: int | None) -> None:
        """Refuse messages above `size` bytes with 1009. None: the server's own limit."""
        ...

    def allow_large(self, most: int, on_too_large: OnTooLarge, *, shown: int = BEGINNING_BYTES) -> None:
        """Take messages above the limit as well, up to `most` bytes; one at a time in a process, others wait unread.

        `on_too_large` is called for one above that, which is dropped, when `shown` bytes of it have arrived; it may end
        the socket. Without `allow_large` a message above the limit ends the socket with 1009.
        """
        ...

    def take_updates(self, on_update: OnUpdate, *, addressed: bool) -> None:
        """Give small Update messages to `on_update` instead of `on_message`, where the socket can read them by itself.
        `addressed`: they begin with an address.
        """
        ...

    def tick(self, now: float) -> None:
        """Called every two seconds or so with the monotonic time: pings, and hanging up on who does not answer."""
        ...

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        """Give every message to `on_message`, in order, until the socket has ended, for whatever reason; then `on_end`.

        Returns at once where the socket lives without its caller, else when it has ended. `on_writable` is called
        whenever a congested socket takes data again.
        """
        ...
