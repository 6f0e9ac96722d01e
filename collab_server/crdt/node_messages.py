"""What the nodes of a cluster tell each other about one document. Decoded as strictly as a client's frame.

A message is one byte that says what it is, and the rest in lib0's encodings. Its sender and that it is genuine stand in
what it is wrapped in; see backends/envelopes.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collab_server.crdt.lib0 import Reader, write_var_bytes, write_var_string, write_var_uint
from collab_server.crdt.messages import Stateless, read_state
from collab_server.errors import Malformed

MAX_STATE: Final = 5 * 65_536
"""Characters. A client's state has at most 65,536, and grows by at most so much when the server writes a user into it:
1e15 becomes 1000000000000000.0.
"""
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


def encode(message: NodeMessage) -> bytes:
    match message:
        case Committed(first, last, update):
            return b"\x01" + write_var_uint(first) + write_var_uint(last) + write_var_bytes(update)
        case States(number, complete, states):
            return b"".join((b"\x02", write_var_uint(number), bytes((complete,)), _encode_states(states)))
        case WhoIsHere():
            return b"\x03"
        case Stateless(payload):
            return b"\x04" + write_var_string(payload)
        case Said(stream, person, frame):
            return b"\x05" + write_var_string(stream) + write_var_string(person) + write_var_bytes(frame)


def _encode_states(states: Iterable[State]) -> bytes:
    encoded = [
        write_var_uint(s.client) + write_var_uint(s.clock) + write_var_string(s.state) + write_var_string(s.person)
        for s in states
    ]
    return write_var_uint(len(encoded)) + b"".join(encoded)


def decode(body: bytes) -> NodeMessage:
    """Raises Malformed."""
    if not body:
        raise Malformed("a node's message is empty")
    kind = body[0]
    reader = Reader(body, 1)
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
                State(reader.var_uint(), reader.var_uint(), _checked(reader.var_string()), reader.var_string())
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
    return message


def _checked(state: str) -> str:
    """The state, which is JSON. Raises Malformed."""
    if len(state) > MAX_STATE:
        raise Malformed(f"a presence state may have at most {MAX_STATE} characters")
    read_state(state)
    return state
