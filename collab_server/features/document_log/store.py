"""A document's bytes between PostgreSQL and memory: loading, and folding the log into the snapshot."""

import hashlib
import secrets
import time
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.postgres_errors import LockTimeout
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.documents.compaction import compact as fold_bytes
from collab_server.core.documents.new_text import new_rich_document, new_text_document
from collab_server.core.documents.projection import Projection
from collab_server.core.room.entries import Stored
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge, state_vector, validate
from collab_server.errors import (
    CollabError,
    DocumentDamaged,
    Malformed,
    NotFound,
    TooMany,
    TooMuchWork,
    Unavailable,
)
from collab_server.features.document_log import damage_queries, fold_queries, history_writing, log_queries
from collab_server.features.document_log.checksums import find_damage
from collab_server.observability.logging import log

INLINE_BYTES = 65_536
"""Documents up to this size are merged where the sockets are; it takes less than asking a worker."""
LATER_INLINE_BYTES = 16_384
FOLD_ATTEMPTS = 3
LOCKED_SECONDS = 5.0
"""How long a fold is tried again while another transaction has locked the document, such as a fold of many."""


@dataclass(frozen=True, slots=True)
class State:
    """The content of a document: an update, its state vector and its text (`words` None: unknown)."""

    update: bytes
    state_vector: bytes
    content: str
    words: int | None
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything PostgreSQL has of a document. `workspace_id`: where it is. `collaborative`: it may be edited together.
    `has_text`: the server can read its content. `has_returns`: at the last fold its text had carriage returns; see
    core/documents/line_ends.py.
    """

    stored: Stored
    workspace_id: UUID
    generation: int
    collaborative: bool
    has_text: bool
    has_returns: bool


async def load(db: Database, workers: Workers, document_id: UUID) -> Loaded:
    """Raises NotFound, DocumentDamaged, Unavailable."""
    rows = await _get_rows(db, document_id)
    parts = ([rows.snapshot] if rows.snapshot else []) + rows.pending
    if rows.snapshot and rows.state_vector and not rows.pending and rows.checksum is not None:
        snapshot, clocks = rows.snapshot, rows.state_vector
    else:
        snapshot, clocks = await _merge_stored(db, workers, document_id, parts)
    stored = Stored(snapshot, clocks, rows.head, len(rows.pending), sum(map(len, rows.pending)))
    return to_loaded(stored, rows, has_returns=rows.has_returns)


def to_loaded(stored: Stored, rows: log_queries.StoredRows, *, has_returns: bool) -> Loaded:
    """Return what was read as `rows`, with the content that is stored now. `has_returns`: the text has carriage
    returns.
    """
    return Loaded(
        stored, rows.workspace_id, rows.generation, rows.collaborative, rows.has_text, has_returns and rows.has_text
    )


async def _merge_stored(db: Database, workers: Workers, document_id: UUID, parts: list[bytes]) -> tuple[bytes, bytes]:
    try:
        if sum(map(len, parts)) <= INLINE_BYTES:
            return merge_parts(parts)
        return await workers.run_within(WHOLE_DOCUMENT_SECONDS, merge_parts, parts)
    except Malformed as error:
        raise await note_damage(db, document_id, error.detail) from error


async def note_damage(db: Database, document_id: UUID, reason: str) -> DocumentDamaged:
    """Store a note for operators about unreadable bytes of a document. Return the error to raise."""
    try:
        async with db.as_service() as conn:
            news = await damage_queries.save_damage(conn, document_id, reason)
    except CollabError:
        news = True
    if news:
        log.error("a document is damaged", extra={"document": document_id, "reason": reason})
    return DocumentDamaged(reason)


def merge_parts(parts: list[bytes]) -> tuple[bytes, bytes]:
    """(all parts as one update, its state vector)"""
    whole = merge(parts)
    return whole, state_vector(whole) if whole != EMPTY_UPDATE else b"\0"


@dataclass(frozen=True, slots=True)
class Later:
    """The content of a document's log after a row, up to `head`, as one validated update."""

    generation: int
    head: int
    update: bytes
    summary: UpdateSummary


async def load_later(db: Database, workers: Workers, document_id: UUID, after: int) -> Later:
    """Raises NotFound, DocumentDamaged, Unavailable."""
    async with db.as_service() as conn:
        rows = await log_queries.find_later_rows(conn, document_id, after)
    if rows is None:
        raise NotFound("there is no such document")
    found = await find_damage(
        rows.snapshot,
        rows.state_vector,
        rows.checksum,
        first=rows.first,
        head=rows.head,
        payloads=rows.payloads,
        checksums=rows.checksums,
    )
    if found is not None:
        raise await note_damage(db, document_id, found)
    parts = ([rows.snapshot] if rows.snapshot else []) + rows.payloads
    small = sum(map(len, parts)) <= LATER_INLINE_BYTES
    try:
        update, summary = merge_and_summarize(parts) if small else await workers.run(merge_and_summarize, parts)
    except Malformed as error:
        raise await note_damage(db, document_id, error.detail) from error
    return Later(rows.generation, rows.head, update, summary)


def merge_and_summarize(parts: list[bytes]) -> tuple[bytes, UpdateSummary]:
    """Return all parts as one update, and its summary."""
    whole = merge(parts)
    return whole, validate(whole)


