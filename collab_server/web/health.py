"""/health/live and /health/ready."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

COMMIT_LAG = 5.0
"""Seconds: an edit that has waited longer for its commit makes the server degraded."""
REQUIRED = frozenset({"server", "database", "load"})
"""Checks that make the server unavailable. Every other check only makes it degraded: all servers of a database would
fail it at the same time, and a proxy that takes all of them out causes the outage."""


def status_of(found: Mapping[str, str]) -> str:
    """'ok', 'degraded' or 'unavailable'. `found`: check -> 'ok' or what is wrong."""
    wrong = {name for name, value in found.items() if value != "ok"}
    if wrong & REQUIRED:
        return "unavailable"
    return "degraded" if wrong else "ok"


async def live(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def ready(checks: Callable[[], Awaitable[dict[str, str]]]) -> Callable[[Request], Awaitable[Response]]:
    """200 for 'ok' and 'degraded', 503 for 'unavailable'; the body names each check."""

    async def endpoint(_: Request) -> Response:
        found = await checks()
        status = status_of(found)
        return JSONResponse(
            {"status": status, "checks": found},
            status_code=503 if status == "unavailable" else 200,
            headers={"cache-control": "no-store"},
        )

    return endpoint
