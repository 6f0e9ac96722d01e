"""The documents that are open in this process: opening, turns, folding at rest, keep-alive, overload, the end."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.room import Room
from collab_server.documents import store
from collab_server.errors import NotFound, TooMany, Unavailable
from collab_server.realtime.folder import Folder
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.member import Member, Session
from collab_server.realtime.writer import Writer
from collab_server.settings import Settings
from collab_server.telemetry import Counts, log

SWEEP_INTERVAL = 0.5
JOINS_AT_ONCE = 16
SETTLE_SECONDS = 10.0
"""How long a reader of the stored text waits for the commits before it."""


class Hub:
    """All state of the real-time core in one process. Lives on one event loop."""

    def __init__(self, settings: Settings, db: Database, workers: Workers, counts: Counts) -> None:
        self.settings = settings
        self.counts = counts
        self.workers = workers
        self.db = db
        self.writer = Writer(
            db,
            counts,
            interval=settings.commit_interval,
            max_bytes=settings.max_unsaved_bytes,
            max_seconds=settings.max_unsaved_seconds,
            on_commit=self._after_commit,
        )
        self.sessions: set[Session] = set()
        self.draining = False
        self._documents: dict[UUID, LiveDocument] = {}
        self._loading: dict[UUID, asyncio.Task[None]] = {}
        self._folder = Folder(
            db, workers, counts, settings.worker_processes, self._loading.get, done=self._drop_if_done
        )
        self.join_slots = asyncio.Semaphore(JOINS_AT_ONCE)
        """Taken by whoever authenticates and joins, so that a thousand clients returning at once queue here, not in
        the pool.
        """
        self._keys = itertools.count(1)
        self._turn: dict[UUID, LiveDocument] = {}
        self._turn_scheduled = False
        self._loop = asyncio.get_running_loop()

    # ---- sockets

    def new_key(self) -> int:
        """A number for a connection; later ones are greater."""
        return next(self._keys)

    def admit(self, session: Session) -> None:
        """Count a socket in. Raises TooMany, or Unavailable while the process cannot take edits."""
        self.check_open()
        if len(self.sessions) >= self.settings.max_connections:
            raise TooMany(f"this server holds {self.settings.max_connections} connections already")
        self.sessions.add(session)

    def check_open(self) -> None:
        if self.draining:
            raise Unavailable("the server is restarting")
        if self.writer.overloaded:
            raise Unavailable("the database cannot answer now, and too many edits wait for it")

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
    ) -> Member:
        """Make a member of a document that the caller has been allowed to see; the document is loaded first.

        Raises NotFound, TooMany, Unavailable.
        """
        self.check_open()
        document = self._documents.get(document_id)
        if document is None:
            document = LiveDocument(document_id, 0, Room(self.settings.max_document_bytes), self)
            self._documents[document_id] = document
        if len(document.members) >= self.settings.max_document_connections:
            raise TooMany(f"{len(document.members)} connections have this document open already")
        member = Member(self.new_key(), document, session, identity, address=address, can_edit=can_edit, device=device)
        # A member before the load: whatever is edited meanwhile reaches it, and the document is not dropped as empty.
        document.join(member)
        try:
            await self.load(document)
        except BaseException:
            document.leave(member)
            self._drop_if_done(document)
            raise
        self.counts.joins += 1
        return member

    def leave(self, member: Member) -> None:
        document = member.document
        document.leave(member)
        if not document.members:
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

    async def _load(self, document: LiveDocument) -> None:
        if (fold := self._folder.running(document.id)) is not None:
            await asyncio.wait({fold})
            if document.room.loaded:
                return
        document.room.begin_load()
        try:
            stored, document.generation = await store.load(self.db, self.workers, document.id)
        except BaseException:
            document.room.abandon_load()
            raise
        document.room.finish_load(stored)
        self.counts.loads += 1

    def find(self, document_id: UUID) -> LiveDocument | None:
        return self._documents.get(document_id)

    def people_in(self, document_id: UUID) -> int:
        document = self._documents.get(document_id)
        return len(document.members) if document else 0

    @property
    def documents(self) -> dict[UUID, LiveDocument]:
        return self._documents

    def _drop_if_done(self, document: LiveDocument) -> None:
        """Empty documents go from memory as soon as PostgreSQL has all of them."""
        busy = document.id in self._loading or self._folder.is_busy(document.id)
        if not document.members and document.room.saved and not busy and document.id not in self._turn:
            self._documents.pop(document.id, None)
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

    def _after_commit(self, document: LiveDocument) -> None:
        room = document.room
        if room.log_rows >= self.settings.fold_updates or room.log_bytes >= self.settings.fold_bytes:
            self._folder.soon(document)
        if not document.members:
            self._folder.soon(document)
            self._drop_if_done(document)

    # ---- the stored text

    async def settle(self, document_id: UUID) -> None:
        """Have everything that was received by now committed, and the stored content of this document up to date.

        Raises NotFound, Unavailable.
        """
        document = self._documents.get(document_id)
        if document is not None:
            await self._committed(document)
            # A fold that runs already may have read the log before the last commits.
            for _ in range(2):
                if (fold := self._folder.soon(document, at_once=True)) is not None:
                    await asyncio.wait({fold})
            if document.id in self._documents:
                return
        await self._folder.fold_closed(document_id)

    async def _committed(self, document: LiveDocument) -> None:
        """Wait until what the document has received by now is committed. Raises Unavailable while PostgreSQL is
        away.
        """
        target = document.room.entries_given
        deadline = time.monotonic() + SETTLE_SECONDS
        while document.room.entries_done < target:
            if self.writer.failing_since is not None or time.monotonic() > deadline:
                raise Unavailable("the database cannot answer now")
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
        if room.log_rows and now - document.last_fold > self.settings.fold_seconds:
            self._folder.soon(document)
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
        session.tend(now)
        if self.writer.overloaded:
            session.close(Unavailable("your edits cannot be stored now; keep them and come back"))

    # ---- the end

    async def drain(self, grace: float) -> int:
        """Commit everything, close every socket (1012), commit what came in last; returns how many documents are
        unsaved.
        """
        self.draining = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self.writer.flushed(), grace)
        for session in list(self.sessions):
            session.restart()
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
        """Age in seconds of the oldest edit that is not committed."""
        since = [d.unsaved_since for d in self._documents.values() if d.unsaved_since is not None]
        return time.monotonic() - min(since) if since else 0.0

    def members(self) -> Iterator[Member]:
        for document in self._documents.values():
            yield from document.members.values()
