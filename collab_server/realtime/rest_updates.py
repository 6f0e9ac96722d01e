"""Applies Yjs updates that come by REST to open documents, as sockets do, and waits for their commit."""

from collections.abc import Collection, Sequence
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.room.entries import Author
from collab_server.core.yjs import updates
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.split_update import PIECE_BYTES
from collab_server.errors import LostRace, UnprocessableContent
from collab_server.features.document_log import generations
from collab_server.realtime.documents.group_commit import GroupCommit
from collab_server.realtime.documents.limits import LARGE_UPDATE
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.hub import Hub
from collab_server.realtime.loader import Loader
from collab_server.web.rooms import NOT_IN_THE_CLEAR, Committed


class RestUpdates:
    """Implements `web.depends.Append`."""

    def __init__(self, hub: Hub, loader: Loader, group_commit: GroupCommit, db: Database, workers: Workers) -> None:
        self._db = db
        self._hub = hub
        self._loader = loader
        self._group_commit = group_commit
        self._workers = workers

    async def __call__(
        self,
        document_id: UUID,
        update: bytes,
        author: Author,
        *,
        generation: int | None = None,
        joinable: bool = False,
    ) -> Committed:
        """See `Append`. `joinable`: raises Forbidden where the document is not for collaborative editing."""
        summary: UpdateSummary | None = None
        if len(update) < LARGE_UPDATE:
            summary = updates.validate(update)
        elif len(update) <= PIECE_BYTES:
            summary = await self._workers.run(updates.validate, update)
        async with self._hub.held_open(document_id, joinable=joinable) as document:
            if not document.has_text:
                raise UnprocessableContent(NOT_IN_THE_CLEAR)
            if document.replaced:
                raise document.replaced_error()
            current = document.generation or 0
            if generation is not None and generation != current:
                update = await generations.carry(
                    self._db, self._workers, document_id, update, generation, current, _Present(document)
                )
                if update == updates.EMPTY_UPDATE:
                    return Committed(current, document.room.coverage.last)
                summary = await self._workers.run(updates.validate, update) if len(update) <= PIECE_BYTES else None
            if summary is not None:
                document.check_generation(client for client, _, _ in summary.structs)
                document.apply_edit(update, summary, self._hub.new_key(), author, compare_deletes=True)
            else:
                await self._apply_in_pieces(document, update, author)
            await self._group_commit.wait_committed(document)
            if document.replaced:
                raise document.replaced_error()
            return Committed(current, document.room.coverage.last)

    async def _apply_in_pieces(self, document: LiveDocument, update: bytes, author: Author) -> None:
        pieces = await self._loader.split_update(document, update)
        await self._loader.prepare_comparison(document, pieces[-1][1])
        key = self._hub.new_key()
        for piece, summary in pieces:
            if document.replaced:
                raise document.replaced_error()
            document.apply_edit(piece, summary, key, author, compare_deletes=True)
            await self._group_commit.wait_committed(document)


class _Present:
    """Implements `generations.Present`."""

    def __init__(self, document: LiveDocument) -> None:
        self._document = document

    def revision(self) -> int:
        return self._document.revision

    def parts(self) -> Sequence[bytes]:
        # An idle document leaves the memory also while this waits for another carrying over.
        if not self._document.room.loaded:
            raise LostRace("the document was let go at this moment; come again")
        return self._document.room.parts()

    def clients(self) -> Collection[int]:
        return tuple(self._document.room.clocks)
