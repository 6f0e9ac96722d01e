"""The services of one process: built once, run together, and closed in the opposite order.

Routes get them from `web_services` and from the functions of features that extend it.

Over 300 lines: it builds every service.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from prometheus_client import CollectorRegistry, generate_latest

from collab_server import _speedups
from collab_server.access.identity import Authenticator
from collab_server.adapters import login
from collab_server.adapters.bus import Bus, LocalBus
from collab_server.adapters.cluster_membership import ClusterMembership
from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.conversion.spool import Spool
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres, keep_running
from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Database
from collab_server.adapters.process_metrics import ProcessMetrics
from collab_server.adapters.rates import Buckets, LocalBuckets
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.features.attachments.services import AttachmentParts, AttachmentServices
from collab_server.features.auth import throttle
from collab_server.features.auth.services import AuthServices
from collab_server.features.auth.sign_in_log import SignIns
from collab_server.features.changes import queries as feed_queries
from collab_server.features.changes.api import ChangeServices
from collab_server.features.changes.reader import FeedReader
from collab_server.features.changes.waiting import Waiters
from collab_server.features.document_log import damage_queries, log_queries
from collab_server.features.documents.services import DocumentServices
from collab_server.features.exports.services import ConversionServices
from collab_server.features.history.keeping import VersionKeeper
from collab_server.features.maintenance import scheduler
from collab_server.features.maintenance.automatic_versions import AutomaticVersions
from collab_server.features.maintenance.expiry import Expiry
from collab_server.features.notifications.outbox import Outbox
from collab_server.features.oidc.api import OidcServices
from collab_server.features.oidc.bearer import BearerTokens
from collab_server.features.oidc.oidc import Oidc
from collab_server.features.public_pages.services import PublicPages, PublicPageServices
from collab_server.features.suggestions.deciding import Decisions
from collab_server.features.suggestions.services import SuggestionServices
from collab_server.features.users.passwords import Passwords
from collab_server.observability.logging import log, name_node
from collab_server.observability.metrics import Counts, Metrics
from collab_server.realtime import readiness
from collab_server.realtime.documents.leftovers import Ages, Leftovers
from collab_server.realtime.endpoints.services import RealtimeServices
from collab_server.realtime.live_events import LiveEvents
from collab_server.realtime.service import RealtimeService
from collab_server.security import encryption
from collab_server.security.tokens import Signer, UnsubscribeTokens
from collab_server.settings import SHORT_SECRET, Settings
from collab_server.web.rooms import Rooms

SEARCH_INTERVAL = 2.0
SEARCH_BATCH = 20
DAMAGE_INTERVAL = 2.0
VIEWS_INTERVAL = 3.0


def _connect_redis(url: str, prefix: str) -> tuple[Buckets, Bus]:
    # Imported here: the library takes a tenth of a second, and most servers have no Redis.
    from collab_server.adapters.redis.redis_bus import RedisBus
    from collab_server.adapters.redis.redis_rates import RedisBuckets

    return RedisBuckets(url, prefix), RedisBus(url, prefix)


class Services(
    AuthServices,
    OidcServices,
    ChangeServices,
    DocumentServices,
    ConversionServices,
    SuggestionServices,
    AttachmentServices,
    PublicPageServices,
    RealtimeServices,
):
    """Everything that one process owns.

    `embedded`: the PostgreSQL that this process keeps running, if any. `process_metrics`: of all processes on its
    port.
    `login_fault`: the reason why row-level security does not bind the database's login; empty if it does.
    """

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        embedded: EmbeddedPostgres | None = None,
        process_metrics: ProcessMetrics | None = None,
    ) -> None:
        _speedups.choose(compiled=settings.speedups)
        self.settings = settings
        self.login_fault = ""
        self._embedded = embedded
        self._process_metrics = process_metrics
        self._leaving = False
        self._damaged = 0
        self.counts = Counts()
        self._registry = CollectorRegistry()
        self._registry.register(Metrics(self.counts, self.gauges))
        guest_role = settings.effective_guest_role
        self.db = Database(dsn, guest_role="" if guest_role == "none" else guest_role)
        self.workers = Workers(settings.worker_processes)
        self.folding = Workers(settings.worker_processes)
        self.editing = Workers.for_edits(settings.worker_processes)
        largest = max(settings.max_import_bytes, settings.max_attachment_bytes)
        self.converters = Converters(Spool(settings.max_spool_bytes, largest))
        self.attachments = AttachmentParts.build(settings, self.db, self.converters)
        self.file_copier = self.attachments.copier
        self.signer = Signer(settings.secret())
        if 0 < len(settings.secret_key.get_secret_value()) < SHORT_SECRET:
            log.warning("COLLAB_SECRET_KEY is short: use at least 32 random characters (`openssl rand -hex 32`)")
        self.mailer = Mailer(settings.smtp_url.get_secret_value(), settings.mail_from)
        keyring = encryption.keyring(settings.encryption_keys.get_secret_value(), settings.secret())
        self.oidc = Oidc(settings, keyring) if settings.oidc_issuer else None
        bearers = BearerTokens(self.db, self.oidc.tokens, settings.oidc_audience) if self.oidc else None
        self.authenticator = Authenticator(
            self.db,
            self.signer,
            guests=guest_role != "none",
            oidc=bearers if settings.oidc_audience else None,
            on_unknown_link=partial(throttle.count_unknown_link, self.db),
        )
        self.passwords = Passwords(self.counts)
        self.sign_ins = SignIns(self.db, self.counts)
        url, prefix = settings.redis_url, settings.redis_prefix
        self.buckets, self.bus = _connect_redis(url, prefix) if url else (LocalBuckets(), LocalBus())
        self.feed = FeedReader(self.db)
        self.changes = Waiters(self.feed)
        self.live_events = LiveEvents(self.feed, self.db)
        self.realtime = RealtimeService(
            settings,
            self.db,
            self.workers,
            self.counts,
            self.bus,
            place=process_metrics.number if process_metrics else 0,
            folding=self.folding,
            editing=self.editing,
            live_events=self.live_events,
        )
        realtime = self.realtime
        self.readers = realtime.readers
        self.rooms = Rooms(
            realtime.hub.flush_to_storage, realtime.hub.end_generation, realtime.rest_updates, realtime.rest_edits
        )
        self.keep_version = VersionKeeper(self.db, self.editing, self.rooms.settle)
        self.public_pages = PublicPages.build(settings, self.db, self.editing, self.rooms.settle, self.feed)
        self.decisions = Decisions(self.db, self.rooms, self.keep_version)
        self.quotas, self.views = self.realtime.quotas, self.realtime.views
        self._membership = ClusterMembership(self.db, has_bus=bool(url))
        self._expiry = Expiry(self.db, settings.access_recheck_seconds)
        for on_notice in (self.changes.access_changed, self.live_events.access_changed, self._expiry.heard):
            self.realtime.access.subscribe(on_notice)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Open all connections and run all tasks; afterwards drain and close them. Raises ConfigurationError."""
        name_node(self.realtime.replication.id.hex())
        try:
            await self.db.open()
            await self._check_login()
            async with self.db.as_service() as conn:
                await feed_queries.check_epoch(conn)
            answering = self._process_metrics.answering(self._own_metrics) if self._process_metrics else nullcontext()
            async with answering, asyncio.TaskGroup() as tasks:
                running = tasks.create_task(self._run_tasks())
                yield
                await self.drain()
                running.cancel()
            await self.views.flush_last(self.db, time.monotonic())
            await self.realtime.presence_table.end()
        finally:
            await self._close()

    async def _run_tasks(self) -> None:
        """Run all tasks until cancelled."""
        hub = self.realtime.hub
        async with asyncio.TaskGroup() as tasks:
            for task in (
                self.realtime.run(),
                Leftovers(
                    self.db,
                    self.folding,
                    lambda document_id: hub.find(document_id) is not None,
                    # Twice as long as any server that lives leaves them.
                    ages=Ages(2 * self.settings.fold_seconds, 2 * self.settings.fold_unread_seconds)
                    if self.bus.reaches_others
                    else None,
                ).run(),
                self._membership.run(),
                self.feed.run(),
                self.live_events.run(),
                self.public_pages.streams.run(),
                self._expiry.run(),
                AutomaticVersions(self.db, self.folding, self.settings.version_interval).run(),
                scheduler.run(self.db, self.folding, self.settings, self.attachments.store),
                *self.attachments.tasks(),
                Outbox(self.db, self.mailer, self.settings, UnsubscribeTokens(self.settings.secret())).run(),
                run_periodically("indexing for search", self._index_for_search, SEARCH_INTERVAL),
                run_periodically("counting damaged documents", self._count_damaged, DAMAGE_INTERVAL),
                run_periodically("writing the views", self._write_views, VIEWS_INTERVAL, first=VIEWS_INTERVAL),
            ):
                tasks.create_task(task)
            if self._embedded is not None:
                tasks.create_task(keep_running(self._embedded))

    async def _close(self) -> None:
        self.mailer.close()
        await self.buckets.close()
        if self.oidc is not None:
            await self.oidc.close()
        await self.converters.close()
        for workers in (self.editing, self.folding, self.workers):
            await workers.close()
        self.attachments.store.close()
        await self.db.close()

    def leave(self) -> None:
        """Report not ready from now on, but go on serving until `drain`."""
        self._leaving = True

    async def drain(self) -> None:
        """Commit every document and close every socket. A second call does nothing."""
        self.changes.stop()
        self.live_events.stop()
        self.public_pages.streams.stop()
        if not self.realtime.hub.draining:
            unsaved = await self.realtime.drain(self.settings.shutdown_grace)
            log.info("drained", extra={"unsaved_documents": unsaved})

    async def _check_login(self) -> None:
        """Report a login that bypasses row-level security. Such installations exist, and they work."""
        self.login_fault = ", ".join(await login.faults(self.db.dsn))
        if self.login_fault:
            log.warning(
                "row-level security does not bind the database's login: make a role with `collab-server migrate` and "
                "COLLAB_OWNER_URL",
                extra={"fault": self.login_fault},
            )

    # ---- tasks

    async def _index_for_search(self) -> None:
        async with self.db.as_service() as conn:
            while await log_queries.refresh_search(conn, SEARCH_BATCH):
                pass

    async def _count_damaged(self) -> None:
        async with self.db.as_service() as conn:
            self._damaged = await damage_queries.count_damage(conn)

    async def _write_views(self) -> None:
        await self.views.flush(self.db, time.monotonic())

    # ---- for operators

    async def checks(self) -> dict[str, str]:
        """The checks of /health/ready: name -> 'ok' or the fault."""
        return await readiness.examine(
            self.settings, self.db, self.realtime, self.bus, leaving=self._leaving, login=self.login_fault
        )

    async def metrics(self) -> bytes:
        """The metrics of all processes on this port, in Prometheus' text format."""
        own = self._own_metrics()
        return own if self._process_metrics is None else await self._process_metrics.gather(own)

    def _own_metrics(self) -> bytes:
        return generate_latest(self._registry)

    def gauges(self) -> dict[str, tuple[str, float]]:
        realtime, servers = self.realtime, self._membership.found
        hub = realtime.hub
        queued = sum(session.socket.queued for session in realtime.sessions)
        behind = sum(connection.lagging_from is not None for _, connection in hub.connections())
        return {
            "speedups": ("1 while the parts that are compiled from C are used", float(_speedups.form == "compiled")),
            "sockets_open": ("Open WebSockets", len(realtime.sessions)),
            "rooms_open": ("Documents open in this process", len(hub.documents)),
            "members": ("Connections to documents (a socket may hold many)", sum(1 for _ in hub.connections())),
            "access_listening": ("1 while notices of changed access arrive at once", float(realtime.notices.listening)),
            "feed_waiters": ("Requests that wait for changes", len(self.changes)),
            "live_event_receivers": ("Connections and streams that receive live events", len(self.live_events)),
            "public_page_streams": ("Readers of live public pages", len(self.public_pages.streams)),
            "feed_lag_seconds": ("For how long an open transaction has kept changes from the feed", self.feed.lag),
            "servers": ("Processes that serve this database", servers.with_bus + servers.without_bus),
            "servers_deaf": ("1 while several serve it and not all have Redis", float(servers.deaf)),
            "members_behind": ("Slow readers that wait for a diff", behind),
            "room_bytes": ("Bytes of documents held in memory", sum(d.room.held_bytes for d in hub.documents.values())),
            "bus_connected": ("1 while Redis carries messages, or none is needed", float(self.bus.connected)),
            "overloaded": (
                "1 while too much waits for the database: /health/ready is red",
                float(realtime.group_commit.overloaded),
            ),
            "login_faulty": ("1 if the database's login bypasses row-level security", float(bool(self.login_fault))),
            "unsaved_bytes": ("Bytes of edits that are not committed yet", realtime.group_commit.unsaved_bytes),
            "queued_bytes": ("Bytes written to sockets that the network has not taken yet", queued),
            "updates_running": ("Large updates and loads that workers are at", self.workers.running),
            "updates_waiting": ("Large updates and loads that wait for a worker", self.workers.waiting),
            "edits_running": ("Edits and renderings by requests that workers are at", self.editing.running),
            "edits_waiting": ("Edits and renderings by requests that wait for a worker", self.editing.waiting),
            "conversions_running": ("Files that are made or read", self.converters.workers.running),
            "conversions_waiting": ("Files that wait to be made or read", self.converters.workers.waiting),
            "spool_bytes": ("Bytes on disk of files that are imported or exported", self.converters.spool.used),
            "damaged_documents": ("Documents whose stored bytes cannot be read", self._damaged),
            "blocked_documents": (
                "Documents whose edits wait while others are stored",
                len(realtime.group_commit.blocked),
            ),
            "oldest_unsaved_seconds": ("Age of the oldest edit that waits for its commit", realtime.oldest_unsaved()),
        }
