"""Background tasks: one way to repeat an action, and one back-off after failures."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from collab_server.errors import CollabError
from collab_server.observability.logging import log

RETRY = (0.05, 2.0)
"""Seconds before an action that failed is repeated: the first delay, and the longest after doubling."""


class Backoff:
    """Delays between attempts. Each is twice as long as the last one, up to `longest` seconds.

    Delays are random between half and all of their length, so that processes that failed together do not retry
    together.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def next_delay(self) -> float:
        """Return the seconds to wait now, and double the following delay."""
        delay = self._next
        self._next = min(delay * 2, self._longest)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311

    def reset(self) -> None:
        """Begin with the first delay again."""
        self._next = self._first

    def reset_after(self, seconds: float) -> None:
        """Begin with the first delay again if the last attempt worked for longer than the longest delay."""
        if seconds > self._longest:
            self.reset()


async def run_periodically(
    name: str,
    action: Callable[[], Awaitable[float | None]],
    interval: float | None,
    *,
    first: float | None = 0.0,
    wake: asyncio.Event | None = None,
    retry: tuple[float, float] = RETRY,
) -> None:
    """Repeat `action` until cancelled.

    The next run begins `interval` seconds after the end of the last one, after the seconds that `action` returned, or
    when `wake` is set. `wake` is cleared before each run. `first` is the delay before the first run. An `interval` or
    `first` of None waits for `wake` alone.

    Exceptions never end the task. After a failure the next run begins after a delay between the two bounds of `retry`;
    `wake` does not shorten this delay. Errors of the service (CollabError) are logged at debug level, because most of
    them repeat what another task logs; other exceptions are logged with their traceback. `name` is the subject of these
    messages.
    """
    backoff = Backoff(*retry)
    await _wait(first, wake)
    while True:
        if wake is not None:
            wake.clear()
        started = time.monotonic()
        try:
            pause = await action()
        except Exception as error:
            if isinstance(error, CollabError):
                log.debug("%s failed", name, extra={"error": error.detail})
            else:
                log.exception("%s failed", name)
            backoff.reset_after(time.monotonic() - started)
            await asyncio.sleep(backoff.next_delay())
        else:
            backoff.reset()
            await _wait(interval if pause is None else pause, wake)


async def _wait(seconds: float | None, wake: asyncio.Event | None) -> None:
    """Sleep, but no longer than until `wake` is set."""
    if wake is None or (seconds is not None and seconds <= 0):
        if seconds is None:
            raise ValueError("a task without an interval needs an event that wakes it")
        await asyncio.sleep(seconds)
        return
    # Not wait_for: in Python 3.11 it may lose a cancellation.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
