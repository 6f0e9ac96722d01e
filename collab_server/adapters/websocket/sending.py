"""The sending half of a WebSocket: ready-made frames, large messages in slices, and a bound on what is not read."""

import asyncio
from abc import abstractmethod

from collab_server.adapters.websocket.backlog import Backlog
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.errors import TooMany

MAX_BEHIND_BYTES = 4_194_304
"""Bytes written to a socket that was congested already. Beyond it the socket ends: its peer asks without reading."""

OPEN, CLOSING, OVER = range(3)
"""CLOSING: we have sent a close and wait for the peer's. OVER: nothing is read or newly written any more."""


def unread_replies() -> TooMany:
    return TooMany("replies are asked for and not read; read them, or ask for fewer")


def _descriptor_of(transport: asyncio.Transport) -> int:
    """The descriptor that `_speedups.write_to_all` may send on; -1 for a transport that changes what is written (TLS),
    or of which we do not know that it tells of its end before it closes the descriptor.
    """
    kind = type(transport)
    if kind.__module__ != "uvloop.loop" or kind.__name__ not in ("TCPTransport", "UnixTransport"):
        return -1
    socket = transport.get_extra_info("socket")
    return -1 if socket is None else int(socket.fileno())


class Sending(asyncio.Protocol):
    """Base of Connection, which reads and ends."""

    __slots__ = ("_backlog", "_behind", "_direct", "_sent", "_state", "_transport", "congested", "descriptor")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.descriptor = _descriptor_of(transport)
        self._state = OPEN
        self._sent = False
        self.congested = False
        self._direct = True
        """Open, not congested, and nothing waits in a backlog: what is written goes to the transport."""
        self._behind = 0
        """Bytes written since the socket became congested."""
        self._backlog: Backlog | None = None

    @abstractmethod
    def _tell_end(self, error: Exception | None) -> None: ...

    @abstractmethod
    def _on_drained(self) -> None:
        """The socket was congested and takes data again."""

    def write(self, outgoing: Outgoing) -> None:
        if self._direct:
            self._sent = True
            self._transport.write(outgoing.wire)
        elif self._may_write_behind(len(outgoing.wire)):
            self._sent = True
            self._write_frame(outgoing.wire)

    def _may_write_behind(self, size: int) -> bool:
        """Count what is written to a congested socket. Beyond the bound it is dropped, and the session is told."""
        if self._state != OPEN or self._behind > MAX_BEHIND_BYTES:
            return False
        self._behind += size
        if self._behind > MAX_BEHIND_BYTES:
            # Not now: whoever writes may be in a loop over the members of a document.
            asyncio.get_running_loop().call_soon(self._tell_end, unread_replies())
        return True

    def write_large(self, outgoing: LargeOutgoing) -> None:
        if self._state != OPEN:
            return
        self._sent = True
        if self._backlog is not None:
            self._backlog.add(outgoing.pieces)
            return
        self._backlog = Backlog(outgoing.pieces, paused=self.congested)
        self._direct = False
        self.congested = True
        self._send_slice()

    def _send_slice(self) -> None:
        backlog = self._backlog
        if backlog is None:
            return
        backlog.scheduled = False
        if backlog.paused or self._transport.is_closing():
            return
        self._transport.writelines(backlog.take())
        if not backlog.size and backlog.pong is not None and self._state == OPEN:
            backlog.add((backlog.pong,))
            backlog.pong = None
        if backlog.size:
            if not backlog.paused:
                # Others' turn: this peer may take slices as fast as we can give them.
                backlog.scheduled = True
                asyncio.get_running_loop().call_soon(self._send_slice)
            return
        self._backlog = None
        if self._state == OVER:
            self._transport.close()
            return
        if not backlog.paused:
            self._writable()

    def _write_frame(self, frame: bytes) -> None:
        """Write a frame, but not into the middle of another."""
        if self._backlog is None:
            self._transport.write(frame)
        else:
            self._backlog.add((frame,))

    @property
    def queued(self) -> int:
        waiting = 0 if self._backlog is None else self._backlog.size
        return self._transport.get_write_buffer_size() + waiting

    def pause_writing(self) -> None:
        self.congested = True
        self._direct = False
        if self._backlog is not None:
            self._backlog.paused = True

    def resume_writing(self) -> None:
        if self._backlog is None:
            self._writable()
            return
        self._backlog.paused = False
        if not self._backlog.scheduled:
            self._send_slice()

    def _writable(self) -> None:
        self.congested = False
        self._direct = self._state == OPEN
        self._behind = 0
        self._on_drained()
