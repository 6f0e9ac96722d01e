"""Group commit: what all rooms of this process have gathered goes to PostgreSQL in one transaction.

While one commit is in flight the next batch fills. An edit leaves a room's hands only when its commit is known; a
commit that fails, or whose outcome is unknown, is tried again (Yjs takes an update twice without harm).
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from collab_server.backends.db import Database, DatabaseError, is_transient
from collab_server.crdt.room import Author, Entry
from collab_server.crdt.updates import merge
from collab_server.documents import log_queries
from collab_server.errors import Malformed, NotFound
from collab_server.realtime.live import LiveDocument
from collab_server.telemetry import Counts, log

ROW_BYTES = 8_000_000
"""Edits of one author in one commit are merged into one row up to this size."""
BATCH_BYTES = 32_000_000
"""Where a transaction stops taking further documents."""
BACKOFF = (0.05, 2.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while PostgreSQL is away."""
COMMIT_TIMEOUT = 15.0
FEW = 12
"""Messages that may wait for company: a commit costs the server as much as some ten of them."""
REFUSED_RETRY = 5.0
"""Seconds until a document whose rows PostgreSQL refused is tried again."""


class OnCommit(Protocol):
    def __call__(self, document: LiveDocument, payloads: Sequence[bytes], head: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    """Parallel lists, a row each; `documents` in the order of their rows."""

    documents: list[LiveDocument]
    rows: list[log_queries.LogRow]


class Writer:
    """Runs as one task. `overloaded` tells whether more is held than the settings allow.

    `interval`: least seconds between the starts of two commits; `quiet_interval`: the same while only a FEW messages
    wait and nobody is in a hurry.
    """

    def __init__(
        self,
        db: Database,
        counts: Counts,
        *,
        interval: float,
        quiet_interval: float,
        max_bytes: int,
        max_seconds: float,
        on_commit: OnCommit,
    ) -> None:
        self._db = db
        self._counts = counts
        self._interval = interval
        self._quiet_interval = quiet_interval
        self._waiting = 0
        self._hurried = False
        self._gathering: asyncio.Future[None] | None = None
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._on_commit = on_commit
        self._dirty: dict[UUID, LiveDocument] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._conn: log_queries.LogConnection | None = None
        self._commit_started: float | None = None
        self.failing_since: float | None = None
        self.unsaved_bytes = 0

    def add(self, document: LiveDocument, size: int) -> None:
        """The document has entries for the log, `size` bytes more than before."""
        self.unsaved_bytes += size
        if document.unsaved_since is None:
            document.unsaved_since = time.monotonic()
        self._dirty[document.id] = document
        self._idle.clear()
        self._wake.set()
        self._waiting += 1
        if self._gathering is not None and self._waiting >= FEW:
            _end(self._gathering)

    def hurry(self) -> None:
        """Somebody waits for what has gathered: commit it as soon as load allows."""
        if self._dirty:
            self._hurried = True
            if self._gathering is not None:
                _end(self._gathering)

    @property
    def overloaded(self) -> bool:
        """PostgreSQL has been away for too long, or too much waits for it."""
        since = self.failing_since if self.failing_since is not None else self._commit_started
        waited = 0.0 if since is None else time.monotonic() - since
        return self.unsaved_bytes > self._max_bytes or waited > self._max_seconds

    async def flushed(self) -> None:
        """Wait until nothing waits for PostgreSQL."""
        self.hurry()
        await self._idle.wait()

    async def run(self) -> None:
        """Commit until cancelled; what is held then stays with the rooms."""
        delay = BACKOFF[0]
        try:
            while True:
                await self._wake.wait()
                started = time.monotonic()
                self._wake.clear()
                try:
                    done = await self._commit_all()
                except Exception:
                    # Ours, not PostgreSQL's: what was taken is still with its rooms, and goes with the next attempt.
                    log.exception("a commit failed")
                    done = False
                if done:
                    delay = BACKOFF[0]
                    if not self._dirty:
                        self._idle.set()
                    await self._gather(started)
                else:
                    await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
                    delay = min(delay * 2, BACKOFF[1])
                    self._wake.set()
                    if not self._dirty:
                        self._idle.set()
        finally:
            await self._disconnect()

    async def _gather(self, started: float) -> None:
        """Let edits gather after a commit that began at `started` (monotonic seconds)."""
        pause = self._interval - (time.monotonic() - started)
        if pause > 0:
            await asyncio.sleep(pause)
        pause = self._quiet_interval - (time.monotonic() - started)
        if pause <= 0 or self._waiting >= FEW or self._hurried:
            return
        loop = asyncio.get_running_loop()
        self._gathering = loop.create_future()
        timer = loop.call_later(pause, _end, self._gathering)
        try:
            await self._gathering
        finally:
            timer.cancel()
            self._gathering = None

    async def _commit_all(self) -> bool:
        """One commit of what has gathered. False: PostgreSQL is away, everything is back with its room."""
        documents, self._dirty = list(self._dirty.values()), {}
        self._waiting, self._hurried = 0, False
        batch, rest = self._take(documents)
        for document in rest:
            self._dirty[document.id] = document
            self._wake.set()
            self._hurried = True
        if not batch.documents:
            return True
        self._commit_started = time.monotonic()
        try:
            await self._commit(batch)
        except Exception as error:
            await self._disconnect()
            if is_transient(error) or not isinstance(error, DatabaseError):
                self._failed(batch, error)
                return False
            await self._one_by_one(batch)
        finally:
            self._commit_started = None
        return True

    def _take(self, documents: list[LiveDocument]) -> tuple[_Batch, list[LiveDocument]]:
        batch = _Batch([], [])
        total = 0
        for index, document in enumerate(documents):
            if total > BATCH_BYTES:
                return batch, documents[index:]
            rows = rows_of(document.id, document.room.take())
            if not rows:
                document.committed([], 0)
                self._on_commit(document, (), 0)
                continue
            batch.documents.append(document)
            batch.rows.extend(rows)
            total += sum(len(row.payload) for row in rows)
        return batch, []

    async def _commit(self, batch: _Batch) -> None:
        started = time.monotonic()
        if self._conn is None:
            self._conn = await self._db.connect_service()
        heads = await log_queries.append_updates(self._conn, batch.rows, COMMIT_TIMEOUT)
        self._counts.commit_seconds.add(time.monotonic() - started)
        self._counts.commits += 1
        self._counts.rows_committed += len(batch.rows)
        if self.failing_since is not None:
            log.info("PostgreSQL is back: everything held has been written")
            self.failing_since = None
        payloads: dict[UUID, list[bytes]] = {}
        for row in batch.rows:
            payloads.setdefault(row.document_id, []).append(row.payload)
        for document in batch.documents:
            before = document.room.unsaved_bytes
            rows = payloads[document.id]
            if (head := heads.get(document.id)) is None:
                self._gone(document)
                rows, head = [], 0
            else:
                document.committed(rows, head)
            self.unsaved_bytes -= before - document.room.unsaved_bytes
            self._on_commit(document, rows, head)

    def forget(self, document: LiveDocument) -> int:
        """What is not committed of this document must not be any more; the number of its edits."""
        self.unsaved_bytes -= document.room.unsaved_bytes
        document.unsaved_since = None
        return len(document.room.forget_unsaved())

    def _gone(self, document: LiveDocument) -> None:
        lost = document.room.forget_unsaved()
        document.gone = True
        document.unsaved_since = None
        log.warning("edits of a deleted document dropped", extra={"document": document.id, "edits": len(lost)})
        document.end(NotFound("the document was deleted"))

    def _failed(self, batch: _Batch, error: BaseException) -> None:
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            log.error("cannot write to PostgreSQL; edits are held and tried again", extra={"error": repr(error)})
        self._counts.commit_failures += 1
        for document in batch.documents:
            document.room.failed()
            self._dirty[document.id] = document

    async def _one_by_one(self, batch: _Batch) -> None:
        """PostgreSQL refused some row: one document's fault must not hold back the others."""
        for document in batch.documents:
            single = _Batch([document], [row for row in batch.rows if row.document_id == document.id])
            try:
                await self._commit(single)
            except Exception as error:
                await self._disconnect()
                document.room.failed()
                self._counts.commit_failures += 1
                if is_transient(error) or not isinstance(error, DatabaseError):
                    self._dirty[document.id] = document
                    self._wake.set()
                    continue
                log.error("PostgreSQL refused edits", extra={"document": document.id, "error": repr(error)})
                self._dirty.pop(document.id, None)
                asyncio.get_running_loop().call_later(REFUSED_RETRY, self.add, document, 0)

    async def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(Exception):
                conn.terminate()


def _end(gathering: asyncio.Future[None]) -> None:
    if not gathering.done():
        gathering.set_result(None)


def rows_of(document_id: UUID, entries: list[Entry]) -> list[log_queries.LogRow]:
    """One row per author: everybody's edits of one commit merged, unless that makes a huge row."""
    by_author: dict[Author, list[Entry]] = {}
    for entry in entries:
        if entry.update is not None:
            by_author.setdefault(entry.author, []).append(entry)
    rows = []
    for author, own in by_author.items():
        updates = [entry.update for entry in own if entry.update is not None]
        if (merged := _merged(document_id, updates)) is not None:
            clients = tuple(sorted({client for entry in own for client in entry.clients}))
            rows.append(log_queries.LogRow(document_id, merged, author.user_id, clients, author.device))
        else:
            rows.extend(
                log_queries.LogRow(document_id, update, author.user_id, entry.clients, author.device)
                for entry, update in zip(own, updates, strict=True)
            )
    return rows


def _merged(document_id: UUID, updates: list[bytes]) -> bytes | None:
    """One payload for a row, where the updates fit in one and can be merged."""
    if len(updates) == 1:
        return updates[0]
    if sum(map(len, updates)) > ROW_BYTES:
        return None
    try:
        return merge(updates)
    except Malformed as error:
        # Each was found sound by itself: then each goes into the log by itself.
        log.error("edits could not be merged", extra={"document": document_id, "error": error.detail})
        return None
