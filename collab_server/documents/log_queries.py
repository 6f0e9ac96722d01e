"""SQL of the log: append, load, fold. See migrations/versions/0003_log.py and 0027_checksums.py for the functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.backends.db import Conn
from collab_server.documents.checksums import checksum_of_row, checksum_of_snapshot
from collab_server.documents.excerpts import first_heading

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
    state_vector: bytes | None
    clock: int
    head: int
    pending: list[bytes]
    checksum: int | None
    """Of the snapshot and the state vector; None: an older version wrote them."""
    checksums: list[int | None]
    """Of the pending rows; None: an older version wrote the row."""
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
    """Append the rows in one transaction; document id -> its last log number. Documents that are gone are left out.

    `wait` False: nothing is appended to documents that another transaction has locked; their number is None.
    Raises TimeoutError after `timeout` seconds; whether the rows were committed is then unknown.
    """
    heads = await conn.fetch(
        "SELECT document_id, head_seq FROM app.append_rows($1, $2, $3, $4, $5, $6, $7)",
        [row.document_id for row in rows],
        [row.payload for row in rows],
        [checksum_of_row(row.payload) for row in rows],
        [row.user_id for row in rows],
        ["{" + ",".join(map(str, row.clients)) + "}" for row in rows],
        [row.device for row in rows],
        wait,
        timeout=timeout,
    )
    return {head["document_id"]: head["head_seq"] for head in heads}


async def find_rows(conn: Conn, document_id: UUID) -> StoredRows | None:
    """The document's snapshot and log, from one snapshot of the database."""
    row = await conn.fetchrow(
        """
        SELECT d.generation, d.yjs_state, d.yjs_state_vector, d.yjs_clock, h.head_seq,
               ARRAY(SELECT u.payload FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS pending,
               CASE WHEN h.snapshot_clock = d.yjs_clock THEN h.snapshot_checksum END AS checksum,
               ARRAY(SELECT u.checksum FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS checksums, d.content_hash,
               d.content_truncated,
               d.type <> 'password' AND d.settings -> 'collaboration' IS DISTINCT FROM 'false' AS collaborative,
               d.type <> 'password' AS has_text, position(chr(13) IN d.content) > 0 AS has_returns
        FROM documents d JOIN document_heads h ON h.document_id = d.id WHERE d.id = $1 AND d.deleted_at IS NULL
        """,
        document_id,
    )
    if row is None:
        return None
    return StoredRows(
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
    """What a document has beyond a row of its log: `snapshot` where the rows after that one are folded already.

    `first`: the number of the first of `payloads`. Checksums: see StoredRows.
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
    """One statement, so one state of the database. None: the document is gone."""
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


async def fold_rows(
    conn: Conn,
    document_id: UUID,
    *,
    expected_clock: int,
    upto: int,
    snapshot: bytes,
    state_vector: bytes,
    content: str | None,
    words: int | None,
    truncated: bool,
) -> bool:
    """Replace the snapshot and drop the rows up to `upto`; False if another fold was first. `content` None:
    unchanged. A title that nobody has set follows the content's first heading.
    """
    done: bool = await conn.fetchval(
        """
        SELECT CASE WHEN NOT app.fold_document($1, $2, $3, $4, $5, $6, $7, $8, $9) THEN false
                    WHEN $7 IS NULL THEN true ELSE app.follow_heading($1, $10) END
        """,
        document_id,
        expected_clock,
        upto,
        snapshot,
        state_vector,
        checksum_of_snapshot(snapshot, state_vector),
        content,
        words,
        truncated,
        first_heading(content) if content is not None else None,
    )
    return done


async def find_stored_text(conn: Conn, document_id: UUID) -> tuple[str, int | None, bool]:
    """(text, words, whether it is cut) as the last fold left them."""
    row = await conn.fetchrow("SELECT content, word_count, content_truncated FROM documents WHERE id = $1", document_id)
    return (row[0], row[1], row[2]) if row else ("", None, False)


async def list_with_returns(conn: Conn, after: UUID, limit: int) -> tuple[list[UUID], UUID | None]:
    """(of the `limit` documents after this id those whose text has a carriage return, the last id that was looked at);
    None: there are no more. It reads whole texts.
    """
    rows = await conn.fetch(
        """
        SELECT id, position(chr(13) IN content) > 0 AND type <> 'password' AS found
        FROM documents WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2
        """,
        after,
        limit,
    )
    return [row["id"] for row in rows if row["found"]], rows[-1]["id"] if rows else None


async def list_backlog(conn: Conn, limit: int, but: Sequence[UUID] = ()) -> list[UUID]:
    """Documents with rows that are not folded, `but` for these; longest log first."""
    rows = await conn.fetch(
        "SELECT document_id FROM app.compaction_backlog(1, $1) WHERE document_id <> ALL ($2::uuid[]) LIMIT $3",
        limit + len(but),
        list(but),
        limit,
    )
    return [row["document_id"] for row in rows]


async def refresh_search(conn: Conn, limit: int) -> int:
    """Index up to `limit` queued changes for search; returns how many documents that were."""
    count: int = await conn.fetchval("SELECT app.refresh_search($1)", limit)
    return count
