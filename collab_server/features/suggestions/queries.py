"""SQL of suggestions. Functions whose transaction is of a user are bound by row-level security."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row

MAX_UNDECIDED: Final = 1000
"""Suggestions of one document that nobody has decided on."""

Status = Literal["open", "accepted", "rejected", "stale"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`hunks`: see core/suggestions. `accepted`, `rejected`, `stale`: numbers of hunks."""

    id: UUID
    document_id: UUID
    author_id: UUID | None
    author_kind: str
    author_name: str | None
    message: str | None
    status: Status
    hunks: list[dict[str, Any]]
    generation: int
    accepted: list[int]
    rejected: list[int]
    stale: list[int]
    decided_by: UUID | None
    decided_at: datetime | None
    seq: int | None
    created_at: datetime
    updated_at: datetime
    row_version: int

    @property
    def undecided(self) -> list[int]:
        decided = {*self.accepted, *self.rejected}
        return [index for index in range(len(self.hunks)) if index not in decided]


@dataclass(frozen=True, slots=True)
class NewSuggestion:
    """`id`: chosen by the client, or None."""

    id: UUID | None
    author_id: UUID | None
    author_kind: str
    author_name: str | None
    message: str | None
    hunks: list[dict[str, Any]]
    generation: int


def _to_suggestion(row: Row) -> Suggestion:
    values = {field.name: row[field.name] for field in fields(Suggestion)}
    return Suggestion(**{**values, "hunks": json.loads(row["hunks"])})


async def insert_suggestion(conn: Conn, document_id: UUID, new: NewSuggestion) -> Suggestion | None:
    """Insert a suggestion. None: its id is taken, the document is gone or of another generation, or it has
    MAX_UNDECIDED.
    """
    row = await conn.fetchrow(
        """
        INSERT INTO suggestions (id, document_id, workspace_id, author_id, author_kind, author_name, message, hunks,
                                 generation)
        SELECT coalesce($2, gen_random_uuid()), d.id, d.workspace_id, $3, $4, $5, $6, $7::jsonb, $8 FROM documents d
        WHERE d.id = $1 AND d.deleted_at IS NULL AND d.generation = $8 AND $9 >
          (SELECT count(*) FROM suggestions s WHERE s.document_id = d.id AND s.status IN ('open', 'stale'))
        ON CONFLICT (id) DO NOTHING RETURNING *
        """,
        document_id,
        new.id,
        new.author_id,
        new.author_kind,
        new.author_name,
        new.message,
        json.dumps(new.hunks, ensure_ascii=False),
        new.generation,
        MAX_UNDECIDED,
    )
    return _to_suggestion(row) if row else None


