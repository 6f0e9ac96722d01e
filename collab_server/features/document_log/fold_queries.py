"""SQL of folds: what replaces a snapshot and the log rows after it. The functions are in migrations/objects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.core.history.segment import HistoryAuthor, author_to_json
from collab_server.core.markdown.excerpts import first_heading
from collab_server.features.document_log.checksums import compute_snapshot_checksum


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Rows for the history, as app.fold_into_history takes them: one segment. payload None: they are the snapshot, by
    `author`. joined: created_at of the stored segments that it contains. removals: the numbers of folded rows that
    perhaps removed much of the text.
    """

    first_seq: int
    first_at: datetime
    last_at: datetime
    rows: int
    payload: bytes | None
    author: HistoryAuthor | None = None
    joined: Sequence[datetime] = ()
    removals: Sequence[int] = ()


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
    kept: KeptRows | None,
) -> bool:
    """Replace the snapshot, delete the rows up to `upto` and keep them in the history. False if another fold was first.

    `content` None: unchanged. `kept` None: nothing is kept. A title without an own value follows the first heading of
    the content.
    """
    author = kept.author if kept is not None else None
    done: bool = await conn.fetchval(
        """
        SELECT CASE WHEN NOT app.fold_into_history(
                      $1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14, $15, $16, $17, $18)
                    THEN false WHEN $7 IS NULL THEN true ELSE app.follow_heading($1, $10) END
        """,
        document_id,
        expected_clock,
        upto,
        snapshot,
        state_vector,
        compute_snapshot_checksum(snapshot, state_vector),
        content,
        words,
        truncated,
        first_heading(content) if content is not None else None,
        kept and kept.first_seq,
        kept and kept.first_at,
        kept and kept.last_at,
        kept and kept.rows,
        json.dumps(author_to_json(author), ensure_ascii=False) if author is not None else None,
        kept and kept.payload,
        kept and list(kept.joined),
        kept and list(kept.removals),
    )
    return done


@dataclass(frozen=True, slots=True)
class FoldedRows:
    """What replaces a snapshot and the rows after it, up to `upto`; see fold_rows. `has_returns`: the text has carriage
    returns.
    """

    expected_clock: int
    upto: int
    snapshot: bytes
    state_vector: bytes
    content: str | None
    words: int
    truncated: bool
    has_returns: bool
    kept: KeptRows


async def fold_documents(conn: Conn, folded: Mapping[UUID, FoldedRows]) -> set[UUID]:
    """Do the same for several documents, in one transaction. Returns those that are folded; of the others another
    fold was first, or another transaction has locked them.
    """
    rows = list(folded.values())
    done: list[UUID] = await conn.fetchval(
        "SELECT app.fold_documents($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        list(folded),
        [one.expected_clock for one in rows],
        [one.upto for one in rows],
        [one.snapshot for one in rows],
        [one.state_vector for one in rows],
        [compute_snapshot_checksum(one.snapshot, one.state_vector) for one in rows],
        [one.content for one in rows],
        [one.words for one in rows],
        [one.truncated for one in rows],
        [first_heading(one.content) if one.content is not None else None for one in rows],
        [one.kept.first_seq for one in rows],
        [one.kept.first_at for one in rows],
        [one.kept.last_at for one in rows],
        [one.kept.rows for one in rows],
        [one.kept.payload for one in rows],
        ["{" + ",".join(f'"{at.isoformat()}"' for at in one.kept.joined) + "}" for one in rows],
        ["{" + ",".join(map(str, one.kept.removals)) + "}" for one in rows],
    )
    return set(done)
