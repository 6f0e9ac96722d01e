"""Waiting for a condition that nothing announces."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool | Awaitable[bool]], what: str, within: float = 30.0) -> None:
    """Ask again and again until `holds`; fails with `what` after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert loop.time() < deadline, f"waited {within} s for {what}"
        await asyncio.sleep(0.01)
