"""The documents that are open in this process: opening, turns, folding at rest, keep-alive, overload, the end."""

import asyncio
import itertools
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.backends.bus import Bus, LocalBus
from collab_server.backends.db import Database
from collab_server.backends.envelopes import Envelopes
from collab_server.backends.fair_queue import UNBOUNDED, FairQueue
from collab_server.backends.workers import Workers
from collab_server.crdt.node_messages import Said
from collab_server.crdt.room import Room
from collab_server.documents import store
from collab_server.documents.quotas import Quotas
from collab_server.documents.views import Views
from collab_server.errors import DocumentBlocked, NotFound, StaleGeneration, TooMany, Unavailable
from collab_server.realtime.access_watch import AccessWatch
from collab_server.realtime.admission import Admission
from collab_server.realtime.edits import Edits
from collab_server.realtime.folder import Folder
from collab_server.realtime.join_slots import JoinSlots
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.member import Member, Session, Stream
from collab_server.realtime.mirror import Mirror
from collab_server.realtime.nodes import Nodes
from collab_server.realtime.programs import Programs
from collab_server.realtime.sending_away import send_away
from collab_server.realtime.storage_limits import StorageLimits
from collab_server.realtime.writer import Writer
from collab_server.settings import Settings
from collab_server.telemetry import Counts, log

SWEEP_INTERVAL = 0.5
JOINS_AT_ONCE = 16
FOLD_AFTER_OTHERS = 2
"""The node that writes a log folds it first; one that only hears of it then finds little to fold, and lets go too."""
BLOCKED_SECONDS = 2.0
"""How long the edits of a document are blocked before a request that waits for them is refused."""
SETTLE_SECONDS = 10.0
"""How long a reader of the stored text waits for the commits before it."""


