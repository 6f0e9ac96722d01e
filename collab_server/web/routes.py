"""The router of every slice: a route whose transaction lost a race is run again."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from collab_server.errors import LostRace

ATTEMPTS = 4


class RetryingRoute(APIRoute):
    """Runs the endpoint again after a deadlock or a serialization failure (LostRace), which left nothing behind.

    So an endpoint writes in one transaction, and does what cannot be taken back after it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def retrying(request: Request) -> Response:
            for attempt in range(1, ATTEMPTS):
                try:
                    return await handler(request)
                except LostRace:
                    await asyncio.sleep(random.uniform(0.2, 1.0) * 0.02 * 2**attempt)  # noqa: S311
            return await handler(request)

        return retrying


def router() -> APIRouter:
    return APIRouter(route_class=RetryingRoute)
