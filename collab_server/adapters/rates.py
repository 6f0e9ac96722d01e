"""Token buckets: how many requests somebody may make. In memory for one process; for several see redis_rates."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_BUCKETS = 50_000
"""Further ones displace those that were used longest ago."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, `per_second` for long."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What one bucket answered. `tokens`: left in it, below 0 if there was none to take (then none was taken)."""

    rate: Rate
    tokens: float

    @property
    def allowed(self) -> bool:
        return self.tokens >= 0

    @property
    def remaining(self) -> int:
        return max(0, int(self.tokens))

    @property
    def until_full(self) -> float:
        """Seconds until the whole burst is there again."""
        return (self.rate.burst - max(0.0, self.tokens)) / self.rate.per_second

    @property
    def until_next(self) -> float:
        """Seconds until one more is allowed."""
        return max(0.0, -self.tokens / self.rate.per_second)


class Buckets(Protocol):
    async def take(self, key: str, rate: Rate) -> Taken:
        """One token out of the bucket of this name. Raises nothing."""
        ...

    async def close(self) -> None: ...


class LocalBuckets:
    """Token buckets of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, key: str, rate: Rate) -> Taken:
        return self.take_now(key, rate)

    def take_now(self, key: str, rate: Rate) -> Taken:
        now = self._clock()
        tokens, then = self._buckets.pop(key, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + max(0.0, now - then) * rate.per_second)
        left = tokens - 1
        self._buckets[key] = (left if left >= 0 else tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return Taken(rate, left)

    async def close(self) -> None:
        self._buckets.clear()


def network_of(ip: str) -> str:
    """The address; of IPv6 the network, as one machine has all addresses in it. Empty for what is no address."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
