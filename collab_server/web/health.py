"""/health/live and /health/ready."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

COMMIT_LAG = 5.0
"""Seconds: an edit that has waited longer for its commit makes the server not ready."""
FEED_LAG = 300.0
"""Seconds: changes that an open transaction has kept from the feed for longer make the server not ready."""


async def live(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def ready(checks: Callable[[], Awaitable[dict[str, str]]]) -> Callable[[Request], Awaitable[Response]]:
    """`checks`: name -> 'ok' or what is wrong. All ok: 200, else 503."""

    async def endpoint(_: Request) -> Response:
        found = await checks()
        good = all(value == "ok" for value in found.values())
        return JSONResponse(
            {"status": "ok" if good else "unavailable", "checks": found},
            status_code=200 if good else 503,
            headers={"cache-control": "no-store"},
        )

    return endpoint
