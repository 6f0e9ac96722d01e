"""A hybrid logical clock for the times of edits, by the server's clock.

It is the device's clock, corrected by its offset to the server's clock, and it never goes back: later edits have later
times, also after a synchronisation. Times are microseconds since 1970. Pure, except for the device's clock.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """State of the clock. `offset`: server's time minus device's time; None if the server sends no time. `last`: the
    latest time in use or received.
    """

    offset: int | None = None
    last: int = 0

    def tick(self) -> "Clock":
        """Advance the clock; `last` of the result is the time of the new edit."""
        return Clock(self.offset, max(now() + (self.offset or 0), self.last + 1))

    def follow(self, moment: int) -> "Clock":
        """Advance the clock to the time of a received edit, but not into the future."""
        return Clock(self.offset, max(self.last, min(moment, now() + (self.offset or 0))))


def now() -> int:
    return time.time_ns() // 1000


def estimate_offset(known: int, told: int, sent: int, received: int) -> int:
    """Estimate the offset from an answer: `told` is the server's time in milliseconds, between `sent` and `received`.

    Keeps the `known` offset if it is possible, so that slow answers do not change it. The first estimate is 0.
    """
    return min(max(known, told * 1000 - received), told * 1000 + 1000 - sent)


def format_time(moment: int) -> str:
    """Format a time for requests and answers."""
    return (_EPOCH + timedelta(microseconds=moment)).isoformat()


def parse_time(moment: str) -> int:
    """Parse a time. Raises ValueError."""
    return (datetime.fromisoformat(moment).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
