"""The router of all API modules. It runs a route again when its transaction lost a race."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from collab_server.background import Backoff
from collab_server.errors import LostRace

ATTEMPTS = 4
RETRY = (0.04, 0.16)
"""Seconds between two attempts: the first delay and the longest."""


class RetryingRoute(APIRoute):
    """Runs the endpoint again after a deadlock or a serialization failure (LostRace), which left nothing behind.

    Therefore an endpoint writes in one transaction, and has other effects only after the commit.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def retrying(request: Request) -> Response:
            backoff = Backoff(*RETRY)
            for _ in range(1, ATTEMPTS):
                try:
                    return await handler(request)
                except LostRace:
                    await asyncio.sleep(backoff.next_delay())
            return await handler(request)

        return retrying


def router() -> APIRouter:
    return APIRouter(route_class=RetryingRoute)
