"""Requests that edit a document as a whole: worked out in a worker from the bytes as they are at that moment, taken
into the live room like a socket's edit, answered when committed.

What people type meanwhile merges with it as any two Yjs clients' edits do. One such edit of a document is worked out at
a time, for all of them write under one Yjs client id per process and document: new ids would never leave it again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from collab_server.crdt import line_ends, updates
from collab_server.crdt.edits import Checked, Edit, Editing, P, T, checked
from collab_server.documents import store
from collab_server.errors import CollabError, NotFound, TooMany, Unavailable, UnprocessableContent
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import log
from collab_server.web.depends import Committed, Edited, Writer

if TYPE_CHECKING:
    from collab_server.realtime.hub import Hub
from collab_server.realtime.preparing import prepare_answer

ENCRYPTED = "this document is encrypted: it has no content in the clear"
MAX_HOLDS = 200
"""Requests at once for one document."""
LINGER_SECONDS = 5.0
"""How long a document stays open after an edit, for the next."""
ATTEMPTS = 10
"""At an edit that others keep overtaking."""
MAX_CLIENTS = 10_000


class Edits:
    """What routes reach as `Rooms.edits`; see there."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._clients: dict[UUID, int] = {}
        self._repairs: set[asyncio.Task[None]] = set()

    async def edit(
        self, document_id: UUID, writer: Writer, function: Editing[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        return await self._edit(document_id, writer, function, args, named, alone=False)

    async def edit_alone(
        self, document_id: UUID, writer: Writer, function: Editing[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        return await self._edit(document_id, writer, function, args, named, alone=True)

    async def missing(self, document_id: UUID, state_vector: bytes) -> tuple[bytes, Committed]:
        hub = self._hub
        if hub.find(document_id) is None:
            loaded = await store.load(hub.db, hub.editing, document_id)
            update = await hub.editing.run(updates.diff, loaded.stored.snapshot, state_vector)
            return update, Committed(loaded.generation, loaded.stored.seq)
        async with hub.holding(document_id) as document:
            # Read before the answer is made: the number must not promise rows that are not in it.
            known = Committed(document.generation or 0, await hub.nodes.refresh(document))
            await prepare_answer(hub, document, state_vector)
            parts = document.room.answer(state_vector)
            return parts[0] if len(parts) == 1 else await hub.editing.run(updates.merge, list(parts)), known

    async def _edit(
        self,
        document_id: UUID,
        writer: Writer,
        function: Editing[..., T],
        args: tuple[Any, ...],
        named: dict[str, Any],
        *,
        alone: bool,
    ) -> Edited[T]:
        hub = self._hub
        async with hub.holding(document_id) as document:
            if not document.has_text:
                raise UnprocessableContent(ENCRYPTED)
            if document.holds > MAX_HOLDS:
                raise TooMany(f"{MAX_HOLDS} requests are at work on this document already")
            await hub.nodes.refresh(document)
            if document.has_returns:
                await self.repair(document)
            async with document.writing.place():
                edit = await self._work_out(document, writer, function, args, named, alone=alone)
            await hub.committed(document)
            if document.gone:
                raise NotFound("the document was deleted or replaced at this moment")
            document.wanted_until = time.monotonic() + LINGER_SECONDS
            return Edited(Committed(document.generation or 0, document.room.coverage.last), edit.result)

    async def repair(self, document: LiveDocument) -> None:
        """Take the carriage returns out of the text of a document that is held, by an edit for all. Where that cannot
        be done now, it is done at the next opening.
        """
        try:
            async with document.writing.place():
                # Whoever else opens it waits here, and finds it done.
                if document.has_returns:
                    try:
                        await self._work_out(document, None, line_ends.repair, (), {}, alone=False)
                    finally:
                        document.has_returns = False
        except CollabError as error:
            log.warning("line ends stay as they are", extra={"document": document.id, "error": error.detail})
        except Exception:
            # Nobody is kept from the document by that.
            log.exception("line ends stay as they are", extra={"document": document.id})

    def repair_soon(self, document: LiveDocument) -> None:
        task = asyncio.create_task(self._repair_alone(document.id))
        self._repairs.add(task)
        task.add_done_callback(self._repairs.discard)

    async def _repair_alone(self, document_id: UUID) -> None:
        with suppress(CollabError):
            async with self._hub.holding(document_id) as document:
                await self.repair(document)

    async def _work_out(
        self,
        document: LiveDocument,
        writer: Writer | None,
        function: Editing[..., T],
        args: tuple[Any, ...],
        named: dict[str, Any],
        *,
        alone: bool,
    ) -> Edit[T]:
        """The edit, taken in. `writer` None: the server by itself."""
        hub = self._hub
        for _ in range(ATTEMPTS):
            await hub.load(document)
            client, revision = self._client_for(document.id), document.revision
            made = await hub.editing.run(checked, function, document.room.parts(), client, args, named)
            if document.gone:
                raise NotFound("the document was deleted or replaced at this moment")
            hub.check_open()
            if self._fits(document, client, made) and not (alone and document.revision != revision):
                author = writer.author if writer is not None else line_ends.AUTHOR
                document.take(made.edit.update, made.summary, hub.new_key(), author, compare_deletes=True)
                if made.edit.place is not None and writer is not None:
                    hub.programs.show(document, writer.identity, made.edit.place, time.monotonic())
                return made.edit
        raise Unavailable("others edit this document faster than the server can; come back")

    def _fits(self, document: LiveDocument, client: int, made: Checked[T]) -> bool:
        """Whether nobody else has written under our client id, which only bad will does."""
        if made.start is None or made.start == document.room.clocks.get(client, 0):
            return True
        self.forget(document.id)
        return False

    def _client_for(self, document_id: UUID) -> int:
        client = self._clients.get(document_id)
        if client is None:
            if len(self._clients) >= MAX_CLIENTS:
                del self._clients[next(iter(self._clients))]
            client = self._clients[document_id] = secrets.randbelow(2**32 - 1) + 1
        return client

    def forget(self, document_id: UUID) -> None:
        """Write under another id from now on: what was written in an incarnation of the document that is over, and was
        not committed, may still come from a client.
        """
        self._clients.pop(document_id, None)
