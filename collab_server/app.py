"""The application, top to bottom: what runs, the routes, the lifespan. Start reading here."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from collab_server import __version__, checks, sealing
from collab_server.access.identity import Authenticator
from collab_server.accounts import (
    administration_api,
    audit_api,
    auth_api,
    oidc_api,
    password_api,
    tokens_api,
    users_api,
)
from collab_server.accounts.audit import SignIns
from collab_server.accounts.oidc import Oidc
from collab_server.accounts.oidc_bearer import BearerTokens
from collab_server.accounts.passwords import Passwords
from collab_server.backends import login
from collab_server.backends.bus import Bus, LocalBus
from collab_server.backends.db import Database
from collab_server.backends.embedded import EmbeddedPostgres, keep_running
from collab_server.backends.mail import Mailer
from collab_server.backends.rates import Buckets, LocalBuckets
from collab_server.backends.redis_bus import RedisBus
from collab_server.backends.redis_rates import RedisBuckets
from collab_server.backends.workers import Workers
from collab_server.changes import api as changes_api
from collab_server.changes import queries as feed_queries
from collab_server.changes.waiting import Waiters
from collab_server.crypto import Signer
from collab_server.documents import api as documents_api
from collab_server.documents import content_api, damage_queries, log_queries, organizing_api, trash_api, updates_api
from collab_server.documents.views import Views
from collab_server.errors import CollabError, MessageTooLarge, TooLarge
from collab_server.exports import api as exports_api
from collab_server.exports import archive_api
from collab_server.exports.converting import Converters
from collab_server.exports.spool import Spool
from collab_server.maintenance import scheduler
from collab_server.maintenance.expiry import Expiry
from collab_server.neighbours import Neighbours
from collab_server.realtime import endpoint, events_api, presence_api
from collab_server.realtime.hub import Hub
from collab_server.realtime.incoming import Incoming
from collab_server.realtime.leftovers import Leftovers
from collab_server.search import api as search_api
from collab_server.settings import SHORT_SECRET, Settings
from collab_server.siblings import Siblings
from collab_server.sync import api as sync_api
from collab_server.telemetry import Counts, Metrics, log, name_node
from collab_server.web import health, metrics, openapi, problems
from collab_server.web.body_limits import BodyLimit, Rule
from collab_server.web.depends import Rooms
from collab_server.web.hosts import Hosts
from collab_server.web.metrics import MetricsPort
from collab_server.web.middleware import RequestDetails, SecurityHeaders
from collab_server.web.rate_limits import RateLimit
from collab_server.workspaces import answers_api, invitations_api, members_api
from collab_server.workspaces import api as workspaces_api

_PACKAGE = Path(__file__).resolve().parent
STATIC = next((p for p in (_PACKAGE / "_static", _PACKAGE.parent / "static") if p.is_dir()), _PACKAGE.parent / "static")
"""Inside an installed package, or beside it in a checkout."""
_SLICES = (
    auth_api,
    password_api,
    oidc_api,
    tokens_api,
    users_api,
    administration_api,
    audit_api,
    workspaces_api,
    members_api,
    invitations_api,
    answers_api,
    changes_api,
    search_api,
    organizing_api,
    trash_api,
    updates_api,
    presence_api,
    events_api,
    content_api,
    documents_api,
    sync_api,
    exports_api,
    archive_api,
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
    "/account": "account",
    "/admin": "admin",
}
"""Paths of the web application, and the file in static/ that each of them is."""
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
    ("POST", r"/api/v1/sync/pull"),
)
"""Routes that take up to MAX_MESSAGE_BYTES."""
SEARCH_INTERVAL = 2.0
DAMAGE_INTERVAL = 2.0
VIEWS_INTERVAL = 3.0


class Server:
    """What one process runs. `embedded`: the PostgreSQL that this process has to keep running. `siblings`: the other
    processes on its port.
    """

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        embedded: EmbeddedPostgres | None = None,
        siblings: Siblings | None = None,
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self._embedded = embedded
        self._siblings = siblings
        self._leaving = False
        self._damaged = 0
        self.login_fault = ""
        self._neighbours: Neighbours | None = None
        self._registry = CollectorRegistry()
        self._registry.register(Metrics(self.counts, self.gauges))
        guest_role = settings.effective_guest_role
        self.db = Database(dsn, guest_role="" if guest_role == "none" else guest_role)
        self.workers = Workers(settings.worker_processes)
        self.folding = Workers(settings.worker_processes)
        self.editing = Workers.for_edits(settings.worker_processes)
        self.converters = Converters(Spool(settings.max_spool_bytes, settings.max_import_bytes))
        self.signer = Signer(settings.secret())
        if 0 < len(settings.secret_key.get_secret_value()) < SHORT_SECRET:
            log.warning("COLLAB_SECRET_KEY is short: give 32 random characters or more (`openssl rand -hex 32`)")
        self.mailer = Mailer(settings.smtp_url.get_secret_value(), settings.mail_from)
        keyring = sealing.keyring(settings.encryption_keys.get_secret_value(), settings.secret())
        self.oidc = Oidc(settings, keyring) if settings.oidc_issuer else None
        self.authenticator = Authenticator(self.db, self.signer, guests=guest_role != "none", oidc=self._bearers())
        self.passwords = Passwords(self.counts)
        self.sign_ins = SignIns(self.db, self.counts)
        self.buckets: Buckets = (
            RedisBuckets(settings.redis_url, settings.redis_prefix) if settings.redis_url else LocalBuckets()
        )
        self.bus: Bus = RedisBus(settings.redis_url, settings.redis_prefix) if settings.redis_url else LocalBus()
        self.changes = Waiters(self.db)
        self.hub: Hub | None = None

    def _bearers(self) -> BearerTokens | None:
        audience = self.settings.oidc_audience
        return BearerTokens(self.db, self.oidc.tokens, audience) if self.oidc and audience else None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[dict[str, Any]]:
        """Open everything, run the tasks, close everything in the opposite order."""
        await self.db.open()
        await self._check_login()
        place = self._siblings.number if self._siblings else 0
        hub = self.hub = Hub(
            self.settings,
            self.db,
            self.workers,
            self.counts,
            self.bus,
            place=place,
            folding=self.folding,
            editing=self.editing,
        )
        name_node(hub.nodes.id.hex())
        neighbours = self._neighbours = Neighbours(self.db, has_bus=bool(self.settings.redis_url))
        hub.access.tell(self.changes.access_changed)
        expiry = Expiry(self.db, self.settings.access_recheck_seconds)
        hub.access.tell(expiry.heard)
        answering = self._siblings.answering(self._own_metrics) if self._siblings else nullcontext()
        try:
            async with self.db.as_service() as conn:
                await feed_queries.check_epoch(conn)
            async with answering, asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(hub.writer.run()),
                    tasks.create_task(hub.run()),
                    tasks.create_task(hub.access.run()),
                    tasks.create_task(hub.nodes.run()),
                    tasks.create_task(neighbours.run()),
                    tasks.create_task(self.changes.run()),
                    tasks.create_task(hub.mirror.run()),
                    tasks.create_task(hub.storage.run()),
                    tasks.create_task(self._index_for_search()),
                    tasks.create_task(Leftovers(self.db, self.folding, lambda d: hub.find(d) is not None).run()),
                    tasks.create_task(self._count_damaged()),
                    tasks.create_task(self._write_views(hub.views)),
                    tasks.create_task(scheduler.run(self.db, self.settings)),
                    tasks.create_task(expiry.run()),
                ]
                if self._embedded is not None:
                    running.append(tasks.create_task(keep_running(self._embedded)))
                yield {
                    "settings": self.settings,
                    "db": self.db,
                    "authenticator": self.authenticator,
                    "signer": self.signer,
                    "mailer": self.mailer,
                    "passwords": self.passwords,
                    "sign_ins": self.sign_ins,
                    "oidc": self.oidc,
                    "rooms": Rooms(hub.settle, Incoming(hub), hub.edits),
                    "workers": self.editing,
                    "converters": self.converters,
                    "views": hub.views,
                    "hub": hub,
                    "quotas": hub.quotas,
                    "changes": self.changes,
                }
                await self.drain()
                for task in running:
                    task.cancel()
            await hub.views.flush_last(self.db, time.monotonic())
            await hub.mirror.end()
        finally:
            self.mailer.close()
            await self.buckets.close()
            if self.oidc is not None:
                await self.oidc.close()
            await self.converters.close()
            for workers in (self.editing, self.folding, self.workers):
                await workers.close()
            await self.db.close()

    def leave(self) -> None:
        """Not ready any more, but serving on: `drain` follows."""
        self._leaving = True

    async def drain(self) -> None:
        """Commit every room and close every socket; harmless when done already."""
        self.changes.stop()
        if self.hub is not None and not self.hub.draining:
            unsaved = await self.hub.drain(self.settings.shutdown_grace)
            log.info("drained", extra={"unsaved_documents": unsaved})

    async def _check_login(self) -> None:
        """A login that bypasses row-level security works, for installations that have one; it is told everywhere."""
        self.login_fault = ", ".join(await login.faults(self.db.dsn))
        if self.login_fault:
            log.warning(
                "row-level security does not bind the database's login: make a role with `collab-server migrate` and "
                "COLLAB_OWNER_URL",
                extra={"fault": self.login_fault},
            )

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

    async def _write_views(self, views: Views) -> None:
        while True:
            await asyncio.sleep(VIEWS_INTERVAL)
            try:
                await views.flush(self.db, time.monotonic())
            except CollabError:
                continue
            except Exception:
                log.exception("writing the views failed")

    async def _count_damaged(self) -> None:
        while True:
            with suppress(CollabError):
                async with self.db.as_service() as conn:
                    self._damaged = await damage_queries.count_damage(conn)
            await asyncio.sleep(DAMAGE_INTERVAL)

    # ---- what operators see

    async def checks(self) -> dict[str, str]:
        assert self.hub is not None
        return await checks.examine(
            self.settings, self.db, self.hub, self.bus, leaving=self._leaving, login=self.login_fault
        )

    async def metrics(self) -> bytes:
        """For Prometheus: of all processes on this port."""
        own = self._own_metrics()
        return own if self._siblings is None else await self._siblings.gather(own)

    def _own_metrics(self) -> bytes:
        return generate_latest(self._registry)

    def gauges(self) -> dict[str, tuple[str, float]]:
        assert self.hub is not None and self._neighbours is not None
        hub, servers = self.hub, self._neighbours.found
        queued = sum(session.socket.queued for session in hub.sessions)
        behind = sum(member.behind is not None for member in hub.members())
        return {
            "sockets_open": ("Open WebSockets", len(hub.sessions)),
            "rooms_open": ("Documents open in this process", len(hub.documents)),
            "members": ("Connections to documents (a socket may hold many)", sum(1 for _ in hub.members())),
            "access_listening": ("1 while notices of changed access arrive at once", float(hub.access.listening)),
            "feed_waiters": ("Requests that wait for changes", len(self.changes)),
            "feed_lag_seconds": ("For how long an open transaction has kept changes from the feed", self.changes.lag),
            "servers": ("Processes that serve this database", servers.with_bus + servers.without_bus),
            "servers_deaf": ("1 while several serve it and not all have Redis", float(servers.deaf)),
            "members_behind": ("Slow readers that wait for a diff", behind),
            "room_bytes": ("Bytes of documents held in memory", sum(d.room.held_bytes for d in hub.documents.values())),
            "bus_connected": ("1 while Redis carries messages, or none is needed", float(self.bus.connected)),
            "overloaded": (
                "1 while too much waits for the database: /health/ready is red",
                float(hub.writer.overloaded),
            ),
            "login_faulty": ("1 if the database's login bypasses row-level security", float(bool(self.login_fault))),
            "unsaved_bytes": ("Bytes of edits that are not committed yet", hub.writer.unsaved_bytes),
            "queued_bytes": ("Bytes written to sockets that the network has not taken yet", queued),
            "updates_running": ("Large updates and loads that workers are at", self.workers.running),
            "updates_waiting": ("Large updates and loads that wait for a worker", self.workers.waiting),
            "edits_running": ("Edits and renderings by requests that workers are at", self.editing.running),
            "edits_waiting": ("Edits and renderings by requests that wait for a worker", self.editing.waiting),
            "conversions_running": ("Files that are made or read", self.converters.workers.running),
            "conversions_waiting": ("Files that wait to be made or read", self.converters.workers.waiting),
            "spool_bytes": ("Bytes on disk of files that are imported or exported", self.converters.spool.used),
            "damaged_documents": ("Documents whose stored bytes cannot be read", self._damaged),
            "blocked_documents": ("Documents whose edits wait while others are stored", len(hub.writer.blocked)),
            "oldest_unsaved_seconds": ("Age of the oldest edit that waits for its commit", hub.oldest_unsaved()),
        }


def build(server: Server) -> Starlette:
    """The ASGI application of one process."""

    return Starlette(
        routes=[
            WebSocketRoute("/ws/{address:path}", _plain(endpoint.ywebsocket)),
            WebSocketRoute("/hocuspocus", _plain(endpoint.hocuspocus)),
            WebSocketRoute("/hocuspocus/", _plain(endpoint.hocuspocus)),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready(server.checks)),
            Route("/metrics", metrics.endpoint(server.settings, server.metrics)),
            Route("/api/v1/docs", _page("docs")),
            Mount("/api/v1", _api()),
            *_pages(),
        ],
        middleware=[
            Middleware(SecurityHeaders, secure=server.settings.base_url.startswith("https://")),
            Middleware(MetricsPort, settings=server.settings),
            Middleware(Hosts, settings=server.settings),
            Middleware(RequestDetails),
            Middleware(RateLimit, settings=server.settings, buckets=server.buckets),
            Middleware(BodyLimit, settings=server.settings, rules=_bodies(server.settings)),
        ],
        exception_handlers={HTTPException: problems.outside(STATIC / "missing.html")},
        lifespan=server.lifespan,
    )


def _bodies(settings: Settings) -> tuple[Rule, ...]:
    imports = Rule("POST", re.compile(r"/api/v1/workspaces/[^/]+/import"), settings.max_import_bytes, kept=False)
    most = settings.max_message_bytes
    whole = [
        Rule("POST", re.compile(path), settings.largest_message, refusal=refusal) for path, refusal in _WHOLE_DOCUMENTS
    ]
    return (imports, *whole, *(Rule(method, re.compile(path), most) for method, path in _LARGE_BODIES))


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
        description="Documents of a real-time collaboration server. Errors are RFC 9457 problems with a `code`.",
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
        return FileResponse(STATIC / f"{name}.html", headers={"cache-control": "no-cache"})

    return serve


def _pages() -> list[BaseRoute]:
    """The web application; its files lie in static/ (see its README)."""

    async def favicon(_: Request) -> Response:
        return FileResponse(STATIC / "dist" / "favicon.svg")

    return [
        *(Route(path, _page(name)) for path, name in _PAGES.items()),
        Route("/favicon.ico", favicon),
        Mount("/static", StaticFiles(directory=STATIC / "dist", check_dir=False)),
    ]
