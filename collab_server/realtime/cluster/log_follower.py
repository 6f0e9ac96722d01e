"""Follows the logs of open documents: applies the rows committed by other nodes, and reads those no message brought.

Log rows are numbered. A gap in the numbers is read from PostgreSQL, and a poll finds unannounced rows.
Rows that the log does not have count as known until the next poll at most.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.core.protocol.cluster_messages import Committed
from collab_server.core.yjs import updates
from collab_server.errors import DocumentDamaged, NotFound, StaleGeneration, Unavailable
from collab_server.features.document_log import log_queries, store
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.live_document import LiveDocument

GAP_SECONDS = 0.03
"""How long a missing row may still be on its way before the log is read."""
POLL_SECONDS = 2.0
POLL_SECONDS_ALONE = 10.0
"""Seconds between polls for unannounced rows. A single node polls too: a restarting one may overlap."""
MAX_EARLY = 1000
"""Messages kept per document until rows before them are known."""
JUMP_ROWS = 256
"""Rows that one message may bring. Where it claims more, the log is read."""
READ_AGAIN = "the document is read again; come back"


class LogFollower:
    """The logs of the documents open here.

    `find`, `documents`: the open documents. `on_rows`: called when a document has applied rows of other nodes.
    `on_replaced`: called with a deleted or replaced document.
    """

    def __init__(
        self,
        db: Database,
        workers: Workers,
        counts: Counts,
        *,
        reaches_others: bool,
        find: Callable[[UUID], LiveDocument | None],
        documents: Callable[[], list[LiveDocument]],
        on_rows: Callable[[LiveDocument], None],
        on_replaced: Callable[[LiveDocument], None],
    ) -> None:
        self._db = db
        self._workers = workers
        self._counts = counts
        self._reaches_others = reaches_others
        self._find = find
        self._documents = documents
        self._on_rows = on_rows
        self._on_replaced = on_replaced
        self._early: dict[UUID, list[Committed]] = {}
        """Messages for documents that are being loaded for the first time."""
        self._held: dict[UUID, dict[int, Committed]] = {}
        """Messages after a gap, by their first row."""
        self._heads: dict[UUID, int] = {}
        """The highest row that a log is said to have."""
        self._look_scheduled: set[UUID] = set()
        self._reads: dict[UUID, asyncio.Task[None]] = {}
        self._poll_now = asyncio.Event()

    def poll_soon(self) -> None:
        """Poll now: messages may have been lost."""
        self._poll_now.set()

    def on_loaded(self, document: LiveDocument) -> None:
        """Apply what was received during the first load."""
        document.loaded_once = True
        for message in self._early.pop(document.id, ()):
            self.receive(document, message)

    def forget(self, document_id: UUID) -> None:
        """Drop what is kept for a closed document."""
        for table in (self._early, self._held, self._heads):
            table.pop(document_id, None)

    def close_gap(self, document: LiveDocument) -> None:
        """Read rows that are missing before some that are known."""
        if document.room.coverage.has_gap:
            self._look_soon(document)

    def receive(self, document: LiveDocument, message: Committed) -> None:
        """Apply the rows of a message, or read the log where they do not follow on the known ones."""
        if not document.loaded_once:
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
        document.apply_remote(message.update, updates.validate(message.update), message.first, message.last)
        self._on_rows(document)
        self._apply_held(document)

    def _apply_held(self, document: LiveDocument) -> None:
        """Apply rows that were received too early, where they follow on now."""
        held = self._held.pop(document.id, None)
        if held:
            for first in sorted(held):
                self.receive(document, held[first])

    def _look_soon(self, document: LiveDocument) -> None:
        if document.id not in self._look_scheduled:
            self._look_scheduled.add(document.id)
            asyncio.get_running_loop().call_later(GAP_SECONDS, self._look, document)

    def _look(self, document: LiveDocument) -> None:
        self._look_scheduled.discard(document.id)
        self._apply_held(document)
        if not self._is_behind(document) or document.id in self._reads or self._find(document.id) is not document:
            return
        task = self._reads[document.id] = asyncio.get_running_loop().create_task(self._read(document))
        task.add_done_callback(lambda _: self._reads.pop(document.id, None))

    async def refresh(self, document: LiveDocument) -> int:
        """Apply what other nodes have committed by now to a loaded document. Raises Unavailable.

        Returns the number of a row up to which the log is committed and known here.
        """
        coverage = document.room.coverage
        if not self._reaches_others:
            return coverage.upto
        known = coverage.upto
        async with self._db.as_service() as conn:
            heads = await log_queries.list_heads(conn, [document.id])
        head = heads.get(document.id, known)
        if not document.room.saved:
            # Rows of this node that are being committed are no gap.
            return min(head, coverage.upto)
        if head < known:
            self._reload(document, head)
            raise Unavailable(READ_AGAIN)
        self._heads[document.id] = max(self._heads.get(document.id, 0), head)
        self._look(document)
        if (reading := self._reads.get(document.id)) is not None:
            await asyncio.wait({reading})
        return min(head, coverage.upto)

    def _is_behind(self, document: LiveDocument) -> bool:
        coverage = document.room.coverage
        return document.loaded_once and (coverage.has_gap or self._heads.get(document.id, 0) > coverage.upto)

    async def _read(self, document: LiveDocument) -> None:
        try:
            while self._is_behind(document) and self._find(document.id) is document:
                after = document.room.coverage.upto
                # The log answers for all that was claimed until now.
                self._heads.pop(document.id, None)
                self._held.pop(document.id, None)
                later = await store.load_later(self._db, self._workers, document.id, after)
                if later.generation != document.generation:
                    document.end(StaleGeneration())
                    self._on_replaced(document)
                    return
                self._counts.bus_gaps += 1
                self._heads[document.id] = max(self._heads.get(document.id, 0), later.head)
                if later.head <= after:
                    return
                document.apply_remote(later.update, later.summary, after + 1, later.head)
                self._on_rows(document)
                self._apply_held(document)
        except (NotFound, DocumentDamaged) as error:
            document.end(error)
            self._on_replaced(document)
        except Unavailable:
            # The poll tries again.
            return
        except Exception:
            log.exception("reading the log of a document failed", extra={"document": document.id})

    async def run(self) -> None:
        """Poll until cancelled."""
        seconds = POLL_SECONDS if self._reaches_others else POLL_SECONDS_ALONE
        name = "asking for the heads of the logs"
        await run_periodically(
            name, self._poll, seconds, first=seconds, wake=self._poll_now, retry=(POLL_SECONDS, POLL_SECONDS)
        )

    async def _poll(self) -> None:
        documents = {document.id: document for document in self._documents() if document.loaded_once}
        if not documents:
            return
        known = {document.id: document.room.coverage.upto for document in documents.values()}
        async with self._db.as_service() as conn:
            heads = await log_queries.list_heads(conn, list(documents))
        for document_id, head in heads.items():
            document = documents[document_id]
            if head < known[document_id] and document.room.saved:
                self._reload(document, head)
            elif head > document.room.coverage.upto and document.room.saved:
                self._heads[document_id] = head
                self._look_soon(document)

    def _reload(self, document: LiveDocument, head: int) -> None:
        """Reload a document whose log ends before the rows counted as known.

        Another node was wrong, or the database has lost commits. Clients reconnect, and send what they have.
        """
        log.error(
            "a document is read again, as its log ends before what was known of it",
            extra={"document": document.id, "head": head, "known": document.room.coverage.upto},
        )
        document.end(Unavailable(READ_AGAIN))
        self._on_replaced(document)
