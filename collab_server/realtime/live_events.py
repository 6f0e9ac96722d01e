"""Live events: every entry of the change feed reaches the open connections that may read it. Streams of pages are also
told in which documents people came or left.

An event names what changed, never its values. Clients read these over REST, with their own rights. A congested
connection gets one `resync` event when it can be written to again, instead of a queue of events.

Over 300 lines: connections and streams share the order of delivery.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from collab_server.access import live_queries
from collab_server.access.identity import Identity
from collab_server.access.live_queries import Pair
from collab_server.adapters.postgres import Database, Subject
from collab_server.adapters.websocket.sse import EventStream
from collab_server.background import run_periodically
from collab_server.errors import CollabError, TooMany, Unauthenticated
from collab_server.features.changes import queries
from collab_server.features.changes.feed import Cursor
from collab_server.features.changes.queries import NewEntry, Position
from collab_server.features.changes.reader import Batch, FeedReader
from collab_server.observability.logging import log
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining

Event = dict[str, Any]
RESYNC: Event = {"type": "resync"}
MAX_STREAMS = 10_000
"""Streams of pages in one process."""
MAX_STREAMS_OF_ONE = 100
"""Streams of one person in one process."""
MAX_PENDING = 1000
"""Entries that are kept for a stream while its workspaces are looked up."""
TICK_SECONDS = 5.0
READS_AT_ONCE = 4
_DISCUSSION = frozenset({"comment", "suggestion", "share", "access_request"})
"""Entities that are not for whoever reads the document because it is public."""

_ACCESS = frozenset({"workspace", "document"})
"""Entities whose entries for a single person say that the person's access has changed."""


class EventReceiver(Protocol):
    """A connection of one document that asked for events."""

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def rights(self) -> Subject: ...

    @property
    def is_congested(self) -> bool: ...

    def send_event(self, event: Event) -> None: ...


@dataclass(eq=False, slots=True)
class Stream:
    """The event stream of a page. `workspaces`: those that its person may read; None: not looked up yet. `shared`:
    documents of other workspaces that are shared with them.

    `authenticate` returns the identity of the request that opened it, and raises Unauthenticated once it is no longer
    valid. `pending`: entries that arrived while the workspaces were looked up.
    """

    identity: Identity
    socket: EventStream
    authenticate: Callable[[], Awaitable[Identity]]
    workspaces: frozenset[UUID] | None = None
    shared: frozenset[UUID] = frozenset()
    pending: list[NewEntry] = field(default_factory=list)
    cursor: Cursor | None = None
    needs_resync: bool = False

    def may_read(self, entry: NewEntry) -> bool:
        if entry.target_user_id is not None:
            return entry.target_user_id == self.identity.user_id
        if entry.document_id in self.shared:
            return True
        return self.workspaces is not None and entry.workspace_id in self.workspaces


