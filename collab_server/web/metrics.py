"""/metrics, and who may read it."""

import hmac
from collections.abc import Awaitable, Callable

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from collab_server.errors import Forbidden, NotFound, Unauthenticated
from collab_server.settings import Settings, is_loopback
from collab_server.web import problems

_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_OWN_PATHS = ("/metrics", "/health/live", "/health/ready")


def endpoint(settings: Settings, collect: Callable[[], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Response]]:
    """`collect`: the metrics in Prometheus' text format."""
    token = settings.metrics_token.get_secret_value()

    async def metrics(request: Request) -> Response:
        if not is_own_port(request.scope, settings):
            if settings.metrics_port:
                return problems.of(NotFound("the metrics have a port of their own"))
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if token:
                if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
                    return problems.of(Unauthenticated("the metrics want the token of COLLAB_METRICS_TOKEN"))
            elif not _is_near(request):
                return problems.of(Forbidden("the metrics are for this machine; see COLLAB_METRICS_TOKEN"))
        return Response(await collect(), headers={"content-type": CONTENT_TYPE_LATEST})

    return metrics


def is_own_port(scope: Scope, settings: Settings) -> bool:
    """Whether the request came to METRICS_PORT."""
    server = scope.get("server")
    return bool(settings.metrics_port) and server is not None and server[1] == settings.metrics_port


def _is_near(request: Request) -> bool:
    """Whether this machine asks, and not somebody through a proxy on it."""
    client = request.client
    if client is None or any(name in request.headers for name in _OF_PROXIES):
        return False
    return is_loopback(client.host.removeprefix("::ffff:"))


class MetricsPort:
    """METRICS_PORT has /metrics and /health, and nothing else."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = scope["type"] != "lifespan" and is_own_port(scope, self._settings)
        if not own or (scope["type"] == "http" and scope["path"] in _OWN_PATHS):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404, "reason": ""})
