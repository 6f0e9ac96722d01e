"""Composition root of the real-time core: builds its parts, runs them, and drains them at the end of the process.

Over 300 lines: it connects every part with the others.
"""

import asyncio
import math
import secrets
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from collab_server.adapters.bus import Bus, LocalBus
from collab_server.adapters.envelopes import Envelopes
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.core.protocol.cluster_messages import ClientFrame
from collab_server.errors import DocumentBlocked, Unavailable
from collab_server.features.changes.reader import FeedReader
from collab_server.features.quotas.quotas import Quotas
from collab_server.features.view_counts.view_counts import Views
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.admission import Admission
from collab_server.realtime.cluster.replication import ClusterReplication
from collab_server.realtime.documents.compactor import FOLD_AFTER_OTHERS, Compactor, FoldLimits
from collab_server.realtime.documents.document_connection import Session, Stream
from collab_server.realtime.documents.group_commit import GroupCommit
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.documents.storage_limits import StorageLimits
from collab_server.realtime.documents.upkeep import Upkeep
from collab_server.realtime.hub import Hub
from collab_server.realtime.join_slots import JoinSlots
from collab_server.realtime.live_events import LiveEvents
from collab_server.realtime.loader import Loader
from collab_server.realtime.notices import Notices
from collab_server.realtime.presence.api_clients import ApiClients
from collab_server.realtime.presence.presence_news import PresenceNews
from collab_server.realtime.presence.presence_table import PresenceTable
from collab_server.realtime.readers import Readers
from collab_server.realtime.rest_edits import RestEdits
from collab_server.realtime.rest_updates import RestUpdates
from collab_server.realtime.revocation import AccessWatch
from collab_server.realtime.share_openings import ShareOpenings
from collab_server.settings import Settings

SWEEP_INTERVAL = 0.5
"""Seconds between two looks at what is due."""
SESSION_GROUPS = 4
"""Sessions are looked at in groups, one at each sweep."""
CONCURRENT_JOINS = 16
CLOSED_AT_ONCE = 50
CLOSE_PAUSE = 0.05
"""Seconds between two groups of sockets that are closed at once when the process stops: 1,000 sockets a second."""
FOLD_GRACE = 5.0
"""Seconds for folds when the process stops; the next one goes on with the logs that are left."""
ANNOUNCE_GRACE = 5.0
"""Seconds to tell the change feed of the last edits; else the next process tells it when it folds them."""


