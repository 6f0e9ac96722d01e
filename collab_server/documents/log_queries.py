"""SQL of the log: append, load, fold. See migrations/versions/0003_log.py for the functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.db import Conn

LogConnection = Conn


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of document_updates: one author's edits of one commit."""

    document_id: UUID
    payload: bytes
    user_id: UUID | None
    clients: tuple[int, ...]
    device: str | None


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A document as one statement saw it: the snapshot up to `clock`, and the rows after it."""

    generation: int
    snapshot: bytes | None
    clock: int
    head: int
    pending: list[bytes]
    content_hash: str


async def append_updates(conn: Conn, rows: Sequence[LogRow], timeout: float) -> dict[UUID, int]:  # noqa: ASYNC109
    """Append the rows in one transaction; document id -> its last log number. Documents that are gone are left out.

    Raises TimeoutError after `timeout` seconds; whether the rows were committed is then unknown.
    """
    heads = await conn.fetch(
        "SELECT document_id, head_seq FROM app.append_updates($1, $2, $3, $4, $5)",
        [row.document_id for row in rows],
        [row.payload for row in rows],
        [row.user_id for row in rows],
        ["{" + ",".join(map(str, row.clients)) + "}" for row in rows],
        [row.device for row in rows],
        timeout=timeout,
    )
    return {head["document_id"]: head["head_seq"] for head in heads}


async def find_rows(conn: Conn, document_id: UUID) -> StoredRows | None:
    """The document's snapshot and log, from one snapshot of the database."""
    row = await conn.fetchrow(
        """
        SELECT l.generation, l.yjs_state, l.yjs_clock, l.head_seq, l.pending,
               (SELECT content_hash FROM documents WHERE id = $1) AS content_hash
        FROM app.load_document($1) l
        """,
        document_id,
    )
    if row is None:
        return None
    return StoredRows(
        row["generation"],
        row["yjs_state"],
        row["yjs_clock"],
        row["head_seq"],
        list(row["pending"]),
        row["content_hash"],
    )


async def fold_rows(
    conn: Conn,
    document_id: UUID,
    *,
    expected_clock: int,
    upto: int,
    snapshot: bytes,
    state_vector: bytes,
    content: str | None,
    words: int,
    truncated: bool,
) -> bool:
    """Replace the snapshot and drop the rows up to `upto`; False if another fold was first. `content` None:
    unchanged.
    """
    done: bool = await conn.fetchval(
        "SELECT app.compact_document($1, $2, $3, $4, $5, $6, $7, $8)",
        document_id,
        expected_clock,
        upto,
        snapshot,
        state_vector,
        content,
        words,
        truncated,
    )
    return done


async def list_backlog(conn: Conn, limit: int) -> list[UUID]:
    """Documents with rows that are not folded, longest log first."""
    rows = await conn.fetch("SELECT document_id FROM app.compaction_backlog(1, $1)", limit)
    return [row["document_id"] for row in rows]


async def refresh_search(conn: Conn, limit: int) -> int:
    """Index up to `limit` queued changes for search; returns how many documents that were."""
    count: int = await conn.fetchval("SELECT app.refresh_search($1)", limit)
    return count
