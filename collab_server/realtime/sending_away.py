"""Closes the sockets of a server that stops."""

import asyncio
import math
from collections.abc import Iterable

from collab_server.realtime.member import Session

CLOSED_AT_ONCE = 50
CLOSE_PAUSE = 0.05
"""Seconds between the sockets that are closed at once: 1,000 a second."""


async def send_away(sessions: Iterable[Session], seconds: float) -> None:
    """Close every socket with 1012 within about `seconds`, a few at a time, so that the other nodes do not meet all
    clients at once.
    """
    leaving = list(sessions)
    at_once = max(CLOSED_AT_ONCE, math.ceil(len(leaving) * CLOSE_PAUSE / seconds))
    for start in range(0, len(leaving), at_once):
        if start:
            await asyncio.sleep(CLOSE_PAUSE)
        for session in leaving[start : start + at_once]:
            session.restart()