class RealtimeService:
    """All real-time state of one process. Used on one event loop.

    `sessions`: open sockets and event streams. `streams`: the sessions whose clients send by requests, by stream id.
    """

    def __init__(
        self,
        settings: Settings,
        db: Database,
        workers: Workers,
        counts: Counts,
        bus: Bus | None = None,
        *,
        place: int = 0,
        folding: Workers | None = None,
        editing: Workers | None = None,
        live_events: LiveEvents | None = None,
    ) -> None:
        """`place`: number of this process among those behind the same port.

        `workers`: for large updates and loads, which sockets wait for. `folding`: for folds. `editing`: for edits by
        requests. The last two default to `workers`.
        """
        bus = bus or LocalBus()
        self.settings = settings
        self.db = db
        self.workers = workers
        self.counts = counts
        self.sessions: set[Session] = set()
        self._session_groups: list[set[Session]] = [set() for _ in range(SESSION_GROUPS)]
        self._session_group = 0
        self.streams: dict[str, Stream] = {}
        self._read_places: set[UUID] = set()
        self.join_slots = JoinSlots(CONCURRENT_JOINS)
        """Slots for sockets that authenticate and join."""
        self.admission = Admission(
            settings.max_connections,
            settings.max_connections_per_address,
            settings.signed_in_share,
            settings.rate_updates,
            settings.rate_burst,
        )
        self.quotas = Quotas(settings)
        self.views = Views()
        self.storage_limits = StorageLimits(db, self._list_documents)
        self.group_commit = GroupCommit(
            db,
            counts,
            # Other nodes see an edit only after its commit.
            interval=settings.commit_shared_interval if bus.reaches_others else settings.commit_interval,
            quiet_interval=0.0 if bus.reaches_others else settings.commit_quiet_interval,
            unwaited_interval=0.0 if bus.reaches_others else settings.commit_unwaited_interval,
            max_bytes=settings.max_unsaved_bytes,
            max_seconds=settings.max_unsaved_seconds,
            on_commit=self._on_commit,
        )
        self.compactor = Compactor(
            db,
            folding or workers,
            counts,
            slots=settings.worker_processes,
            limits=FoldLimits(settings.fold_updates, settings.fold_bytes),
            find_load=lambda document_id: self.loader.find_load(document_id),
            on_fold=self._on_fold,
        )
        # Messages that stay in the process need no key that others have.
        secret = settings.secret() if bus.reaches_others else secrets.token_bytes(32)
        self.replication = ClusterReplication(
            bus,
            Envelopes(secret, settings.redis_prefix),
            db,
            workers,
            counts,
            documents=self._list_documents,
            find=lambda document_id: self.hub.find(document_id),
            on_rows=self._on_rows,
            on_replaced=lambda document: self.hub.discard(document),
            on_stream_message=self._on_stream_message,
        )
        node = self.replication.id.hex()
        host = f"{socket.gethostname()}:{settings.port}:{place}"
        self.presence_table = PresenceTable(db, host, node, settings.presence_seconds)
        live_events = LiveEvents(FeedReader(db), db) if live_events is None else live_events
        self.notices = Notices(db)
        self.readers = Readers(
            db,
            self.notices,
            shares=bus.reaches_others,
            list_streamed=live_events.list_places,
            on_read=lambda places: self._read_places.update(places),
        )
        self.presence_news = PresenceNews(db, self.notices, live_events)
        self.loader = Loader(
            db,
            workers,
            counts,
            self.compactor,
            self.replication,
            self.storage_limits,
            on_replaced=lambda document: self.hub.discard(document),
            on_loaded=lambda document: self.upkeep.watch(document),
        )
        self.hub = Hub(
            settings,
            counts,
            group_commit=self.group_commit,
            compactor=self.compactor,
            loader=self.loader,
            replication=self.replication,
            presence_table=self.presence_table,
            views=self.views,
            live_events=live_events,
            openings=ShareOpenings(db),
            check_joinable=lambda document: self.access.check_joinable(document),
            watch=lambda document: self.upkeep.watch(document),
        )
        self.upkeep = Upkeep(
            db,
            self.compactor,
            idle_seconds=settings.room_idle_seconds,
            fold_seconds=settings.fold_seconds,
            unread_seconds=settings.fold_unread_seconds,
            is_read=self.readers.is_read,
            find=self.hub.find,
            close_if_unused=self.hub.close_if_unused,
        )
        self.access = AccessWatch(self.hub, db, self.notices, counts, settings.access_recheck_seconds)
        self.api_clients = ApiClients(self.hub.new_key, self.presence_table)
        self.rest_edits = RestEdits(
            self.hub, self.loader, self.group_commit, self.replication, self.api_clients, db, editing or workers
        )
        self.rest_updates = RestUpdates(self.hub, self.loader, self.group_commit, db, workers)
        self.hub.before_edit(self.rest_edits.repair)
        self.hub.on_discard(lambda document: self.rest_edits.forget(document.id))
        self.hub.on_close(lambda document: self.api_clients.forget(document.id))

    # ---- sessions

    def admit(self, session: Session) -> None:
        """Begin to serve the session. Raises Unavailable while the process cannot take edits."""
        self.hub.check_open()
        self.sessions.add(session)
        min(self._session_groups, key=len).add(session)

    def dismiss(self, session: Session) -> None:
        """Forget an ended session, and its socket."""
        self.sessions.discard(session)
        for group in self._session_groups:
            group.discard(session)
        self.admission.leave(session.socket)

    def _on_stream_message(self, message: ClientFrame) -> None:
        if (stream := self.streams.get(message.stream)) is not None:
            stream.receive(message.person, message.frame)

    # ---- what the parts report

    def _list_documents(self) -> list[LiveDocument]:
        return self.hub.list_documents()

    def _on_rows(self, document: LiveDocument) -> None:
        self.compactor.fold_if_long(document, FOLD_AFTER_OTHERS)
        self.upkeep.watch(document)

    def _look_at_read(self) -> None:
        """Look at the documents whose text somebody has begun to read since the last sweep."""
        places, self._read_places = self._read_places, set()
        for document in self._list_documents() if places else ():
            if document.unfolded_since is not None and (document.id in places or document.workspace_id in places):
                self.upkeep.look_soon(document)

    def _on_commit(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
        self.replication.publish_commit(document, payloads, head)
        if head:
            self.upkeep.note_commit(document)
        if document.replaced:
            self.hub.discard(document)
        self.compactor.fold_if_long(document)
        self.hub.close_if_unused(document)

    def _on_fold(self, document: LiveDocument) -> None:
        # Edits made during the fold may have made the log long again, and perhaps no further edit comes.
        self.compactor.fold_if_long(document, FOLD_AFTER_OTHERS)
        self.upkeep.watch(document)
        if document.has_returns and not document.replaced:
            self.rest_edits.repair_soon(document)
        self.hub.close_if_saved(document)

    # ---- running

    async def run(self) -> None:
        """Run all parts until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.group_commit.run())
            tasks.create_task(self.replication.run())
            tasks.create_task(self.notices.run())
            tasks.create_task(self.access.run())
            tasks.create_task(self.presence_news.run())
            tasks.create_task(self.presence_table.run())
            tasks.create_task(self.storage_limits.run())
            tasks.create_task(self.readers.run())
            tasks.create_task(self.upkeep.run())
            tasks.create_task(self.sweep())

    async def sweep(self) -> None:
        """Keep sockets alive, and do what is due for documents, until cancelled."""
        retry = (SWEEP_INTERVAL, SWEEP_INTERVAL)
        await run_periodically("a sweep", self._sweep, SWEEP_INTERVAL, first=SWEEP_INTERVAL, retry=retry)

    async def _sweep(self) -> None:
        now = time.monotonic()
        self.api_clients.tick(now)
        for document in self.group_commit.blocked.list_documents():
            if document.connections:
                try:
                    self.group_commit.check_writable(document.id)
                except DocumentBlocked as error:
                    document.end(error)
        self._look_at_read()
        self.upkeep.run_due(now)
        self._session_group = (self._session_group + 1) % SESSION_GROUPS
        for session in list(self._session_groups[self._session_group]):
            session.socket.tick(now)
            session.tick(now)
        if self.group_commit.overloaded:
            for session in list(self.sessions):
                session.close(Unavailable("your edits cannot be stored now; keep them and come back"))

    # ---- the end

    async def drain(self, grace: float) -> int:
        """Commit everything, close every socket with 1012, and commit what came in last.

        `grace`: seconds for the first commits. Returns how many documents have uncommitted edits.
        """
        self.hub.draining = True
        self.api_clients.hide_all()
        await asyncio.sleep(0)  # the turn that tells of it ends before the sockets do
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.group_commit.wait_flushed()
        await self.hub.openings.stop()
        await self._close_sessions(grace / 2)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(1.0, grace / 4)):
                await self.group_commit.wait_flushed()
        await self.upkeep.announce_last(self.hub.list_documents(), ANNOUNCE_GRACE)
        if left := await self.compactor.end(FOLD_GRACE):
            log.info("logs are left to fold; a later server does it", extra={"documents": left})
        await self.hub.openings.begin_minute()
        unsaved = [document for document in self.hub.list_documents() if not document.room.saved]
        for document in unsaved:
            log.error(
                "stopped with edits that PostgreSQL does not have; their clients still do",
                extra={"document": document.id, "bytes": document.room.unsaved_bytes},
            )
        return len(unsaved)

    async def _close_sessions(self, seconds: float) -> None:
        """Close every socket within about `seconds`, a few at a time, so that clients do not all reconnect at once."""
        leaving = list(self.sessions)
        at_once = max(CLOSED_AT_ONCE, math.ceil(len(leaving) * CLOSE_PAUSE / seconds))
        for start in range(0, len(leaving), at_once):
            if start:
                await asyncio.sleep(CLOSE_PAUSE)
            for session in leaving[start : start + at_once]:
                session.restart()

    def oldest_unsaved(self) -> float:
        """Age in seconds of the oldest edit that is not committed.

        Blocked documents are left out: they say nothing about the database.
        """
        since = [
            document.unsaved_since
            for document in self.hub.list_documents()
            if document.unsaved_since is not None and document.id not in self.group_commit.blocked
        ]
        return time.monotonic() - min(since) if since else 0.0
