"""Log rows of the edits in one commit."""

from uuid import UUID

from collab_server.core.room.entries import Author, Entry
from collab_server.core.yjs.updates import merge
from collab_server.errors import Malformed
from collab_server.features.document_log import log_queries
from collab_server.features.document_log.authors import encode_author
from collab_server.observability.logging import log

ROW_BYTES = 8_000_000
"""Edits of one author in one commit are merged into one row up to this size."""


def rows_of(document_id: UUID, entries: list[Entry], generation: int | None) -> list[log_queries.LogRow]:
    """Rows of one commit to a generation: the edits of each author merged into one row, up to ROW_BYTES."""
    by_author: dict[Author, list[Entry]] = {}
    for entry in entries:
        if entry.update is not None:
            by_author.setdefault(entry.author, []).append(entry)
    rows = []
    for author, own in by_author.items():
        updates = [entry.update for entry in own if entry.update is not None]
        if (merged := _merged(document_id, updates)) is not None:
            clients = tuple(sorted({client for entry in own for client in entry.clients}))
            rows.append(_make_row(document_id, merged, author, clients, generation))
        else:
            rows.extend(
                _make_row(document_id, update, author, entry.clients, generation)
                for entry, update in zip(own, updates, strict=True)
            )
    return rows


def _make_row(
    document_id: UUID, update: bytes, author: Author, clients: tuple[int, ...], generation: int | None
) -> log_queries.LogRow:
    return log_queries.LogRow(
        document_id, update, author.user_id, clients, author.device, encode_author(author), generation
    )


def _merged(document_id: UUID, updates: list[bytes]) -> bytes | None:
    """The updates merged; None where they are too large for one row or cannot be merged."""
    if len(updates) == 1:
        return updates[0]
    if sum(map(len, updates)) > ROW_BYTES:
        return None
    try:
        return merge(updates)
    except Malformed as error:
        # Each update is valid by itself, and is logged by itself.
        log.error("edits could not be merged", extra={"document": document_id, "error": error.detail})
        return None
