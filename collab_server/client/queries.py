"""SQL statements for the client's file. The caller has begun a transaction for writing ones."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Conn = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class Row:
    """A document without its content."""

    id: UUID
    workspace_id: UUID
    fields: dict[str, Any]
    row_version: int
    generation: int | None
    seq: int
    client_id: int
    dirty: int
    folded: int
    removed: bool
    refused: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry: an update (`payload`), or a mutation (`body`)."""

    n: int
    document_id: UUID
    kind: str
    payload: bytes
    body: dict[str, Any]


def get_meta(conn: Conn, key: str) -> str | None:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def set_meta(conn: Conn, key: str, value: str) -> None:
    conn.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))


def delete_meta(conn: Conn, key: str) -> None:
    conn.execute("DELETE FROM meta WHERE key = ?", (key,))


_ROW = "SELECT id, workspace_id, fields, row_version, generation, seq, client_id, dirty, folded, removed, refused "
_ROW += "FROM documents"


def _row(row: Sequence[Any]) -> Row:
    version, generation, seq, client_id, dirty, folded, removed, refused = row[3:]
    fields = json.loads(row[2])
    place = (version, generation, seq, client_id, dirty, folded)
    return Row(UUID(row[0]), UUID(row[1]), fields, *place, removed=bool(removed), refused=refused)


def find_document(conn: Conn, document_id: UUID) -> Row | None:
    row = conn.execute(f"{_ROW} WHERE id = ?", (str(document_id),)).fetchone()
    return _row(row) if row else None


def list_documents(conn: Conn) -> list[Row]:
    return [_row(row) for row in conn.execute(_ROW)]


def list_dirty(conn: Conn, limit: int) -> list[Row]:
    """Documents with news on the server or without a first pull, except those not yet sent to the server."""
    rows = conn.execute(
        f"{_ROW} WHERE dirty > 0 AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.document_id = documents.id "
        "AND j.kind = 'create') ORDER BY id LIMIT ?",
        (limit,),
    )
    return [_row(row) for row in rows]


def count_dirty(conn: Conn) -> int:
    count: int = conn.execute("SELECT count(*) FROM documents WHERE dirty > 0").fetchone()[0]
    return count


def insert_document(conn: Conn, document_id: UUID, workspace_id: UUID, client_id: int) -> None:
    """Insert a document, unless it exists."""
    conn.execute(
        "INSERT INTO documents (id, workspace_id, client_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (str(document_id), str(workspace_id), client_id),
    )


def mark_dirty(conn: Conn, document_id: UUID) -> None:
    conn.execute("UPDATE documents SET dirty = dirty + 1 WHERE id = ?", (str(document_id),))


def mark_clean(conn: Conn, document_id: UUID, dirty: int) -> None:
    """Mark a document as clean, unless its `dirty` counter has changed."""
    conn.execute("UPDATE documents SET dirty = 0 WHERE id = ? AND dirty = ?", (str(document_id), dirty))


def set_place(conn: Conn, document_id: UUID, generation: int, seq: int) -> None:
    conn.execute("UPDATE documents SET generation = ?, seq = ? WHERE id = ?", (generation, seq, str(document_id)))


def set_fields(conn: Conn, document_id: UUID, workspace_id: UUID, fields: dict[str, Any], row_version: int) -> None:
    conn.execute(
        "UPDATE documents SET workspace_id = ?, fields = ?, row_version = ? WHERE id = ?",
        (str(workspace_id), json.dumps(fields), row_version, str(document_id)),
    )


def set_refused(conn: Conn, document_id: UUID, code: str | None) -> None:
    conn.execute("UPDATE documents SET refused = ? WHERE id = ?", (code, str(document_id)))


def accept_again(conn: Conn, workspace_id: UUID) -> None:
    """Retry forbidden documents of a workspace after a change of its rights."""
    conn.execute(
        "UPDATE documents SET refused = NULL WHERE workspace_id = ? AND refused = 'forbidden'", (str(workspace_id),)
    )


def set_removed(conn: Conn, document_id: UUID, *, removed: bool) -> None:
    conn.execute("UPDATE documents SET removed = ? WHERE id = ?", (removed, str(document_id)))


def delete_document(conn: Conn, document_id: UUID) -> None:
    conn.execute("DELETE FROM documents WHERE id = ?", (str(document_id),))


