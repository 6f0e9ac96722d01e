"""Several servers on one database: what one commits the others hear over the bus, or find in the log.

A message that is lost, late, doubled or out of order costs time only: log rows are numbered, so a gap is seen and read
from PostgreSQL, and a slow poll finds what no message told. Presence is told again and again, and expires.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.bus import Bus
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt import updates
from collab_server.crdt.messages import Stateless
from collab_server.crdt.node_messages import (
    NODE_ID_BYTES,
    Committed,
    NodeMessage,
    Said,
    States,
    WhoIsHere,
    decode,
    encode,
)
from collab_server.documents import log_queries, store
from collab_server.errors import CollabError, DocumentDamaged, Malformed, NotFound, StaleGeneration, Unavailable
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import Counts, log

INLINE_BYTES = 16_384
"""Larger commits are announced without their bytes; who has the document open reads them from the log."""
GAP_SECONDS = 0.03
"""How long a row that is missing may still be on its way, before the log is read."""
POLL_SECONDS = 2.0
POLL_SECONDS_ALONE = 10.0
"""Between looks for rows that no message told; alone there should be none, but a restarting server may overlap."""
TELL_SECONDS = 4.0
TELL_SECONDS_ALONE = 10.0
"""Presence of a document is told again after so long, with and without other nodes known in it."""
EXPIRE_SECONDS = 12.0
"""Presence of a node that has not told it again for so long is gone."""
MAX_EARLY = 1000
TICK = 0.5


@dataclass(slots=True)
class _Peer:
    """Another node in a document. `number`: of its last message about presence."""

    owner: int
    number: int
    heard: float


class Nodes:
    """This process among the others. `find`, `documents`: what is open here. `learned`: called when a document has
    taken in rows of other nodes. `discard`: let go of a document that was deleted or replaced. `said`: takes what
    another node was told for one of our streams.
    """

    def __init__(
        self,
        bus: Bus,
        db: Database,
        workers: Workers,
        counts: Counts,
        *,
        find: Callable[[UUID], LiveDocument | None],
        documents: Callable[[], list[LiveDocument]],
        learned: Callable[[LiveDocument], None],
        discard: Callable[[LiveDocument], None],
        said: Callable[[Said], None],
    ) -> None:
        self.id = secrets.token_bytes(NODE_ID_BYTES)
        self._bus = bus
        self._db = db
        self._workers = workers
        self._counts = counts
        self._find = find
        self._documents = documents
        self._learned = learned
        self._discard = discard
        self._said = said
        self._numbers = itertools.count(1)
        self._owners: dict[bytes, int] = {}
        self._peers: dict[UUID, dict[bytes, _Peer]] = {}
        self._told: dict[UUID, float] = {}
        self._early: dict[UUID, list[Committed]] = {}
        self._held: dict[UUID, dict[int, Committed]] = {}
        self._heads: dict[UUID, int] = {}
        self._looking: set[UUID] = set()
        self._reading: dict[UUID, asyncio.Task[None]] = {}
        self._poll_now = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._bus.connected

    @property
    def reaches_others(self) -> bool:
        """Whether there can be other nodes at all."""
        return self._bus.reaches_others

    # ---- a document comes and goes

    def open(self, document: LiveDocument) -> None:
        self._bus.subscribe(_channel(document.id))

    async def joined(self, document: LiveDocument) -> None:
        """Wait until this node hears what is said of the document, so that a load after it misses nothing."""
        await self._bus.settled(_channel(document.id))

    def loaded(self, document: LiveDocument) -> None:
        """What came before the load was done is what the load has, or lacks."""
        document.known = True
        for message in self._early.pop(document.id, ()):
            self._take_committed(document, message)
        self._send(document.id, WhoIsHere())

    def close(self, document: LiveDocument) -> None:
        self._bus.unsubscribe(_channel(document.id))
        for table in (self._peers, self._told, self._early, self._held, self._heads):
            table.pop(document.id, None)

    # ---- what this node says

    def tell_committed(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None:
        """PostgreSQL has these rows of this node, the last of them numbered `head`."""
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
        if document.room.coverage.has_gap:
            self._look_soon(document)

    def tell_presence(self, document: LiveDocument, clients: set[int]) -> None:
        if self._bus.reaches_others and (states := document.presence.told_to_nodes(clients)):
            self._send(document.id, States(next(self._numbers), False, tuple(states)))  # noqa: FBT003

    def tell_stateless(self, document: LiveDocument, payload: str) -> None:
        self._send(document.id, Stateless(payload))

    def tell_said(self, document_id: UUID, message: Said) -> None:
        self._send(document_id, message)

    def _tell_all_presence(self, document: LiveDocument) -> None:
        self._told[document.id] = time.monotonic()
        states = tuple(document.presence.own_states())
        self._send(document.id, States(next(self._numbers), True, states))  # noqa: FBT003

    def _send(self, document_id: UUID, message: NodeMessage) -> None:
        if self._bus.reaches_others:
            self._counts.bus_sent += 1
            self._bus.publish(_channel(document_id), encode(self.id, message))

    # ---- what the others say

    def _on_message(self, channel: str, frame: bytes) -> None:
        try:
            node, message = decode(frame)
            document = self._find(UUID(channel.removeprefix(_CHANNEL)))
            if document is None or node == self.id:
                return
            self._counts.bus_received += 1
            self._take(document, node, message)
        except (Malformed, ValueError) as error:
            self._counts.errors["malformed"] += 1
            log.warning("a message on the bus cannot be read", extra={"channel": channel[:80], "error": str(error)})

    def _take(self, document: LiveDocument, node: bytes, message: NodeMessage) -> None:
        if isinstance(message, Committed):
            self._take_committed(document, message)
        elif isinstance(message, States):
            self._take_states(document, node, message)
        elif isinstance(message, WhoIsHere):
            self._tell_all_presence(document)
        elif isinstance(message, Said):
            self._said(message)
        else:
            document.broadcast(message.payload)

    def _take_committed(self, document: LiveDocument, message: Committed) -> None:
        if not document.known:
            early = self._early.setdefault(document.id, [])
            if len(early) < MAX_EARLY:
                early.append(message)
            return
        coverage = document.room.coverage
        if message.last <= coverage.upto:
            return
        self._heads[document.id] = max(self._heads.get(document.id, 0), message.last)
        if not message.update or message.first > coverage.upto + 1:
            held = self._held.setdefault(document.id, {})
            if message.update and len(held) < MAX_EARLY:
                held[message.first] = message
            self._look_soon(document)
            return
        document.learn(message.update, updates.validate(message.update), message.first, message.last)
        self._learned(document)
        self._take_held(document)

    def _take_held(self, document: LiveDocument) -> None:
        """Rows that came too early may fit now."""
        held = self._held.pop(document.id, None)
        if held:
            for first in sorted(held):
                self._take_committed(document, held[first])

    def _take_states(self, document: LiveDocument, node: bytes, message: States) -> None:
        peers = self._peers.setdefault(document.id, {})
        peer = peers.get(node)
        if peer is None:
            owner = self._owners.setdefault(node, -1 - len(self._owners))
            peer = peers[node] = _Peer(owner, 0, 0.0)
            # The other one may know as little of us.
            self._told.pop(document.id, None)
        if message.number <= peer.number:
            return
        peer.number, peer.heard = message.number, time.monotonic()
        document.presence_of_node(peer.owner, message.states, complete=message.complete)

    # ---- rows that no message brought

    def _look_soon(self, document: LiveDocument) -> None:
        if document.id not in self._looking:
            self._looking.add(document.id)
            asyncio.get_running_loop().call_later(GAP_SECONDS, self._look, document)

    def _look(self, document: LiveDocument) -> None:
        self._looking.discard(document.id)
        self._take_held(document)
        if not self._lacks(document) or document.id in self._reading or self._find(document.id) is not document:
            return
        task = self._reading[document.id] = asyncio.get_running_loop().create_task(self._read(document))
        task.add_done_callback(lambda _: self._reading.pop(document.id, None))

    async def refresh(self, document: LiveDocument) -> None:
        """Have here what other nodes have committed by now; the document is loaded. Raises Unavailable."""
        if not self._bus.reaches_others:
            return
        async with self._db.as_service() as conn:
            heads = await log_queries.list_heads(conn, [document.id])
        if not document.room.saved:
            # Rows of this node that are being committed are no gap.
            return
        self._heads[document.id] = max(self._heads.get(document.id, 0), heads.get(document.id, 0))
        self._look(document)
        if (reading := self._reading.get(document.id)) is not None:
            await asyncio.wait({reading})

    def _lacks(self, document: LiveDocument) -> bool:
        coverage = document.room.coverage
        return document.known and (coverage.has_gap or self._heads.get(document.id, 0) > coverage.upto)

    async def _read(self, document: LiveDocument) -> None:
        try:
            while self._lacks(document) and self._find(document.id) is document:
                after = document.room.coverage.upto
                later = await store.load_later(self._db, self._workers, document.id, after)
                if later.generation != document.generation:
                    document.end(StaleGeneration())
                    self._discard(document)
                    return
                self._counts.bus_gaps += 1
                self._heads[document.id] = later.head
                if later.head <= after:
                    return
                document.learn(later.update, later.summary, after + 1, later.head)
                self._learned(document)
                self._take_held(document)
        except (NotFound, DocumentDamaged) as error:
            document.end(error)
            self._discard(document)
        except Unavailable:
            # The poll tries again.
            return
        except Exception:
            log.exception("reading the log of a document failed", extra={"document": document.id})

    # ---- the tasks

    async def run(self) -> None:
        """Carry the bus, poll, tell presence and let it expire, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run(self._on_message, self._on_connect))
            tasks.create_task(self._poll())
            tasks.create_task(self._tend())

    def _on_connect(self) -> None:
        self._poll_now.set()
        self._told.clear()
        for document in self._documents():
            if document.known:
                self._send(document.id, WhoIsHere())

    async def _poll(self) -> None:
        while True:
            try:
                pause = POLL_SECONDS if self._bus.reaches_others else POLL_SECONDS_ALONE
                async with asyncio.timeout(pause):
                    await self._poll_now.wait()
            except TimeoutError:
                pass
            self._poll_now.clear()
            documents = {document.id: document for document in self._documents() if document.known}
            if not documents:
                continue
            try:
                async with self._db.as_service() as conn:
                    heads = await log_queries.list_heads(conn, list(documents))
            except CollabError:
                continue
            except Exception:
                log.exception("asking for the heads of the logs failed")
                continue
            for document_id, head in heads.items():
                document = documents[document_id]
                if head > document.room.coverage.upto and document.room.saved:
                    self._heads[document_id] = head
                    self._look_soon(document)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            try:
                for document in self._documents():
                    self._tend_document(document, now)
            except Exception:
                log.exception("tending the nodes' presence failed")

    def _tend_document(self, document: LiveDocument, now: float) -> None:
        peers = self._peers.get(document.id)
        for node, peer in list((peers or {}).items()):
            if now - peer.heard > EXPIRE_SECONDS:
                assert peers is not None
                del peers[node]
                document.node_left(peer.owner)
        if not self._bus.reaches_others or not len(document.presence):
            return
        pause = TELL_SECONDS if peers else TELL_SECONDS_ALONE
        if now - self._told.get(document.id, 0.0) > pause:
            self._tell_all_presence(document)


_CHANNEL = "d:"


def _channel(document_id: UUID) -> str:
    return f"{_CHANNEL}{document_id}"
