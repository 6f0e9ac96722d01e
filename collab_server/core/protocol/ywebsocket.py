"""y-websocket frames: one document per WebSocket, one message per frame, no address."""

from typing import Final

from collab_server.core.protocol.messages import (
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
from collab_server.core.yjs.lib0 import Reader, write_var_string, write_var_uint

EMPTY_AWARENESS: Final = b"\x01\x01\x00"
"""An empty message: it resets the client's 30 s timeout."""


def decode(frame: bytes) -> YWebsocketMessage:
    """Decode the one message in a frame: any bytes give a message or Malformed, in linear time.

    Stricter than other implementations: bytes after the message are Malformed. Message types without a meaning for
    servers (auth is server to client only) are Unknown.
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
    """The one frame for a client with refused updates; y-websocket prints it and continues."""
    return b"\x02\x00" + write_var_string(reason)


def event(payload: str) -> bytes:
    """The frame for clients that asked for `events=1`: a live event as JSON."""
    return b"\x09" + write_var_string(payload)


def committed(count: int) -> bytes:
    """The acknowledgement for clients with `acks=1`: the first `count` content messages of this socket are durable."""
    return b"\x08" + write_var_uint(count)
