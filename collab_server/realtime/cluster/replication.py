"""Replication between the servers of one database over the message bus.

A message that is lost, late, repeated or out of order costs only time: the log decides (log_follower.py), and presence
is published again and again (peer_presence.py). Messages that no node of this cluster has sent are dropped; see
adapters/envelopes.py.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from collab_server.adapters.bus import Bus
from collab_server.adapters.envelopes import Envelopes, Forged, Repeated
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.core.protocol.cluster_messages import (
    ClientFrame,
    Committed,
    NodeMessage,
    States,
    StatesRequest,
    decode,
    encode,
)
from collab_server.core.protocol.messages import Stateless
from collab_server.core.yjs import updates
from collab_server.errors import CollabError, Malformed
from collab_server.observability.logging import Seldom, log
from collab_server.observability.metrics import Counts
from collab_server.realtime.cluster import clock_queries
from collab_server.realtime.cluster.log_follower import LogFollower
from collab_server.realtime.cluster.peer_presence import PeerPresence
from collab_server.realtime.documents.live_document import LiveDocument

INLINE_BYTES = 16_384
"""Larger commits are announced without their bytes; nodes that have the document open read them from the log."""
CLOCK_SECONDS = 30.0
"""Seconds between reads of the database's clock, by which the nodes date their messages."""
CLOCK_RETRY_SECONDS = 2.0
TICK_SECONDS = 0.5


