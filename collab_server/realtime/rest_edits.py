"""Edits by requests that need the whole document.

A worker computes the edit from the document's present bytes. The result is applied like an edit of a socket, and the
request is answered after the commit. Edits that people make meanwhile merge with it like those of any two Yjs clients.

One such edit of a document is computed at a time, because all edits of a process write to a document under one Yjs
client id. A new id for each edit would stay in the document forever.
"""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents import line_end_repair
from collab_server.core.room.entries import Author
from collab_server.core.yjs import updates
from collab_server.core.yjs.edit_functions import CheckedEdit, Edit, EditFunction, P, T, run_edit_function
from collab_server.errors import CollabError, TooMany, Unavailable, UnprocessableContent
from collab_server.features.document_log import store
from collab_server.observability.logging import log
from collab_server.realtime.cluster.replication import ClusterReplication
from collab_server.realtime.documents.group_commit import GroupCommit
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.hub import Hub
from collab_server.realtime.loader import Loader
from collab_server.realtime.presence.api_clients import ApiClients
from collab_server.web.rooms import NOT_IN_THE_CLEAR, Committed, Edited, RestAuthor

MAX_HOLDS = 200
"""Concurrent requests for one document."""
KEEP_OPEN_SECONDS = 5.0
"""How long a document stays open after an edit, for the next one."""
ATTEMPTS = 10
"""Times that an edit is computed again because others edited the document meanwhile."""
MAX_DOCUMENTS = 10_000
"""Documents whose Yjs client ids are remembered."""
MAX_WRITERS = 1_000
"""Writers of one document whose Yjs client ids are remembered."""


class RestEdits:
    """Implements `web.depends.Edits`."""

    def __init__(
        self,
        hub: Hub,
        loader: Loader,
        group_commit: GroupCommit,
        replication: ClusterReplication,
        api_clients: ApiClients,
        db: Database,
        workers: Workers,
    ) -> None:
        self._hub = hub
        self._loader = loader
        self._group_commit = group_commit
        self._replication = replication
        self._api_clients = api_clients
        self._db = db
        self._workers = workers
        self._clients: dict[UUID, dict[Author, int]] = {}
        """Yjs client ids by document and writer: the history credits a client id to whoever used it first."""
        self._repairs: set[asyncio.Task[None]] = set()

    async def edit(
        self, document_id: UUID, writer: RestAuthor, function: EditFunction[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        return await self._edit(document_id, writer, function, args, named, alone=False)

    async def edit_alone(
        self, document_id: UUID, writer: RestAuthor, function: EditFunction[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        return await self._edit(document_id, writer, function, args, named, alone=True)

    async def missing(self, document_id: UUID, state_vector: bytes) -> tuple[bytes, Committed]:
        if self._hub.find(document_id) is None:
            loaded = await store.load(self._db, self._workers, document_id)
            update = await self._workers.run(updates.diff, loaded.stored.snapshot, state_vector)
            return update, Committed(loaded.generation, loaded.stored.seq)
        async with self._hub.held_open(document_id) as document:
            # Read before the answer is made: the number must not promise rows that the answer lacks.
            committed = Committed(document.generation or 0, await self._replication.refresh(document))
            await self._loader.prepare_answer(document, state_vector)
            parts = document.room.answer(state_vector)
            merged = parts[0] if len(parts) == 1 else await self._workers.run(updates.merge, list(parts))
            return merged, committed

    async def _edit(
        self,
        document_id: UUID,
        writer: RestAuthor,
        function: EditFunction[..., T],
        args: tuple[Any, ...],
        named: dict[str, Any],
        *,
        alone: bool,
    ) -> Edited[T]:
        async with self._hub.held_open(document_id) as document:
            if not document.has_text:
                raise UnprocessableContent(NOT_IN_THE_CLEAR)
            if document.holds > MAX_HOLDS:
                raise TooMany(f"{MAX_HOLDS} requests are at work on this document already")
            await self._replication.refresh(document)
            await self.repair(document)
            async with document.edit_queue.place():
                edit = await self._compute(document, writer, function, args, named, alone=alone)
            await self._group_commit.wait_committed(document)
            if document.replaced:
                raise document.replaced_error()
            document.keep_open_until = time.monotonic() + KEEP_OPEN_SECONDS
            return Edited(Committed(document.generation or 0, document.room.coverage.last), edit.result)

    async def repair(self, document: LiveDocument) -> None:
        """Remove carriage returns from the text of a document held open.

        Others that open the document wait in its queue until this is done. After a failure the next opening tries
        again.
        """
        if not document.has_returns:
            return
        try:
            async with document.edit_queue.place():
                if document.has_returns:
                    try:
                        await self._compute(document, None, line_end_repair.repair, (), {}, alone=False)
                    finally:
                        document.has_returns = False
        except CollabError as error:
            log.warning("line ends stay as they are", extra={"document": document.id, "error": error.detail})
        except Exception:
            # The document can be opened all the same.
            log.exception("line ends stay as they are", extra={"document": document.id})

    def repair_soon(self, document: LiveDocument) -> None:
        """Like `repair`, in the background."""
        task = asyncio.create_task(self._hold_and_repair(document.id))
        self._repairs.add(task)
        task.add_done_callback(self._repairs.discard)

    async def _hold_and_repair(self, document_id: UUID) -> None:
        with suppress(CollabError):
            async with self._hub.held_open(document_id) as document:
                await self.repair(document)

    async def _compute(
        self,
        document: LiveDocument,
        writer: RestAuthor | None,
        function: EditFunction[..., T],
        args: tuple[Any, ...],
        named: dict[str, Any],
        *,
        alone: bool,
    ) -> Edit[T]:
        """Compute the edit and apply it. `writer` None: the server's own edit."""
        author = writer.author if writer is not None else line_end_repair.AUTHOR
        for _ in range(ATTEMPTS):
            await self._loader.load(document)
            suggester = writer.suggester if writer is not None else None
            client, revision = self._client_for(document.id, suggester or author), document.revision
            if writer is not None and suggester is not None:
                author = author._replace(others=((client, suggester),), accepts=writer.accepts)
            made = await self._workers.run(run_edit_function, function, document.room.parts(), client, args, named)
            if document.replaced:
                raise document.replaced_error()
            self._hub.check_open()
            if self._fits(document, client, made) and not (alone and document.revision != revision):
                document.apply_edit(made.edit.update, made.summary, self._hub.new_key(), author, compare_deletes=True)
                if made.edit.place is not None and writer is not None:
                    self._api_clients.show(document, writer.identity, made.edit.place, time.monotonic())
                return made.edit
        raise Unavailable("others edit this document faster than the server can; come back")

    def _fits(self, document: LiveDocument, client: int, made: CheckedEdit[T]) -> bool:
        """Whether nobody else has written under our client id, which only a malicious client does."""
        if made.start is None or made.start == document.room.clocks.get(client, 0):
            return True
        self.forget(document.id)
        return False

    def _client_for(self, document_id: UUID, author: Author) -> int:
        writer = author._replace(device=None)
        clients = self._clients.get(document_id)
        if clients is None:
            if len(self._clients) >= MAX_DOCUMENTS:
                del self._clients[next(iter(self._clients))]
            clients = self._clients[document_id] = {}
        if writer not in clients:
            if len(clients) >= MAX_WRITERS:
                del clients[next(iter(clients))]
            clients[writer] = secrets.randbelow(2**32 - 1) + 1
        return clients[writer]

    def forget(self, document_id: UUID) -> None:
        """Use other client ids from now on.

        Edits of a replaced document that were not committed may still come back from a client, under a former id.
        """
        self._clients.pop(document_id, None)
