"""Errors as RFC 9457 problems (application/problem+json) with a stable `code`."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

from collab_server.errors import AmbiguousAddress, CollabError, Forbidden, NotFound, TooMany, Unauthenticated
from collab_server.observability.logging import log
from collab_server.web.cookies import clear_session_cookie
from collab_server.web.depends import READS_PUBLIC
from collab_server.web.fields import Model

OTHER_CODES = {
    "invalid": (422, "The request is not valid"),
    "method_not_allowed": (405, "Method Not Allowed"),
    "internal": (500, "Internal error"),
}
"""Codes of problems that are no CollabError: code -> (status, title)."""


class Problem(Model):
    """The body of every error answer."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str


def problem(status: int, code: str, title: str, detail: str, members: Mapping[str, str] | None = None) -> JSONResponse:
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    body = Problem(title=title, status=status, detail=detail, code=code)
    return JSONResponse(
        {**body.model_dump(), **(members or {})}, status, headers, media_type="application/problem+json"
    )


def of(error: CollabError) -> JSONResponse:
    answer = problem(error.status, error.code, error.title, error.detail, error.members)
    if isinstance(error, TooMany):
        answer.headers["retry-after"] = str(error.retry_after)
    return answer


async def _collab_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CollabError)
    if request.scope.get(READS_PUBLIC) and isinstance(error, NotFound | Forbidden | AmbiguousAddress):
        error = Unauthenticated("sign in, or give a token")
    answer = of(error)
    if isinstance(error, Unauthenticated) and error.session_ended:
        clear_session_cookie(answer, request)
    return answer


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10])
    return problem(422, "invalid", "The request is not valid", faults)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    code = codes.get(error.status_code, f"http_{error.status_code}")
    return problem(error.status_code, code, str(error.detail), str(error.detail))


def outside(page: Path) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The handler of the app around the API: what no route takes is answered as the API would, or by this page to a
    browser that looks for one. A path under /api may reach no route of the API either (one with a newline, say).
    """

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
        if wants_page and error.status_code == 404:
            return FileResponse(page, 404, {"cache-control": "no-cache", "vary": "accept"})
        told = await _http(request, error)
        told.headers.update(error.headers or {})
        told.headers["vary"] = "accept"
        return told

    return answer


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", extra={"path": request.url.path}, exc_info=error)
    return problem(500, "internal", "Internal error", "the server made a mistake; it has been logged")


def install(app: FastAPI) -> None:
    """Problem responses for everything that a route of this (mounted) app raises."""
    app.add_exception_handler(CollabError, _collab_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def documented(*errors: type[CollabError]) -> dict[int | str, dict[str, object]]:
    """The `responses` of a route for OpenAPI."""
    return {
        error.status: {
            "model": Problem,
            "description": f"`{error.code}`: {error.title}",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for error in errors
    }
