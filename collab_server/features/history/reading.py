"""Reads the kept history of a document, for workers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.adapters.postgres import Database
from collab_server.core.history.folding import RowHeader
from collab_server.core.history.segment import UNKNOWN
from collab_server.core.history.stored_history import StoredHistory
from collab_server.errors import NotFound, TooLarge, Unavailable
from collab_server.features.history import history_queries
from collab_server.features.history.history_queries import KeptSegment, LogState

MAX_BYTES: Final = 128 * 1024 * 1024
"""The largest history that is read, in compressed bytes."""
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class DocumentHistory:
    """The history of a document's generation up to row `head` of the log."""

    generation: int
    head: int
    stored: StoredHistory


async def read_history(db: Database, document_id: UUID) -> DocumentHistory:
    """Read the history of a document. Raises NotFound, TooLarge, Unavailable."""
    for _ in range(ATTEMPTS):
        async with db.as_service() as conn:
            # Rows before segments: a fold between the two statements moves rows into a segment.
            state = await history_queries.find_log_state(conn, document_id)
            if state is None:
                raise NotFound(ABSENT)
            if await history_queries.sum_segment_bytes(conn, document_id, state.generation) > MAX_BYTES:
                raise TooLarge(f"the history of this document has more than {MAX_BYTES} bytes")
            segments = await history_queries.list_segments(conn, document_id, state.generation)
        if (stored := _combine(state, segments)) is not None:
            head = max(state.head, segments[-1].last_seq) if segments else state.head
            return DocumentHistory(state.generation, head, stored)
    raise Unavailable("this document is folded faster than its history can be read; come back")


async def read_former_history(
    db: Database, document_id: UUID, seq: int | None, at: datetime | None
) -> DocumentHistory | None:
    """Read the history of the former generation that a row or a time is in. None: it is in the present one, or no
    history of the former one is kept. Raises TooLarge, Unavailable.
    """
    async with db.as_service() as conn:
        found = await history_queries.find_former_generation(conn, document_id, seq, at)
        if found is None:
            return None
        generation, head = found
        if await history_queries.sum_segment_bytes(conn, document_id, generation) > MAX_BYTES:
            raise TooLarge(f"the history of this document has more than {MAX_BYTES} bytes")
        segments = await history_queries.list_segments(conn, document_id, generation)
    payloads = [one.payload for one in segments if one.payload is not None]
    return DocumentHistory(generation, head, StoredHistory(payloads, [], [])) if payloads else None


def _combine(state: LogState, segments: list[KeptSegment]) -> StoredHistory | None:
    """Combine what two statements have read. None: a fold between them took the snapshot that a segment stands for."""
    last = segments[-1] if segments else None
    headers, updates = list(state.headers), list(state.updates)
    if last is not None and last.last_seq > state.clock:
        kept = sum(header.seq > last.last_seq for header in headers)
        headers, updates = headers[len(headers) - kept :], updates[len(updates) - kept :]
        if last.payload is None:
            return None
    elif state.snapshot is not None and state.clock:
        if last is None or last.last_seq < state.clock:
            # A server of an older version has folded without segments.
            headers.insert(0, RowHeader(state.clock, state.edited_at, UNKNOWN))
            updates.insert(0, state.snapshot)
        elif last.payload is None:
            headers.insert(0, RowHeader(state.clock, last.first_at, last.author or UNKNOWN))
            updates.insert(0, state.snapshot)
    return StoredHistory([one.payload for one in segments if one.payload is not None], headers, updates)
