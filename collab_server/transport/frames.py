"""Outgoing WebSocket messages, encoded once and written to many sockets."""

from base64 import b64encode
from collections.abc import Sequence


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
            self._events = b"".join(b"data: %s\n\n" % b64encode(payload) for payload in self.payloads)
        return self._events
