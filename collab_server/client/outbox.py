"""What is to be sent: the journal, as the operations of pushes, and what becomes of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.client import queries
from collab_server.client.queries import Entry, Row
from collab_server.client.store import Store
from collab_server.crdt.bundles import Edit, Mutated, Pushed, Refused
from collab_server.crdt.updates import merge

PUSH_BYTES = 4_000_000
PUSH_OPERATIONS = 1000
LATER = frozenset({"unavailable", "lost_race", "too_many", "internal"})
"""Refusals that say nothing about the operation: it is tried again."""
AWAY = frozenset({"not_found", "forbidden"})
"""Refusals that end when somebody brings the document, or the right to it, back."""


class Pending(Exception):
    """The server cannot take it now; it stays in the journal."""


@dataclass(frozen=True, slots=True)
class Sending:
    """An operation of a push, and the lines of the journal that it is made of."""

    operation: Edit | dict[str, Any]
    document_id: UUID
    entries: tuple[Entry, ...]


class Outbox:
    """The store's, in its thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self) -> int:
        """The number of the journal's last line now."""
        return queries.last_entry(self._store.conn)

    def outgoing(self, upto: int) -> list[Sending]:
        """The next operations of a push, in their order, of the lines up to this one. Updates of a document are one
        operation where nothing else of it parts them.
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

    def _sending(self, document_id: UUID, entries: list[Entry]) -> Sending:
        first = entries[0]
        operation: Edit | dict[str, Any]
        if first.kind == "update":
            row = queries.find_document(self._store.conn, document_id)
            assert row is not None
            operation = Edit(document_id, merge([entry.payload for entry in entries]), row.generation)
        else:
            operation = {"key": str(first.n), "document_id": str(document_id), **first.body}
            if not self._store.tells_times:  # a server of before would refuse it
                operation.pop("edited_at", None)
        return Sending(operation, document_id, tuple(entries))

    def sent(self, results: list[tuple[Sending, Pushed | Mutated | Refused]]) -> None:
        """Raises Pending, after all others, where the server could not look at some now."""
        later = ""
        with self._store.writing():
            for sending, result in results:
                row = queries.find_document(self._store.conn, sending.document_id)
                if isinstance(result, Refused) and result.code in LATER:
                    later = f"{result.code}: {result.detail}"
                elif row is not None and isinstance(result, Refused):
                    self._was_refused(row, sending, result)
                elif row is not None:
                    self._was_taken(row, sending)
        if later:
            raise Pending(later)

    def _was_taken(self, row: Row, sending: Sending) -> None:
        conn = self._store.conn
        queries.delete_entries(conn, [entry.n for entry in sending.entries])
        if sending.entries[0].kind == "delete":
            queries.delete_document(conn, row.id)
            self._store.forget(row.id)
        else:
            # Rows of others may have come before this one.
            queries.mark_dirty(conn, row.id)

    def _was_refused(self, row: Row, sending: Sending, refusal: Refused) -> None:
        conn, kind = self._store.conn, sending.entries[0].kind
        title = self._store.shown(row, []).title
        reason = f"{refusal.code}: {refusal.detail}"
        if kind == "delete" and refusal.code == "not_found":
            queries.delete_document(conn, row.id)
        elif kind == "create" or (kind == "update" and refusal.code in AWAY):
            # What follows a document that may not be made is refused as of no document: that is not the reason.
            queries.set_refused(conn, row.id, row.refused or refusal.code)
        elif kind == "update":
            self._store.start_again(row, reason)
        else:
            queries.delete_entries(conn, [sending.entries[0].n])
            queries.insert_rescued(conn, row.id, title, f"{kind} refused: {reason}", None)
            queries.set_removed(conn, row.id, removed=False)
            queries.mark_dirty(conn, row.id)