def reset_document(conn: Conn, document_id: UUID, client_id: int) -> None:
    """Delete the content of a document and its journal entries."""
    key = (str(document_id),)
    conn.execute("DELETE FROM tail WHERE document_id = ?", key)
    conn.execute("DELETE FROM journal WHERE document_id = ? AND kind = 'update'", key)
    conn.execute(
        "UPDATE documents SET snapshot = x'0000', generation = NULL, seq = 0, client_id = ?, dirty = dirty + 1, "
        "refused = NULL WHERE id = ?",
        (client_id, *key),
    )


def read_content(conn: Conn, document_id: UUID, after: int = -1) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The snapshot, and the numbered updates after it; with `after`, only updates with higher numbers."""
    key = str(document_id)
    snapshot = conn.execute("SELECT snapshot FROM documents WHERE id = ?", (key,)).fetchone()[0] if after < 0 else b""
    tail = conn.execute("SELECT n, payload FROM tail WHERE document_id = ? AND n > ? ORDER BY n", (key, after))
    return snapshot, tail.fetchall()


def append_tail(conn: Conn, document_id: UUID, payload: bytes) -> int:
    cursor = conn.execute("INSERT INTO tail (document_id, payload) VALUES (?, ?)", (str(document_id), payload))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def count_tail(conn: Conn, document_id: UUID) -> int:
    count: int = conn.execute("SELECT count(*) FROM tail WHERE document_id = ?", (str(document_id),)).fetchone()[0]
    return count


def fold_tail(conn: Conn, document_id: UUID, snapshot: bytes, upto: int) -> None:
    key = str(document_id)
    conn.execute("UPDATE documents SET snapshot = ?, folded = ? WHERE id = ?", (snapshot, upto, key))
    conn.execute("DELETE FROM tail WHERE document_id = ? AND n <= ?", (key, upto))


def append_journal(
    conn: Conn, document_id: UUID, kind: str, payload: bytes | None = None, body: dict[str, Any] | None = None
) -> None:
    conn.execute(
        "INSERT INTO journal (document_id, kind, payload, body) VALUES (?, ?, ?, ?)",
        (str(document_id), kind, payload, None if body is None else json.dumps(body)),
    )


def last_entry(conn: Conn) -> int:
    """The number of the last journal entry; 0 for an empty journal."""
    last: int = conn.execute("SELECT coalesce(max(n), 0) FROM journal").fetchone()[0]
    return last


def list_journal(conn: Conn, upto: int, limit: int) -> list[Entry]:
    """The entries to push, in order."""
    rows = conn.execute(
        "SELECT j.n, j.document_id, j.kind, j.payload, j.body FROM journal j JOIN documents d ON d.id = j.document_id "
        "WHERE j.n <= ? AND d.refused IS NULL ORDER BY j.n LIMIT ?",
        (upto, limit),
    )
    return [_entry(row) for row in rows]


def list_mutations(conn: Conn, document_id: UUID | None = None) -> list[Entry]:
    """Pending mutations of one document, or of all."""
    key = None if document_id is None else str(document_id)
    rows = conn.execute(
        "SELECT n, document_id, kind, payload, body FROM journal "
        "WHERE kind <> 'update' AND (?1 IS NULL OR document_id = ?1) ORDER BY n",
        (key,),
    )
    return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(row[0], UUID(row[1]), row[2], row[3] or b"", json.loads(row[4]) if row[4] else {})


def delete_entries(conn: Conn, numbers: Iterable[int]) -> None:
    conn.executemany("DELETE FROM journal WHERE n = ?", [(n,) for n in numbers])


def count_waiting(conn: Conn) -> int:
    """The number of entries to push."""
    waiting = "SELECT count(*) FROM journal j JOIN documents d ON d.id = j.document_id WHERE d.refused IS NULL"
    count: int = conn.execute(waiting).fetchone()[0]
    return count


def count_entries(conn: Conn, document_id: UUID) -> int:
    count: int = conn.execute("SELECT count(*) FROM journal WHERE document_id = ?", (str(document_id),)).fetchone()[0]
    return count


def insert_rescued(conn: Conn, document_id: UUID, title: str, reason: str, content: str | None) -> None:
    conn.execute(
        "INSERT INTO rescued (document_id, title, reason, content) VALUES (?, ?, ?, ?)",
        (str(document_id), title, reason, content),
    )


def list_rescued(conn: Conn) -> list[tuple[int, UUID, str, str, str | None]]:
    rows = conn.execute("SELECT n, document_id, title, reason, content FROM rescued ORDER BY n")
    return [(row[0], UUID(row[1]), row[2], row[3], row[4]) for row in rows]


def data_version(conn: Conn) -> int:
    """A number that changes with commits of other processes."""
    version: int = conn.execute("PRAGMA data_version").fetchone()[0]
    return version