class LiveEvents:
    """A listener of the feed's reader while there are connections that asked for events."""

    def __init__(self, reader: FeedReader, db: Database) -> None:
        self._reader = reader
        self._db = db
        self._receivers: dict[UUID, set[EventReceiver]] = {}
        self._missed: set[EventReceiver] = set()
        """Receivers that were congested: each gets one `resync`."""
        self._streams: set[Stream] = set()
        self._unchecked: set[Stream] = set()
        """Streams whose rights may have changed."""
        self._check = asyncio.Event()
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._stopping = False

    def __len__(self) -> int:
        """How many connections and streams there are."""
        return len(self._streams) + sum(map(len, self._receivers.values()))

    def list_places(self) -> set[UUID]:
        """List the workspaces and shared documents that streams of pages show."""
        return {place for stream in self._streams for place in (*(stream.workspaces or ()), *stream.shared)}

    # ---- connections of documents

    def subscribe(self, document_id: UUID, receiver: EventReceiver) -> None:
        self._receivers.setdefault(document_id, set()).add(receiver)
        self._reader.add(self)

    def unsubscribe(self, document_id: UUID, receiver: EventReceiver) -> None:
        receivers = self._receivers.get(document_id)
        if receivers is not None:
            receivers.discard(receiver)
            if not receivers:
                del self._receivers[document_id]
        self._missed.discard(receiver)
        self._stop_listening_if_unused()

    # ---- streams of pages

    async def open_stream(
        self, identity: Identity, authenticate: Callable[[], Awaitable[Identity]], after: Cursor | None
    ) -> EventStream:
        """A response that carries the events of all workspaces that `identity` may read, those after a cursor first.

        Raises TooMany, Unavailable.
        """
        self._check_limits(identity)
        stream = Stream(identity, EventStream(), authenticate)
        await stream.socket.run(_ignore_message, lambda: self._resync_stream(stream), lambda _: self._close(stream))
        self._streams.add(stream)
        self._reader.add(self)
        try:
            await self._begin(stream, after)
        except BaseException:
            self._close(stream)
            raise
        return stream.socket

    def _check_limits(self, identity: Identity) -> None:
        if len(self._streams) >= MAX_STREAMS:
            raise TooMany(f"{MAX_STREAMS} event streams are open already", retry_after=5)
        if sum(stream.identity.person == identity.person for stream in self._streams) >= MAX_STREAMS_OF_ONE:
            raise TooMany(f"you have {MAX_STREAMS_OF_ONE} event streams open already", retry_after=5)

    async def _begin(self, stream: Stream, after: Cursor | None) -> None:
        place = after.position if after else Position(0, 0)
        async with self._reads, self._db.as_user(stream.identity.subject) as conn:
            found = await queries.find_page(conn, place, MAX_PENDING if after else 0, None)
        stream.workspaces, stream.shared = frozenset(found.readable), frozenset(found.shared)
        stream.cursor = Cursor(None, found.epoch, found.end)
        if after is not None:
            is_whole = after.epoch == found.epoch and after.position <= found.end and not found.stale
            if not is_whole or len(found.changes) > MAX_PENDING:
                self._offer(stream, RESYNC)
            else:
                for change in found.changes:
                    self._offer(stream, event_of(change), stream.cursor.at(change.position))
        stream.socket.send_keepalive(str(stream.cursor))
        pending, stream.pending = stream.pending, []
        self._deliver(stream, pending)
        self._resync_stream(stream)

    def _close(self, stream: Stream) -> None:
        self._streams.discard(stream)
        self._unchecked.discard(stream)
        self._stop_listening_if_unused()

    def stop(self) -> None:
        """End all streams: the server stops."""
        self._stopping = True
        for stream in list(self._streams):
            stream.socket.end(1012, "restarting: the server restarts; come back")

    def access_changed(self, kind: str, subject: UUID | None) -> None:
        """A notice of changed rights (migration 0009); `subject` None: notices may have been missed."""
        for stream in self._streams:
            identity = stream.identity
            if (
                subject is None
                or (kind == "user" and identity.user_id == subject)
                or (kind == "workspace" and (stream.workspaces is None or subject in stream.workspaces))
                or (kind == "document" and subject in stream.shared)
                or (kind in ("token", "session") and identity.credential_id == subject)
            ):
                self._unchecked.add(stream)
        if self._unchecked:
            self._check.set()

    async def run(self) -> None:
        """Follow changed rights and send signs of life, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            name = "following the rights of event streams"
            tasks.create_task(run_periodically(name, self._follow_rights, None, first=None, wake=self._check))
            retry = (TICK_SECONDS, TICK_SECONDS)
            tasks.create_task(
                run_periodically(
                    "a look at the event streams", self._tick, TICK_SECONDS, first=TICK_SECONDS, retry=retry
                )
            )

    async def _follow_rights(self) -> None:
        streams, self._unchecked = self._unchecked, set()
        await self._refresh(streams)

    async def _refresh(self, streams: set[Stream]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for stream in streams:
                tasks.create_task(self._refresh_one(stream))

    async def _refresh_one(self, stream: Stream) -> None:
        """Look up what the stream's person may read now. A failed look ends the stream: the page comes back."""
        try:
            async with self._reads:
                stream.identity = await stream.authenticate()
                async with self._db.as_user(stream.identity.subject) as conn:
                    workspaces, shared = await queries.list_readable(conn)
            stream.workspaces, stream.shared = frozenset(workspaces), frozenset(shared)
        except CollabError as error:
            stream.workspaces = stream.shared = frozenset()
            stream.socket.end(error.close_code, error.close_reason)
        except Exception:
            log.exception("looking up the rights of an event stream failed")
            stream.workspaces = stream.shared = frozenset()
            stream.socket.end(1011, "internal: come back")

    async def _tick(self) -> None:
        now = time.monotonic()
        for stream in list(self._streams):
            if remaining(stream.identity) <= 0:
                error = Unauthenticated("the token has expired")
                stream.socket.end(error.close_code, error.close_reason)
            elif now - stream.socket.last_sent > KEEPALIVE_SECONDS and not stream.socket.congested:
                stream.socket.send_keepalive(str(stream.cursor) if stream.cursor else None)

    # ---- delivery

    async def on_batch(self, batch: Batch) -> None:
        self._resync_receivers()
        if batch.has_gap:
            self._announce_gap(batch)
            return
        if not batch.entries:
            return
        readers = await self._find_discussion_readers(batch.entries)
        for entry in batch.entries:
            self._deliver_to_document(entry, readers)
        affected = {entry.target_user_id for entry in batch.entries if entry.entity_type in _ACCESS} - {None}
        await self._refresh({stream for stream in self._streams if stream.identity.user_id in affected})
        for stream in list(self._streams):
            if stream.cursor is None:
                stream.pending += batch.entries
                if len(stream.pending) > MAX_PENDING:
                    stream.pending.clear()
                    stream.needs_resync = True
            else:
                self._deliver(stream, batch.entries)

    def _announce_gap(self, batch: Batch) -> None:
        """The first batch after nobody listened is a gap too: what happened before a connection joined is not its."""
        for receivers in list(self._receivers.values()):
            for receiver in list(receivers):
                self._send(receiver, RESYNC)
        for stream in list(self._streams):
            if stream.cursor is not None and stream.cursor.position != batch.end:
                stream.cursor = Cursor(None, batch.epoch, batch.end)
                self._offer(stream, RESYNC)

    async def _find_discussion_readers(self, entries: Sequence[NewEntry]) -> Collection[Pair] | None:
        """Find who of the receivers of a discussion may read it; None: not known now."""
        pairs = {
            (receiver.rights, entry.document_id)
            for entry in entries
            if entry.entity_type in _DISCUSSION and entry.document_id is not None
            for receiver in self._receivers.get(entry.document_id, ())
        }
        if not pairs:
            return ()
        try:
            async with self._db.as_service() as conn:
                return await live_queries.find_in_discussion(conn, pairs, self._db.guest_role)
        except CollabError:
            log.warning("looking up who reads discussions failed: connections are asked to read them again")
            return None

    def _deliver_to_document(self, entry: NewEntry, readers: Collection[Pair] | None) -> None:
        if entry.document_id is None or not (receivers := self._receivers.get(entry.document_id)):
            return
        event = event_of(entry)
        for receiver in list(receivers):
            if entry.target_user_id not in (None, receiver.user_id):
                continue
            if entry.entity_type not in _DISCUSSION:
                self._send(receiver, event)
            elif readers is None:
                self._send(receiver, RESYNC)
            elif (receiver.rights, entry.document_id) in readers:
                self._send(receiver, event)

    def presence_changed(self, documents: Mapping[UUID, Collection[UUID]]) -> None:
        """Tell the streams of pages that people came to these documents or left them; the keys are workspaces."""
        for stream in self._streams:
            for workspace_id, changed in documents.items():
                readable = stream.workspaces is not None and workspace_id in stream.workspaces
                for document_id in changed if readable else stream.shared.intersection(changed):
                    self._offer(stream, presence_event(workspace_id, document_id))

    def presence_missed(self) -> None:
        """Tell the streams of pages that people may have come or left. A stream that only begins need not be told."""
        for stream in self._streams:
            if stream.cursor is not None:
                self._offer(stream, RESYNC)

    def _send(self, receiver: EventReceiver, event: Event) -> None:
        if receiver in self._missed:
            return
        if receiver.is_congested:
            self._missed.add(receiver)
        else:
            receiver.send_event(event)

    def _resync_receivers(self) -> None:
        for receiver in [each for each in self._missed if not each.is_congested]:
            self._missed.discard(receiver)
            receiver.send_event(RESYNC)

    def _deliver(self, stream: Stream, entries: Sequence[NewEntry]) -> None:
        assert stream.cursor is not None
        for entry in entries:
            if entry.position <= stream.cursor.position:
                continue
            stream.cursor = stream.cursor.at(entry.position)
            if stream.may_read(entry):
                self._offer(stream, event_of(entry), stream.cursor)

    def _offer(self, stream: Stream, event: Event, cursor: Cursor | None = None) -> None:
        if stream.needs_resync or stream.socket.congested:
            stream.needs_resync = True
            return
        if event is RESYNC:
            stream.socket.send_event("resync", {}, event_id=str(stream.cursor))
        elif cursor is None:
            # Without an id: a client that reconnects reads presence anew.
            stream.socket.send_event("presence", event)
        else:
            stream.socket.send_event("change", event, event_id=str(cursor))

    def _resync_stream(self, stream: Stream) -> None:
        if stream.needs_resync and not stream.socket.congested:
            stream.needs_resync = False
            self._offer(stream, RESYNC)

    def _stop_listening_if_unused(self) -> None:
        if not self._receivers and not self._streams:
            self._reader.remove(self)


def event_of(entry: NewEntry | queries.Change) -> Event:
    """The event of an entry as JSON values: what changed, never its values."""
    return {
        "type": "event",
        "entity_type": entry.entity_type,
        "entity_id": str(entry.entity_id),
        "document_id": str(entry.document_id) if entry.document_id else None,
        "workspace_id": str(entry.workspace_id),
        "operation": entry.operation,
        "row_version": entry.row_version,
        "at": entry.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def presence_event(workspace_id: UUID, document_id: UUID) -> Event:
    """The event of a document to which somebody came, or which somebody left."""
    return {"type": "presence", "workspace_id": str(workspace_id), "document_id": str(document_id)}


def _ignore_message(message: bytes) -> None:
    raise AssertionError("a response carries nothing inwards")
