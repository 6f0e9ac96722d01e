"""Applies received data: pages of the change feed, lists of workspaces, answers of pulls."""

import json
from typing import Any
from uuid import UUID

from collab_server.client import comment_queries, queries
from collab_server.client.files import file_store
from collab_server.client.local_document import new_client_id
from collab_server.client.outbox import AWAY
from collab_server.client.queries import Row
from collab_server.client.store import Store
from collab_server.core.protocol.offline_sync import PulledDocument, PullRequest, Refusal
from collab_server.core.yjs.updates import EMPTY_UPDATE, state_vector, validate

CHANGE_RIGHTS = frozenset({"workspace", "member"})
"""Entities of the feed whose entries may say that a workspace's documents can be written again."""
PULL_BYTES = 4_000_000
"""Limit of the state vectors in a request."""


class Inbox:
    """Applies received data to the store, in the store's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next_requests(self, limit: int) -> list[tuple[PullRequest, int]]:
        """The next documents for a pull, with their `dirty` counters."""
        wanted: list[tuple[PullRequest, int]] = []
        size = 0
        for row in queries.list_dirty(self._store.conn, limit):
            whole, _ = self._store.merged_update(row.id)
            clocks = state_vector(whole) if whole != EMPTY_UPDATE else b"\0"
            size += len(clocks)
            if wanted and size > PULL_BYTES:
                break
            wanted.append((PullRequest(row.id, clocks, row.generation, row.seq, row.row_version), row.dirty))
        return wanted

    def count(self) -> int:
        """The number of documents to pull."""
        return queries.count_dirty(self._store.conn)

    def apply_answers(self, answers: list[tuple[PulledDocument | Refusal, int]]) -> None:
        """Apply answers of a pull; each clears its `dirty` counter. Raises Malformed."""
        with self._store.writing() as conn:
            for answer, dirty in answers:
                row = queries.find_document(conn, answer.document_id)
                if row is None:
                    continue
                if isinstance(answer, Refusal):
                    self._pull_refused(row, answer, dirty)
                else:
                    self._apply_document(row, answer, dirty)

    def _apply_document(self, row: Row, answer: PulledDocument, dirty: int) -> None:
        conn = self._store.conn
        if answer.update != EMPTY_UPDATE:
            update = validate(answer.update).marked or answer.update
            self._store.discard_text(row.id)
            self._store.append_update(row.id, update)
        queries.set_place(conn, row.id, answer.generation, answer.seq)
        if answer.metadata:
            fields = json.loads(answer.metadata)
            queries.set_fields(conn, row.id, UUID(fields["workspace_id"]), fields, fields["row_version"])
            self._store.follow_edit_time(fields.get("edited_at"))
        if row.refused == "not_found":
            queries.set_refused(conn, row.id, None)
        queries.mark_clean(conn, row.id, dirty)

    def _pull_refused(self, row: Row, refusal: Refusal, dirty: int) -> None:
        if refusal.code == "stale_generation":
            if queries.count_entries(self._store.conn, row.id):
                return  # The server carries them over with the next push.
            self._store.replace_by_server_version(row, f"{refusal.code}: the document was replaced")
            return
        if refusal.code in AWAY:
            self._store.remove_inaccessible(row)
        else:
            reason = f"pull refused: {refusal.code}: {refusal.detail}"
            queries.insert_rescued(self._store.conn, row.id, self._store.to_local_document(row, []).title, reason, None)
        queries.mark_clean(self._store.conn, row.id, dirty)

    # ---- the feed

    def forget_cursor(self) -> None:
        """Forget the cursor of the feed: the server has been reset, or restored from a backup."""
        with self._store.writing() as conn:
            queries.delete_meta(conn, "cursor")

    def start_feed(self, cursor: str, workspaces: list[UUID]) -> None:
        """Store a first cursor, and list all workspaces again."""
        with self._store.writing() as conn:
            self._schedule_lists(set(workspaces))
            queries.set_meta(conn, "workspaces", " ".join(map(str, workspaces)))
            queries.set_meta(conn, "cursor", cursor)

    def apply_page(self, page: dict[str, Any]) -> None:
        """Apply a page of the feed, and store its cursor."""
        workspaces = {UUID(one) for one in page["workspaces"]}
        shared = {UUID(one) for one in page["shared"]}
        with self._store.writing() as conn:
            for item in page["items"]:
                if item["entity_type"] == "document":
                    self._apply_document_change(UUID(item["entity_id"]), UUID(item["workspace_id"]), item)
                elif item["entity_type"] == "comment":
                    comment_queries.note_news(conn, UUID(item["document_id"]), UUID(item["entity_id"]))
                elif item["entity_type"] == "attachment":
                    file_store.want_again(conn, UUID(item["document_id"]))
                elif item["entity_type"] in CHANGE_RIGHTS and (
                    "access" in item["changed_fields"] or item["operation"] == "create"
                ):
                    queries.accept_again(conn, UUID(item["workspace_id"]))
            known_workspaces = {UUID(one) for one in (queries.get_meta(conn, "workspaces") or "").split()}
            self._schedule_lists((workspaces - known_workspaces) | {UUID(one) for one in page["resync"]})
            for document_id in map(UUID, page.get("resync_shared", ())):
                queries.mark_dirty(conn, document_id)
                comment_queries.want_again(conn, document_id)
                file_store.want_again(conn, document_id)
            if known_workspaces - workspaces:
                for row in queries.list_documents(conn):
                    if row.workspace_id in known_workspaces - workspaces:
                        comment_queries.want_again(conn, row.id)
                        file_store.want_again(conn, row.id)
                    if row.workspace_id not in workspaces and row.id not in shared:
                        self._store.remove_inaccessible(row)
            queries.set_meta(conn, "workspaces", " ".join(map(str, sorted(workspaces))))
            queries.set_meta(conn, "cursor", page["next_cursor"])

    def _apply_document_change(self, document_id: UUID, workspace_id: UUID, item: dict[str, Any]) -> None:
        row = queries.find_document(self._store.conn, document_id)
        if item["operation"] == "delete":
            if row is not None and row.workspace_id == workspace_id:
                self._store.remove_inaccessible(row)
            return
        if row is None:
            queries.insert_document(self._store.conn, document_id, workspace_id, new_client_id())
            if (item["row_version"] or 0) > 1:  # It was there before, perhaps with comments.
                comment_queries.want(self._store.conn, document_id)
        elif item["operation"] == "create" and row.refused:
            queries.set_refused(self._store.conn, document_id, None)
        queries.mark_dirty(self._store.conn, document_id)

    def _schedule_lists(self, workspaces: set[UUID]) -> None:
        waiting = set((queries.get_meta(self._store.conn, "to_list") or "").split()) | set(map(str, workspaces))
        queries.set_meta(self._store.conn, "to_list", " ".join(sorted(waiting)))

    def workspaces_to_list(self) -> list[UUID]:
        """The workspaces to list again."""
        return [UUID(one) for one in (self._store.get("to_list") or "").split()]

    def apply_list(self, workspace_id: UUID, documents: dict[UUID, int]) -> None:
        """Apply the list of all documents of a workspace, with the numbers of their open threads: pull each, and remove
        others of this workspace.
        """
        with self._store.writing() as conn:
            for row in queries.list_documents(conn):
                came_from_server = row.generation is not None or row.row_version
                if row.workspace_id == workspace_id and row.id not in documents and came_from_server:
                    self._store.remove_inaccessible(row)
            for document_id, threads in documents.items():
                queries.insert_document(conn, document_id, workspace_id, new_client_id())
                queries.mark_dirty(conn, document_id)
                file_store.want_again(conn, document_id)
                if threads:
                    comment_queries.want(conn, document_id)
                else:
                    comment_queries.want_again(conn, document_id)
            waiting = set((queries.get_meta(conn, "to_list") or "").split()) - {str(workspace_id)}
            queries.set_meta(conn, "to_list", " ".join(sorted(waiting)))
