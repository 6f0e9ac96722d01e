"""SQL of the log: append, load, fold. The functions are in migrations/objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row
from collab_server.features.document_log.checksums import compute_row_checksum

LogConnection = Conn


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of document_updates: one author's edits of one commit."""

    document_id: UUID
    payload: bytes
    user_id: UUID | None
    clients: tuple[int, ...]
    device: str | None
    author: str | None = None
    """What the other columns do not say of the author, see authors.py."""
    generation: int | None = None
    """The generation that it edits; None: whichever is there."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A document as one statement saw it: the snapshot up to `clock`, and the rows after it."""

    workspace_id: UUID
    generation: int
    snapshot: bytes | None
    state_vector: bytes | None
    clock: int
    head: int
    pending: list[bytes]
    checksum: int | None
    """Checksum of the snapshot and the state vector; None if an older version wrote them."""
    checksums: list[int | None]
    """Checksums of the pending rows; None for rows of an older version."""
    content_hash: str
    truncated: bool
    """The text of the last fold ends before the document does."""
    collaborative: bool
    has_text: bool
    has_returns: bool
    """The text of the last fold has a carriage return in it."""


async def append_rows(
    conn: Conn,
    rows: Sequence[LogRow],
    timeout: float,  # noqa: ASYNC109
    *,
    wait: bool = True,
) -> dict[UUID, int | None]:
    """Append the rows in one transaction. Return the last log number by document id, without documents that are
    deleted or of another generation.

    `wait` False: skip documents locked by another transaction; their number is None. Raises TimeoutError after
    `timeout` seconds; the outcome of the commit is then unknown.
    """
    heads = await conn.fetch(
        "SELECT document_id, head_seq FROM app.append_edits($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [row.document_id for row in rows],
        [row.payload for row in rows],
        [compute_row_checksum(row.payload) for row in rows],
        [row.user_id for row in rows],
        ["{" + ",".join(map(str, row.clients)) + "}" for row in rows],
        [row.device for row in rows],
        [row.author for row in rows],
        [row.generation for row in rows],
        wait,
        timeout=timeout,
    )
    return {head["document_id"]: head["head_seq"] for head in heads}


async def list_present(conn: Conn, document_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the documents that are not deleted."""
    rows = await conn.fetch(
        "SELECT id FROM documents WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL", list(document_ids)
    )
    return {row["id"] for row in rows}


async def find_rows(conn: Conn, document_id: UUID) -> StoredRows | None:
    """The document's snapshot and log, from one snapshot of the database."""
    return (await list_rows(conn, [document_id])).get(document_id)


async def list_rows(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, StoredRows]:
    """The snapshots and logs of documents, from one snapshot of the database. Deleted documents are left out."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.workspace_id, d.generation, d.yjs_state, d.yjs_state_vector, d.yjs_clock, h.head_seq,
               ARRAY(SELECT u.payload FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS pending,
               CASE WHEN h.snapshot_clock = d.yjs_clock THEN h.snapshot_checksum END AS checksum,
               ARRAY(SELECT u.checksum FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS checksums, d.content_hash,
               d.content_truncated,
               d.type <> 'password' AND d.settings -> 'collaboration' IS DISTINCT FROM 'false' AS collaborative,
               d.type <> 'password' AS has_text,
               coalesce(d.content_has_returns, position(chr(13) IN d.content) > 0) AS has_returns
        FROM documents d JOIN document_heads h ON h.document_id = d.id
        WHERE d.id = ANY ($1::uuid[]) AND d.deleted_at IS NULL
        """,
        list(document_ids),
    )
    return {row["id"]: _to_stored_rows(row) for row in rows}


def _to_stored_rows(row: Row) -> StoredRows:
    return StoredRows(
        row["workspace_id"],
        row["generation"],
        row["yjs_state"],
        row["yjs_state_vector"],
        row["yjs_clock"],
        row["head_seq"],
        list(row["pending"]),
        row["checksum"],
        list(row["checksums"]),
        row["content_hash"],
        row["content_truncated"],
        row["collaborative"],
        row["has_text"],
        row["has_returns"],
    )


@dataclass(frozen=True, slots=True)
class LaterRows:
    """The content of a document after a row of its log. `snapshot`: given if later rows are already folded. `first`:
    the number of the first of `payloads`. Checksums: see StoredRows.
    """

    generation: int
    head: int
    snapshot: bytes | None
    state_vector: bytes | None
    checksum: int | None
    first: int
    payloads: list[bytes]
    checksums: list[int | None]


