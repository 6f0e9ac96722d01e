"""Presence of one document: awareness states, and the connections that own their client ids.

The rules of y-protocols decide whether a state is new. Ownership is an addition: an id belongs to the connection of its
first state. Echoes by other connections change nothing. The same person may take an id to a new connection. Therefore
the late end of an old socket does not remove a returned person, and no connection can change the presence of another.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collab_server.core.protocol.cluster_messages import State
from collab_server.core.protocol.messages import decode_awareness, encode_awareness_entries, read_state
from collab_server.errors import Malformed

REMOVED = "null"
MAX_GUEST_NAME = 60
"""Characters of a name that a guest who came by a link shows."""
MAX_IDS = 64
"""Client ids one connection may hold in one document; a stock client holds one."""
MAX_STATE_BYTES = 65_536
"""Size of one state. States beyond any of these bounds are not shown, and their sender is notified."""
MAX_CONNECTION_BYTES = 131_072
"""Size of all states of one connection."""
MAX_TOTAL_BYTES = 2_097_152
"""Size of all states of a document, which every new connection is sent."""
NODES = 2
"""Factor on MAX_TOTAL_BYTES for states of other nodes, each of which limits only its own connections."""
MAX_GONE = 1024
"""Ids that left whose clocks are remembered, so that an old state of theirs cannot return."""


@dataclass(slots=True)
class _State:
    clock: int
    state: str
    owner: int
    person: str
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.state) if self.state.isascii() else len(self.state.encode(errors="surrogatepass"))


class Presence:
    """States by Yjs client id. `owner` numbers a connection; `person` names who is behind it (equal: the same
    person).
    """

    __slots__ = ("_gone", "_newest", "_owned", "_states", "not_taken", "size")

    def __init__(self) -> None:
        self._states: dict[int, _State] = {}
        self._owned: dict[int, set[int]] = {}
        # client id -> (the clock it left with, the newest connection of that moment)
        self._gone: dict[int, tuple[int, int]] = {}
        self._newest = 0
        self.size = 0
        """Bytes of all states together."""
        self.not_taken = ""
        """The reason why a state of the last `receive` is not shown; empty: all are shown, or were known."""

    def __len__(self) -> int:
        return len(self._states)

    def join(self, owner: int) -> None:
        """Note a new connection; connections are numbered upwards."""
        self._newest = max(self._newest, owner)

    def receive(self, owner: int, person: str, user: Mapping[str, object] | None, payload: bytes) -> set[int]:
        """Take an awareness payload of a connection in; returns the client ids whose state changed.

        `user`: fields the server vouches for, laid over the state's own `user`. A state beyond the bounds above is not
        taken, and `not_taken` says why: the client's former state stays. Raises Malformed.
        """
        self.not_taken = ""
        changed: set[int] = set()
        for client, clock, state in decode_awareness(payload):
            if state == REMOVED:
                if self._remove(owner, client, clock):
                    changed.add(client)
            elif self._set(owner, person, user, client, clock, state):
                changed.add(client)
        return changed

    def _remove(self, owner: int, client: int, clock: int) -> bool:
        known = self._states.get(client)
        if known is None or known.owner != owner or clock < known.clock:
            return False
        self._forget(client, known, clock)
        return True

    def _set(
        self, owner: int, person: str, user: Mapping[str, object] | None, client: int, clock: int, state: str
    ) -> bool:
        known = self._states.get(client)
        owned = self._owned.setdefault(owner, set())
        if known is None:
            # A returning client announces the clock it left with: news, unless a connection says it that was already
            # here when the client left, for then it only repeats what it had heard.
            gone_clock, newest = self._gone.get(client, (-1, 0))
            if clock < gone_clock or (clock == gone_clock and owner <= newest):
                return False
        elif clock <= known.clock:
            return False
        elif known.owner != owner and (known.person != person or owned):
            # Only a newcomer takes its own id along; tabs of one browser repeat each other's states.
            return False
        if len(state) > MAX_STATE_BYTES:
            self.not_taken = f"a presence state may have at most {MAX_STATE_BYTES} bytes"
            return False
        if client not in owned and len(owned) >= MAX_IDS:
            self.not_taken = f"a connection may show the presence of at most {MAX_IDS} clients"
            return False
        new = _State(clock, _vouched(state, user), owner, person)
        others = owned - {client}
        if others and new.size + sum(self._states[other].size for other in others) > MAX_CONNECTION_BYTES:
            self.not_taken = f"the presence states of a connection may have {MAX_CONNECTION_BYTES} bytes together"
            return False
        taken = self._put(client, new, MAX_TOTAL_BYTES)
        if not taken:
            self.not_taken = f"the presence states of a document may have {MAX_TOTAL_BYTES} bytes together"
        return taken

    def _put(self, client: int, state: _State, maximum: int) -> bool:
        """Store the state, unless all states together would exceed `maximum` bytes; returns whether it was stored."""
        known = self._states.get(client)
        size = self.size + state.size - (0 if known is None else known.size)
        if size > maximum:
            return False
        if known is not None and known.owner != state.owner:
            self._owned[known.owner].discard(client)
        self.size = size
        self._owned.setdefault(state.owner, set()).add(client)
        self._gone.pop(client, None)
        self._states[client] = state
        return True

    def show(self, owner: int, person: str, client: int, clock: int, state: str) -> tuple[int, int] | None:
        """Show one state of an API client, and no other state of it.

        It keeps its client id, even from another node; else it gets `client`. `clock`: the least clock. Returns (client
        id, clock); None where another person has the id, or the states would be too large.
        """
        client = next((one for one, known in self._states.items() if known.person == person), client)
        known = self._states.get(client)
        if known is not None:
            if known.person != person:
                return None
            clock = max(clock, known.clock + 1)
        clock = max(clock, self._gone.get(client, (0, 0))[0] + 1)
        if not self._put(client, _State(clock, state, owner, person), MAX_TOTAL_BYTES):
            return None
        return client, clock

    def receive_from_node(self, owner: int, states: Iterable[State], *, complete: bool) -> set[int]:
        """Take in states of another node, which has a negative `owner`. Returns the client ids with a changed state.

        `complete`: it has no other states.
        """
        changed: set[int] = set()
        named: set[int] = set()
        owned = self._owned.setdefault(owner, set())
        for state in states:
            client, clock = state.client, state.clock
            named.add(client)
            known = self._states.get(client)
            if state.state == REMOVED:
                if known is not None and known.owner == owner and clock >= known.clock:
                    self._forget(client, known, clock)
                    changed.add(client)
                continue
            is_news = known.clock < clock if known is not None else self._gone.get(client, (-1, 0))[0] <= clock
            if is_news and self._put(client, _State(clock, state.state, owner, state.person), NODES * MAX_TOTAL_BYTES):
                changed.add(client)
        if complete:
            for client in owned - named:
                self._forget(client, self._states[client], self._states[client].clock)
                changed.add(client)
        return changed

    def told_to_nodes(self, clients: Iterable[int]) -> list[State]:
        """The present state or the removal of these ids, for those that connections of this node own."""
        told = []
        for client in clients:
            known = self._states.get(client)
            if known is not None:
                if known.owner >= 0:
                    told.append(State(client, known.clock, known.state, known.person))
            elif client in self._gone:
                told.append(State(client, self._gone[client][0], REMOVED, ""))
        return told

    def own_states(self) -> list[State]:
        """All states owned by connections of this node."""
        return self.told_to_nodes(list(self._states))

    def leave(self, owner: int) -> set[int]:
        """Remove the ids of an ended connection, and return them."""
        ids = self._owned.pop(owner, set())
        for client in ids:
            self._forget(client, self._states[client], self._states[client].clock)
        return ids

    def _forget(self, client: int, known: _State, clock: int) -> None:
        del self._states[client]
        self.size -= known.size
        if (owned := self._owned.get(known.owner)) is not None:
            owned.discard(client)
        self._gone[client] = (clock, self._newest)
        if len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def state_of(self, owner: int) -> str | None:
        """The JSON state of a connection; of several, that of its lowest client id."""
        owned = self._owned.get(owner)
        return self._states[min(owned)].state if owned else None

    def find_owner(self, client: int) -> int | None:
        """The connection that shows this client id; None where nobody does."""
        known = self._states.get(client)
        return None if known is None else known.owner

    def owned_by(self, owner: int) -> frozenset[int]:
        return frozenset(self._owned.get(owner, ()))

    def payload(self, clients: Iterable[int]) -> bytes:
        """The awareness payload with the present state or the removal of these ids."""
        entries = []
        for client in clients:
            known = self._states.get(client)
            if known is not None:
                entries.append((client, known.clock, known.state))
            elif client in self._gone:
                entries.append((client, self._gone[client][0], REMOVED))
        return encode_awareness_entries(entries)

    def everyone(self) -> bytes | None:
        """The awareness payload with all states; None where there are none."""
        return self.payload(self._states) if self._states else None

    def clients(self) -> set[int]:
        """The client ids of everybody present."""
        return set(self._states)

    def states(self) -> list[tuple[int, str]]:
        """(client id, JSON state) of everybody present."""
        return [(client, known.state) for client, known in self._states.items()]


def _name_by_link(name: object, link: object) -> str:
    chosen = " ".join(name.split())[:MAX_GUEST_NAME] if isinstance(name, str) else ""
    return f"{chosen or 'Guest'} (link {link})" if link else f"{chosen or 'Guest'} (link)"


def _vouched(state: str, user: Mapping[str, object] | None) -> str:
    """The state as it goes out: strict JSON, `user.id` and `user.name` as the server knows them. A guest who has only
    the name that they chose gets that of their `link` beside it. Raises Malformed.
    """
    value = read_state(state)
    if user is None or not isinstance(value, dict):
        return state
    own = value.get("user")
    value["user"] = {**(own if isinstance(own, dict) else {}), **user}
    if "link" in user and "name" not in user:
        value["user"]["name"] = _name_by_link(value["user"].get("name"), user["link"])
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:  # 1e999 is JSON, but would go out as Infinity, which is not
        raise Malformed("an awareness state has a number beyond all bounds") from error
