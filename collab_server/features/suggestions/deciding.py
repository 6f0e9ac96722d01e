"""Accepts and rejects suggestions.

An accepted suggestion is one edit of the document. Its row of the log names the suggestion, and a trigger on the log
marks the suggestion as accepted in the transaction of that row. So after a crash either both are there or neither.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.core.documents.apply_edit import RemovesMuch
from collab_server.core.room.entries import Author
from collab_server.core.suggestions.proposing import Accepted, accept_hunks
from collab_server.errors import Conflict, NotFound, StaleSuggestion, TooMany, Unavailable, UnprocessableContent
from collab_server.features.suggestions import queries
from collab_server.features.suggestions.queries import Suggestion
from collab_server.web.rooms import Edited, RestAuthor, Rooms
from collab_server.web.services import KeepVersion

NO_SUGGESTION: Final = "there is no such suggestion"
SLOTS: Final = 2
"""Edits of suggestions at a time: each holds a connection of the pool while it needs others."""
MAX_WAITING: Final = 200
ATTEMPTS: Final = 5


def suggester_of(suggestion: Suggestion) -> Author:
    """Return whom the history credits with the text that a suggestion inserts."""
    kind = None if suggestion.author_kind == "user" else suggestion.author_kind
    return Author(suggestion.author_id, None, kind, suggestion.author_name)


def choose_hunks(suggestion: Suggestion, hunks: Sequence[int] | None, *, accept: bool) -> list[int]:
    """Choose the hunks to decide on; None: all that are undecided. Those that are decided in this way are left out.

    Raises UnprocessableContent for a hunk that is not there, Conflict for one that is decided in the other way.
    """
    other = suggestion.rejected if accept else suggestion.accepted
    if hunks is None:
        undecided = suggestion.undecided
        if not undecided and suggestion.status != ("accepted" if accept else "rejected"):
            raise Conflict(f"the suggestion is {suggestion.status}")
        return undecided
    for hunk in hunks:
        if hunk >= len(suggestion.hunks):
            raise UnprocessableContent(f"the suggestion has no hunk {hunk}")
        if hunk in other:
            raise Conflict(f"hunk {hunk} is {'rejected' if accept else 'accepted'}")
    return sorted({*hunks} & {*suggestion.undecided})


class Decisions:
    """Accepts suggestions, one of a document at a time, also where several servers are at work."""

    def __init__(self, db: Database, rooms: Rooms, keep_version: KeepVersion) -> None:
        self._db = db
        self._rooms = rooms
        self._keep_version = keep_version
        self._slots = asyncio.Semaphore(SLOTS)
        self._waiting = 0
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def _alone(self, document_id: UUID) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooMany(f"{MAX_WAITING} requests wait to accept suggestions already")
        self._waiting += 1
        # Of this process: it also holds while PostgreSQL is away, and with it what it had locked.
        lock = self._locks.setdefault(document_id, asyncio.Lock())
        try:
            async with lock, self._slots, self._db.as_service() as conn, conn.transaction():
                await queries.lock_decisions(conn, document_id)
                yield
        finally:
            self._waiting -= 1

    async def accept(
        self,
        identity: Identity,
        device: str | None,
        document_id: UUID,
        suggestion_id: UUID,
        hunks: Sequence[int] | None,
    ) -> Suggestion:
        """Accept hunks of a suggestion of this document, all or none. The caller checks rights. To accept again changes
        nothing. Returns after the commit.

        Raises NotFound, Conflict, StaleSuggestion, UnprocessableContent, and the errors of `Edits.edit`.
        """
        async with self._alone(document_id):
            is_kept = False
            for _ in range(ATTEMPTS):
                suggestion = await self._find(document_id, suggestion_id)
                chosen = choose_hunks(suggestion, hunks, accept=True)
                if not chosen:
                    return suggestion
                try:
                    made = await self._edit(identity, device, suggestion, chosen, is_kept=is_kept)
                except RemovesMuch:
                    await self._keep_version(document_id, "before-deletion", identity.user_id)
                    is_kept = True
                    continue
                if made.committed.generation != suggestion.generation:
                    # The document was replaced at this moment: the ids have been carried over.
                    continue
                if made.result.stale:
                    stale = [chosen[index] for index in made.result.stale]
                    async with self._db.as_service() as conn:
                        await queries.save_stale(conn, [(suggestion, sorted({*suggestion.stale, *stale}))])
                    raise StaleSuggestion(f"hunks {stale} do not fit the document any more; nothing was changed")
                if not made.result.changed:
                    async with self._db.as_service() as conn:
                        await queries.save_accepted(conn, suggestion_id, chosen, identity.user_id, made.committed.seq)
                # Where others made the same deletions meanwhile, there is no row: the next attempt finds that.
        raise Unavailable("others edit this document faster than the suggestion can be accepted; come back")

    async def _find(self, document_id: UUID, suggestion_id: UUID) -> Suggestion:
        async with self._db.as_service() as conn:
            suggestion = await queries.find_settled(conn, suggestion_id)
        if suggestion is None or suggestion.document_id != document_id:
            raise NotFound(NO_SUGGESTION)
        return suggestion

    async def _edit(
        self, identity: Identity, device: str | None, suggestion: Suggestion, chosen: Sequence[int], *, is_kept: bool
    ) -> Edited[Accepted]:
        async with self._db.as_service() as conn:
            await queries.save_pending(conn, suggestion.id, chosen)
        writer = RestAuthor(identity, device, suggester_of(suggestion), suggestion.id)
        wanted = [suggestion.hunks[index] for index in chosen]
        return await self._rooms.edits.edit(suggestion.document_id, writer, accept_hunks, wanted, is_kept=is_kept)

    async def reject(
        self, identity: Identity, document_id: UUID, suggestion_id: UUID, hunks: Sequence[int] | None
    ) -> Suggestion:
        """Reject hunks of a suggestion of this document. The caller checks rights. To reject again changes nothing.

        Raises NotFound, Conflict, UnprocessableContent, Unavailable.
        """
        async with self._db.as_user(identity.rights) as conn:
            await queries.lock_decisions(conn, document_id)
            suggestion = await queries.find_suggestion(conn, suggestion_id)
            if suggestion is None or suggestion.document_id != document_id:
                raise NotFound(NO_SUGGESTION)
            chosen = choose_hunks(suggestion, hunks, accept=False)
            if not chosen:
                return suggestion
            rejected = await queries.reject_hunks(conn, suggestion_id, chosen, identity.user_id)
            if rejected is None:
                raise NotFound(NO_SUGGESTION)
            return rejected
