"""Several servers on one database: what one commits the others hear over the bus, or find in the log.

A message that is lost, late, doubled or out of order costs time only: log rows are numbered, so a gap is seen and read
from PostgreSQL, and a slow poll finds what no message told. Presence is told again and again, and expires. What no node
of ours has sent is dropped (backends/envelopes.py). Rows that the log does not have are never counted as known for
longer than until the next poll.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.bus import Bus
from collab_server.backends.db import Database
from collab_server.backends.envelopes import Envelopes, Forged, Repeated
from collab_server.backends.workers import Workers
from collab_server.crdt import updates
from collab_server.crdt.messages import Stateless
from collab_server.crdt.node_messages import (
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
from collab_server.realtime import clock_queries
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import Counts, Seldom, log

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
JUMP_ROWS = 256
"""Rows that one message may bring. Where it claims more, the log is asked."""
CLOCK_SECONDS = 30.0
"""Between looks at the database's clock, by which the nodes date their messages."""
TICK = 0.5
READ_AGAIN = "the document is read again; come back"


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
        envelopes: Envelopes,
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
        self.id = envelopes.node
        self._bus = bus
        self._envelopes = envelopes
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
        self._channels: dict[str, UUID] = {}
        self._names: dict[UUID, str] = {}
        """Of the documents that are open here, by name and by document."""
        self._complaints = Seldom()

    @property
    def connected(self) -> bool:
        return self._bus.connected

    @property
    def reaches_others(self) -> bool:
        """Whether there can be other nodes at all."""
        return self._bus.reaches_others

    # ---- a document comes and goes

    def open(self, document: LiveDocument) -> None:
        channel = _channel(document.id)
        self._channels[channel] = document.id
        self._names[document.id] = channel
        self._bus.subscribe(channel)

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
        channel = _channel(document.id)
        self._channels.pop(channel, None)
        self._names.pop(document.id, None)
        self._bus.unsubscribe(channel)
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
            channel = self._names.get(document_id) or _channel(document_id)
            self._bus.publish(channel, self._envelopes.wrap(channel, encode(message)))

    # ---- what the others say

    def _on_message(self, channel: str, frame: bytes) -> None:
        document_id = self._channels.get(channel)
        if document_id is None or (document := self._find(document_id)) is None:
            return
        try:
            if (opened := self._envelopes.unwrap(channel, frame)) is None:
                return
            self._counts.bus_received += 1
            node, body = opened
            self._take(document, node, decode(body))
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
            # A fault of one message must not end the bus, and with it the process.
            self._counts.errors["malformed"] += 1
            if count := self._complaints.count("unreadable"):
                log.warning(
                    "messages on the bus that cannot be taken",
                    exc_info=not isinstance(error, CollabError),
                    extra={"channel": channel, "count": count, "error": repr(error)},
                )

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
        in_place = message.first <= coverage.upto + 1 and message.last <= coverage.upto + JUMP_ROWS
        if not message.update or not in_place:
            # The claim only leads to a look at the log, which decides.
            self._heads[document.id] = max(self._heads.get(document.id, 0), message.last)
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

    async def refresh(self, document: LiveDocument) -> int:
        """Have here what other nodes have committed by now; the document is loaded. Returns the number of a row up to
        which the log is committed and known here. Raises Unavailable.
        """
        coverage = document.room.coverage
        if not self._bus.reaches_others:
            return coverage.upto
        known = coverage.upto
        async with self._db.as_service() as conn:
            heads = await log_queries.list_heads(conn, [document.id])
        head = heads.get(document.id, known)
        if not document.room.saved:
            # Rows of this node that are being committed are no gap.
            return min(head, coverage.upto)
        if head < known:
            self._lose(document, head)
            raise Unavailable(READ_AGAIN)
        self._heads[document.id] = max(self._heads.get(document.id, 0), head)
        self._look(document)
        if (reading := self._reading.get(document.id)) is not None:
            await asyncio.wait({reading})
        return min(head, coverage.upto)

    def _lacks(self, document: LiveDocument) -> bool:
        coverage = document.room.coverage
        return document.known and (coverage.has_gap or self._heads.get(document.id, 0) > coverage.upto)

    async def _read(self, document: LiveDocument) -> None:
        try:
            while self._lacks(document) and self._find(document.id) is document:
                after = document.room.coverage.upto
                # The log answers for all that was claimed until now.
                self._heads.pop(document.id, None)
                self._held.pop(document.id, None)
                later = await store.load_later(self._db, self._workers, document.id, after)
                if later.generation != document.generation:
                    document.end(StaleGeneration())
                    self._discard(document)
                    return
                self._counts.bus_gaps += 1
                self._heads[document.id] = max(self._heads.get(document.id, 0), later.head)
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
            if self._bus.reaches_others:
                tasks.create_task(self._keep_time())

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
            known = {document.id: document.room.coverage.upto for document in documents.values()}
            try:
                async with self._db.as_service() as conn:
                    heads = await log_queries.list_heads(conn, list(documents))
                for document_id, head in heads.items():
                    document = documents[document_id]
                    if head < known[document_id] and document.room.saved:
                        self._lose(document, head)
                    elif head > document.room.coverage.upto and document.room.saved:
                        self._heads[document_id] = head
                        self._look_soon(document)
            except CollabError:
                continue
            except Exception:
                log.exception("asking for the heads of the logs failed")

    def _lose(self, document: LiveDocument, head: int) -> None:
        """Have the document loaded anew, because more rows were counted as known than the log has: another node was
        wrong, or the database has lost commits. Clients come back, and bring what they have.
        """
        log.error(
            "a document is read again, as its log ends before what was known of it",
            extra={"document": document.id, "head": head, "known": document.room.coverage.upto},
        )
        document.end(Unavailable(READ_AGAIN))
        self._discard(document)

    async def _keep_time(self) -> None:
        while True:
            try:
                before = time.monotonic()
                async with self._db.as_service() as conn:
                    now = await clock_queries.find_time(conn)
                self._envelopes.set_clock(now, (before + time.monotonic()) / 2)
                await asyncio.sleep(CLOCK_SECONDS)
            except CollabError:
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                log.exception("reading the database's clock failed")
                await asyncio.sleep(CLOCK_SECONDS)

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
