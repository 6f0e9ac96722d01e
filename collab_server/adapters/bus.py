"""Messages between the nodes of a cluster: a hint that makes things fast. The log in PostgreSQL is the truth.

A message may be lost, late or repeated without harm. Nobody waits for the bus: what cannot be sent now is dropped.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

OnBusMessage = Callable[[str, bytes], None]
QUEUE_BYTES = 16_000_000
"""What may wait for one Redis; beyond it messages are dropped. No message is larger."""


class Bus(Protocol):
    """Channels are named by text; a node hears what others say on the ones it subscribed to, and not itself only if the
    reader looks at who said it.
    """

    @property
    def connected(self) -> bool:
        """Whether messages go out and come in at this moment."""
        ...

    @property
    def reaches_others(self) -> bool:
        """Whether there can be other nodes at all."""
        ...

    def publish(self, channel: str, message: bytes) -> None: ...

    def subscribe(self, channel: str) -> None: ...

    def unsubscribe(self, channel: str) -> None: ...

    async def settled(self, channel: str) -> None:
        """Wait until the subscription is in force, or the bus is away. Never raises."""
        ...

    async def run(self, on_message: OnBusMessage, on_connect: Callable[[], None]) -> None:
        """Carry messages until cancelled. `on_connect`: messages may have been lost before this moment."""
        ...


class LocalBus:
    """The nodes of one process (tests), or a single node. `exchange`: shared by those that hear each other."""

    def __init__(self, exchange: "set[LocalBus] | None" = None) -> None:
        self._exchange = exchange
        self._channels: set[str] = set()
        self._on_message: OnBusMessage | None = None

    @property
    def connected(self) -> bool:
        return self._exchange is None or self in self._exchange

    @property
    def reaches_others(self) -> bool:
        return self._exchange is not None

    def publish(self, channel: str, message: bytes) -> None:
        for other in list(self._exchange or ()):
            if channel in other._channels and other._on_message is not None:
                asyncio.get_running_loop().call_soon(other._on_message, channel, message)

    def subscribe(self, channel: str) -> None:
        self._channels.add(channel)

    def unsubscribe(self, channel: str) -> None:
        self._channels.discard(channel)

    async def settled(self, channel: str) -> None:
        """Return at once: a subscription in this process takes effect immediately."""

    async def run(self, on_message: OnBusMessage, on_connect: Callable[[], None]) -> None:
        self._on_message = on_message
        if self._exchange is not None:
            self._exchange.add(self)
        on_connect()
        try:
            await asyncio.Event().wait()
        finally:
            self._on_message = None
            if self._exchange is not None:
                self._exchange.discard(self)
