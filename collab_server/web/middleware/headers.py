"""Pure ASGI middleware (BaseHTTPMiddleware would skip sockets and break context variables)."""

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab_server.adapters.postgres import Caller, caller
from collab_server.errors import Malformed
from collab_server.web import problems

_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'%s; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_POLICY = b"content-security-policy"
_HOST = re.compile(rb"[A-Za-z0-9.:\[\]_-]{1,261}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class SecurityHeaders:
    """`secure`: PUBLIC_URL is https, and browsers are told to come by nothing else."""

    def __init__(self, app: ASGIApp, *, secure: bool = False) -> None:
        self._app = app
        self._secure = secure
        self._always = [*_HEADERS, (b"strict-transport-security", b"max-age=31536000")] if secure else _HEADERS

    def _policy(self, scope: Scope) -> bytes:
        """Sockets of the page's own host only: 'self' does not mean these in every browser."""
        host = dict(scope["headers"]).get(b"host", b"")
        if not _HOST.fullmatch(host):
            return (_CONTENT_POLICY % "").encode()
        name = host.decode()
        # A proxy may have taken off TLS where PUBLIC_URL does not tell.
        sockets = f" wss://{name}" if self._secure else f" ws://{name} wss://{name}"
        return (_CONTENT_POLICY % sockets).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *self._always]
                if all(name != _POLICY for name, _ in headers):
                    headers.append((_POLICY, self._policy(scope)))
                if scope["path"].startswith("/static/"):
                    # The bundle's names carry no hash: a browser must ask whether its copy is still the one.
                    headers.append((b"cache-control", b"no-cache"))
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, with_headers)


class RequestDetails:
    """Refuses URLs that are no UTF-8 or hold a NUL (400), and notes where a request comes from (postgres.caller)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = unquote_to_bytes(scope.get("raw_path") or scope["path"].encode())
        url = b"%s?%s" % (path, unquote_to_bytes(scope["query_string"]))
        try:
            if "\x00" in url.decode():
                raise ValueError
        except ValueError:
            await problems.of(Malformed("the URL must be UTF-8 without NUL characters"))(scope, receive, send)
            return
        headers = dict(scope["headers"])
        token = caller.set(
            Caller(
                client_address(scope),
                _header(headers, b"user-agent", 500),
                _header(headers, b"x-device-id", 200) or _parameter(scope, b"device_id", 200),
                _header(headers, b"x-client-version", 100) or _parameter(scope, b"client_version", 100),
            )
        )
        try:
            await self._app(scope, receive, send)
        finally:
            caller.reset(token)


def client_address(scope: Scope) -> str:
    """The address of a client: the peer's, or the one that a trusted proxy names (uvicorn puts it into the scope).
    Empty: unknown.
    """
    client = scope.get("client")
    host: str = client[0] if client else ""
    # Of a socket that takes both families.
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def _parameter(scope: Scope, name: bytes, longest: int) -> str:
    for pair in scope["query_string"].split(b"&"):
        if pair.startswith(name + b"="):
            return unquote_to_bytes(pair[len(name) + 1 :].replace(b"+", b" ")).decode()[:longest]
    return ""


def _header(headers: dict[bytes, bytes], name: bytes, longest: int) -> str:
    return headers.get(name, b"").decode("latin-1").replace("\x00", "")[:longest]
