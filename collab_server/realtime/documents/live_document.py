"""An open document: its room, its presence and its connections.

Everything that arrives within one turn of the event loop is written at its end, as one message to each connection. The
message is encoded once for all connections that wrote none of it; authors get the edits of the others. Nothing is sent
to a connection whose socket is congested. When the socket has drained, it gets one diff.

Over 300 lines: intake, turn and acknowledgements share the state of the document, on the hot path.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from collab_server import _speedups
from collab_server.adapters.fair_queue import FairQueue
from collab_server.adapters.workers import MAX_EDITS_OF_ONE
from collab_server.core.protocol.cluster_messages import State
from collab_server.core.protocol.messages import (
    encode_awareness,
    encode_sync_step1,
    update_parts,
)
from collab_server.core.room.entries import Author
from collab_server.core.room.presence import Presence
from collab_server.core.room.room import Room
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.updates import encode_state_vector
from collab_server.errors import CollabError, Encrypted, LostRace, NotFound, NotTogether, StaleGeneration, TooLarge
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.attribution import find_author
from collab_server.realtime.documents.document_connection import READ_ONLY, DocumentConnection, framed
from collab_server.realtime.documents.fanout import fan_out, fan_out_stateless
from collab_server.realtime.documents.presence_turn import PresenceTurn
from collab_server.realtime.documents.sync_answers import SyncAnswers

SMALL_ROOM = 16
"""Most connections with which presence is sent with the turn. In larger rooms it is collected: n connections that move
their cursors make n * n messages."""
PRESENCE_SECONDS_EACH = 0.0005
PRESENCE_SECONDS = 0.1
ACKNOWLEDGED_AT_ONCE = 256
"""Acknowledgements sent before the socket is checked again. Hocuspocus needs a frame for each."""


class Turns(Protocol):
    """Services of the process that a document uses."""

    counts: Counts

    def schedule_turn(self, document: LiveDocument) -> None: ...

    def schedule_presence(self, document: LiveDocument, delay: float) -> None:
        """Call the document's `presence_due` after `delay` seconds."""
        ...

    def schedule_commit(self, document: LiveDocument, size: int, *, is_waited_for: bool) -> None:
        """Commit what the document has for the log; see GroupCommit.add."""
        ...

    def publish_presence(self, document: LiveDocument, clients: set[int]) -> None:
        """Publish presence changed by connections of this node."""
        ...

    def record_activity(self, connection: DocumentConnection, *, typed: bool) -> None:
        """Record an edit (`typed`) or a change of presence for the presence table."""
        ...


NOBODY = 0
"""Sender of updates from other nodes. Connections are numbered from 1 upwards, other nodes from -1 downwards."""


