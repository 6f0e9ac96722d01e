"""The application, top to bottom: what runs, the routes, the lifespan. Start reading here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from collab_server import __version__
from collab_server.access.identity import Authenticator
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crypto import Signer
from collab_server.documents import api as documents_api
from collab_server.documents import log_queries, store
from collab_server.errors import CollabError
from collab_server.realtime import endpoint
from collab_server.realtime.hub import Hub
from collab_server.settings import Settings
from collab_server.telemetry import Counts, Metrics, log
from collab_server.web import health, problems
from collab_server.web.depends import Rooms
from collab_server.web.middleware import BodyLimit, SecurityHeaders

_PACKAGE = Path(__file__).resolve().parent
STATIC = next((p for p in (_PACKAGE / "_static", _PACKAGE.parent / "static") if p.is_dir()), _PACKAGE.parent / "static")
"""Inside an installed package, or beside it in a checkout."""
SEARCH_INTERVAL = 2.0
BACKLOG_INTERVAL = 60.0
SUPERVISE_INTERVAL = 0.5


class Server:
    """What one process runs. `restart_database`: starts the embedded PostgreSQL again if it has died; None for an
    external one.
    """

    def __init__(self, settings: Settings, dsn: str, restart_database: Callable[[], bool] | None = None) -> None:
        self.settings = settings
        self.counts = Counts()
        self._restart_database = restart_database
        guest_role = settings.effective_guest_role
        self.db = Database(dsn, guest_role="" if guest_role == "none" else guest_role)
        self.workers = Workers(settings.worker_processes)
        self.signer = Signer(settings.secret())
        self.authenticator = Authenticator(self.db, self.signer, guests=guest_role != "none")
        self.hub: Hub | None = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[dict[str, Any]]:
        """Open everything, run the tasks, close everything in the opposite order."""
        await self.db.open()
        hub = self.hub = Hub(self.settings, self.db, self.workers, self.counts)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(hub.writer.run()),
                    tasks.create_task(hub.run()),
                    tasks.create_task(self._index_for_search()),
                    tasks.create_task(self._fold_backlog()),
                    tasks.create_task(self._supervise()),
                ]
                yield {
                    "settings": self.settings,
                    "db": self.db,
                    "authenticator": self.authenticator,
                    "signer": self.signer,
                    "rooms": Rooms(hub.settle, hub.people_in),
                    "hub": hub,
                }
                await self.drain()
                for task in running:
                    task.cancel()
        finally:
            await self.workers.close()
            await self.db.close()

    async def drain(self) -> None:
        """Commit every room and close every socket; harmless when done already."""
        if self.hub is not None and not self.hub.draining:
            unsaved = await self.hub.drain(self.settings.shutdown_grace)
            log.info("drained", extra={"unsaved_documents": unsaved})

    # ---- tasks

    async def _index_for_search(self) -> None:
        while True:
            await asyncio.sleep(SEARCH_INTERVAL)
            try:
                async with self.db.as_service() as conn:
                    while await log_queries.refresh_search(conn, 20):
                        pass
            except CollabError:
                continue
            except Exception:
                log.exception("indexing for search failed")

    async def _fold_backlog(self) -> None:
        """Fold what a server that died left in the log."""
        while True:
            try:
                async with self.db.as_service() as conn:
                    waiting = await log_queries.list_backlog(conn, 100)
                for document_id in waiting:
                    if self.hub is not None and self.hub.find(document_id) is None:
                        await store.fold(self.db, self.workers, document_id)
            except CollabError:
                pass
            except Exception:
                log.exception("folding the backlog failed")
            await asyncio.sleep(BACKLOG_INTERVAL)

    async def _supervise(self) -> None:
        if self._restart_database is None:
            return
        while True:
            await asyncio.sleep(SUPERVISE_INTERVAL)
            try:
                if await asyncio.to_thread(self._restart_database):
                    log.warning("the embedded PostgreSQL had died and was started again")
            except CollabError as error:
                log.error("the embedded PostgreSQL does not start", extra={"error": error.detail})
                await asyncio.sleep(2)

    # ---- what operators see

    async def checks(self) -> dict[str, str]:
        assert self.hub is not None
        found = {"server": "draining" if self.hub.draining else "ok"}
        try:
            async with asyncio.timeout(3), self.db.as_service() as conn:
                await conn.fetchval("SELECT 1")
            found["database"] = "ok"
        except (CollabError, TimeoutError):
            found["database"] = "cannot be reached"
        lag = self.hub.oldest_unsaved()
        found["commit_lag"] = "ok" if lag < health.COMMIT_LAG else f"an edit has waited {lag:.1f} s for its commit"
        found["bus"] = "ok"
        return found

    def gauges(self) -> dict[str, tuple[str, float]]:
        assert self.hub is not None
        hub = self.hub
        queued = sum(session.socket.queued for session in hub.sessions)
        behind = sum(member.behind is not None for member in hub.members())
        return {
            "sockets_open": ("Open WebSockets", len(hub.sessions)),
            "rooms_open": ("Documents open in this process", len(hub.documents)),
            "members": ("Connections to documents (a socket may hold many)", sum(1 for _ in hub.members())),
            "members_behind": ("Slow readers that wait for a diff", behind),
            "room_bytes": ("Bytes of documents held in memory", sum(d.room.held_bytes for d in hub.documents.values())),
            "unsaved_bytes": ("Bytes of edits that are not committed yet", hub.writer.unsaved_bytes),
            "queued_bytes": ("Bytes written to sockets that the network has not taken yet", queued),
            "oldest_unsaved_seconds": ("Age of the oldest edit that is not committed yet", hub.oldest_unsaved()),
        }


def build(server: Server) -> Starlette:
    """The ASGI application of one process."""
    registry = CollectorRegistry()
    registry.register(Metrics(server.counts, server.gauges))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return Starlette(
        routes=[
            WebSocketRoute("/ws/{address:path}", _plain(endpoint.ywebsocket)),
            WebSocketRoute("/hocuspocus", _plain(endpoint.hocuspocus)),
            WebSocketRoute("/hocuspocus/", _plain(endpoint.hocuspocus)),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready(server.checks)),
            Route("/metrics", metrics),
            Mount("/api/v1", _api()),
            *_pages(),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BodyLimit, max_bytes=server.settings.max_message_bytes),
        ],
        lifespan=server.lifespan,
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
    """The JSON API. OpenAPI at /api/v1/openapi.json."""
    api = FastAPI(
        title="collab_server",
        version=__version__,
        description="Documents of a real-time collaboration server. Errors are RFC 9457 problems with a `code`.",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(api)
    api.include_router(documents_api.router)
    return api


def _pages() -> list[BaseRoute]:
    """The web application; its files lie in static/ (see its README)."""

    async def index(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    async def document(_: Request) -> Response:
        return FileResponse(STATIC / "document.html", headers={"cache-control": "no-cache"})

    async def favicon(_: Request) -> Response:
        return FileResponse(STATIC / "dist" / "favicon.svg")

    return [
        Route("/", index),
        Route("/d/{address:path}", document),
        Route("/favicon.ico", favicon),
        Mount("/static", StaticFiles(directory=STATIC / "dist", check_dir=False)),
    ]