async def fold(db: Database, workers: Workers, document_id: UUID, *, locked: Conn | None = None) -> Loaded:
    """Fold the log into the snapshot and update the stored text. Return the stored state.

    Can run anywhere and repeatedly: if another fold was first, it starts again from its result. locked: a connection
    whose transaction has locked the document, to write with. Raises NotFound, DocumentDamaged, Unavailable.
    """
    attempts = 0
    locked_until = time.monotonic() + LOCKED_SECONDS
    while attempts < FOLD_ATTEMPTS:
        attempts += 1
        rows = await _get_rows(db, document_id)
        if not rows.pending:
            break
        snapshot, clocks, projection = await _fold_stored(db, workers, document_id, rows)
        try:
            length = len(projection.content) if projection is not None else None
            kept = await history_writing.pack(db, workers, document_id, rows, length)
        except history_writing.RowsFolded:
            continue
        content = find_new_content(rows, projection) if projection is not None else None
        async with nullcontext(locked) if locked is not None else db.as_service() as conn:
            try:
                done = await fold_queries.fold_rows(
                    conn,
                    document_id,
                    expected_clock=rows.clock,
                    upto=rows.head,
                    snapshot=snapshot,
                    state_vector=clocks,
                    content=content,
                    words=projection.words if projection else 0,
                    truncated=projection.truncated if projection else False,
                    kept=kept,
                )
            except LockTimeout:
                if locked is not None or time.monotonic() > locked_until:
                    raise
                attempts -= 1
                continue
            if done:
                has_returns = "\r" in projection.content if projection is not None else rows.has_returns
                return to_loaded(Stored(snapshot, clocks, rows.head), rows, has_returns=has_returns)
    return await load(db, workers, document_id)


async def find_state(db: Database, workers: Workers, document_id: UUID) -> State | None:
    """Return the stored state of a document, None for an empty one. Raises NotFound, DocumentDamaged, Unavailable."""
    rows = await _get_rows(db, document_id)
    if rows.snapshot is None and not rows.pending:
        return None
    async with db.as_service() as conn:
        stored = await log_queries.find_stored_text(conn, document_id)
    return _to_state(await _fold_stored(db, workers, document_id, rows), stored)


async def build_state(
    workers: Workers,
    document_id: UUID,
    snapshot: bytes | None,
    pending: list[bytes],
    stored_text: tuple[str, int | None, bool],
) -> State:
    """Merge a snapshot and later updates. `stored_text`: (text, words, whether it is cut), used if the bytes do not
    form a document. Raises Malformed for bytes that cannot be merged, Unavailable.
    """
    return _to_state(await _fold_parts(workers, document_id, snapshot, pending), stored_text)


def _to_state(folded: tuple[bytes, bytes, Projection | None], stored_text: tuple[str, int | None, bool]) -> State:
    update, clocks, projection = folded
    if projection is not None:
        return State(update, clocks, projection.content, projection.words, projection.truncated)
    return State(update, clocks, *stored_text)


async def make_state(workers: Workers, text: str, *, rich_text: bool = False) -> State | None:
    """Make the state of a new document with this text; `rich_text`: with the nodes of this Markdown. None for an empty
    text. Raises Unavailable; for rich text also TooMuchWork, UnprocessableContent.
    """
    if not text and not rich_text:
        return None
    make = new_rich_document if rich_text else new_text_document
    folded = await workers.run(make, text, secrets.randbelow(2**31 - 1) + 1)
    projected = folded.projection
    return State(folded.snapshot, folded.state_vector, projected.content, projected.words, projected.truncated)


async def _fold_stored(
    db: Database, workers: Workers, document_id: UUID, rows: log_queries.StoredRows
) -> tuple[bytes, bytes, Projection | None]:
    """Like `_fold_parts`, for stored rows. Raises DocumentDamaged, Unavailable."""
    try:
        return await _fold_parts(workers, document_id, rows.snapshot, rows.pending)
    except Malformed as broken:
        raise await note_damage(db, document_id, broken.detail) from broken


async def _fold_parts(
    workers: Workers, document_id: UUID, snapshot: bytes | None, pending: list[bytes]
) -> tuple[bytes, bytes, Projection | None]:
    """Return (snapshot, state vector, projection). The projection is None if the bytes do not form a document."""
    try:
        folded = await workers.run_within(WHOLE_DOCUMENT_SECONDS, fold_bytes, snapshot, pending)
    except (Unavailable, TooMany, TooMuchWork):
        raise
    except Exception as error:
        # An update can be sound by itself and yet impossible here (an item inside a character, say). Its bytes are kept
        # for clients, which read more than pycrdt does; the stored text stays as it was.
        log.error("a document cannot be read", extra={"document": document_id, "error": repr(error)})
        parts = ([snapshot] if snapshot else []) + pending
        return *await workers.run_within(WHOLE_DOCUMENT_SECONDS, merge_parts, parts), None
    return folded.snapshot, folded.state_vector, folded.projection


async def _get_rows(db: Database, document_id: UUID) -> log_queries.StoredRows:
    async with db.as_service() as conn:
        rows = await log_queries.find_rows(conn, document_id)
    if rows is None:
        raise NotFound("there is no such document")
    if (found := await find_damage_in(rows)) is not None:
        raise await note_damage(db, document_id, found)
    return rows


async def find_damage_in(rows: log_queries.StoredRows) -> str | None:
    """Describe the damage in what was read. None: no damage."""
    return await find_damage(
        rows.snapshot,
        rows.state_vector,
        rows.checksum,
        first=rows.clock + 1,
        head=rows.head,
        payloads=rows.pending,
        checksums=rows.checksums,
    )


def find_new_content(rows: log_queries.StoredRows, projection: Projection) -> str | None:
    """Return the text that a fold stores. None: it is stored already."""
    same = hashlib.sha256(projection.content.encode()).hexdigest() == rows.content_hash
    # Content beyond the depth limit changes only `truncated`.
    return None if same and projection.truncated == rows.truncated else projection.content
