"""Keeps what a fold takes out of the log: packs its rows into a segment of the history."""

from datetime import UTC, datetime
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, TookTooLong, Workers
from collab_server.core.history.folding import (
    MAX_JOINED_MILLISECONDS,
    Past,
    RowHeader,
    count_joined,
    pack_history,
)
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor
from collab_server.errors import TooMany, Unavailable
from collab_server.features.document_log import history_queries
from collab_server.features.document_log.fold_queries import KeptRows
from collab_server.features.document_log.history_queries import StoredPast, StoredSegment, to_datetime
from collab_server.features.document_log.log_queries import StoredRows
from collab_server.observability.logging import log


class RowsFolded(Exception):
    """Another fold has taken the rows, or the segments before them are others now."""


def keep_snapshot(seq: int, author: HistoryAuthor) -> KeptRows:
    """Keep a new document's first row. The next fold packs it, because the snapshot has its content until then."""
    now = datetime.now(UTC)
    return KeptRows(seq, now, now, 1, None, author)


async def pack(
    db: Database, workers: Workers, document_id: UUID, rows: StoredRows, length: int | None
) -> KeptRows | None:
    """Pack the pending rows, together with small segments before them. None if they cannot be packed, which is logged:
    the document has no history of them then, and the next segment begins with the snapshot. length: characters of the
    text after the rows; None: unknown.

    Raises RowsFolded if the document is to be read again, Unavailable, TooMany.
    """
    async with db.as_service() as conn:
        stored = await history_queries.find_past(conn, document_id, rows.clock, rows.head)
        if len(stored.headers) != len(rows.pending):
            raise RowsFolded
        base = find_base(stored, rows)
        joined: list[StoredSegment] = []
        replaced = [segment for segment in stored.segments if base is not None and segment.last_seq == base.seq]
        if base is None:
            sizes = [segment.size for segment in stored.segments]
            count = count_joined(sizes, len(stored.headers), stored.headers[-1].at)
            joined = stored.segments[len(stored.segments) - count :]
        earlier = await history_queries.list_payloads(conn, document_id, joined) if joined else []
    if len(earlier) != len(joined):
        joined, earlier = [], []
    past = Past(stored.headers, base, earlier, length)
    try:
        if base is not None and replaced and stored.headers[-1].at - base.at > MAX_JOINED_MILLISECONDS:
            await _pack_base(db, workers, document_id, rows.snapshot, base, replaced)
            raise RowsFolded
        packed = await workers.run_within(
            WHOLE_DOCUMENT_SECONDS, pack_history, past, rows.snapshot if base is not None else None, rows.pending
        )
    except TookTooLong as error:
        _log_failure(document_id, error)
        return None
    except (RowsFolded, Unavailable, TooMany):
        raise
    except Exception as error:
        _log_failure(document_id, error)
        return None
    return KeptRows(
        packed.first_seq,
        to_datetime(packed.first_at),
        to_datetime(packed.last_at),
        packed.rows,
        packed.payload,
        joined=[segment.created_at for segment in (*replaced, *joined)],
        removals=packed.removals,
    )


async def _pack_base(
    db: Database,
    workers: Workers,
    document_id: UUID,
    snapshot: bytes | None,
    base: RowHeader,
    replaced: list[StoredSegment],
) -> None:
    """Pack the snapshot, which is an old row, as a segment of its own. The caller reads the document again."""
    packed = await workers.run_within(WHOLE_DOCUMENT_SECONDS, pack_history, Past([], base), snapshot, [])
    created = [segment.created_at for segment in replaced]
    async with db.as_service() as conn, conn.transaction():
        await history_queries.replace_segments(conn, document_id, created, packed, collapsed=False)


def find_base(stored: StoredPast, rows: StoredRows) -> RowHeader | None:
    """Return the snapshot as a row, if no segment has its content: a server of an older version folds without
    segments.
    """
    if rows.snapshot is None or not rows.clock:
        return None
    last = stored.segments[-1] if stored.segments else None
    if last is None or last.last_seq != rows.clock:
        return RowHeader(rows.clock, stored.edited_at, UNKNOWN)
    return RowHeader(rows.clock, last.size.first_at, last.author) if last.author is not None else None


def _log_failure(document_id: UUID, error: Exception) -> None:
    log.error("the history of a document cannot be kept", extra={"document": document_id, "error": repr(error)})
