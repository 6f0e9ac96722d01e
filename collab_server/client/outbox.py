"""Sends the journal: its entries as operations of pushes, and their results."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.client import queries
from collab_server.client.queries import Entry, Row
from collab_server.client.store import Store
from collab_server.core.protocol.offline_sync import Edit, MutationResult, PushResult, Refusal
from collab_server.core.yjs.updates import merge

PUSH_BYTES = 4_000_000
PUSH_OPERATIONS = 1000
LATER = frozenset({"unavailable", "lost_race", "too_many", "internal"})
"""Temporary refusals; the operation is sent again."""
AWAY = frozenset({"not_found", "forbidden"})
"""Refusals for missing documents or rights; they end when the document or the right is restored."""


class TemporarilyRefused(Exception):
    """The server cannot process the operation now; it stays in the journal."""


@dataclass(frozen=True, slots=True)
class OutgoingOperation:
    """An operation of a push, with its journal entries."""

    operation: Edit | dict[str, Any]
    document_id: UUID
    entries: tuple[Entry, ...]


class Outbox:
    """Reads and updates the store's journal, in the store's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self) -> int:
        """The number of the last journal entry."""
        return queries.last_entry(self._store.conn)

    def next_operations(self, upto: int) -> list[OutgoingOperation]:
        """The next operations of a push, in order, up to this entry. Consecutive updates of a document are one
        operation.
        """
        sending: list[tuple[UUID, list[Entry]]] = []
        merging: dict[UUID, list[Entry]] = {}
        size = 0
        for entry in queries.list_journal(self._store.conn, upto, PUSH_OPERATIONS * 16):
            size += len(entry.payload) + 300
            if sending and (size > PUSH_BYTES or len(sending) >= PUSH_OPERATIONS):
                break
            if entry.kind == "update" and (group := merging.get(entry.document_id)) is not None:
                group.append(entry)
                continue
            group = [entry]
            sending.append((entry.document_id, group))
            if entry.kind == "update":
                merging[entry.document_id] = group
            else:
                merging.pop(entry.document_id, None)
        return [self._sending(document_id, group) for document_id, group in sending]

    def _sending(self, document_id: UUID, entries: list[Entry]) -> OutgoingOperation:
        first = entries[0]
        operation: Edit | dict[str, Any]
        if first.kind == "update":
            row = queries.find_document(self._store.conn, document_id)
            assert row is not None
            operation = Edit(document_id, merge([entry.payload for entry in entries]), row.generation)
        else:
            operation = {"key": str(first.n), "document_id": str(document_id), **first.body}
            if not self._store.server_sends_times:  # a server of before would refuse it
                operation.pop("edited_at", None)
        return OutgoingOperation(operation, document_id, tuple(entries))

    def apply_results(self, results: list[tuple[OutgoingOperation, PushResult | MutationResult | Refusal]]) -> None:
        """Apply the results of a push. Raises Pending after all others, for temporary refusals."""
        later = ""
        with self._store.writing():
            for sending, result in results:
                row = queries.find_document(self._store.conn, sending.document_id)
                if isinstance(result, Refusal) and result.code in LATER:
                    later = f"{result.code}: {result.detail}"
                elif row is not None and isinstance(result, Refusal):
                    self._was_refused(row, sending, result)
                elif row is not None:
                    self._was_taken(row, sending, result)
        if later:
            raise TemporarilyRefused(later)

    def _was_taken(self, row: Row, sending: OutgoingOperation, result: PushResult | MutationResult | Refusal) -> None:
        conn = self._store.conn
        queries.delete_entries(conn, [entry.n for entry in sending.entries])
        superseded = isinstance(result, MutationResult) and json.loads(result.result).get("superseded") is not None
        if sending.entries[0].kind == "delete" and superseded:
            queries.set_removed(conn, row.id, removed=False)
            queries.mark_dirty(conn, row.id)
        elif sending.entries[0].kind == "delete":
            queries.delete_document(conn, row.id)
            self._store.discard_text(row.id)
        else:
            # Rows of others may have come before this one.
            queries.mark_dirty(conn, row.id)

    def _was_refused(self, row: Row, sending: OutgoingOperation, refusal: Refusal) -> None:
        conn, kind = self._store.conn, sending.entries[0].kind
        title = self._store.to_local_document(row, []).title
        reason = f"{refusal.code}: {refusal.detail}"
        if kind == "delete" and refusal.code == "not_found":
            queries.delete_document(conn, row.id)
        elif kind == "create" or (kind == "update" and refusal.code in AWAY):
            # What follows a document that may not be made is refused as of no document: that is not the reason.
            queries.set_refused(conn, row.id, row.refused or refusal.code)
        elif kind == "update":
            self._store.replace_by_server_version(row, reason)
        else:
            queries.delete_entries(conn, [sending.entries[0].n])
            queries.insert_rescued(conn, row.id, title, f"{kind} refused: {reason}", None)
            queries.set_removed(conn, row.id, removed=False)
            queries.mark_dirty(conn, row.id)
