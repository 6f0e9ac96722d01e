"""A document's bytes between PostgreSQL and memory: loading, and folding the log into the snapshot."""

import hashlib
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.crdt.documents import fold as fold_bytes
from collab_server.crdt.room import Stored
from collab_server.crdt.roots import Projection
from collab_server.crdt.updates import EMPTY_UPDATE, merge, state_vector
from collab_server.documents import log_queries
from collab_server.errors import NotFound, Unavailable
from collab_server.telemetry import log

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
        snapshot, clocks, projection = await _folded(workers, document_id, rows)
        content: str | None = None
        if projection is not None:
            same = hashlib.sha256(projection.content.encode()).hexdigest() == rows.content_hash
            content = None if same else projection.content
        async with db.as_service() as conn:
            if await log_queries.fold_rows(
                conn,
                document_id,
                expected_clock=rows.clock,
                upto=rows.head,
                snapshot=snapshot,
                state_vector=clocks,
                content=content,
                words=projection.words if projection else 0,
                truncated=projection.truncated if projection else False,
            ):
                return Stored(snapshot, clocks, rows.head)
    stored, _ = await load(db, workers, document_id)
    return stored


async def _folded(
    workers: Workers, document_id: UUID, rows: log_queries.StoredRows
) -> tuple[bytes, bytes, Projection | None]:
    """(snapshot, state vector, what the document says; None where the bytes make no document)"""
    try:
        folded = await workers.run(fold_bytes, rows.snapshot, rows.pending)
    except Unavailable:
        raise
    except Exception as error:
        # An update can be sound by itself and yet impossible here (an item inside a character, say). Its bytes are kept
        # for clients, which read more than pycrdt does; the stored text stays as it was.
        log.error("a document cannot be read", extra={"document": document_id, "error": repr(error)})
        parts = ([rows.snapshot] if rows.snapshot else []) + rows.pending
        return *await workers.run(merged, parts), None
    return folded.snapshot, folded.state_vector, folded.projection


async def _rows(db: Database, document_id: UUID) -> log_queries.StoredRows:
    async with db.as_service() as conn:
        rows = await log_queries.find_rows(conn, document_id)
    if rows is None:
        raise NotFound("there is no such document")
    return rows
