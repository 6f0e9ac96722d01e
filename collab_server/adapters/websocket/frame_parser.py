"""Outgoing WebSocket messages, encoded once and written to many sockets."""

from base64 import b64encode
from collections.abc import Sequence

LARGE_BYTES = 262_144
"""Messages that are together of this size leave in slices: see LargeOutgoing."""


def header(length: int) -> bytes:
    """The header of an unfragmented, unmasked binary frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x82, length))
    if length < 65536:
        return b"\x82\x7e" + length.to_bytes(2, "big")
    return b"\x82\x7f" + length.to_bytes(8, "big")


def control(opcode: int, payload: bytes) -> bytes:
    """A control frame of a server; `payload` has at most 125 bytes."""
    return bytes((0x80 | opcode, len(payload))) + payload


class Outgoing:
    """A run of binary messages for any number of sockets.

    `payloads`: the messages. `wire`: the same as WebSocket frames, ready for a socket's buffer, built on first use
    and shared. `events`: the same as server-sent events, likewise.
    """

    __slots__ = ("_events", "_wire", "payloads")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self._wire: bytes | None = None
        self._events: bytes | None = None

    @property
    def wire(self) -> bytes:
        if self._wire is None:
            parts = []
            for payload in self.payloads:
                parts.append(header(len(payload)))
                parts.append(payload)
            self._wire = b"".join(parts)
        return self._wire

    @property
    def events(self) -> bytes:
        if self._events is None:
            self._events = as_events(self.payloads)
        return self._events


class LargeOutgoing:
    """A run of binary messages of which some are large, and are not copied for a WebSocket: all who are sent the same
    content share its bytes, whatever stands before it in their messages.

    `messages`: each as (its head, the content behind it).
    """

    __slots__ = ("_events", "_payloads", "messages")

    def __init__(self, messages: Sequence[tuple[bytes, bytes]]) -> None:
        self.messages = messages
        self._payloads: tuple[bytes, ...] | None = None
        self._events: bytes | None = None

    @property
    def pieces(self) -> list[bytes]:
        """The messages as WebSocket frames, in pieces that follow one another."""
        pieces = []
        for head, content in self.messages:
            pieces.append(header(len(head) + len(content)) + head)
            pieces.append(content)
        return pieces

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """The messages whole, for who cannot take pieces: a copy, built on first use and shared."""
        if self._payloads is None:
            self._payloads = tuple(head + content for head, content in self.messages)
        return self._payloads

    @property
    def events(self) -> bytes:
        if self._events is None:
            self._events = as_events([head + content for head, content in self.messages])
        return self._events


def as_events(payloads: Sequence[bytes]) -> bytes:
    return b"".join(b"data: %s\n\n" % b64encode(payload) for payload in payloads)


def outgoing(messages: Sequence[tuple[bytes, bytes]]) -> Outgoing | LargeOutgoing:
    """`messages`: each as (its head, the content behind it)."""
    if sum(len(content) for _, content in messages) >= LARGE_BYTES:
        return LargeOutgoing(messages)
    return Outgoing([head + content for head, content in messages])
