"""The session's cookie: its name and rules, in one place."""

from datetime import datetime
from typing import Protocol

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from collab_server.settings import Settings
from collab_server.web.services import web_services

NAME = "collab_session"


class Opened(Protocol):
    """A session that was just opened."""

    @property
    def token(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...


def is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


def cookie_name(settings: Settings) -> str:
    """The cookie's name. With https, `__Host-` keeps neighbouring hosts and plain HTTP from setting it."""
    return f"__Host-{NAME}" if is_secure(settings) else NAME


def session_token(connection: HTTPConnection, settings: Settings) -> str | None:
    """What the cookie holds, whether or not that is a session."""
    return connection.cookies.get(cookie_name(settings)) or None


def set_session_cookie(response: Response, request: Request, session: Opened) -> None:
    settings = web_services(request).settings
    response.set_cookie(
        cookie_name(settings),
        session.token,
        expires=session.expires_at,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, request: Request) -> None:
    settings = web_services(request).settings
    response.delete_cookie(cookie_name(settings), path="/", secure=is_secure(settings), httponly=True, samesite="lax")
