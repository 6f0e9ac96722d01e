"""Looks after open documents: announces edits in the change feed, folds logs, and lets go of what is not used.

A document is looked at when its next step is due, not again and again. Its log is folded while somebody reads its
stored text (`realtime/readers.py`): when it rests, or after `fold_seconds`. Otherwise it is folded after
`unread_seconds`, and its edits are announced meanwhile.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import CollabError
from collab_server.features.document_log import announcing
from collab_server.observability.logging import log
from collab_server.realtime.documents.compactor import Compactor
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.timetable import Timetable

AGAIN_SECONDS = 1.0
"""Seconds until the next look at a document that could not be treated at this one."""
AT_ONCE = 100
"""Documents announced by one statement: it locks their logs until it ends."""


class IsRead(Protocol):
    def __call__(self, document_id: UUID, workspace_id: UUID | None, now: float) -> bool: ...


class Upkeep:
    """`idle_seconds`: a document without edits for so long rests. `fold_seconds`, `unread_seconds`: see the module."""

    def __init__(
        self,
        db: Database,
        compactor: Compactor,
        *,
        idle_seconds: float,
        fold_seconds: float,
        unread_seconds: float,
        is_read: IsRead,
        find: Callable[[UUID], LiveDocument | None],
        close_if_unused: Callable[[LiveDocument], None],
    ) -> None:
        self._db = db
        self._compactor = compactor
        self._idle_seconds = idle_seconds
        self._fold_seconds = fold_seconds
        self._unread_seconds = unread_seconds
        self._is_read = is_read
        self._find = find
        self._close_if_unused = close_if_unused
        self._timetable: Timetable[UUID] = Timetable()
        self._unannounced: dict[UUID, LiveDocument] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """How many documents are to be looked at."""
        return len(self._timetable)

    def watch(self, document: LiveDocument) -> None:
        """Look at the document when its next step may be due. Call this after a load, a commit, a fold or a request."""
        self._timetable.put(document.id, time.monotonic() + self._idle_seconds)

    def note_commit(self, document: LiveDocument) -> None:
        """Record that edits of this process were committed, which the change feed may not tell of."""
        now = time.monotonic()
        if document.unannounced_since is None:
            document.unannounced_since = now
        if document.unfolded_since is None:
            document.unfolded_since = now
        self._timetable.put(document.id, now + self._idle_seconds)

    def look_soon(self, document: LiveDocument) -> None:
        """Look at the document at the next `run_due`."""
        self._timetable.put(document.id, 0.0)

    def run_due(self, now: float) -> None:
        """Do what is due at `now` (monotonic seconds)."""
        for document_id in self._timetable.take(now):
            if (document := self._find(document_id)) is None:
                continue
            try:
                due = self._look(document, now)
            except Exception:
                # The other documents that are due have left the timetable, too.
                log.exception("looking at a document failed", extra={"document": document_id})
                due = now + AGAIN_SECONDS
            if due is not None:
                self._timetable.put(document_id, due)

    def _look(self, document: LiveDocument, now: float) -> float | None:
        """Do what is due. Returns when to look again; None: after the next call of `watch`."""
        later = now + AGAIN_SECONDS
        again: list[float] = []
        if not document.connections:
            # A request uses it, or an API client is shown in it.
            self._close_if_unused(document)
            if self._find(document.id) is not document:
                return None
            again.append(later)
        rests_at = document.last_edit + self._idle_seconds
        is_read = self._is_read(document.id, document.workspace_id, now)
        if document.room.log_rows and not document.replaced:
            if document.unfolded_since is None:
                document.unfolded_since = now
            due = document.unfolded_since + self._unread_seconds
            if is_read:
                due = min(rests_at, document.unfolded_since + self._fold_seconds)
            if due <= now:
                self._compactor.fold_soon(document)
            again.append(max(due, later))
        if document.unannounced_since is not None and not is_read and not document.replaced:
            due = min(rests_at, document.unannounced_since + self._fold_seconds)
            if due <= now:
                self._announce_soon(document)
            else:
                again.append(due)
        if document.room.loaded:
            due = max(rests_at, document.last_use + self._idle_seconds)
            is_free = document.room.saved and not document.has_lagging and not self._compactor.is_busy(document.id)
            if due <= now and is_free:
                document.evict()
            else:
                again.append(max(due, later))
        return min(again, default=None)

    # ---- the change feed

    def _announce_soon(self, document: LiveDocument) -> None:
        # An edit that is committed from now on is announced by the statement, or is unannounced again.
        document.unannounced_since = None
        self._unannounced[document.id] = document
        self._wake.set()

    async def run(self) -> None:
        """Announce edits in the change feed until cancelled."""
        await run_periodically("announcing edits", self._announce, None, first=None, wake=self._wake)

    async def _announce(self) -> None:
        while self._unannounced:
            ids = list(self._unannounced)[:AT_ONCE]
            documents = {document_id: self._unannounced.pop(document_id) for document_id in ids}
            done: set[UUID] = set()
            try:
                async with self._db.as_service() as conn:
                    done = await announcing.announce(conn, ids)
            finally:
                # Locked by others, or PostgreSQL is away.
                for document_id, document in documents.items():
                    if document_id not in done and document.unannounced_since is None:
                        document.unannounced_since = time.monotonic()
                        self.watch(document)

    async def announce_last(self, documents: list[LiveDocument], seconds: float) -> None:
        """Announce the unannounced edits of these documents, within so many seconds: the process stops.

        A failure is logged. Whoever folds the documents later announces the edits.
        """
        for document in documents:
            if document.unannounced_since is not None and not document.replaced:
                self._announce_soon(document)
        try:
            async with asyncio.timeout(seconds):
                await self._announce()
        except (CollabError, TimeoutError) as error:
            log.info("edits are announced by a later server", extra={"error": repr(error)})
        except Exception:
            log.exception("the last edits could not be announced")
