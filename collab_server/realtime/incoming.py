"""Edits that come by REST enter the live room as those of sockets do, and are answered when they are committed."""

from uuid import UUID

from collab_server.crdt import updates
from collab_server.crdt.pieces import PIECE_BYTES
from collab_server.crdt.room import Author
from collab_server.crdt.updates import UpdateSummary
from collab_server.errors import NotFound, StaleGeneration, UnprocessableContent
from collab_server.realtime.edits import ENCRYPTED
from collab_server.realtime.hub import Hub
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.preparing import prepare_comparison, take_apart
from collab_server.realtime.traffic import LARGE_UPDATE
from collab_server.web.depends import Committed


class Incoming:
    """What routes reach as `Rooms.append`; see there."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(
        self,
        document_id: UUID,
        update: bytes,
        author: Author,
        *,
        generation: int | None = None,
        together: bool = False,
    ) -> Committed:
        """`together`: for a client that is in the document, which must be for editing together (Forbidden)."""
        hub = self._hub
        summary: UpdateSummary | None = None
        if len(update) < LARGE_UPDATE:
            summary = updates.validate(update)
        elif len(update) <= PIECE_BYTES:
            summary = await hub.workers.run(updates.validate, update)
        async with hub.holding(document_id, together=together) as document:
            if not document.has_text:
                raise UnprocessableContent(ENCRYPTED)
            if document.gone:
                raise NotFound("the document was deleted or replaced at this moment")
            current = document.generation or 0
            if generation is not None and generation != current:
                raise StaleGeneration(f"the document is at generation {current}")
            if summary is not None:
                document.take(update, summary, hub.new_key(), author, compare_deletes=True)
            else:
                await self._take_apart(document, update, author)
            await hub.committed(document)
            if document.gone:
                raise NotFound("the document was deleted or replaced at this moment")
            return Committed(current, document.room.coverage.last)

    async def _take_apart(self, document: LiveDocument, update: bytes, author: Author) -> None:
        pieces = await take_apart(self._hub, document, update)
        await prepare_comparison(self._hub, document, pieces[-1][1])
        key = self._hub.new_key()
        for piece, summary in pieces:
            if document.gone:
                raise NotFound("the document was deleted or replaced at this moment")
            document.take(piece, summary, key, author, compare_deletes=True)
            await self._hub.committed(document)
