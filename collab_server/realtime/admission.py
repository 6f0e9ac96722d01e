"""Limits the sockets of this process: in total, per address, and of guests."""

from dataclasses import dataclass, field

from collab_server.adapters.rates import network_of
from collab_server.adapters.websocket.socket import Socket
from collab_server.adapters.websocket.token_bucket import TokenBucket
from collab_server.errors import TooMany
from collab_server.settings import is_loopback

SOCKETS_PER_BUDGET = 16
"""Busy sockets whose rate an address may use, however many it opens."""


@dataclass(slots=True)
class _Address:
    """`budget`: shared by the sockets of an address; None for loopback, where proxies run."""

    budget: TokenBucket | None
    sockets: set[Socket] = field(default_factory=set)


class Admission:
    """Counts each socket from its handshake until it has ended."""

    def __init__(self, maximum: int, per_address: int, signed_in_share: float, rate: float, burst: int) -> None:
        """`signed_in_share`: part of `maximum` reserved for signed-in people. `rate`, `burst`: budget of one socket."""
        self._maximum = maximum
        self._per_address = per_address
        self._guest_maximum = max(1, round(maximum * (1 - signed_in_share)))
        self._rate, self._burst = rate, burst
        self._address_of: dict[Socket, str] = {}
        self._addresses: dict[str, _Address] = {}
        self._pending: dict[Socket, None] = {}
        """Sockets without an accepted user or guest, oldest first."""
        self._guests: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._address_of)

    def enter(self, socket: Socket, client: str) -> None:
        """Count a new socket of the address `client`. Raises TooMany.

        In a full process, the oldest socket without an accepted user is ended instead.
        """
        key = network_of(client)
        limited = not is_loopback(client)
        address = self._addresses.get(key)
        if limited and address is not None and len(address.sockets) >= self._per_address:
            raise TooMany(f"your address holds {self._per_address} connections already")
        if len(self._address_of) >= self._maximum:
            if not self._pending:
                raise TooMany(f"this server holds {self._maximum} connections already")
            oldest = next(iter(self._pending))
            self.leave(oldest)
            error = TooMany("the server is full, and nobody has signed in on this connection")
            oldest.end(error.close_code, error.close_reason)
            address = self._addresses.get(key)
        if address is None:
            budget = None
            if limited:
                budget = TokenBucket(self._rate * SOCKETS_PER_BUDGET, self._burst * SOCKETS_PER_BUDGET)
            address = self._addresses[key] = _Address(budget)
        address.sockets.add(socket)
        self._address_of[socket] = key
        self._pending[socket] = None

    def accept(self, socket: Socket, *, guest: bool) -> None:
        """Record that a user or guest was accepted. Raises TooMany where guests have used up their share."""
        if socket not in self._address_of:
            return
        if not guest:
            self._guests.discard(socket)
        elif socket in self._pending and len(self._guests) >= self._guest_maximum:
            raise TooMany("the rest of this server's connections is kept for people who are signed in")
        elif socket in self._pending:
            self._guests.add(socket)
        self._pending.pop(socket, None)

    def leave(self, socket: Socket) -> None:
        """Stop counting an ended socket."""
        key = self._address_of.pop(socket, None)
        if key is None:
            return
        self._pending.pop(socket, None)
        self._guests.discard(socket)
        address = self._addresses[key]
        address.sockets.discard(socket)
        if not address.sockets:
            del self._addresses[key]

    def budget(self, socket: Socket) -> TokenBucket:
        """Create the budget of a socket: one token a message, and one for each 8 KB."""
        key = self._address_of.get(socket)
        shared = None if key is None else self._addresses[key].budget
        return TokenBucket(self._rate, self._burst, shared)
