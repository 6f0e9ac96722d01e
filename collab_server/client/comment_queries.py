"""SQL statements for comments in the client's file. The caller has begun a transaction for writing ones."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from collab_server.client.comments import CommentEntry, CommentRefusal
from collab_server.client.queries import Conn

_CREATED_HERE = "(SELECT j.document_id FROM journal j WHERE j.kind = 'create')"
"""Documents that the server does not know yet."""
_WANTED = "SELECT document_id, wanted FROM discussions WHERE wanted > 0"
_COUNT = "SELECT count(*) FROM comment_journal"
_ENTRY = "SELECT n, document_id, comment_id, kind, body, tried FROM comment_journal"


# ---- what is known of the server


def want(conn: Conn, document_id: UUID) -> None:
    """Have all comments of a document fetched."""
    conn.execute(
        "INSERT INTO discussions (document_id, wanted) VALUES (?, 1) "
        "ON CONFLICT (document_id) DO UPDATE SET wanted = wanted + 1",
        (str(document_id),),
    )


def want_again(conn: Conn, document_id: UUID) -> None:
    """Have all comments of a document fetched if they have been here."""
    conn.execute("UPDATE discussions SET wanted = wanted + 1 WHERE document_id = ?", (str(document_id),))


def is_known(conn: Conn, document_id: UUID) -> bool:
    """Whether the comments of a document are here, or will be with the next sync."""
    found = conn.execute("SELECT 1 FROM discussions WHERE document_id = ?", (str(document_id),))
    return found.fetchone() is not None


def note_news(conn: Conn, document_id: UUID, comment_id: UUID) -> None:
    """Have a comment fetched; all of its document if they have not been here. Unknown documents are left out."""
    key = str(document_id)
    listed = conn.execute("SELECT listed FROM discussions WHERE document_id = ?", (key,)).fetchone()
    if listed and listed[0]:
        conn.execute(
            "INSERT INTO comment_news (id, document_id) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET told = told + 1",
            (str(comment_id), key),
        )
    elif conn.execute("SELECT 1 FROM documents WHERE id = ?", (key,)).fetchone():
        want(conn, document_id)


def list_wanted(conn: Conn) -> list[tuple[UUID, int]]:
    """Documents whose comments are all to be fetched, with their counters."""
    rows = conn.execute(f"{_WANTED} AND document_id NOT IN {_CREATED_HERE}")
    return [(UUID(row[0]), row[1]) for row in rows]


def list_news(conn: Conn) -> list[tuple[UUID, UUID, int]]:
    """Comments to be fetched, as (document, comment, counter)."""
    rows = conn.execute("SELECT document_id, id, told FROM comment_news ORDER BY document_id, id")
    return [(UUID(row[0]), UUID(row[1]), row[2]) for row in rows]


def mark_listed(conn: Conn, document_id: UUID, wanted: int) -> None:
    """All comments of a document are here; they stay wanted if the counter has changed."""
    conn.execute(
        "UPDATE discussions SET listed = 1, wanted = CASE WHEN wanted = ? THEN 0 ELSE wanted END WHERE document_id = ?",
        (wanted, str(document_id)),
    )


def mark_fetched(conn: Conn, comment_id: UUID, told: int) -> None:
    """A comment has been fetched, unless its counter has changed."""
    conn.execute("DELETE FROM comment_news WHERE id = ? AND told = ?", (str(comment_id), told))


def list_comments(conn: Conn, document_id: UUID) -> list[dict[str, Any]]:
    rows = conn.execute("SELECT fields FROM comments WHERE document_id = ?", (str(document_id),))
    return [json.loads(row[0]) for row in rows]


def find_comment(conn: Conn, comment_id: UUID) -> dict[str, Any] | None:
    row = conn.execute("SELECT fields FROM comments WHERE id = ?", (str(comment_id),)).fetchone()
    return json.loads(row[0]) if row else None


def find_document(conn: Conn, comment_id: UUID) -> UUID | None:
    """The document of a comment that is here, sent or not."""
    row = conn.execute(
        "SELECT document_id FROM comments WHERE id = ?1 "
        "UNION ALL SELECT document_id FROM comment_journal WHERE comment_id = ?1 AND kind = 'create' LIMIT 1",
        (str(comment_id),),
    ).fetchone()
    return UUID(row[0]) if row else None


def save_comment(conn: Conn, fields: dict[str, Any]) -> None:
    """Store a comment as the server tells it, unless its document is gone."""
    conn.execute(
        "INSERT INTO comments (id, document_id, fields) SELECT ?1, ?2, ?3 "
        "WHERE EXISTS (SELECT 1 FROM documents WHERE id = ?2) "
        "ON CONFLICT (id) DO UPDATE SET document_id = excluded.document_id, fields = excluded.fields",
        (fields["id"], fields["document_id"], json.dumps(fields)),
    )


def delete_comment(conn: Conn, comment_id: UUID) -> None:
    conn.execute("DELETE FROM comments WHERE id = ?", (str(comment_id),))


def delete_comments(conn: Conn, document_id: UUID) -> None:
    conn.execute("DELETE FROM comments WHERE document_id = ?", (str(document_id),))


# ---- what waits to be sent


def append_entry(conn: Conn, document_id: UUID, comment_id: UUID, kind: str, body: dict[str, Any]) -> None:
    conn.execute(
        "INSERT INTO comment_journal (document_id, comment_id, kind, body) VALUES (?, ?, ?, ?)",
        (str(document_id), str(comment_id), kind, json.dumps(body)),
    )


def last_entry(conn: Conn) -> int:
    """The number of the last entry; 0 without one."""
    last: int = conn.execute("SELECT coalesce(max(n), 0) FROM comment_journal").fetchone()[0]
    return last


def list_entries(conn: Conn, document_id: UUID) -> list[CommentEntry]:
    """The unsent changes of a document's comments, in order."""
    rows = conn.execute(f"{_ENTRY} WHERE document_id = ? ORDER BY n", (str(document_id),))
    return [_entry(row) for row in rows]


