"""Loads the bytes of open documents, and has workers compute what takes long from a large document.

Such computations run one at a time, and people take turns: each hands a whole document to a worker, and many clients
that reconnect ask for the same.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from collab_server.adapters.fair_queue import UNBOUNDED, FairQueue
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.yjs import delete_set, updates
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.split_update import Piece, split_incoming
from collab_server.errors import StaleGeneration
from collab_server.features.document_log import generations, store
from collab_server.observability.metrics import Counts
from collab_server.realtime.cluster.replication import ClusterReplication
from collab_server.realtime.documents.compactor import Compactor
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.documents.storage_limits import StorageLimits

ATTEMPTS = 3
"""Attempts to prepare an answer while the document changes."""


class Loader:
    """Reads documents from PostgreSQL into memory. A document is read once for all who wait for it."""

    def __init__(
        self,
        db: Database,
        workers: Workers,
        counts: Counts,
        compactor: Compactor,
        replication: ClusterReplication,
        storage_limits: StorageLimits,
        on_replaced: Callable[[LiveDocument], None],
        on_loaded: Callable[[LiveDocument], None],
    ) -> None:
        """`on_replaced`: called with a document that PostgreSQL has in another generation by now. `on_loaded`: called
        with each loaded document.
        """
        self._db = db
        self._workers = workers
        self._counts = counts
        self._compactor = compactor
        self._replication = replication
        self._storage_limits = storage_limits
        self._on_replaced = on_replaced
        self._on_loaded = on_loaded
        self._loads: dict[UUID, asyncio.Task[None]] = {}
        self._preparing = FairQueue(1, most=UNBOUNDED, most_of_one=UNBOUNDED)

    def find_load(self, document_id: UUID) -> asyncio.Task[None] | None:
        """The load of the document that runs now."""
        return self._loads.get(document_id)

    async def load(self, document: LiveDocument) -> None:
        """Wait until the document's bytes are in memory.

        Raises NotFound, LostRace, DocumentDamaged, Unavailable.
        """
        if document.replaced:
            raise document.replaced_error()
        if document.room.loaded:
            return
        task = self._loads.get(document.id)
        if task is None:
            task = self._loads[document.id] = asyncio.create_task(self._load(document))
            task.add_done_callback(lambda _: self._loads.pop(document.id, None))
        await asyncio.shield(task)
        if not document.room.loaded:
            # The load was for a LiveDocument that was discarded meanwhile.
            await self.load(document)

    async def _load(self, document: LiveDocument) -> None:
        if (fold := self._compactor.find_running(document.id)) is not None:
            await asyncio.wait({fold})
            if document.room.loaded:
                return
        await self._replication.wait_subscribed(document)
        document.room.begin_load()
        try:
            left = await self._storage_limits.find_left(document.id)
            loaded = await store.load(self._db, self._workers, document.id)
            if document.generation not in (None, loaded.generation):
                document.end(StaleGeneration())
                self._on_replaced(document)
                raise document.replaced_error()
            if loaded.generation:
                document.former_clients = await generations.list_former_clients(self._db, document.id)
        except BaseException:
            document.room.abandon_load()
            raise
        document.generation = loaded.generation
        document.workspace_id = loaded.workspace_id
        document.collaborative = loaded.collaborative
        document.has_text = loaded.has_text
        document.has_returns = loaded.has_returns
        document.room.finish_load(loaded.stored)
        self._storage_limits.limit(document, left)
        self._counts.loads += 1
        if not document.loaded_once:
            self._replication.on_loaded(document)
        self._on_loaded(document)

    # ---- work for workers

    async def prepare_answer(self, document: LiveDocument, state_vector: bytes) -> None:
        """Load the document, and have large parts compared with this (well-formed) state vector.

        `Room.answer` is fast afterwards. Raises NotFound, Unavailable.
        """
        for _ in range(ATTEMPTS):
            await self.load(document)
            if document.room.undiffed(state_vector) is None:
                return
            async with self._preparing.place():
                # An earlier request in the queue may have asked the same.
                while (part := document.room.undiffed(state_vector)) is not None:
                    lacking = await self._workers.run(updates.diff, part, state_vector)
                    document.room.diffed(part, state_vector, lacking)
        await self.load(document)

    async def compute_answer(self, document: LiveDocument, state_vector: bytes) -> bytes:
        """The update lacked by a client with this state, computed by a worker alone: for large state vectors.

        Raises Malformed, NotFound, Unavailable.
        """
        await self.load(document)
        async with self._preparing.place():
            return await self._workers.run(updates.merge_and_diff, document.room.parts(), state_vector)

    async def split_update(self, document: LiveDocument, update: bytes) -> list[Piece]:
        """Validate a very large update, and split what is new of it for the document into pieces.

        Raises Malformed, TooMuchWork, Unavailable, and TooLarge where the document has no space for all pieces.
        """
        clocks = dict(document.room.clocks)
        async with self._preparing.place():
            pieces = await self._workers.run_within(WHOLE_DOCUMENT_SECONDS, split_incoming, update, clocks)
        if any(summary.structs for _, summary in pieces):
            document.room.check_space(sum(len(piece) for piece, _ in pieces))
        return pieces

    async def prepare_comparison(self, document: LiveDocument, summary: UpdateSummary) -> None:
        """Have the room's deletions read, where `Room.is_known` needs them for this update. Raises Unavailable."""
        if document.room.unread_deletes(summary) is None:
            return
        async with self._preparing.place():
            if (parts := document.room.unread_deletes(summary)) is not None:
                document.room.deletes_read(await self._workers.run(delete_set.merge_deletes, parts))
