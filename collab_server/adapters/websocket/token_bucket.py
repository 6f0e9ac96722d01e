"""A token bucket for what one peer sends, with an optional second bucket that several peers share."""

import time

from collab_server.errors import TooMany

GRANT = 64.0
"""Tokens taken out at once, so that most messages cost one subtraction and no look at the clock."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` tokens a second.

    One cost may exceed the tokens that are left: the bucket then goes into debt, and refuses until it is paid.
    """

    __slots__ = ("_burst", "_grant", "_granted", "_rate", "_refilled", "_shared", "_tokens")

    def __init__(self, rate: float, burst: float, shared: "TokenBucket | None" = None) -> None:
        """`shared`: a bucket that pays for every spending of this one as well."""
        self._rate = rate
        self._burst = self._tokens = float(burst)
        self._grant = max(1.0, min(GRANT, burst / 10))
        self._granted = 0.0
        self._shared = shared
        self._refilled = time.monotonic()

    def spend(self, cost: float) -> None:
        """Raises TooMany when nothing is left."""
        self._granted -= cost
        if self._granted < 0:
            self._draw()

    def _draw(self) -> None:
        amount = self._grant - self._granted
        now = time.monotonic()
        if not self._take(amount, now) or (self._shared is not None and not self._shared._take(amount, now)):
            raise TooMany("too many messages in too short a time")
        self._granted = self._grant

    def _take(self, amount: float, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._refilled) * self._rate)
        self._refilled = now
        if self._tokens < 1.0:
            return False
        self._tokens -= amount
        return True