class ClusterReplication:
    """Replication between this process and the other nodes.

    `find`, `documents`: the documents open here. `on_rows`: called when a document has applied rows of other
    nodes. `on_replaced`: called with a deleted or replaced document. `on_stream_message`: called with messages
    that another node received for an event stream of this one.
    """

    def __init__(
        self,
        bus: Bus,
        envelopes: Envelopes,
        db: Database,
        workers: Workers,
        counts: Counts,
        *,
        find: Callable[[UUID], LiveDocument | None],
        documents: Callable[[], list[LiveDocument]],
        on_rows: Callable[[LiveDocument], None],
        on_replaced: Callable[[LiveDocument], None],
        on_stream_message: Callable[[ClientFrame], None],
    ) -> None:
        self.id = envelopes.node
        self._bus = bus
        self._envelopes = envelopes
        self._db = db
        self._counts = counts
        self._find = find
        self._documents = documents
        self._on_stream_message = on_stream_message
        self._log = LogFollower(
            db,
            workers,
            counts,
            reaches_others=bus.reaches_others,
            find=find,
            documents=documents,
            on_rows=on_rows,
            on_replaced=on_replaced,
        )
        self._presence = PeerPresence(self._send)
        self._documents_by_channel: dict[str, UUID] = {}
        self._channels: dict[UUID, str] = {}
        self._complaints = Seldom()

    @property
    def reaches_others(self) -> bool:
        """Whether there can be other nodes at all."""
        return self._bus.reaches_others

    # ---- open documents

    def open(self, document: LiveDocument) -> None:
        """Subscribe to messages about the document."""
        channel = _channel(document.id)
        self._documents_by_channel[channel] = document.id
        self._channels[document.id] = channel
        self._bus.subscribe(channel)

    async def wait_subscribed(self, document: LiveDocument) -> None:
        """Wait until messages about the document are received, so that a load after it misses nothing."""
        await self._bus.settled(_channel(document.id))

    def on_loaded(self, document: LiveDocument) -> None:
        """Apply what was received during the first load, and ask the other nodes for their presence."""
        self._log.on_loaded(document)
        self._send(document.id, StatesRequest())

    def close(self, document: LiveDocument) -> None:
        """Unsubscribe from messages about the document."""
        channel = _channel(document.id)
        self._documents_by_channel.pop(channel, None)
        self._channels.pop(document.id, None)
        self._bus.unsubscribe(channel)
        self._log.forget(document.id)
        self._presence.forget(document.id)

    async def refresh(self, document: LiveDocument) -> int:
        """See `LogFollower.refresh`."""
        return await self._log.refresh(document)

    # ---- publishing

    def publish_commit(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
        """Announce rows committed by this node, the last of them numbered `head`."""
        if not payloads:
            return
        if self._bus.reaches_others:
            update = b""
            if sum(map(len, payloads)) <= INLINE_BYTES:
                try:
                    update = payloads[0] if len(payloads) == 1 else updates.merge(list(payloads))
                except Malformed:
                    update = b""
            self._send(document.id, Committed(head - len(payloads) + 1, head, update))
        self._log.close_gap(document)

    def publish_presence(self, document: LiveDocument, clients: set[int]) -> None:
        """Announce presence changed by connections of this node."""
        if self._bus.reaches_others:
            self._presence.publish(document, clients)

    def publish_stateless(self, document: LiveDocument, payload: str) -> None:
        """Send a stateless message to the document's connections on other nodes."""
        self._send(document.id, Stateless(payload))

    def publish_stream_message(self, document_id: UUID, message: ClientFrame) -> None:
        """Send a message to the node that holds an event stream."""
        self._send(document_id, message)

    def _send(self, document_id: UUID, message: NodeMessage) -> None:
        if self._bus.reaches_others:
            self._counts.bus_sent += 1
            channel = self._channels.get(document_id) or _channel(document_id)
            self._bus.publish(channel, self._envelopes.wrap(channel, encode(message)))

    # ---- receiving

    def _on_message(self, channel: str, frame: bytes) -> None:
        document_id = self._documents_by_channel.get(channel)
        if document_id is None or (document := self._find(document_id)) is None:
            return
        try:
            if (opened := self._envelopes.unwrap(channel, frame)) is None:
                return
            self._counts.bus_received += 1
            node, body = opened
            self._receive(document, node, decode(body))
        except Forged:
            self._counts.bus_forged += 1
            if count := self._complaints.count("forged"):
                log.warning(
                    "messages on the bus that no node with this COLLAB_SECRET_KEY and version has sent",
                    extra={"channel": channel, "count": count},
                )
        except Repeated:
            self._counts.bus_repeated += 1
        except Exception as error:
            # One faulty message must not end the bus, and with it the process.
            self._counts.errors["malformed"] += 1
            if count := self._complaints.count("unreadable"):
                log.warning(
                    "messages on the bus that cannot be taken",
                    exc_info=not isinstance(error, CollabError),
                    extra={"channel": channel, "count": count, "error": repr(error)},
                )

    def _receive(self, document: LiveDocument, node: bytes, message: NodeMessage) -> None:
        if isinstance(message, Committed):
            self._log.receive(document, message)
        elif isinstance(message, States):
            self._presence.receive(document, node, message)
        elif isinstance(message, StatesRequest):
            self._presence.publish_all(document)
        elif isinstance(message, ClientFrame):
            self._on_stream_message(message)
        else:
            document.broadcast(message.payload)

    # ---- tasks

    async def run(self) -> None:
        """Run the bus, poll the logs, and publish and expire presence, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run(self._on_message, self._on_connect))
            tasks.create_task(self._log.run())
            if self._bus.reaches_others:
                retry = (TICK_SECONDS, TICK_SECONDS)
                name = "publishing presence to other nodes"
                tasks.create_task(
                    run_periodically(name, self._publish_presence, TICK_SECONDS, first=TICK_SECONDS, retry=retry)
                )
                retry = (CLOCK_RETRY_SECONDS, CLOCK_RETRY_SECONDS)
                tasks.create_task(
                    run_periodically("reading the database's clock", self._keep_time, CLOCK_SECONDS, retry=retry)
                )

    def _on_connect(self) -> None:
        self._log.poll_soon()
        self._presence.publish_soon()
        for document in self._documents():
            if document.loaded_once:
                self._send(document.id, StatesRequest())

    async def _keep_time(self) -> None:
        before = time.monotonic()
        async with self._db.as_service() as conn:
            now = await clock_queries.find_time(conn)
        self._envelopes.set_clock(now, (before + time.monotonic()) / 2)

    async def _publish_presence(self) -> None:
        now = time.monotonic()
        for document in self._documents():
            self._presence.tick(document, now)


def _channel(document_id: UUID) -> str:
    return f"d:{document_id}"
