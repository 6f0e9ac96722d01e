"""How many sockets this process holds: in all, of one address, and of people who are not signed in."""

from dataclasses import dataclass, field

from collab_server.backends.rates import network_of
from collab_server.errors import TooMany
from collab_server.settings import is_loopback
from collab_server.transport.socket import Socket
from collab_server.transport.token_bucket import TokenBucket

SOCKETS_PER_BUDGET = 16
"""An address may send as much as so many busy sockets, however many it opens."""


@dataclass(slots=True)
class _Address:
    """`budget` is shared by the sockets of an address; None for this machine, where proxies stand."""

    budget: TokenBucket | None
    sockets: set[Socket] = field(default_factory=set)


class Admission:
    """Counts each socket from its handshake until it has ended."""

    def __init__(self, maximum: int, per_address: int, signed_in_share: float, rate: float, burst: int) -> None:
        """`signed_in_share`: the part of `maximum` that guests cannot take. `rate`, `burst`: of one socket's budget."""
        self._maximum = maximum
        self._per_address = per_address
        self._guest_maximum = max(1, round(maximum * (1 - signed_in_share)))
        self._rate, self._burst = rate, burst
        self._address_of: dict[Socket, str] = {}
        self._addresses: dict[str, _Address] = {}
        self._pending: dict[Socket, None] = {}
        """Sockets on which nobody has signed in or been accepted as a guest yet, oldest first."""
        self._guests: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._address_of)

    def enter(self, socket: Socket, client: str) -> None:
        """Count in a socket of the address `client`. Raises TooMany.

        Where the process is full, the socket that has been silent the longest since its handshake ends for it.
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
        """Somebody is accepted on the socket. Raises TooMany where guests have taken their part already."""
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
        """The socket has ended."""
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
        """A new budget for what the socket sends: messages, with each 8 KB of them counted as one more."""
        key = self._address_of.get(socket)
        shared = None if key is None else self._addresses[key].budget
        return TokenBucket(self._rate, self._burst, shared)
