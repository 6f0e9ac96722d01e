"""When something was done here, by the server's clock. Pure.

A hybrid logical clock: the device's own, corrected by how far the server's is from it, and never back: what is done
after something else, here or as the server told of it, has a later time. Times are microseconds since 1970.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """`offset`: what the server's clock shows more than ours; None where the server has not told its time. `last`: the
    latest time that was given or heard of.
    """

    offset: int | None = None
    last: int = 0

    def tick(self) -> "Clock":
        """The clock whose `last` is the time of what is done now."""
        return Clock(self.offset, max(now() + (self.offset or 0), self.last + 1))

    def heard(self, moment: int) -> "Clock":
        """The clock after an edit of this time was seen. One in the future is no reason to follow it there."""
        return Clock(self.offset, max(self.last, min(moment, now() + (self.offset or 0))))


def now() -> int:
    return time.time_ns() // 1000


def measured(known: int, told: int, sent: int, received: int) -> int:
    """The offset, of an answer whose server read its clock (`told`, milliseconds) between these two moments of ours:
    the one that is `known` as far as that can be, so that slow answers do not move it. A device's clock is right (0)
    until an answer shows that it is not.
    """
    return min(max(known, told * 1000 - received), told * 1000 + 1000 - sent)


def written(moment: int) -> str:
    """As in requests and answers."""
    return (_EPOCH + timedelta(microseconds=moment)).isoformat()


def read(moment: str) -> int:
    """Raises ValueError."""
    return (datetime.fromisoformat(moment).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
