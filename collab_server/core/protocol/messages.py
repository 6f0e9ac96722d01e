"""Messages common to both protocols, and their payload encodings (y-protocols sync 1.0 and awareness).

Encoded messages are complete y-websocket frames; Hocuspocus puts the document's address before them.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collab_server.core.yjs.lib0 import Reader, write_var_string, write_var_uint
from collab_server.errors import Malformed

SYNC: Final = 0
AWARENESS: Final = 1
AUTH: Final = 2
QUERY_AWARENESS: Final = 3

MIN_AWARENESS_ENTRY_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class SyncStep1:
    """The state vector of the sender, as a request for the rest."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class SyncStep2:
    """The answer to a SyncStep1: content, like Update."""

    update: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """An incremental change."""

    update: bytes


@dataclass(frozen=True, slots=True)
class Awareness:
    """Encoded presence states; see decode_awareness."""

    entries_payload: bytes


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """A request for all presence states."""


@dataclass(frozen=True, slots=True)
class Token:
    """Hocuspocus: the credentials for an address. Providers before v4 send no version."""

    token: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Stateless:
    """Hocuspocus: an opaque string for everyone in the document."""

    payload: str


@dataclass(frozen=True, slots=True)
class Close:
    """Hocuspocus: the provider leaves this address."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Hocuspocus: the one-byte frame 09."""


@dataclass(frozen=True, slots=True)
class Pong:
    """Hocuspocus: the one-byte frame 0A."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message type without a meaning for servers; its body was not read."""

    number: int


_SYNC_TYPES: Final = (SyncStep1, SyncStep2, Update)

YWebsocketMessage = SyncStep1 | SyncStep2 | Update | Awareness | QueryAwareness | Unknown
HocuspocusMessage = YWebsocketMessage | Token | Stateless | Close | Ping | Pong


def encode_sync_step1(state_vector: bytes) -> bytes:
    return b"\x00\x00" + write_var_uint(len(state_vector)) + state_vector


def encode_update(update: bytes) -> bytes:
    return b"\x00\x02" + write_var_uint(len(update)) + update


def sync_step2_parts(update: bytes) -> tuple[bytes, bytes]:
    """A SyncStep2 as (bytes before the update, the update), to avoid a copy of a large update."""
    return b"\x00\x01" + write_var_uint(len(update)), update


def update_parts(update: bytes) -> tuple[bytes, bytes]:
    """An Update as (bytes before the update, the update)."""
    return b"\x00\x02" + write_var_uint(len(update)), update


def encode_awareness(payload: bytes) -> bytes:
    """The frame for a payload of encode_awareness_entries."""
    return b"\x01" + write_var_uint(len(payload)) + payload


def read_sync(frame: bytes, position: int) -> SyncStep1 | SyncStep2 | Update:
    """Read the sync message from `position` (its sub-type) to the end of the frame. Raises Malformed."""
    try:
        kind = frame[position]
        length = frame[position + 1]
    except IndexError:
        raise Malformed("a sync message is cut off") from None
    if kind > 2:
        raise Malformed(f"sync message type {kind} does not exist")
    start = position + 2
    if length < 128 and start + length == len(frame):
        return _SYNC_TYPES[kind](frame[start:])
    return _SYNC_TYPES[kind](read_last_bytes(frame, position + 1))


def read_last_bytes(frame: bytes, position: int) -> bytes:
    """Read the varUint8Array from `position` to the end of the frame. Raises Malformed for other bytes."""
    reader = Reader(frame, position)
    payload = reader.var_bytes()
    reader.end()
    return payload


def decode_awareness(payload: bytes) -> list[tuple[int, int, str]]:
    """Decode awareness entries: (client id, clock, JSON text); "null" is a removed state.

    The JSON is not parsed. Raises Malformed if the entries do not fill the payload exactly.
    """
    reader = Reader(payload)
    count = reader.var_uint()
    if count * MIN_AWARENESS_ENTRY_BYTES > reader.remaining:
        raise Malformed(f"{count} awareness entries declared in {len(payload)} bytes")
    entries = [(reader.var_uint(), reader.var_uint(), reader.var_string()) for _ in range(count)]
    reader.end()
    return entries


def read_state(state: str) -> object:
    """Parse an awareness state as strict JSON. Raises Malformed."""
    try:
        return _JSON.decode(state)
    except (ValueError, RecursionError) as error:
        raise Malformed("an awareness state is not JSON") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_JSON: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def encode_awareness_entries(entries: Iterable[tuple[int, int, str]]) -> bytes:
    """Encode (client id, clock, JSON text) entries as the payload of an awareness message."""
    encoded = [
        write_var_uint(client) + write_var_uint(clock) + write_var_string(state) for client, clock, state in entries
    ]
    return write_var_uint(len(encoded)) + b"".join(encoded)