class LiveDocument:
    """The state of one open document, and the intake of edits and presence."""

    def __init__(self, document_id: UUID, generation: int | None, room: Room, turns: Turns) -> None:
        self.id = document_id
        self.generation = generation
        """Generation of the content; None before the first load."""
        self.workspace_id: UUID | None = None
        """The last load or fold found it there."""
        self.collaborative = True
        """Connections may join."""
        self.room = room
        self.presence = Presence()
        self.connections: dict[int, DocumentConnection] = {}
        self.has_text = True
        """The content is not encrypted by its owner's device."""
        self.has_returns = False
        """The text has carriage returns, which are removed; see core/documents/line_end_repair.py."""
        self.keep_open_until = 0.0
        """How long it stays open for the next request (monotonic seconds)."""
        self._shown: set[int] = set()
        """Owners of the states that the server itself shows: API clients."""
        self.edit_queue = FairQueue(1, most_of_one=MAX_EDITS_OF_ONE)
        """Held while a request's edit is computed: the next edit starts from its result."""
        self.revision = 0
        """Raised by every change of the content."""
        self.measured_revision = -1
        """Revision at the last look at the storage of its workspace; see storage_limits.py."""
        self.holds = 0
        """Number of users without a connection; see Hub.held_open."""
        self.last_edit = time.monotonic()
        self.last_use = self.last_edit
        """When content was last written or read."""
        self.unsaved_since: float | None = None
        """When the oldest uncommitted edit arrived (monotonic seconds)."""
        self.unfolded_since: float | None = None
        """When the oldest row of the log came that is not folded (monotonic seconds); see upkeep.py."""
        self.unannounced_since: float | None = None
        """When the first commit came of which the change feed may not tell (monotonic seconds); see upkeep.py."""
        self.replaced = False
        """The document was deleted or replaced. Its edits cannot be stored, and no connection may join."""
        self.is_outdated = False
        """A later generation has taken its place."""
        self.former_clients: frozenset[int] = frozenset()
        """Yjs client ids of former generations. A copy with one of them cannot be merged."""
        self._turns = turns
        self._answers = SyncAnswers(room)
        self._next_commit: asyncio.Future[None] | None = None
        self._updates: list[tuple[int, bytes]] = []
        self._clocks_before: dict[int, int] = {}
        self._presence_turn = PresenceTurn()
        self.loaded_once = False
        """The first load is done. Clocks and place in the log stay known after the bytes are evicted."""

    # ---- connections

    def check_joinable(self) -> None:
        """Raises Encrypted or NotTogether where no connection may join. The document must be loaded."""
        if not self.has_text:
            raise Encrypted("a password is opened by the application that encrypted it; it is not edited together")
        if not self.collaborative:
            raise NotTogether("this document cannot be edited together: its settings say so")

    def join(self, connection: DocumentConnection) -> None:
        self.last_use = time.monotonic()
        self.connections[connection.key] = connection
        self.presence.join(connection.key)

    def leave(self, connection: DocumentConnection) -> None:
        if self.connections.pop(connection.key, None) is not None:
            self._record_presence(connection.key, self.presence.leave(connection.key))

    def evict(self) -> None:
        """Drop the content's bytes from memory; see Room.evict."""
        self.room.evict()
        self.forget_answers()

    def forget_answers(self) -> None:
        """Drop frames made from former bytes of the room."""
        self._answers.clear()

    def is_in_use(self, now: float) -> bool:
        """Whether the document must stay open: connections, requests, shown API clients."""
        if self.connections or self.holds or now < self.keep_open_until:
            return True
        return bool(self._shown)

    @property
    def has_viewers(self) -> bool:
        """Whether anybody sees the presence of an API client: a connection, or a client of another node."""
        return bool(self.connections) or len(self.presence) > len(self._shown)

    @property
    def is_flushed(self) -> bool:
        """Whether all content was written to the connections able to keep up."""
        return not self._updates

    @property
    def has_lagging(self) -> bool:
        return any(connection.lagging_from is not None for connection in self.connections.values())

    def end(self, error: CollabError) -> None:
        """End every connection with this error."""
        self.is_outdated = self.is_outdated or isinstance(error, StaleGeneration)
        for connection in list(self.connections.values()):
            connection.can_edit = False
            connection.session.end(connection, error)

    def replaced_error(self) -> CollabError:
        """The error for who works with a document that was deleted or replaced at this moment. LostRace: the generation
        that is there now can take it.
        """
        if self.is_outdated:
            return LostRace("the document was replaced at this moment; come again")
        return NotFound("the document was deleted at this moment")

    def check_generation(self, clients: Iterable[int]) -> None:
        """Check the Yjs client ids of a copy or of an update. Raises StaleGeneration for ids of a former generation:
        merged, the content would be there twice.
        """
        if self.former_clients and not self.former_clients.isdisjoint(clients):
            raise StaleGeneration("this copy is of a former generation of the document; load it again")

    # ---- intake

    def receive_content(
        self, connection: DocumentConnection, update: bytes, summary: UpdateSummary, *, is_answer: bool
    ) -> None:
        """Receive a validated SyncStep2 (`is_answer`) or Update."""
        self._turns.counts.updates_received += 1
        self.receive_piece(connection, update, summary, is_answer=is_answer, is_last=True)

    def count_received(self) -> None:
        self._turns.counts.updates_received += 1

    def receive_piece(
        self, connection: DocumentConnection, update: bytes, summary: UpdateSummary, *, is_answer: bool, is_last: bool
    ) -> bool:
        """Receive a part of a validated content message; False: it was refused.

        The last part is acknowledged for the whole message. An answer has everything that the client holds, and so
        acknowledges the refused messages before it. Of somebody who only reads, an answer without news is accepted.
        """
        is_allowed = connection.can_edit or (is_answer and self.room.is_known(summary, compare_deletes=True))
        if not is_allowed:
            connection.refuse(READ_ONLY)
            return False
        try:
            author = find_author(connection, summary, self.presence, self.connections)
            self.apply_edit(update, summary, connection.key, author, compare_deletes=is_answer, acknowledge=is_last)
        except TooLarge as error:
            connection.refuse(error.close_reason)
            return False
        if is_answer and is_last and connection.refused:
            self.room.acknowledge_also(connection.key, author, connection.take_refused())
        return True

    def apply_edit(
        self,
        update: bytes,
        summary: UpdateSummary,
        sender: int,
        author: Author,
        *,
        compare_deletes: bool,
        acknowledge: bool = True,
    ) -> None:
        """Apply a validated update, and send it to everybody but `sender` and to the log.

        `acknowledge`: tell `sender` of the commit.

        Raises TooLarge where the document is full, QuotaExceeded where its workspace is.
        """
        room = self.room
        before = {}
        for client, _, _ in summary.structs:
            before[client] = room.clocks.get(client, 0)
        try:
            told = sender if acknowledge else NOBODY
            news = room.receive(update, summary, told, author, compare_deletes=compare_deletes)
        except TooLarge as error:
            self._turns.counts.errors[error.code] += 1
            raise
        connection = self.connections.get(sender)
        if news is not None:
            self._record_news(sender, news, before)
            if connection is not None:
                self._turns.record_activity(connection, typed=True)
        is_waited_for = acknowledge and connection is not None and connection.session.tells_of_commits
        self._turns.schedule_commit(self, len(news or b""), is_waited_for=is_waited_for)

    def _record_news(self, sender: int, news: bytes, before: dict[int, int]) -> None:
        """Schedule what is new. `before`: earlier clocks of the clients whose structs are in it."""
        self.revision += 1
        self.last_edit = self.last_use = time.monotonic()
        self._clocks_before = before | self._clocks_before
        self._updates.append((sender, news))
        self._turns.schedule_turn(self)

    def apply_remote(self, update: bytes, summary: UpdateSummary, first: int, last: int) -> None:
        """Apply a validated update committed by another node as log rows `first` to `last`."""
        before = {client: self.room.clocks.get(client, 0) for client, _, _ in summary.structs}
        news = self.room.apply_remote(update, summary, first, last)
        if news is not None:
            self._record_news(NOBODY, news, before)

    def receive_node_presence(self, owner: int, states: tuple[State, ...], *, complete: bool) -> None:
        self._record_presence(owner, self.presence.receive_from_node(owner, states, complete=complete))

    def remove_node(self, owner: int) -> None:
        """Remove the presence of a node that ended or has no connection to this document any more."""
        self._record_presence(owner, self.presence.leave(owner))

    def show(self, owner: int, person: str, client: int, clock: int, state: str) -> tuple[int, int] | None:
        """See Presence.show; sent with the edits of this turn."""
        shown = self.presence.show(owner, person, client, clock, state)
        if shown is not None:
            self._shown.add(owner)
            self._record_presence(owner, {shown[0]})
        return shown

    def hide(self, owner: int) -> None:
        """Remove the state that the server shows under this number."""
        self._shown.discard(owner)
        self._record_presence(owner, self.presence.leave(owner))

    def withdraw_presence(self, connection: DocumentConnection) -> None:
        """Remove the presence of a connection, and tell its client: stock clients then show their state again."""
        ids = self.presence.leave(connection.key)
        self._record_presence(connection.key, ids)
        if ids and connection.ready:
            connection.send(encode_awareness(self.presence.payload(ids)))

    def receive_awareness(self, connection: DocumentConnection, payload: bytes) -> None:
        self._turns.counts.presence_received += 1
        identity = connection.identity
        self._record_presence(
            connection.key, self.presence.receive(connection.key, identity.person, identity.vouched, payload)
        )
        connection.note_guest_name(self.presence.state_of(connection.key))
        if self.presence.not_taken:
            self.reject_presence(connection, self.presence.not_taken)

    def reject_presence(self, connection: DocumentConnection, reason: str) -> None:
        """Count refused presence, and notify the client the first time."""
        self._turns.counts.errors[TooLarge.code] += 1
        if not connection.was_notified:
            connection.was_notified = True
            connection.session.notify(connection, TooLarge(reason))

    def _record_presence(self, source: int, changed: set[int]) -> None:
        if not changed:
            return
        is_collecting = self._presence_turn.is_collecting
        self._presence_turn.add(source, changed, publish=source > NOBODY)
        if source > NOBODY and (connection := self.connections.get(source)) is not None:
            self._turns.record_activity(connection, typed=False)
        if len(self.connections) <= SMALL_ROOM:
            self.presence_due()
        elif not is_collecting:
            self._turns.schedule_presence(self, min(PRESENCE_SECONDS, len(self.connections) * PRESENCE_SECONDS_EACH))

    def presence_due(self) -> None:
        """Send the collected presence changes at the end of this turn."""
        self._presence_turn.is_due = True
        self._turns.schedule_turn(self)

    # ---- answers

    def send_greeting(self, connection: DocumentConnection) -> None:
        """Send the server's SyncStep1 and all presence, with which the y-websocket protocol begins."""
        states = self.presence.everyone()
        greeting = encode_sync_step1(self.room.state_vector())
        connection.send(*((greeting, encode_awareness(states)) if states else (greeting,)))

    def send_generation(self, connection: DocumentConnection) -> None:
        """Tell a connection that receives live events which generation its copy will be of."""
        if connection.receives_events:
            connection.send_event({"type": "generation", "generation": self.generation or 0})

    def send_presence(self, connection: DocumentConnection) -> None:
        if connection.socket.congested:
            self._mark_lagging(connection, {}, self.presence.clients())
        elif states := self.presence.everyone():
            connection.send(encode_awareness(states))

    def request_missing(self, connection: DocumentConnection) -> None:
        """Ask the client for its edits that the room lacks."""
        connection.send(encode_sync_step1(self.room.state_vector()))

    def answer_sync(self, connection: DocumentConnection, state_vector: bytes, *, with_step1: bool) -> None:
        """Answer a SyncStep1. Large parts are sent as Updates before the SyncStep2.

        The frames are kept for others with the same state while the room does not change. The room must be loaded.
        """
        self.last_use = time.monotonic()
        frames = self._answers.get_frames(connection.address, state_vector, with_step1=with_step1)
        connection.deliver(frames)

    def flush(self) -> None:
        """End the turn: write everything received in it to all other connections."""
        updates, self._updates = self._updates, []
        before, self._clocks_before = self._clocks_before, {}
        change = self._presence_turn.take() if self._presence_turn.is_due else None
        if change is not None and (clients := self._presence_turn.take_to_publish()):
            self._turns.publish_presence(self, clients)
        if not updates and change is None:
            return
        if updates:
            self._answers.clear()
        if change is None and len(updates) == 1:
            written = _speedups.write_update(self.connections, *updates[0])
            if written is not None:
                self._turns.counts.deliveries += written
                return
        writes, lagging, deliveries = fan_out(self.connections, updates, self.presence, change)
        for connection in lagging:
            self._mark_lagging(connection, before, change.clients if change is not None else set())
        for outgoing, sockets in writes:
            _speedups.write_to_all(sockets, outgoing)
        self._turns.counts.deliveries += deliveries

    def send_answer(self, connection: DocumentConnection, parts: tuple[bytes, ...], *, with_step1: bool) -> None:
        """Like `answer_sync`, with parts that a worker computed."""
        self.last_use = time.monotonic()
        connection.deliver(self._answers.frame(connection.address, parts, with_step1=with_step1))

    def _mark_lagging(self, connection: DocumentConnection, before: dict[int, int], changed: set[int]) -> None:
        if connection.lagging_from is None:
            connection.lagging_from = self.room.clocks | before
        connection.missed_presence |= changed

    def catch_up(self, connection: DocumentConnection) -> None:
        """Send a lagging connection one diff, the presence it missed, and its acknowledgements.

        The room must be loaded.
        """
        if connection.lagging_from is None:
            return
        messages = [*map(update_parts, self.room.answer(encode_state_vector(connection.lagging_from)))]
        if connection.missed_presence:
            messages.append((encode_awareness(self.presence.payload(connection.missed_presence)), b""))
        connection.lagging_from = None
        connection.missed_presence = frozenset()
        self._turns.counts.caught_up += 1
        connection.deliver(framed(connection.address, messages))
        self.send_acknowledgements(connection)

    def broadcast(self, payload: str) -> None:
        """Send a stateless message to all Hocuspocus connections able to keep up."""
        for outgoing, sockets in fan_out_stateless(self.connections, payload):
            _speedups.write_to_all(sockets, outgoing)

    # ---- acknowledgements

    def next_commit(self) -> asyncio.Future[None]:
        """A future that is done when the outcome of the next commit is known."""
        if self._next_commit is None:
            self._next_commit = asyncio.get_running_loop().create_future()
        return self._next_commit

    def commit_succeeded(self, payloads: list[bytes], seq: int) -> None:
        """Acknowledge the edits in flight to their senders: PostgreSQL has them."""
        owed: dict[int, int] = {}
        for entry in self.room.commit_succeeded(payloads, seq):
            owed[entry.sender] = owed.get(entry.sender, 0) + 1
        self.unsaved_since = None if self.room.saved else time.monotonic()
        if self._next_commit is not None:
            self._next_commit.set_result(None)
            self._next_commit = None
        for key, count in owed.items():
            if (connection := self.connections.get(key)) is not None:
                connection.unsent_acks += count
                self.send_acknowledgements(connection)

    def send_acknowledgements(self, connection: DocumentConnection) -> None:
        """Send pending acknowledgements, as far as the socket takes them."""
        while connection.unsent_acks and connection.lagging_from is None and not connection.socket.congested:
            count = min(connection.unsent_acks, ACKNOWLEDGED_AT_ONCE)
            connection.unsent_acks -= count
            connection.session.acknowledge(connection, count)
