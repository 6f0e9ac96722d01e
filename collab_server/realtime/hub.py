"""Registry of the open documents of this process.

It opens documents and closes them when they are unused and saved, lets connections join and leave, and runs the turn at
whose end the documents write to their connections.

Over 300 lines: opening, joining and closing share the registry.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.core.room.room import Room
from collab_server.errors import StaleGeneration, TooMany, Unavailable
from collab_server.features.view_counts.view_counts import Views
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.cluster.replication import ClusterReplication
from collab_server.realtime.documents.compactor import Compactor
from collab_server.realtime.documents.document_connection import DocumentConnection, Session
from collab_server.realtime.documents.group_commit import GroupCommit
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.loader import Loader
from collab_server.realtime.presence.presence_table import PresenceTable
from collab_server.realtime.share_openings import ShareOpenings
from collab_server.settings import Settings

OnDocument = Callable[[LiveDocument], None]
BeforeJoin = Callable[[LiveDocument], Awaitable[None]]


class EventSubscriptions(Protocol):
    """The connections that receive live events; see realtime/live_events.py."""

    def subscribe(self, document_id: UUID, receiver: DocumentConnection) -> None: ...

    def unsubscribe(self, document_id: UUID, receiver: DocumentConnection) -> None: ...


class Hub:
    """The open documents by id. Used on one event loop.

    `draining`: set when the process stops; then no document is opened any more.
    """

    def __init__(
        self,
        settings: Settings,
        counts: Counts,
        *,
        group_commit: GroupCommit,
        compactor: Compactor,
        loader: Loader,
        replication: ClusterReplication,
        presence_table: PresenceTable,
        views: Views,
        live_events: EventSubscriptions,
        openings: ShareOpenings,
        check_joinable: BeforeJoin,
        watch: OnDocument,
    ) -> None:
        """`check_joinable`: raises Encrypted or NotTogether where a document is not for collaborative editing. `watch`:
        called when a request has used a document.
        """
        self.counts = counts
        self.draining = False
        self._settings = settings
        self._group_commit = group_commit
        self._compactor = compactor
        self._loader = loader
        self._replication = replication
        self._presence_table = presence_table
        self._views = views
        self._live_events = live_events
        self.openings = openings
        self._check_joinable = check_joinable
        self._watch = watch
        self._before_edit: list[BeforeJoin] = []
        self._on_discard: list[OnDocument] = []
        self._on_close: list[OnDocument] = []
        self._documents: dict[UUID, LiveDocument] = {}
        self._keys = itertools.count(1)
        self._turn: dict[UUID, LiveDocument] = {}
        self._turn_scheduled = False

    # ---- hooks

    def before_edit(self, callback: BeforeJoin) -> None:
        """Wait for `callback` before a connection that may edit joins a document."""
        self._before_edit.append(callback)

    def on_discard(self, callback: OnDocument) -> None:
        """Call `callback` with each deleted or replaced document."""
        self._on_discard.append(callback)

    def on_close(self, callback: OnDocument) -> None:
        """Call `callback` with each document that leaves the registry, discarded or unused."""
        self._on_close.append(callback)

    # ---- documents

    @property
    def documents(self) -> dict[UUID, LiveDocument]:
        return self._documents

    def find(self, document_id: UUID) -> LiveDocument | None:
        return self._documents.get(document_id)

    def list_documents(self) -> list[LiveDocument]:
        """A list that stays as it is while documents open and close."""
        return list(self._documents.values())

    def connections(self) -> Iterator[tuple[LiveDocument, DocumentConnection]]:
        """Each connection with its document."""
        for document in self._documents.values():
            for connection in document.connections.values():
                yield document, connection

    def new_key(self) -> int:
        """A number for a connection; later ones are greater."""
        return next(self._keys)

    def check_open(self) -> None:
        """Raises Unavailable while the process cannot take edits."""
        if self.draining:
            raise Unavailable("the server is restarting")
        if self._group_commit.overloaded:
            raise Unavailable("the database cannot answer now, and too many edits wait for it")

    def _open(self, document_id: UUID) -> LiveDocument:
        self.check_open()
        self._group_commit.check_writable(document_id)
        document = self._documents.get(document_id)
        if document is None:
            document = LiveDocument(document_id, None, Room(self._settings.max_document_bytes), self)
            self._documents[document_id] = document
            self._replication.open(document)
        return document

    @asynccontextmanager
    async def held_open(self, document_id: UUID, *, joinable: bool = False) -> AsyncIterator[LiveDocument]:
        """Open and load a document for the block, without a connection to it.

        `joinable`: only a document for collaborative editing. Raises NotFound, Forbidden, StaleGeneration,
        DocumentDamaged, Unavailable.
        """
        document = self._open(document_id)
        document.holds += 1
        try:
            await self._loader.load(document)
            if joinable:
                await self._check_joinable(document)
            yield document
        finally:
            document.holds -= 1
            self.close_if_unused(document)
            self._watch(document)

    def close_if_unused(self, document: LiveDocument) -> None:
        """Fold the document and remove it from memory, unless it is in use."""
        if not document.is_in_use(time.monotonic()):
            self._compactor.fold_soon(document)
            self.close_if_saved(document)

    def close_if_saved(self, document: LiveDocument) -> None:
        """Remove an unused document from memory if PostgreSQL has all of it and nothing works on it."""
        if self._documents.get(document.id) is not document or not document.room.saved:
            return
        if document.is_in_use(time.monotonic()) or document.id in self._turn:
            return
        if self._loader.find_load(document.id) is None and not self._compactor.is_busy(document.id):
            self._close(document)
            self._compactor.forget(document.id)

    def discard(self, document: LiveDocument) -> None:
        """Remove a deleted or replaced document; the next to open it gets what PostgreSQL has then."""
        document.replaced = True
        for callback in self._on_discard:
            callback(document)
        if self._documents.get(document.id) is document:
            self._close(document)

    def discard_unsaved(self, document: LiveDocument) -> None:
        """Like `discard`. Uncommitted edits are dropped."""
        self.discard(document)
        self._group_commit.forget(document)

    def end_generation(self, document_id: UUID) -> None:
        """End a document that is open here, because a later generation has taken its place."""
        if (document := self._documents.get(document_id)) is not None:
            self.discard_unsaved(document)
            document.end(StaleGeneration())

    def _close(self, document: LiveDocument) -> None:
        del self._documents[document.id]
        self._replication.close(document)
        for callback in self._on_close:
            callback(document)

    # ---- connections

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
        receives_events: bool = False,
    ) -> tuple[LiveDocument, DocumentConnection]:
        """Connect a session to a document, which is loaded first. The caller has checked the right to view it.

        Raises NotFound, Forbidden (it is not for collaborative editing; a link is used up), TooMany, DocumentDamaged,
        Unavailable.
        """
        document = self._open(document_id)
        if len(document.connections) >= self._settings.max_document_connections:
            raise TooMany(f"{len(document.connections)} connections have this document open already")
        connection = DocumentConnection(
            self.new_key(),
            session,
            identity,
            address=address,
            can_edit=can_edit,
            device=device,
            agent=agent,
            receives_events=receives_events,
        )
        # Joined before the load: edits made meanwhile reach it, and the document is not closed as unused.
        document.join(connection)
        try:
            await self._loader.load(document)
            await self._check_joinable(document)
            if can_edit:
                for callback in self._before_edit:
                    await callback(document)
            connection.share_opening = await self.openings.begin(identity, same_device=device is not None)
            if document.replaced:
                raise document.replaced_error()
        except BaseException:
            self._end_opening(connection)
            document.leave(connection)
            self.close_if_saved(document)
            raise
        self.counts.joins += 1
        self._presence_table.joined(document, connection)
        self._views.record_view(identity, document_id, time.monotonic())
        self._record_opening(document, connection)
        if receives_events:
            self._live_events.subscribe(document_id, connection)
        return document, connection

    def hand_over(self, document: LiveDocument, connection: DocumentConnection, identity: Identity) -> None:
        """Give the connection to another person: further edits, presence and views are theirs."""
        self._presence_table.left(connection)
        self._views.record_visit(connection.identity, document.id, opened=False)
        document.withdraw_presence(connection)
        connection.hand_over(identity, self.new_key())
        self._presence_table.joined(document, connection)
        self._views.record_view(identity, document.id, time.monotonic())
        self._record_opening(document, connection)

    def _record_opening(self, document: LiveDocument, connection: DocumentConnection) -> None:
        """Note a visit, unless the person has the document open already."""
        others = (other for other in document.connections.values() if other is not connection)
        is_open = any(other.identity.user_id == connection.identity.user_id for other in others)
        self._views.record_visit(connection.identity, document.id, opened=not is_open)

    def leave(self, document: LiveDocument, connection: DocumentConnection) -> None:
        """Remove a connection from its document; harmless when it has left already."""
        if connection.receives_events:
            self._live_events.unsubscribe(document.id, connection)
        self._presence_table.left(connection)
        self._end_opening(connection)
        if connection.key in document.connections:
            self._views.record_visit(connection.identity, document.id, opened=False)
        document.leave(connection)
        self.close_if_unused(document)

    def _end_opening(self, connection: DocumentConnection) -> None:
        if connection.share_opening is not None:
            self.openings.end(connection.share_opening)
            connection.share_opening = None

    # ---- turns: see live_document.Turns

    def schedule_turn(self, document: LiveDocument) -> None:
        self._turn[document.id] = document
        if not self._turn_scheduled:
            self._turn_scheduled = True
            asyncio.get_running_loop().call_soon(self._run_turn)

    def schedule_presence(self, document: LiveDocument, delay: float) -> None:
        asyncio.get_running_loop().call_later(delay, document.presence_due)

    def schedule_commit(self, document: LiveDocument, size: int, *, is_waited_for: bool) -> None:
        self._group_commit.add(document, size, is_waited_for=is_waited_for)

    def publish_presence(self, document: LiveDocument, clients: set[int]) -> None:
        self._replication.publish_presence(document, clients)

    def record_activity(self, connection: DocumentConnection, *, typed: bool) -> None:
        if typed:
            self._presence_table.typed(connection)
        else:
            self._presence_table.moved(connection)

    def _run_turn(self) -> None:
        self._turn_scheduled = False
        turn, self._turn = self._turn, {}
        started = time.perf_counter()
        for document in turn.values():
            try:
                document.flush()
            except Exception:
                # The other documents keep their turn. The clients of this one synchronize again when they reconnect.
                log.exception("a turn failed", extra={"document": document.id})
                document.end(Unavailable("this document had an internal error"))
        self.counts.turn_seconds.add(time.perf_counter() - started)
        for document in turn.values():
            if not document.connections:
                self.close_if_saved(document)

    # ---- stored content

    async def flush_to_storage(self, document_id: UUID) -> None:
        """Commit everything received by now, and bring the stored content of this document up to date.

        Raises NotFound, Unavailable.
        """
        document = self._documents.get(document_id)
        if document is not None:
            await self._group_commit.wait_committed(document)
            # A fold that runs already may have read the log before the last commits.
            for _ in range(2):
                if (fold := self._compactor.fold_soon(document, at_once=True)) is not None:
                    await asyncio.wait({fold})
            # While the process stops, what was committed last is still to be folded for who asks. A fold that failed
            # fails again below, with its reason: the stored content is older than what was asked for.
            has_folded = not self._compactor.has_ended and not self._compactor.has_failed(document.id)
            if document.id in self._documents and has_folded:
                return
        await self._compactor.fold_closed(document_id)
