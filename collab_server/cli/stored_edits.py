"""Edits of commands: rows of the log, which servers that run read from there."""

import secrets
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.cli.database import OPERATOR
from collab_server.core.room.entries import Author
from collab_server.core.yjs.edit_functions import EditFunction, P, T, run_edit_function
from collab_server.core.yjs.updates import EMPTY_UPDATE
from collab_server.errors import NotFound, Unavailable, UnprocessableContent
from collab_server.features.document_log import log_queries, store
from collab_server.features.document_log.authors import encode_author
from collab_server.features.document_log.log_queries import LogRow
from collab_server.web.rooms import NOT_IN_THE_CLEAR, Committed, Edited, RestAuthor

APPEND_SECONDS = 30.0


class StoredEdits:
    """Edits documents in the database. Implements `edit` of web.rooms.Edits."""

    def __init__(self, db: Database, workers: Workers) -> None:
        self._db = db
        self._workers = workers

    async def edit(
        self, document_id: UUID, writer: RestAuthor, function: EditFunction[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        loaded = await store.load(self._db, self._workers, document_id)
        if not loaded.has_text:
            raise UnprocessableContent(NOT_IN_THE_CLEAR)
        client = secrets.randbelow(2**32 - 1) + 1
        parts = [loaded.stored.snapshot]
        made = await self._workers.run(run_edit_function, function, parts, client, args, named)
        if made.edit.update == EMPTY_UPDATE:
            return Edited(Committed(loaded.generation, loaded.stored.seq), made.edit.result)
        # A command without a user is nobody that the history knows, and no guest.
        author = writer.author if writer.identity.user_id else Author(None, OPERATOR)
        clients = tuple(dict.fromkeys(one for one, _, _ in made.summary.structs))
        row = LogRow(
            document_id,
            made.edit.update,
            author.user_id,
            clients,
            author.device,
            encode_author(author),
            loaded.generation,
        )
        async with self._db.as_service() as conn:
            try:
                heads = await log_queries.append_rows(conn, [row], APPEND_SECONDS)
            except TimeoutError:
                raise Unavailable("the database did not answer in time; look whether the edit was made") from None
        if (seq := heads.get(document_id)) is None:
            raise NotFound("the document was deleted or replaced at this moment")
        await store.fold(self._db, self._workers, document_id)
        return Edited(Committed(loaded.generation, seq), made.edit.result)
