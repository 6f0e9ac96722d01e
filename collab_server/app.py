"""The application of one process: its routes and its middleware."""

import mimetypes
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from collab_server import __version__
from collab_server.errors import MessageTooLarge, TooLarge
from collab_server.features.account import administration_api, password_api
from collab_server.features.account import api as account_api
from collab_server.features.attachments import api as attachments_api
from collab_server.features.attachments import content_api as attachment_content_api
from collab_server.features.attachments.uploads import api as uploads_api
from collab_server.features.audit import api as audit_api
from collab_server.features.auth import api as auth_api
from collab_server.features.auth import tokens_api
from collab_server.features.changes import api as changes_api
from collab_server.features.comments import api as comments_api
from collab_server.features.content import api as content_api
from collab_server.features.content import read_api, updates_api
from collab_server.features.conversion import api as conversion_api
from collab_server.features.documents import api as documents_api
from collab_server.features.exports import api as exports_api
from collab_server.features.exports import archive_api
from collab_server.features.history import compacting_api, moments_api, restore_api, versions_api
from collab_server.features.imports import api as imports_api
from collab_server.features.notifications import api as notifications_api
from collab_server.features.notifications import subscriptions_api, unsubscribe_api
from collab_server.features.oidc import api as oidc_api
from collab_server.features.pictures import api as pictures_api
from collab_server.features.pictures.api import MAX_UPLOAD_BYTES
from collab_server.features.public_pages import api as public_pages_api
from collab_server.features.public_pages import pages_api
from collab_server.features.search import api as search_api
from collab_server.features.shares import access_api, open_api, workspace_api
from collab_server.features.shares import api as shares_api
from collab_server.features.suggestions import api as suggestions_api
from collab_server.features.suggestions import decisions_api
from collab_server.features.sync import api as sync_api
from collab_server.features.tags import api as tags_api
from collab_server.features.trash import api as trash_api
from collab_server.features.workspaces import answers_api, invitations_api, members_api
from collab_server.features.workspaces import api as workspaces_api
from collab_server.realtime.endpoints import change_stream
from collab_server.realtime.endpoints import events as events_api
from collab_server.realtime.endpoints import presence as presence_api
from collab_server.realtime.endpoints import websocket as endpoint
from collab_server.services import Services
from collab_server.settings import Settings
from collab_server.web import health, metrics, openapi, problems, routes
from collab_server.web.metrics import MetricsPort
from collab_server.web.middleware.body_limits import BodyLimit, Rule
from collab_server.web.middleware.headers import RequestDetails, SecurityHeaders
from collab_server.web.middleware.hosts import Hosts
from collab_server.web.middleware.rate_limits import RateLimit

_PACKAGE = Path(__file__).resolve().parent
_BUILT = _PACKAGE.parent / "static" / "dist"
STATIC = next((path for path in (_PACKAGE / "_static", _BUILT) if path.is_dir()), _BUILT)
"""Inside an installed package, or beside it in a checkout."""
# Python's table of file types has no web application manifests.
mimetypes.add_type("application/manifest+json", ".webmanifest")
_SLICES = (
    auth_api,
    password_api,
    oidc_api,
    tokens_api,
    account_api,
    administration_api,
    audit_api,
    workspaces_api,
    members_api,
    invitations_api,
    answers_api,
    changes_api,
    search_api,
    tags_api,
    trash_api,
    notifications_api,
    subscriptions_api,
    unsubscribe_api,
    updates_api,
    presence_api,
    change_stream,
    events_api,
    read_api,
    content_api,
    moments_api,
    restore_api,
    compacting_api,
    conversion_api,
    versions_api,
    suggestions_api,
    decisions_api,
    shares_api,
    access_api,
    open_api,
    workspace_api,
    documents_api,
    public_pages_api,
    comments_api,
    attachments_api,
    attachment_content_api,
    uploads_api,
    sync_api,
    exports_api,
    archive_api,
    imports_api,
    pictures_api,
)
_PAGES = {
    "/": "index",
    "/d/{address:path}": "document",
    "/w/{slug}": "index",
    "/w/{slug}/settings": "workspace",
    "/signin": "signin",
    "/signin/link": "signin",
    "/signin/reset": "signin",
    "/invite": "invite",
    "/s": "share",
    "/s/{token}": "share",
    "/account": "account",
    "/admin": "admin",
    "/offline": "offline",
}
"""Paths of the web application, and the file in static/dist/pages/ that is served at each of them."""
_CONTENT = r"/api/v1/documents/[^/]+/content"
_WHOLE_DOCUMENTS: tuple[tuple[str, type[TooLarge]], ...] = (
    (r"/api/v1/documents/[^/]+/updates", TooLarge),
    (r"/api/v1/documents/[^/]+/events/[^/]+", MessageTooLarge),
    (r"/api/v1/sync/push", TooLarge),
)
"""Routes that take Yjs updates, whose bodies may be as large as a document, and what a larger one is refused with."""
_LARGE_BODIES: tuple[tuple[Literal["POST", "PUT", "PATCH"], str], ...] = (
    ("POST", r"/api/v1/workspaces/[^/]+/documents"),
    ("PATCH", r"/api/v1/documents/[^/]+"),
    ("PUT", _CONTENT),
    ("PATCH", _CONTENT),
    ("POST", _CONTENT + "/(append|insert)"),
    ("POST", r"/api/v1/documents/[^/]+/comments"),
    ("PATCH", r"/api/v1/comments/[^/]+"),
    ("POST", r"/api/v1/documents/[^/]+/suggestions"),
    ("PATCH", r"/api/v1/suggestions/[^/]+"),
    ("POST", r"/api/v1/sync/pull"),
)
"""Routes that take up to MAX_MESSAGE_BYTES."""


