"""The log rows that a commit makes of the edits of a document."""

from uuid import UUID

from collab_server.crdt.room import Author, Entry
from collab_server.crdt.updates import merge
from collab_server.documents import log_queries
from collab_server.errors import Malformed
from collab_server.telemetry import log

ROW_BYTES = 8_000_000
"""Edits of one author in one commit are merged into one row up to this size."""


def rows_of(document_id: UUID, entries: list[Entry]) -> list[log_queries.LogRow]:
    """One row per author: everybody's edits of one commit merged, unless that makes a huge row."""
    by_author: dict[Author, list[Entry]] = {}
    for entry in entries:
        if entry.update is not None:
            by_author.setdefault(entry.author, []).append(entry)
    rows = []
    for author, own in by_author.items():
        updates = [entry.update for entry in own if entry.update is not None]
        if (merged := _merged(document_id, updates)) is not None:
            clients = tuple(sorted({client for entry in own for client in entry.clients}))
            rows.append(log_queries.LogRow(document_id, merged, author.user_id, clients, author.device))
        else:
            rows.extend(
                log_queries.LogRow(document_id, update, author.user_id, entry.clients, author.device)
                for entry, update in zip(own, updates, strict=True)
            )
    return rows


def _merged(document_id: UUID, updates: list[bytes]) -> bytes | None:
    """One payload for a row, where the updates fit in one and can be merged."""
    if len(updates) == 1:
        return updates[0]
    if sum(map(len, updates)) > ROW_BYTES:
        return None
    try:
        return merge(updates)
    except Malformed as error:
        # Each was found sound by itself: then each goes into the log by itself.
        log.error("edits could not be merged", extra={"document": document_id, "error": error.detail})
        return None
