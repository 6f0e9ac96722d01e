"""What has come: pages of the feed, lists of workspaces, answers of pulls."""

import json
from typing import Any
from uuid import UUID

from collab_server.client import queries
from collab_server.client.outbox import AWAY
from collab_server.client.queries import Row
from collab_server.client.store import Store, new_client
from collab_server.crdt.bundles import Answered, Refused, Wanted
from collab_server.crdt.updates import EMPTY_UPDATE, state_vector, validate

PULL_BYTES = 4_000_000
"""Of state vectors in a request."""


class Inbox:
    """The store's, in its thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def wanted(self, limit: int) -> list[tuple[Wanted, int]]:
        """What to ask a pull for, with the `dirty` that its answer clears."""
        found: list[tuple[Wanted, int]] = []
        size = 0
        for row in queries.list_dirty(self._store.conn, limit):
            whole, _ = self._store.whole(row.id)
            clocks = state_vector(whole) if whole != EMPTY_UPDATE else b"\0"
            size += len(clocks)
            if found and size > PULL_BYTES:
                break
            found.append((Wanted(row.id, clocks, row.generation, row.seq, row.row_version), row.dirty))
        return found

    def count(self) -> int:
        """How many documents are to be pulled."""
        return queries.count_dirty(self._store.conn)

    def pulled(self, answers: list[tuple[Answered | Refused, int]]) -> None:
        """Answers of a pull, each with the `dirty` that it clears. Raises Malformed."""
        with self._store.writing() as conn:
            for answer, dirty in answers:
                row = queries.find_document(conn, answer.document_id)
                if row is None:
                    continue
                if isinstance(answer, Refused):
                    self._pull_refused(row, answer, dirty)
                else:
                    self._take(row, answer, dirty)

    def _take(self, row: Row, answer: Answered, dirty: int) -> None:
        conn = self._store.conn
        if answer.update != EMPTY_UPDATE:
            update = validate(answer.update).marked or answer.update
            self._store.forget(row.id)
            self._store.keep(row.id, update)
        queries.set_place(conn, row.id, answer.generation, answer.seq)
        if answer.metadata:
            fields = json.loads(answer.metadata)
            queries.set_fields(conn, row.id, UUID(fields["workspace_id"]), fields, fields["row_version"])
            self._store.heard_of(fields.get("edited_at"))
        if row.refused == "not_found":
            queries.set_refused(conn, row.id, None)
        queries.mark_clean(conn, row.id, dirty)

    def _pull_refused(self, row: Row, refusal: Refused, dirty: int) -> None:
        if refusal.code == "stale_generation":
            self._store.start_again(row, f"{refusal.code}: the document was replaced")
            return
        if refusal.code in AWAY:
            self._store.lost(row)
        else:
            reason = f"pull refused: {refusal.code}: {refusal.detail}"
            queries.insert_rescued(self._store.conn, row.id, self._store.shown(row, []).title, reason, None)
        queries.mark_clean(self._store.conn, row.id, dirty)

    # ---- the feed

    def forget_cursor(self) -> None:
        """The server does not know it any more: it was set up anew, or from a copy."""
        with self._store.writing() as conn:
            queries.delete_meta(conn, "cursor")

    def begin(self, cursor: str, workspaces: list[UUID]) -> None:
        """A first cursor: everything is to be listed."""
        with self._store.writing() as conn:
            self._list_later(set(workspaces))
            queries.set_meta(conn, "workspaces", " ".join(map(str, workspaces)))
            queries.set_meta(conn, "cursor", cursor)

    def heard(self, page: dict[str, Any]) -> None:
        """A page of the feed, and its cursor with it."""
        workspaces = {UUID(one) for one in page["workspaces"]}
        shared = {UUID(one) for one in page["shared"]}
        with self._store.writing() as conn:
            for item in page["items"]:
                if item["entity_type"] == "document":
                    self._heard_of(UUID(item["entity_id"]), UUID(item["workspace_id"]), item)
                elif "access" in item["changed_fields"] or item["operation"] == "create":
                    queries.accept_again(conn, UUID(item["workspace_id"]))
            known = {UUID(one) for one in (queries.get_meta(conn, "workspaces") or "").split()}
            self._list_later((workspaces - known) | {UUID(one) for one in page["resync"]})
            if known - workspaces:
                for row in queries.list_documents(conn):
                    if row.workspace_id not in workspaces and row.id not in shared:
                        self._store.lost(row)
            queries.set_meta(conn, "workspaces", " ".join(map(str, sorted(workspaces))))
            queries.set_meta(conn, "cursor", page["next_cursor"])

    def _heard_of(self, document_id: UUID, workspace_id: UUID, item: dict[str, Any]) -> None:
        row = queries.find_document(self._store.conn, document_id)
        if item["operation"] == "delete":
            if row is not None and row.workspace_id == workspace_id:
                self._store.lost(row)
            return
        if row is None:
            queries.insert_document(self._store.conn, document_id, workspace_id, new_client())
        elif item["operation"] == "create" and row.refused:
            queries.set_refused(self._store.conn, document_id, None)
        queries.mark_dirty(self._store.conn, document_id)

    def _list_later(self, workspaces: set[UUID]) -> None:
        waiting = set((queries.get_meta(self._store.conn, "to_list") or "").split()) | set(map(str, workspaces))
        queries.set_meta(self._store.conn, "to_list", " ".join(sorted(waiting)))

    def to_list(self) -> list[UUID]:
        """Workspaces that are to be listed anew."""
        return [UUID(one) for one in (self._store.get("to_list") or "").split()]

    def listed(self, workspace_id: UUID, document_ids: set[UUID]) -> None:
        """All documents of a workspace: each is to be pulled, others that came from there are gone."""
        with self._store.writing() as conn:
            for row in queries.list_documents(conn):
                came_from_server = row.generation is not None or row.row_version
                if row.workspace_id == workspace_id and row.id not in document_ids and came_from_server:
                    self._store.lost(row)
            for document_id in document_ids:
                queries.insert_document(conn, document_id, workspace_id, new_client())
                queries.mark_dirty(conn, document_id)
            waiting = set((queries.get_meta(conn, "to_list") or "").split()) - {str(workspace_id)}
            queries.set_meta(conn, "to_list", " ".join(sorted(waiting)))