async def count_undecided(conn: Conn, document_id: UUID) -> int:
    """Count the suggestions of a document that nobody has decided on."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM suggestions WHERE document_id = $1 AND status IN ('open', 'stale')", document_id
    )
    return count


async def find_suggestion(conn: Conn, suggestion_id: UUID) -> Suggestion | None:
    """Find a suggestion that the transaction may see."""
    row = await conn.fetchrow("SELECT * FROM suggestions WHERE id = $1", suggestion_id)
    return _to_suggestion(row) if row else None


async def find_settled(conn: Conn, suggestion_id: UUID) -> Suggestion | None:
    """Find a suggestion after the end of a transaction that changes it now."""
    row = await conn.fetchrow("SELECT * FROM suggestions WHERE id = $1 FOR SHARE", suggestion_id)
    return _to_suggestion(row) if row else None


async def list_suggestions(
    conn: Conn,
    document_id: UUID,
    statuses: Sequence[str],
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Suggestion]:
    """List suggestions of a document, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT * FROM suggestions
        WHERE document_id = $1 AND status = ANY ($2) AND ($4::timestamptz IS NULL OR (created_at, id) > ($4, $5::uuid))
        ORDER BY created_at, id LIMIT $3
        """,
        document_id,
        list(statuses),
        limit,
        *(after or (None, None)),
    )
    return [_to_suggestion(row) for row in rows]


async def list_undecided_ids(conn: Conn, document_id: UUID) -> list[UUID]:
    """List the suggestions of a document that nobody has decided on, the oldest first."""
    rows = await conn.fetch(
        "SELECT id FROM suggestions WHERE document_id = $1 AND status IN ('open', 'stale') ORDER BY created_at, id",
        document_id,
    )
    return [row["id"] for row in rows]


async def lock_decisions(conn: Conn, document_id: UUID) -> None:
    """Let nobody else decide on suggestions of a document, on any server, until the end of the transaction.

    The rows stay free: the edit that accepts one changes it in its own transaction.
    """
    # An edit may take longer than a transaction may usually be idle.
    await conn.execute(
        "SELECT set_config('idle_in_transaction_session_timeout', '0', true), "
        "pg_advisory_xact_lock(hashtextextended('suggestions ' || $1::uuid::text, 0))",
        document_id,
    )


async def update_proposal(
    conn: Conn, suggestion_id: UUID, message: str | None, hunks: list[dict[str, Any]] | None, generation: int | None
) -> Suggestion | None:
    """Set the message and, if given, new hunks. None: the transaction may not."""
    row = await conn.fetchrow(
        """
        UPDATE suggestions SET message = $2, hunks = coalesce($3::jsonb, hunks), generation = coalesce($4, generation),
          stale = CASE WHEN $3 IS NULL THEN stale ELSE '{}' END
        WHERE id = $1 RETURNING *
        """,
        suggestion_id,
        message,
        json.dumps(hunks, ensure_ascii=False) if hunks is not None else None,
        generation,
    )
    return _to_suggestion(row) if row else None


async def reject_hunks(conn: Conn, suggestion_id: UUID, hunks: Sequence[int], by: UUID | None) -> Suggestion | None:
    """Reject hunks. None: the transaction may not."""
    row = await conn.fetchrow(
        "UPDATE suggestions SET rejected = rejected || $2::integer[], decided_by = $3 WHERE id = $1 RETURNING *",
        suggestion_id,
        list(hunks),
        by,
    )
    return _to_suggestion(row) if row else None


async def delete_suggestion(conn: Conn, suggestion_id: UUID) -> bool:
    """Delete a suggestion. False: the transaction may not."""
    return (await conn.execute("DELETE FROM suggestions WHERE id = $1", suggestion_id)) == "DELETE 1"


async def save_pending(conn: Conn, suggestion_id: UUID, hunks: Sequence[int]) -> None:
    """Note the hunks that the next row of the log for this suggestion accepts."""
    await conn.execute("UPDATE suggestions SET pending = $2 WHERE id = $1", suggestion_id, list(hunks))


async def save_accepted(conn: Conn, suggestion_id: UUID, hunks: Sequence[int], by: UUID | None, seq: int) -> None:
    """Mark hunks as accepted whose edit changes nothing."""
    await conn.execute(
        "UPDATE suggestions SET accepted = accepted || $2::integer[], pending = NULL, decided_by = $3, seq = $4 "
        "WHERE id = $1",
        suggestion_id,
        list(hunks),
        by,
        seq,
    )


async def save_stale(conn: Conn, found: Sequence[tuple[Suggestion, Sequence[int]]]) -> None:
    """Save which hunks do not fit, of suggestions that nobody has changed since they were read."""
    await conn.executemany(
        "UPDATE suggestions SET stale = $3 WHERE id = $1 AND row_version = $2 AND generation = $4",
        [(one.id, one.row_version, list(stale), one.generation) for one, stale in found],
    )


async def list_to_carry_over(conn: Conn, document_id: UUID) -> list[tuple[UUID, list[dict[str, Any]]]]:
    """List (id, hunks) of the undecided suggestions of a document, and lock them."""
    rows = await conn.fetch(
        "SELECT id, hunks FROM suggestions WHERE document_id = $1 AND status IN ('open', 'stale') "
        "ORDER BY id FOR NO KEY UPDATE",
        document_id,
    )
    return [(row["id"], json.loads(row["hunks"])) for row in rows]


async def save_carried_over(
    conn: Conn, suggestions: Sequence[tuple[UUID, list[dict[str, Any]]]], generation: int
) -> None:
    """Save hunks that refer to another generation of their document."""
    await conn.executemany(
        "UPDATE suggestions SET hunks = $2::jsonb, generation = $3 WHERE id = $1",
        [(one, json.dumps(hunks, ensure_ascii=False), generation) for one, hunks in suggestions],
    )


async def find_type(conn: Conn, document_id: UUID) -> str | None:
    """Find the type of a document; None: it is gone."""
    kind: str | None = await conn.fetchval("SELECT type FROM documents WHERE id = $1", document_id)
    return kind


async def find_generation(conn: Conn, document_id: UUID) -> int | None:
    """Find the generation of a document that the transaction may see; None: there is none."""
    generation: int | None = await conn.fetchval(
        "SELECT generation FROM documents WHERE id = $1 AND deleted_at IS NULL", document_id
    )
    return generation
