"""Outgoing WebSocket messages, encoded once and written to many sockets; and where an incoming frame ends."""

from collections.abc import Sequence

_OPCODES = frozenset((0, 1, 2, 8, 9, 10))


def header(length: int) -> bytes:
    """The header of an unfragmented, unmasked binary frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x82, length))
    if length < 65536:
        return b"\x82\x7e" + length.to_bytes(2, "big")
    return b"\x82\x7f" + length.to_bytes(8, "big")


def extent(received: bytes, position: int) -> int:
    """Bytes of a client's frame that begins at `position`, its header included; 0 while its header does not say.

    -1 where the first two bytes already break the protocol: not masked, or an opcode that has no meaning.
    """
    if len(received) - position < 2:
        return 0
    length = received[position + 1]
    if length < 0x80 or received[position] & 15 not in _OPCODES:
        return -1
    if length < 0xFE:
        return length - 0x80 + 6
    width = 2 if length == 0xFE else 8
    if len(received) - position < 2 + width:
        return 0
    return int.from_bytes(received[position + 2 : position + 2 + width], "big") + width + 6


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