def next_entry(conn: Conn, after: int, upto: int) -> CommentEntry | None:
    """The first unsent change after one that can be sent. Comments wait for the creation of their document."""
    statement = f"{_ENTRY} WHERE n > ? AND n <= ? AND document_id NOT IN {_CREATED_HERE} ORDER BY n LIMIT 1"
    row = conn.execute(statement, (after, upto)).fetchone()
    return _entry(row) if row else None


def count_waiting(conn: Conn) -> int:
    count: int = conn.execute(f"{_COUNT} WHERE document_id NOT IN {_CREATED_HERE}").fetchone()[0]
    return count


def mark_tried(conn: Conn, number: int) -> None:
    conn.execute("UPDATE comment_journal SET tried = 1 WHERE n = ?", (number,))


def delete_entry(conn: Conn, number: int) -> None:
    conn.execute("DELETE FROM comment_journal WHERE n = ?", (number,))


def _entry(row: Sequence[Any]) -> CommentEntry:
    return CommentEntry(row[0], UUID(row[1]), UUID(row[2]), row[3], json.loads(row[4]), tried=bool(row[5]))


# ---- what the server did not take


def insert_refusal(conn: Conn, entry: CommentEntry, code: str, detail: str, theirs: str | None) -> CommentRefusal:
    number = conn.execute(
        "INSERT INTO comment_refusals (document_id, comment_id, kind, body, code, detail, theirs) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING n",
        (str(entry.document_id), str(entry.comment_id), entry.kind, json.dumps(entry.body), code, detail, theirs),
    ).fetchone()[0]
    return next(one for one in list_refusals(conn, [number]))


def list_refusals(conn: Conn, numbers: Iterable[int] | None = None) -> list[CommentRefusal]:
    wanted = None if numbers is None else json.dumps(list(numbers))
    rows = conn.execute(
        "SELECT n, document_id, comment_id, kind, code, detail, body, theirs FROM comment_refusals "
        "WHERE ?1 IS NULL OR n IN (SELECT value FROM json_each(?1)) ORDER BY n",
        (wanted,),
    )
    return [_refusal(*row) for row in rows]


def _refusal(
    n: int, document_id: str, comment_id: str, kind: str, code: str, detail: str, body: str, theirs: str | None
) -> CommentRefusal:
    text = json.loads(body).get("content")
    return CommentRefusal(n, UUID(document_id), UUID(comment_id), kind, code, detail, text, theirs)


def take_refusal(conn: Conn, number: int) -> tuple[UUID, UUID, str, dict[str, Any], str | None] | None:
    """Delete a refusal; returns (document, comment, kind, body, theirs), None if there is none of this number."""
    row = conn.execute(
        "DELETE FROM comment_refusals WHERE n = ? RETURNING document_id, comment_id, kind, body, theirs", (number,)
    ).fetchone()
    return (UUID(row[0]), UUID(row[1]), row[2], json.loads(row[3]), row[4]) if row else None
