"""A document's bytes between PostgreSQL and memory: loading, and folding the log into the snapshot."""

import hashlib
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.documents import fold as fold_bytes
from collab_server.crdt.room import Stored
from collab_server.crdt.updates import EMPTY_UPDATE, merge, state_vector
from collab_server.documents import log_queries
from collab_server.errors import NotFound

INLINE_BYTES = 65_536
"""Documents up to this size are merged where the sockets are; it takes less than asking a worker."""
FOLD_ATTEMPTS = 3


async def load(db: Database, workers: Workers, document_id: UUID) -> tuple[Stored, int]:
    """(everything PostgreSQL has, the document's generation). Raises NotFound, Unavailable."""
    rows = await _rows(db, document_id)
    parts = ([rows.snapshot] if rows.snapshot else []) + rows.pending
    if sum(map(len, parts)) <= INLINE_BYTES:
        snapshot, clocks = merged(parts)
    else:
        snapshot, clocks = await workers.run(merged, parts)
    return Stored(snapshot, clocks, rows.head, len(rows.pending)), rows.generation


def merged(parts: list[bytes]) -> tuple[bytes, bytes]:
    """(all parts as one update, its state vector)"""
    whole = merge(parts)
    return whole, state_vector(whole) if whole != EMPTY_UPDATE else b"\0"


async def fold(db: Database, workers: Workers, document_id: UUID) -> Stored:
    """Fold the log into the snapshot and renew the stored content; returns what is stored now.

    Safe to run anywhere, any number of times: a fold that another overtook starts again from what that one left.
    Raises NotFound, Unavailable.
    """
    for _ in range(FOLD_ATTEMPTS):
        rows = await _rows(db, document_id)
        if not rows.pending:
            break
        folded = await workers.run(fold_bytes, rows.snapshot, rows.pending)
        projection = folded.projection
        same = hashlib.sha256(projection.content.encode()).hexdigest() == rows.content_hash
        async with db.as_service() as conn:
            if await log_queries.fold_rows(
                conn,
                document_id,
                expected_clock=rows.clock,
                upto=rows.head,
                snapshot=folded.snapshot,
                state_vector=folded.state_vector,
                content=None if same else projection.content,
                words=projection.words,
                truncated=projection.truncated,
            ):
                return Stored(folded.snapshot, folded.state_vector, rows.head)
    stored, _ = await load(db, workers, document_id)
    return stored


async def _rows(db: Database, document_id: UUID) -> log_queries.StoredRows:
    async with db.as_service() as conn:
        rows = await log_queries.find_rows(conn, document_id)
    if rows is None:
        raise NotFound("there is no such document")
    return rows