async def find_later_rows(conn: Conn, document_id: UUID, after: int) -> LaterRows | None:
    """Find rows after a number of the log, in one statement and so in one snapshot. None: the document is deleted."""
    row = await conn.fetchrow(
        """
        SELECT d.generation, h.head_seq, CASE WHEN d.yjs_clock > $2 THEN d.yjs_state END AS snapshot,
               CASE WHEN d.yjs_clock > $2 THEN d.yjs_state_vector END AS state_vector,
               CASE WHEN d.yjs_clock > $2 AND h.snapshot_clock = d.yjs_clock THEN h.snapshot_checksum END AS checksum,
               greatest($2, d.yjs_clock) + 1 AS first,
               ARRAY(SELECT u.payload FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > greatest($2, d.yjs_clock) ORDER BY u.seq) AS payloads,
               ARRAY(SELECT u.checksum FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > greatest($2, d.yjs_clock) ORDER BY u.seq) AS checksums
        FROM documents d JOIN document_heads h ON h.document_id = d.id
        WHERE d.id = $1 AND d.deleted_at IS NULL
        """,
        document_id,
        after,
    )
    return LaterRows(*row) if row else None


async def list_heads(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last row number of each document's log."""
    rows = await conn.fetch(
        "SELECT document_id, head_seq FROM document_heads WHERE document_id = ANY ($1::uuid[])", document_ids
    )
    return {row["document_id"]: row["head_seq"] for row in rows}


async def find_stored_text(conn: Conn, document_id: UUID) -> tuple[str, int | None, bool]:
    """(text, words, whether it is cut) as the last fold left them."""
    row = await conn.fetchrow("SELECT content, word_count, content_truncated FROM documents WHERE id = $1", document_id)
    return (row[0], row[1], row[2]) if row else ("", None, False)


async def list_with_returns(conn: Conn, after: UUID, limit: int) -> tuple[list[UUID], UUID | None]:
    """Return the ids of documents with carriage returns among the `limit` documents after this id, and the last
    examined id (None at the end). Reads texts stored by versions without a flag for them.
    """
    rows = await conn.fetch(
        """
        SELECT id, coalesce(content_has_returns, position(chr(13) IN content) > 0) AND type <> 'password' AS found
        FROM documents WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2
        """,
        after,
        limit,
    )
    return [row["id"] for row in rows if row["found"]], rows[-1]["id"] if rows else None


async def list_backlog(
    conn: Conn, limit: int, but: Sequence[UUID] = (), *, older_than: float | None = None
) -> list[UUID]:
    """List documents with unfolded rows, except `but`, the longest log first. `older_than`: only those whose oldest
    such row is older than so many seconds.
    """
    rows = await conn.fetch(
        """
        SELECT b.document_id FROM app.compaction_backlog(1, CASE WHEN $4::float8 IS NULL THEN $1::integer END) b
        WHERE b.document_id <> ALL ($2::uuid[]) AND ($4::float8 IS NULL OR EXISTS (
          SELECT FROM documents d JOIN document_updates u ON u.document_id = d.id AND u.seq = d.yjs_clock + 1
          WHERE d.id = b.document_id AND u.created_at < now() - $4::float8 * interval '1 second'))
        LIMIT $3
        """,
        limit + len(but),
        list(but),
        limit,
        older_than,
    )
    return [row["document_id"] for row in rows]


async def list_small(conn: Conn, document_ids: Sequence[UUID], size: int) -> list[UUID]:
    """List those of the documents whose snapshot and log have at most so many bytes together."""
    rows = await conn.fetch(
        """
        SELECT d.id FROM documents d WHERE d.id = ANY ($1::uuid[])
          AND coalesce(octet_length(d.yjs_state), 0)
            + (SELECT coalesce(sum(octet_length(u.payload)), 0) FROM document_updates u WHERE u.document_id = d.id)
            <= $2
        """,
        list(document_ids),
        size,
    )
    return [row["id"] for row in rows]


async def refresh_search(conn: Conn, limit: int) -> int:
    """Index up to `limit` queued changes for search. Return the number of documents."""
    count: int = await conn.fetchval("SELECT app.refresh_search($1)", limit)
    return count
