"""Outgoing WebSocket messages, encoded once and written to many sockets."""

from collections.abc import Sequence


def header(length: int) -> bytes:
    """The header of an unfragmented, unmasked binary frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x82, length))
    if length < 65536:
        return b"\x82\x7e" + length.to_bytes(2, "big")
    return b"\x82\x7f" + length.to_bytes(8, "big")


class Outgoing:
    """A run of binary messages for any number of sockets.

    `payloads`: the messages. `wire`: the same as WebSocket frames, ready for a socket's buffer, built on first use
    and shared.
    """

    __slots__ = ("_wire", "payloads")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self._wire: bytes | None = None

    @property
    def wire(self) -> bytes:
        if self._wire is None:
            parts = []
            for payload in self.payloads:
                parts.append(header(len(payload)))
                parts.append(payload)
            self._wire = b"".join(parts)
        return self._wire
