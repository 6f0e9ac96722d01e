"""Names by which the server may be addressed.

A page of anywhere can have its own name lead to this machine (DNS rebinding), and is then of the same origin. The Host
header gives it away: it names the page's host, which is neither an address nor a name of this server.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from collab_server.errors import UnknownHost
from collab_server.settings import Settings, is_loopback
from collab_server.web import problems


class Hosts:
    """Refuses requests and handshakes that name another host (421; sockets 403)."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = names_of(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._names is None:
            await self._app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        # Browsers always send one.
        if not host or is_known(host, self._names):
            await self._app(scope, receive, send)
            return
        refusal = UnknownHost("set COLLAB_PUBLIC_URL, or COLLAB_ALLOWED_HOSTS, if it is a name of this server")
        if scope["type"] == "http":
            await problems.of(refusal)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": refusal.close_code, "reason": refusal.close_reason})


def names_of(settings: Settings) -> frozenset[str] | None:
    """Names beside loopback names and addresses; None: any."""
    named = {host.lower() for host in settings.allowed_hosts}
    if "*" in named or "*" in settings.allowed_origins:
        return None
    if not (named or settings.public_url or is_loopback(settings.host)):
        return None
    urls = [settings.base_url, *settings.allowed_origins]
    return frozenset(named | {settings.host.lower()} | {hostname(urlsplit(url).netloc) for url in urls})


def is_known(host: str, names: frozenset[str]) -> bool:
    """Whether the value of a Host header is one of the names, a loopback name or an address."""
    name = hostname(host)
    if name in names or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def hostname(netloc: str) -> str:
    """The host without port and brackets, in lower case."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""
