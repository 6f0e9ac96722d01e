"""Pure ASGI middleware (BaseHTTPMiddleware would skip sockets and break context variables)."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab_server.backends.db import Caller, caller
from collab_server.errors import Malformed, TooLarge
from collab_server.web import problems

_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_POLICY_HEADER = (b"content-security-policy", _CONTENT_POLICY.encode())
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *_HEADERS]
                if all(name != _POLICY_HEADER[0] for name, _ in headers):
                    headers.append(_POLICY_HEADER)
                if scope["path"].startswith("/static/"):
                    # The bundle's names carry no hash: a browser must ask whether its copy is still the one.
                    headers.append((b"cache-control", b"no-cache"))
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Refuses HTTP bodies above `max_bytes` with 413, by Content-Length or while they arrive. `others`: the limits of
    paths that match an expression.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, others: Mapping[re.Pattern[str], int] | None = None) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._others = others or {}

    def _limit(self, path: str) -> int:
        return next((most for pattern, most in self._others.items() if pattern.fullmatch(path)), self._max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._limit(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await problems.of(TooLarge(f"a body may have at most {most} bytes"))(scope, receive, send)
            return
        seen = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge(f"a body may have at most {most} bytes")
            return message

        await self._app(scope, counted, send)


class RequestDetails:
    """Refuses URLs that are no UTF-8 or hold a NUL (400), and notes from where a request comes (backends/db.caller)."""

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
            await problems.of(Malformed("the URL must be UTF-8, without NUL"))(scope, receive, send)
            return
        headers = dict(scope["headers"])
        client = scope.get("client")
        token = caller.set(
            Caller(
                client[0] if client else "",
                _header(headers, b"user-agent", 500),
                _header(headers, b"x-device-id", 200) or _parameter(scope, b"device_id", 200),
                _header(headers, b"x-client-version", 100) or _parameter(scope, b"client_version", 100),
            )
        )
        try:
            await self._app(scope, receive, send)
        finally:
            caller.reset(token)


def _parameter(scope: Scope, name: bytes, longest: int) -> str:
    for pair in scope["query_string"].split(b"&"):
        if pair.startswith(name + b"="):
            return unquote_to_bytes(pair[len(name) + 1 :].replace(b"+", b" ")).decode()[:longest]
    return ""


def _header(headers: dict[bytes, bytes], name: bytes, longest: int) -> str:
    return headers.get(name, b"").decode("latin-1").replace("\x00", "")[:longest]