class Hub:
    """All state of the real-time core in one process. Lives on one event loop."""

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
    ) -> None:
        """`place`: tells this process from others behind the same port. workers: for large updates and loads, which
        sockets wait for. folding, editing: for folds, and for edits by requests; None: the same as for the rest.
        """
        self.settings = settings
        self.counts = counts
        self.workers = workers
        self.editing = editing or workers
        self.db = db
        bus = bus or LocalBus()
        self.writer = Writer(
            db,
            counts,
            # The other nodes see an edit only after its commit.
            interval=settings.commit_shared_interval if bus.reaches_others else settings.commit_interval,
            quiet_interval=0.0 if bus.reaches_others else settings.commit_quiet_interval,
            max_bytes=settings.max_unsaved_bytes,
            max_seconds=settings.max_unsaved_seconds,
            on_commit=self._after_commit,
        )
        self.access = AccessWatch(self, db)
        self.edits = Edits(self)
        self.sessions: set[Session] = set()
        self.streams: dict[str, Stream] = {}
        """Those sessions whose clients speak by requests of their own, by the id that these name."""
        self.draining = False
        self.views = Views()
        self._documents: dict[UUID, LiveDocument] = {}
        self._loading: dict[UUID, asyncio.Task[None]] = {}
        self._folder = Folder(
            db, folding or workers, counts, settings.worker_processes, self._loading.get, done=self._after_fold
        )
        # Messages that do not leave the process need no key that others have.
        secret = settings.secret() if bus.reaches_others else secrets.token_bytes(32)
        self.nodes = Nodes(
            bus,
            Envelopes(secret, settings.redis_prefix),
            db,
            workers,
            counts,
            find=self.find,
            documents=lambda: list(self._documents.values()),
            learned=lambda document: self._fold_if_long(document, FOLD_AFTER_OTHERS),
            discard=self.discard,
            said=self._said,
        )
        host = f"{socket.gethostname()}:{settings.port}:{place}"
        self.mirror = Mirror(db, host, self.nodes.id.hex(), settings.presence_seconds)
        self.programs = Programs(self)
        self.join_slots = JoinSlots(JOINS_AT_ONCE)
        """Held by sockets while they authenticate and join."""
        self.admission = Admission(
            settings.max_connections,
            settings.max_connections_per_address,
            settings.signed_in_share,
            settings.rate_updates,
            settings.rate_burst,
        )
        self.quotas = Quotas(settings)
        self.storage = StorageLimits(db, lambda: list(self._documents.values()))
        self.preparing = FairQueue(1, most=UNBOUNDED, most_of_one=UNBOUNDED)
        """Taken by whoever has a worker read a large document."""
        self._keys = itertools.count(1)
        self._turn: dict[UUID, LiveDocument] = {}
        self._turn_scheduled = False
        self._loop = asyncio.get_running_loop()

    # ---- sockets

    def new_key(self) -> int:
        """A number for a connection; later ones are greater."""
        return next(self._keys)

    def admit(self, session: Session) -> None:
        """Begin to tend the session. Raises Unavailable while the process cannot take edits."""
        self.check_open()
        self.sessions.add(session)

    def dismiss(self, session: Session) -> None:
        """The session has ended, and its socket with it."""
        self.sessions.discard(session)
        self.admission.leave(session.socket)

    def check_open(self) -> None:
        if self.draining:
            raise Unavailable("the server is restarting")
        if self.writer.overloaded:
            raise Unavailable("the database cannot answer now, and too many edits wait for it")

    def _said(self, message: Said) -> None:
        if (stream := self.streams.get(message.stream)) is not None:
            stream.hear(message.person, message.frame)

    # ---- documents

    async def join(
        self,
        session: Session,
        identity: Identity,
        document_id: UUID,
        *,
        address: str | None,
        can_edit: bool,
        device: str | None,
        agent: str = "",
    ) -> Member:
        """Make a member of a document that the caller has been allowed to see; the document is loaded first.

        Raises NotFound, Forbidden (it is not for editing together), TooMany, DocumentDamaged, Unavailable.
        """
        self.check_open()
        self.writer.check_writable(document_id)
        document = self._opened(document_id)
        if len(document.members) >= self.settings.max_document_connections:
            raise TooMany(f"{len(document.members)} connections have this document open already")
        member = Member(
            self.new_key(),
            document,
            session,
            identity,
            address=address,
            can_edit=can_edit,
            device=device,
            agent=agent,
        )
        # A member before the load: whatever is edited meanwhile reaches it, and the document is not dropped as empty.
        document.join(member)
        try:
            await self.load(document)
            await self.access.check_together(document)
            if document.has_returns and can_edit:
                await self.edits.repair(document)
            if document.gone:
                raise Unavailable("the document was replaced at this moment; come back")
        except BaseException:
            document.leave(member)
            self._drop_if_done(document)
            raise
        self.counts.joins += 1
        self.mirror.joined(member)
        self.views.seen(identity, document_id, time.monotonic())
        return member

    def _opened(self, document_id: UUID) -> LiveDocument:
        document = self._documents.get(document_id)
        if document is None:
            document = LiveDocument(document_id, None, Room(self.settings.max_document_bytes), self)
            self._documents[document_id] = document
            self.nodes.open(document)
        return document

    @asynccontextmanager
    async def holding(self, document_id: UUID, *, together: bool = False) -> AsyncIterator[LiveDocument]:
        """The document, open and loaded, for somebody who is no member of it. `together`: to edit it as members do.

        Raises NotFound, Forbidden (it is not for editing together), StaleGeneration, DocumentDamaged, Unavailable.
        """
        self.check_open()
        self.writer.check_writable(document_id)
        document = self._opened(document_id)
        document.holds += 1
        try:
            await self.load(document)
            if together:
                await self.access.check_together(document)
            yield document
        finally:
            document.holds -= 1
            self._let_go(document)

    def hand_over(self, member: Member, identity: Identity) -> None:
        """The member's connection is this other person's from now on: edits, presence and views are theirs."""
        self.mirror.left(member)
        member.document.withdraw_presence(member)
        member.become(identity, self.new_key())
        self.mirror.joined(member)
        self.views.seen(identity, member.document.id, time.monotonic())

    def leave(self, member: Member) -> None:
        self.mirror.left(member)
        member.document.leave(member)
        self._let_go(member.document)

    def _let_go(self, document: LiveDocument) -> None:
        """Fold the document and drop it from memory, unless somebody still holds it."""
        if not document.is_held(time.monotonic()):
            self._folder.soon(document)
            self._drop_if_done(document)

    async def load(self, document: LiveDocument) -> None:
        """Have the document's bytes in memory; all who ask wait for the same reading."""
        if document.gone:
            raise NotFound("the document was deleted")
        if document.room.loaded:
            return
        task = self._loading.get(document.id)
        if task is None:
            task = self._loading[document.id] = asyncio.create_task(self._load(document))
            task.add_done_callback(lambda _: self._loading.pop(document.id, None))
        await asyncio.shield(task)
        if not document.room.loaded:
            # That was the reading of an incarnation that is over.
            await self.load(document)

    async def _load(self, document: LiveDocument) -> None:
        if (fold := self._folder.running(document.id)) is not None:
            await asyncio.wait({fold})
            if document.room.loaded:
                return
        await self.nodes.joined(document)
        document.room.begin_load()
        try:
            left = await self.storage.find_left(document.id)
            loaded = await store.load(self.db, self.workers, document.id)
            if document.generation not in (None, loaded.generation):
                document.end(StaleGeneration())
                self.discard(document)
                raise StaleGeneration()
        except BaseException:
            document.room.abandon_load()
            raise
        document.generation = loaded.generation
        document.collaborative = loaded.collaborative
        document.has_text = loaded.has_text
        document.has_returns = loaded.has_returns
        document.room.finish_load(loaded.stored)
        self.storage.limit(document, left)
        self.counts.loads += 1
        if not document.known:
            self.nodes.loaded(document)

    def find(self, document_id: UUID) -> LiveDocument | None:
        return self._documents.get(document_id)

    @property
    def documents(self) -> dict[UUID, LiveDocument]:
        return self._documents

    def discard(self, document: LiveDocument) -> None:
        """This incarnation is over: whoever opens the document from now on gets it as PostgreSQL has it then."""
        document.gone = True
        self.edits.forget(document.id)
        self.programs.end(document)
        if self._documents.get(document.id) is document:
            del self._documents[document.id]
            self.nodes.close(document)

    def _drop_if_done(self, document: LiveDocument) -> None:
        """Empty documents go from memory as soon as PostgreSQL has all of them."""
        busy = document.id in self._loading or self._folder.is_busy(document.id)
        if self._documents.get(document.id) is not document:
            return
        unused = not document.is_held(time.monotonic())
        if unused and document.room.saved and not busy and document.id not in self._turn:
            del self._documents[document.id]
            self.nodes.close(document)
            self._folder.forget(document.id)

    # ---- turns and commits

    def schedule_turn(self, document: LiveDocument) -> None:
        self._turn[document.id] = document
        if not self._turn_scheduled:
            self._turn_scheduled = True
            self._loop.call_soon(self._run_turn)

    def schedule_presence(self, document: LiveDocument, delay: float) -> None:
        self._loop.call_later(delay, document.presence_due)

    def _run_turn(self) -> None:
        self._turn_scheduled = False
        turn, self._turn = self._turn, {}
        started = time.perf_counter()
        for document in turn.values():
            try:
                document.flush()
            except Exception:
                # One document's fault must not cost the others their turn; its members resynchronise on reconnecting.
                log.exception("a turn failed", extra={"document": document.id})
                document.end(Unavailable("this document had an internal error"))
        self.counts.turn_seconds.add(time.perf_counter() - started)
        for document in turn.values():
            if not document.members:
                self._drop_if_done(document)

    def schedule_commit(self, document: LiveDocument, size: int) -> None:
        self.writer.add(document, size)

    def tell_presence(self, document: LiveDocument, clients: set[int]) -> None:
        self.nodes.tell_presence(document, clients)

    def note(self, member: Member, *, typed: bool) -> None:
        if typed:
            self.mirror.typed(member)
        else:
            self.mirror.moved(member)

    def _after_commit(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
        self.nodes.tell_committed(document, payloads, head)
        if document.gone:
            self.discard(document)
        self._fold_if_long(document)
        self._let_go(document)

    def _after_fold(self, document: LiveDocument) -> None:
        # What came while it ran may have made the log long again, and perhaps nothing comes any more.
        self._fold_if_long(document, FOLD_AFTER_OTHERS)
        if document.has_returns and not document.gone:
            self.edits.repair_soon(document)
        self._drop_if_done(document)

    def _fold_if_long(self, document: LiveDocument, times: int = 1) -> None:
        """Fold a log that has grown to so many times what the settings allow."""
        room, settings = document.room, self.settings
        if room.log_rows >= times * settings.fold_updates or room.log_bytes >= times * settings.fold_bytes:
            self._folder.soon(document)

    # ---- the stored text

    async def settle(self, document_id: UUID) -> None:
        """Have everything that was received by now committed, and the stored content of this document up to date.

        Raises NotFound, Unavailable.
        """
        document = self._documents.get(document_id)
        if document is not None:
            await self.committed(document)
            # A fold that runs already may have read the log before the last commits.
            for _ in range(2):
                if (fold := self._folder.soon(document, at_once=True)) is not None:
                    await asyncio.wait({fold})
            if document.id in self._documents:
                return
        await self._folder.fold_closed(document_id)

    async def committed(self, document: LiveDocument) -> None:
        """Wait until what the document has received by now is committed. Raises Unavailable while PostgreSQL is
        away.
        """
        target = document.room.entries_given
        deadline = time.monotonic() + SETTLE_SECONDS
        while document.room.entries_done < target:
            self.writer.hurry()
            if self.writer.failing_since is not None or time.monotonic() > deadline:
                raise Unavailable("the database cannot answer now")
            blocked_since = self.writer.blocked.since(document.id)
            if blocked_since is not None and time.monotonic() - blocked_since > BLOCKED_SECONDS:
                raise DocumentBlocked("edits of this document cannot be stored now")
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(document.next_commit()), 0.5)

    # ---- the sweep

    async def run(self) -> None:
        """Keep-alive, rest, expiry and overload, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            now = time.monotonic()
            try:
                for document in list(self._documents.values()):
                    self._rest(document, now)
                for session in list(self.sessions):
                    self._tend(session, now)
            except Exception:
                log.exception("a sweep failed")

    def _rest(self, document: LiveDocument, now: float) -> None:
        room = document.room
        if document.id in self.writer.blocked and document.members:
            try:
                self.writer.check_writable(document.id)
            except DocumentBlocked as error:
                document.end(error)
        if room.log_rows and now - document.last_fold > self.settings.fold_seconds:
            self._folder.soon(document)
        if document.programs:
            self.programs.tend(document, now)
        if document.wanted_until and now > document.wanted_until:
            document.wanted_until = 0.0
            self._let_go(document)
        if now - document.last_edit < self.settings.room_idle_seconds or not room.saved:
            return
        if room.log_rows:
            self._folder.soon(document)
        elif room.loaded and not self._folder.is_busy(document.id) and self._unused(document, now):
            document.release()
        self._drop_if_done(document)

    def _unused(self, document: LiveDocument, now: float) -> bool:
        return now - document.last_use > self.settings.room_idle_seconds and not document.anyone_behind

    def _tend(self, session: Session, now: float) -> None:
        session.socket.tend(now)
        session.tend(now)
        if self.writer.overloaded:
            session.close(Unavailable("your edits cannot be stored now; keep them and come back"))

    # ---- the end

    async def drain(self, grace: float) -> int:
        """Commit everything, close every socket (1012), commit what came in last; returns how many documents are
        unsaved.
        """
        self.draining = True
        for document in list(self._documents.values()):
            self.programs.end(document)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.writer.flushed(), grace)
        await send_away(self.sessions, grace / 2)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.writer.flushed(), max(1.0, grace / 4))
        await self._folder.finish(5)
        unsaved = [document for document in self._documents.values() if not document.room.saved]
        for document in unsaved:
            log.error(
                "stopped with edits that PostgreSQL does not have; their clients still do",
                extra={"document": document.id, "bytes": document.room.unsaved_bytes},
            )
        return len(unsaved)

    def oldest_unsaved(self) -> float:
        """Age in seconds of the oldest edit that is not committed, apart from those of blocked documents: these say
        nothing about the database.
        """
        blocked = self.writer.blocked
        since = [
            d.unsaved_since for d in self._documents.values() if d.unsaved_since is not None and d.id not in blocked
        ]
        return time.monotonic() - min(since) if since else 0.0

    def members(self) -> Iterator[Member]:
        for document in self._documents.values():
            yield from document.members.values()
