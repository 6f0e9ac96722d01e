"""Messages between the nodes of a cluster about one document, decoded as strictly as a client's frame.

A message is one byte for its type, then fields in lib0's encodings. Its envelope has the sender and the signature; see
adapters/envelopes.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collab_server.core.protocol.messages import Stateless, read_state
from collab_server.core.yjs.lib0 import Reader, write_var_bytes, write_var_string, write_var_uint
from collab_server.errors import Malformed

MAX_STATE: Final = 5 * 65_536
"""Characters. A client's state has at most 65,536, and grows by at most this factor when the server writes a user into
it: 1e15 becomes 1000000000000000.0.
"""
_MIN_STATE_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Committed:
    """Log rows `first` to `last` contain this update. Without an update, the receiver reads the rows from the log."""

    first: int
    last: int
    update: bytes


@dataclass(frozen=True, slots=True)
class State:
    """A presence state (JSON text; "null": removed) and its user."""

    client: int
    clock: int
    state: str
    person: str


@dataclass(frozen=True, slots=True)
class States:
    """Presence states of a node. `number` grows with each message. `complete`: the node has no other states in the
    document.
    """

    number: int
    complete: bool
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class StatesRequest:
    """A request for the complete States of all nodes."""


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """A y-websocket frame for a client of an event stream on another node. `person`: the verified user of this client
    (an Identity.bearer).
    """

    stream: str
    person: str
    frame: bytes


NodeMessage = Committed | States | StatesRequest | Stateless | ClientFrame


def encode(message: NodeMessage) -> bytes:
    match message:
        case Committed(first, last, update):
            return b"\x01" + write_var_uint(first) + write_var_uint(last) + write_var_bytes(update)
        case States(number, complete, states):
            return b"".join((b"\x02", write_var_uint(number), bytes((complete,)), _encode_states(states)))
        case StatesRequest():
            return b"\x03"
        case Stateless(payload):
            return b"\x04" + write_var_string(payload)
        case ClientFrame(stream, person, frame):
            return b"\x05" + write_var_string(stream) + write_var_string(person) + write_var_bytes(frame)


def _encode_states(states: Iterable[State]) -> bytes:
    encoded = [
        write_var_uint(s.client) + write_var_uint(s.clock) + write_var_string(s.state) + write_var_string(s.person)
        for s in states
    ]
    return write_var_uint(len(encoded)) + b"".join(encoded)


def decode(body: bytes) -> NodeMessage:
    """Decode a message. Raises Malformed."""
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
        message = StatesRequest()
    elif kind == 4:
        message = Stateless(reader.var_string())
    elif kind == 5:
        message = ClientFrame(reader.var_string(), reader.var_string(), reader.var_bytes())
    else:
        raise Malformed(f"a node's message of kind {kind} does not exist")
    reader.end()
    return message


def _checked(state: str) -> str:
    """Check a state for valid JSON and return it. Raises Malformed."""
    if len(state) > MAX_STATE:
        raise Malformed(f"a presence state may have at most {MAX_STATE} characters")
    read_state(state)
    return state
