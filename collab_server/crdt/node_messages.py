"""What the nodes of a cluster tell each other about one document. Decoded as strictly as a client's frame.

A message is 8 bytes that name its node, one byte that says what it is, and its body in lib0's encodings.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collab_server.crdt.lib0 import Reader, write_var_bytes, write_var_string, write_var_uint
from collab_server.crdt.messages import Stateless
from collab_server.errors import Malformed

NODE_ID_BYTES: Final = 8
_MIN_STATE_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Committed:
    """Log rows `first` to `last` hold this update; empty: read it from the log."""

    first: int
    last: int
    update: bytes


@dataclass(frozen=True, slots=True)
class State:
    """A presence state (JSON text; "null": removed) and the person who it belongs to."""

    client: int
    clock: int
    state: str
    person: str


@dataclass(frozen=True, slots=True)
class States:
    """`number` grows with every such message of a node. `complete`: the node has no other states in the document."""

    number: int
    complete: bool
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class WhoIsHere:
    """The sender wants everybody's complete States."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a client of a `stream` that another node holds has told the sender of this: a y-websocket frame. The sender
    has found out that the client is this `person` (an Identity.bearer).
    """

    stream: str
    person: str
    frame: bytes


NodeMessage = Committed | States | WhoIsHere | Stateless | Said


def encode(node: bytes, message: NodeMessage) -> bytes:
    match message:
        case Committed(first, last, update):
            body = b"\x01" + write_var_uint(first) + write_var_uint(last) + write_var_bytes(update)
        case States(number, complete, states):
            body = b"".join((b"\x02", write_var_uint(number), bytes((complete,)), _encode_states(states)))
        case WhoIsHere():
            body = b"\x03"
        case Stateless(payload):
            body = b"\x04" + write_var_string(payload)
        case Said(stream, person, frame):
            body = b"\x05" + write_var_string(stream) + write_var_string(person) + write_var_bytes(frame)
    return node + body


def _encode_states(states: Iterable[State]) -> bytes:
    encoded = [
        write_var_uint(s.client) + write_var_uint(s.clock) + write_var_string(s.state) + write_var_string(s.person)
        for s in states
    ]
    return write_var_uint(len(encoded)) + b"".join(encoded)


def decode(frame: bytes) -> tuple[bytes, NodeMessage]:
    """(who says it, what). Raises Malformed."""
    if len(frame) <= NODE_ID_BYTES:
        raise Malformed("a node's message is cut off")
    node, kind = frame[:NODE_ID_BYTES], frame[NODE_ID_BYTES]
    reader = Reader(frame, NODE_ID_BYTES + 1)
    message: NodeMessage
    if kind == 1:
        first, last = reader.var_uint(), reader.var_uint()
        if not 0 < first <= last:
            raise Malformed("log rows begin with 1, and end where they begin or later")
        message = Committed(first, last, reader.var_bytes())
    elif kind == 2:
        number, complete, count = reader.var_uint(), reader.var_uint(), reader.var_uint()
        if complete > 1 or count * _MIN_STATE_BYTES > reader.remaining:
            raise Malformed("presence states are cut off")
        message = States(
            number,
            bool(complete),
            tuple(
                State(reader.var_uint(), reader.var_uint(), reader.var_string(), reader.var_string())
                for _ in range(count)
            ),
        )
    elif kind == 3:
        message = WhoIsHere()
    elif kind == 4:
        message = Stateless(reader.var_string())
    elif kind == 5:
        message = Said(reader.var_string(), reader.var_string(), reader.var_bytes())
    else:
        raise Malformed(f"a node's message of kind {kind} does not exist")
    reader.end()
    return node, message
