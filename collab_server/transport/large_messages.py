"""Messages above the usual limit: one at a time in a process, and what is above every limit is not kept."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BEGINNING_BYTES = 4_096
"""Of a message that is not taken: so much of it is shown to the session, which may find out what it was for."""
SLOW_BYTES = 65_536
"""A second: who sends a large message more slowly gives its place up while others wait for one..."""
PATIENCE = 10.0
"""... after so many seconds."""

OnTooLarge = Callable[[bytes, int], None]
"""(the first bytes of a message, how many it has at least): the message is dropped, the socket may be ended."""


class Waiting(Protocol):
    def admitted(self) -> None: ...


class LargeMessages:
    """The place for the one large message that a process receives and handles."""

    def __init__(self) -> None:
        self._holder: Waiting | None = None
        self._waiting: deque[Waiting] = deque()

    @property
    def contested(self) -> bool:
        return bool(self._waiting)

    def enter(self, who: Waiting) -> bool:
        """Whether `who` has the place now; else it is called when it has."""
        if self._holder is None:
            self._holder = who
        elif self._holder is not who and who not in self._waiting:
            self._waiting.append(who)
        return self._holder is who

    def leave(self, who: Waiting) -> None:
        """Give the place up, or the wait for it."""
        if self._holder is not who:
            if who in self._waiting:
                self._waiting.remove(who)
            return
        self._holder = self._waiting.popleft() if self._waiting else None
        if self._holder is not None:
            self._holder.admitted()


@dataclass(slots=True)
class Allowed:
    """What a connection may send beyond the usual limit. `since`: when it got the place (monotonic seconds), 0.0: it
    has none. `skipping`: the rest of a message is being dropped.
    """

    most: int
    on_too_large: OnTooLarge
    since: float = 0.0
    waiting: bool = False
    skipping: bool = False

    def is_slow(self, now: float, received: int) -> bool:
        taken = now - self.since
        return bool(self.since) and taken > PATIENCE and received < taken * SLOW_BYTES
