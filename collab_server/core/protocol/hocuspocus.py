"""Hocuspocus frames: many documents on one WebSocket; every message begins with its document's address."""

import json
from typing import Final, Literal

from collab_server.core.protocol.messages import (
    AUTH,
    AWARENESS,
    QUERY_AWARENESS,
    SYNC,
    Awareness,
    Close,
    HocuspocusMessage,
    Ping,
    Pong,
    QueryAwareness,
    Stateless,
    Token,
    Unknown,
    read_last_bytes,
    read_sync,
)
from collab_server.core.yjs.lib0 import Reader, write_var_string
from collab_server.errors import Malformed

Scope = Literal["read-write", "readonly"]

PING: Final = b"\x09"
PONG: Final = b"\x0a"

STATELESS: Final = 5
BROADCAST_STATELESS: Final = 6
CLOSE: Final = 7

MAX_ADDRESS_BYTES: Final = 2_560
"""Limit of an address: a name of 500 characters and a session id. The server repeats the address in each message."""
MAX_READ_ADDRESS_BYTES: Final = 16_384
"""Limit of a readable address: between the two limits, the server answers with an error by name."""

_SAVED: Final = b"\x08\x01"
_NOT_SAVED: Final = b"\x08\x00"


def decode(frame: bytes) -> tuple[str | None, HocuspocusMessage]:
    """Decode a frame: its address and message; the address is None for ping and pong only.

    Any bytes give a message or Malformed, in linear time. Bytes after the message and BroadcastStateless (server to
    server only) are Malformed; message types without a meaning for servers are Unknown.
    """
    if len(frame) == 1:
        if frame == PONG:
            return None, Pong()
        if frame == PING:
            return None, Ping()
    reader = Reader(frame)
    if len(frame) > MAX_READ_ADDRESS_BYTES and Reader(frame).var_uint() > MAX_READ_ADDRESS_BYTES:
        raise Malformed(f"an address may have at most {MAX_ADDRESS_BYTES} bytes")
    address = reader.var_string()
    number = reader.var_uint()
    if number == SYNC:
        return address, read_sync(frame, reader.position)
    if number == AWARENESS:
        return address, Awareness(read_last_bytes(frame, reader.position))
    if number == AUTH:
        return address, _read_token(reader)
    if number == QUERY_AWARENESS:
        reader.end()
        return address, QueryAwareness()
    if number == STATELESS:
        payload = reader.var_string()
        reader.end()
        return address, Stateless(payload)
    if number == CLOSE:
        reader.end()
        return address, Close()
    if number == BROADCAST_STATELESS:
        raise Malformed("BroadcastStateless is not for clients")
    return address, Unknown(number)


def _read_token(reader: Reader) -> Token:
    if reader.var_uint() != 0:
        raise Malformed("clients send no other auth message than Token")
    token = reader.var_string()
    version = reader.var_string() if reader.remaining else None
    reader.end()
    return Token(token, version)


def addressed(address: str, inner: bytes) -> bytes:
    """Add the address to a message of core.protocol.messages."""
    return write_var_string(address) + inner


def authenticated(address: str, scope: Scope) -> bytes:
    return write_var_string(address) + b"\x02\x02" + write_var_string(scope)


def permission_denied(address: str, reason: str) -> bytes:
    return write_var_string(address) + b"\x02\x01" + write_var_string(reason)


def token_request(address: str) -> bytes:
    """A request to the provider to send its token again."""
    return write_var_string(address) + b"\x02\x00"


def close(address: str, reason: str) -> bytes:
    """The end of one document's session; the provider does not reconnect by itself."""
    return write_var_string(address) + b"\x07" + write_var_string(reason)


def sync_status(address: str, *, saved: bool) -> bytes:
    """The acknowledgement of one SyncStep2 or Update."""
    return write_var_string(address) + (_SAVED if saved else _NOT_SAVED)


def stateless(address: str, payload: str) -> bytes:
    return write_var_string(address) + b"\x05" + write_var_string(payload)


def notice(address: str, code: str, detail: str) -> bytes:
    """A stateless message of the server: one message was refused, and the session continues."""
    return stateless(address, json.dumps({"type": "collab_server.notice", "code": code, "detail": detail}))


def split_address(address: str) -> tuple[str, str | None]:
    """Split an address: (document name, session id). The first NUL separates them; the id may be None."""
    name, separator, session_id = address.partition("\0")
    return name, session_id if separator else None