_FORM_BYTES = 65_536
"""A form around a file may take so much."""


class State(TypedDict):
    """Attributes of `state` of every request and socket; see web.services."""

    services: Services


def build(services: Services) -> Starlette:
    """Return the ASGI application of one process."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with services.run():
            yield {"services": services}

    return Starlette(
        routes=[
            WebSocketRoute("/ws/{address:path}", _plain(endpoint.ywebsocket)),
            WebSocketRoute("/hocuspocus", _plain(endpoint.hocuspocus)),
            WebSocketRoute("/hocuspocus/", _plain(endpoint.hocuspocus)),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready(services.checks)),
            Route("/metrics", metrics.endpoint(services.settings, services.metrics)),
            Route("/api/v1/docs", _page("docs")),
            Mount("/api/v1", _api()),
            *pages_api.routes(),
            *_pages(),
        ],
        middleware=[
            Middleware(SecurityHeaders, secure=services.settings.base_url.startswith("https://")),
            Middleware(MetricsPort, settings=services.settings),
            Middleware(Hosts, settings=services.settings),
            Middleware(RequestDetails),
            Middleware(RateLimit, settings=services.settings, buckets=services.buckets),
            Middleware(BodyLimit, settings=services.settings, rules=_bodies(services.settings)),
        ],
        exception_handlers={HTTPException: problems.outside(STATIC / "pages" / "missing.html")},
        lifespan=lifespan,
    )


def late_steps() -> list[Callable[[], object]]:
    """What the first request of each kind would wait for. See `web.routes.late_steps`."""
    return routes.late_steps([route for slice_api in _SLICES for route in slice_api.router.routes])


def _bodies(settings: Settings) -> tuple[Rule, ...]:
    imports = Rule("POST", re.compile(r"/api/v1/workspaces/[^/]+/import"), settings.max_import_bytes, kept=False)
    files = settings.max_attachment_bytes + _FORM_BYTES
    attachments = Rule("POST", re.compile(r"/api/v1/documents/[^/]+/attachments"), files, kept=False)
    uploads = Rule("PATCH", re.compile(r"/api/v1/uploads/[^/]+"), settings.max_attachment_bytes, kept=False)
    most = settings.max_message_bytes
    # Not more than of other bodies: the largest is what one person may have on the way.
    pictures = Rule("PUT", re.compile(r"/api/v1/(users/me/avatar|workspaces/[^/]+/icon)"), min(MAX_UPLOAD_BYTES, most))
    whole = [
        Rule("POST", re.compile(path), settings.largest_message, refusal=refusal) for path, refusal in _WHOLE_DOCUMENTS
    ]
    return (
        imports,
        attachments,
        uploads,
        pictures,
        *whole,
        *(Rule(method, re.compile(path), most) for method, path in _LARGE_BODIES),
    )


def _plain(app: Any) -> Any:
    """An ASGI callable as a route's endpoint: Starlette wraps plain functions, but takes other callables as they
    are.
    """

    class _Plain:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

    return _Plain()


def _api() -> FastAPI:
    """The JSON API. OpenAPI at /api/v1/openapi.json, to read at /api/v1/docs."""
    api = FastAPI(
        title="collab_server",
        version=__version__,
        description="Documents of a real-time collaboration services. Errors are RFC 9457 problems with a `code`.",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(api)
    openapi.install(api)
    for slice_api in _SLICES:
        # As routes of its own: an included router is asked twice for each request, and asks all of its routes.
        api.router.routes.extend(slice_api.router.routes)
    return api


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(_: Request) -> Response:
        return FileResponse(STATIC / "pages" / f"{name}.html", headers={"cache-control": "no-cache"})

    return serve


def _pages() -> list[BaseRoute]:
    """The web application. static/README.md describes its files."""

    async def favicon(_: Request) -> Response:
        return FileResponse(STATIC / "assets" / "favicon.svg")

    async def service_worker(_: Request) -> Response:
        # At the root, because it may serve the pages of its own folder only.
        return FileResponse(STATIC / "sw.js", headers={"cache-control": "no-cache"})

    return [
        *(Route(path, _page(name)) for path, name in _PAGES.items()),
        Route("/favicon.ico", favicon),
        Route("/sw.js", service_worker),
        Mount("/static", StaticFiles(directory=STATIC / "assets", check_dir=False)),
    ]
