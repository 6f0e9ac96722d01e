"""y-websocket frames: one document per WebSocket, one message per frame, no address."""

from typing import Final

from collab_server.crdt.lib0 import Reader, write_var_string, write_var_uint
from collab_server.crdt.messages import (
    AWARENESS,
    QUERY_AWARENESS,
    SYNC,
    Awareness,
    QueryAwareness,
    Unknown,
    Update,
    YWebsocketMessage,
    read_last_bytes,
    read_sync,
)

EMPTY_AWARENESS: Final = b"\x01\x01\x00"
"""Says nothing, yet counts as a sign of life for the client's 30 s check."""


def decode(frame: bytes) -> YWebsocketMessage:
    """The one message in `frame`; total: any bytes give a message or Malformed, in time linear to their number.

    Strict where stock clients are lenient: bytes after the message are Malformed. Types that a server
    has nothing to do with (auth is server to client only) are Unknown.
    """
    if frame[:2] == b"\x00\x02" and len(frame) > 2:
        length = frame[2]
        if length < 128 and length + 3 == len(frame):
            return Update(frame[3:])
    reader = Reader(frame)
    number = reader.var_uint()
    if number == SYNC:
        return read_sync(frame, reader.position)
    if number == AWARENESS:
        return Awareness(read_last_bytes(frame, reader.position))
    if number == QUERY_AWARENESS:
        reader.end()
        return QueryAwareness()
    return Unknown(number)


def permission_denied(reason: str) -> bytes:
    """The frame that a client whose updates are refused gets once; stock clients print it and go on."""
    return b"\x02\x00" + write_var_string(reason)


def committed(count: int) -> bytes:
    """The frame for clients that asked for `acks=1`: the first `count` content messages of this socket are durable."""
    return b"\x08" + write_var_uint(count)
