"""Folds several small documents with one call of a worker and one statement."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.history.folding import FoldedLog, Log, Past, count_joined, fold_logs
from collab_server.core.room.entries import Stored
from collab_server.features.document_log import fold_queries, history_queries, log_queries
from collab_server.features.document_log.fold_queries import FoldedRows, KeptRows
from collab_server.features.document_log.history_queries import StoredSegment, to_datetime
from collab_server.features.document_log.history_writing import find_base
from collab_server.features.document_log.log_queries import StoredRows
from collab_server.features.document_log.store import Loaded, find_damage_in, find_new_content, to_loaded

SMALL_BYTES = 65_536
"""Documents up to this size, with their logs, are folded together."""
TOGETHER = 32
"""Documents that are folded together at most. The statement locks them until it ends."""


async def fold_together(db: Database, workers: Workers, document_ids: Sequence[UUID]) -> dict[UUID, Loaded]:
    """Fold the logs of documents, and return the stored states of those that are folded now.

    Whatever is special is left to store.fold: a document that is gone, damaged, locked, folded by somebody else at this
    moment, or whose snapshot is not in its history yet. Raises Unavailable.
    """
    async with db.as_service() as conn:
        found = await log_queries.list_rows(conn, document_ids)
        rows = {
            document_id: one for document_id, one in found.items() if one.pending and await find_damage_in(one) is None
        }
        joined, logs = await _read_logs(conn, rows)
    results = await workers.run_within(WHOLE_DOCUMENT_SECONDS, fold_logs, list(logs.values())) if logs else []
    folded = {
        document_id: _to_rows(rows[document_id], one, joined[document_id])
        for document_id, one in zip(logs, results, strict=True)
        if one is not None
    }
    if not folded:
        return {}
    async with db.as_service() as conn:
        done = await fold_queries.fold_documents(conn, folded)
    return {
        document_id: to_loaded(
            Stored(one.snapshot, one.state_vector, rows[document_id].head),
            rows[document_id],
            has_returns=one.has_returns,
        )
        for document_id, one in folded.items()
        if document_id in done
    }


async def _read_logs(
    conn: Conn, rows: dict[UUID, StoredRows]
) -> tuple[dict[UUID, Sequence[StoredSegment]], dict[UUID, Log]]:
    """Read the histories before these rows. Returns the segments to join, and the logs, both by document."""
    pasts = await history_queries.list_pasts(conn, {key: (one.clock, one.head) for key, one in rows.items()})
    joined: dict[UUID, Sequence[StoredSegment]] = {}
    for document_id, stored in pasts.items():
        one = rows[document_id]
        if len(stored.headers) == len(one.pending) and find_base(stored, one) is None:
            sizes = [segment.size for segment in stored.segments]
            count = count_joined(sizes, len(stored.headers), stored.headers[-1].at)
            joined[document_id] = stored.segments[len(stored.segments) - count :]
    payloads = await history_queries.list_payloads_of(conn, joined)
    logs: dict[UUID, Log] = {}
    for document_id, segments in list(joined.items()):
        earlier = payloads.get(document_id, [])
        if len(earlier) != len(segments):
            joined[document_id], earlier = [], []
        one = rows[document_id]
        logs[document_id] = Log(one.snapshot, one.pending, Past(pasts[document_id].headers, None, earlier))
    return joined, logs


def _to_rows(rows: StoredRows, folded: FoldedLog, joined: Sequence[StoredSegment]) -> FoldedRows:
    projection, segment = folded.document.projection, folded.segment
    return FoldedRows(
        expected_clock=rows.clock,
        upto=rows.head,
        snapshot=folded.document.snapshot,
        state_vector=folded.document.state_vector,
        content=find_new_content(rows, projection),
        words=projection.words,
        truncated=projection.truncated,
        has_returns="\r" in projection.content,
        kept=KeptRows(
            segment.first_seq,
            to_datetime(segment.first_at),
            to_datetime(segment.last_at),
            segment.rows,
            segment.payload,
            joined=[one.created_at for one in joined],
            removals=segment.removals,
        ),
    )
