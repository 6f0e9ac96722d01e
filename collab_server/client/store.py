"""The client's file: documents, the journal of local edits, and the documents to fetch.

An edit and its journal entry are committed in one transaction before the edit is acknowledged. An entry is deleted
after the server's acknowledgement. A crash therefore loses no acknowledged edit, and repeated sending is harmless.
Several processes may use one file.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from collab_server.client import clock, queries
from collab_server.client.local_document import LocalDocument, NoSuchDocument, new_client_id, normalize_name
from collab_server.client.queries import Entry, Row
from collab_server.client.schema import connect
from collab_server.core.documents.offline_text import OfflineText
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge

FOLD_AT = 64
"""Number of updates after which they are merged into the snapshot."""
CACHED_DOCUMENTS = 32


class Store:
    """Access to the file, for one thread."""

    def __init__(self, path: str) -> None:
        self.conn = connect(path)
        self._open: dict[UUID, tuple[OfflineText, int]] = {}

    def close(self) -> None:
        self._open.clear()
        self.conn.close()

    @contextmanager
    def writing(self) -> Iterator[queries.Conn]:
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield self.conn
            self.conn.execute("COMMIT")
        except BaseException:
            # What is in memory may hold an edit that was not committed.
            self._open.clear()
            # SQLite has ended the transaction by itself where the disk is full.
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            raise

    # ---- what is known of the server

    def get(self, key: str) -> str | None:
        return queries.get_meta(self.conn, key)

    def set(self, **values: str) -> None:
        with self.writing() as conn:
            for key, value in values.items():
                queries.set_meta(conn, key, value)

    def version(self) -> int:
        """A number that changes with commits of other processes."""
        return queries.data_version(self.conn)

    # ---- reading

    def documents(self) -> list[LocalDocument]:
        """The documents by title, without deleted ones."""
        waiting: dict[UUID, list[Entry]] = {}
        for entry in queries.list_mutations(self.conn):
            waiting.setdefault(entry.document_id, []).append(entry)
        rows = [row for row in queries.list_documents(self.conn) if not row.removed]
        return sorted(
            (self.to_local_document(row, waiting.get(row.id, [])) for row in rows), key=lambda d: (d.title, d.id)
        )

    def to_local_document(self, row: Row, mutations: list[Entry]) -> LocalDocument:
        fields = dict(row.fields)
        for entry in mutations:
            fields |= entry.body.get("fields", {})
            if "tags" in entry.body:
                fields["tags"] = entry.body["tags"]
        title = str(fields.get("title", "untitled"))
        waiting = queries.count_entries(self.conn, row.id) > 0
        return LocalDocument(row.id, row.workspace_id, title, fields, waiting, row.refused)

    def find(self, name: str) -> UUID:
        """Find a document by id, name or title. Raises NoSuchDocument, also for an ambiguous title."""
        shown = self.documents()
        name = normalize_name(name)
        for key in (
            lambda d: str(d.id),
            lambda d: normalize_name(d.fields.get("name")),
            lambda d: normalize_name(d.title),
        ):
            found = [document.id for document in shown if key(document) == name]
            if len(found) == 1:
                return found[0]
            if found:
                raise NoSuchDocument(f"{len(found)} documents are called {name!r}: give the id")
        raise NoSuchDocument(f"there is no document {name!r} here")

    def content(self, document_id: UUID) -> str:
        self.existing(document_id)
        return self.current_text(document_id).content

    def status(self) -> tuple[int, int, int]:
        """The numbers of documents, pending journal entries, and rescued texts."""
        documents = sum(not row.removed for row in queries.list_documents(self.conn))
        return documents, queries.count_waiting(self.conn), len(queries.list_rescued(self.conn))

    def refused(self) -> list[tuple[UUID, str, str, int]]:
        """Refused documents as (document, title, code, number of entries); they are not sent until `retry` or a change
        on the server.
        """
        rows = [row for row in queries.list_documents(self.conn) if row.refused]
        found = [
            (
                self.to_local_document(row, queries.list_mutations(self.conn, row.id)),
                queries.count_entries(self.conn, row.id),
            )
            for row in rows
        ]
        return sorted((one.id, one.title, one.refused or "", count) for one, count in found if count)

    def rescued(self) -> list[tuple[int, UUID, str, str, str | None]]:
        """Rescued texts as (number, document, title, reason, text)."""
        return queries.list_rescued(self.conn)

    def existing(self, document_id: UUID) -> Row:
        row = queries.find_document(self.conn, document_id)
        if row is None or row.removed:
            raise NoSuchDocument(f"there is no document {document_id} here")
        return row

    def merged_update(self, document_id: UUID) -> tuple[bytes, int]:
        """The document as one update, and the number of its last update."""
        snapshot, tail = queries.read_content(self.conn, document_id)
        row = queries.find_document(self.conn, document_id)
        assert row is not None
        return merge([snapshot, *(payload for _, payload in tail)]), tail[-1][0] if tail else row.folded

    def current_text(self, document_id: UUID) -> OfflineText:
        """The current text in the file, including other processes' edits."""
        row = queries.find_document(self.conn, document_id)
        assert row is not None
        known = self._open.pop(document_id, None)
        if known is not None and known[0].client_id == row.client_id and known[1] >= row.folded:
            text, upto = known
            for number, payload in queries.read_content(self.conn, document_id, upto)[1]:
                text.apply(payload)
                upto = number
        else:
            whole, upto = self.merged_update(document_id)
            text = OfflineText(row.client_id, whole)
        if len(self._open) >= CACHED_DOCUMENTS:
            self._open.pop(next(iter(self._open)))
        self._open[document_id] = (text, upto)
        return text

    # ---- what people do

    def edit(self, document_id: UUID, change: Callable[[OfflineText], bytes]) -> bool:
        """Edit the text with `change` and commit; False if nothing changed."""
        with self.writing() as conn:
            self.existing(document_id)
            update = change(self.current_text(document_id))
            if update == EMPTY_UPDATE:
                return False
            queries.append_journal(conn, document_id, "update", update)
            self.append_update(document_id, update)
        return True

    def append_update(self, document_id: UUID, update: bytes) -> None:
        """Append an update to the stored content; a text in memory must contain it already."""
        n = queries.append_tail(self.conn, document_id, update)
        if (known := self._open.get(document_id)) is not None:
            self._open[document_id] = (known[0], n)
        if queries.count_tail(self.conn, document_id) >= FOLD_AT:
            whole, upto = self.merged_update(document_id)
            queries.fold_tail(self.conn, document_id, whole, upto)

    def create(self, workspace_id: UUID, title: str, text: str) -> UUID:
        document_id = uuid4()
        with self.writing() as conn:
            queries.insert_document(conn, document_id, workspace_id, new_client_id())
            body = {"kind": "create", "workspace_id": str(workspace_id), "fields": {"title": normalize_name(title)}}
            queries.append_journal(conn, document_id, "create", body=body)
            if text:
                update = self.current_text(document_id).append(text)
                queries.append_journal(conn, document_id, "update", update)
                self.append_update(document_id, update)
        return document_id

    def set_fields(self, document_id: UUID, fields: dict[str, Any]) -> None:
        """Change metadata fields, as in PATCH documents/{id}."""
        fields = {key: normalize_name(fields[key]) if key in ("title", "name") else fields[key] for key in fields}
        with self.writing() as conn:
            row, known = self.existing(document_id), self._fields_with_pending(document_id)
            base = {name: known[name] for name in fields if name in known}
            body = {"kind": "patch", "fields": fields, "base_version": row.row_version, "base": base, **self._now()}
            queries.append_journal(conn, document_id, "patch", body=body)

    def set_tags(self, document_id: UUID, tags: list[str]) -> None:
        tags = [normalize_name(tag) for tag in tags]
        with self.writing() as conn:
            row, known = self.existing(document_id), self._fields_with_pending(document_id)
            base = known.get("tags", [])
            body = {"kind": "tag", "tags": tags, "base_version": row.row_version, "base": base, **self._now()}
            queries.append_journal(conn, document_id, "tag", body=body)

    def _now(self) -> dict[str, str]:
        """The time of a mutation now; empty if the server's time is unknown."""
        if self._clock().offset is None:
            return {}
        ticked = self._clock().tick()
        queries.set_meta(self.conn, "clock", str(ticked.last))
        return {"edited_at": clock.format_time(ticked.last)}

    def _clock(self) -> clock.Clock:
        offset = queries.get_meta(self.conn, "clock_offset")
        return clock.Clock(int(offset) if offset else None, int(queries.get_meta(self.conn, "clock") or 0))

    def update_clock_offset(self, measurement: tuple[int, int, int] | None) -> None:
        """Update the offset to the server's clock; None: the server sends no time, and ignores times of edits."""
        current = self._clock().offset
        offset = None if measurement is None else clock.estimate_offset(current or 0, *measurement)
        if offset != current:
            with self.writing() as conn:
                queries.set_meta(conn, "clock_offset", "" if offset is None else str(offset))

    def follow_edit_time(self, edited_at: str | None) -> None:
        """Advance the clock after an edit from the server, within a transaction."""
        if edited_at:
            queries.set_meta(self.conn, "clock", str(self._clock().follow(clock.parse_time(edited_at)).last))

    @property
    def server_sends_times(self) -> bool:
        return self._clock().offset is not None

    def _fields_with_pending(self, document_id: UUID) -> dict[str, Any]:
        """The fields with pending mutations, so that a device has no conflict with itself."""
        return self.to_local_document(self.existing(document_id), queries.list_mutations(self.conn, document_id)).fields

    def remove(self, document_id: UUID) -> None:
        """Delete the document locally, and on the server at the next sync.

        The document reappears if the server refuses the deletion, or has a later edit.
        """
        with self.writing() as conn:
            row = self.existing(document_id)
            if row.refused:
                queries.delete_document(conn, document_id)
                self._open.pop(document_id, None)
                return
            queries.set_removed(conn, document_id, removed=True)
            # What waits to be sent moves the version itself.
            based = {} if queries.count_entries(conn, document_id) else {"base_version": row.row_version}
            queries.append_journal(conn, document_id, "delete", body={"kind": "delete", **based, **self._now()})

    def retry(self, document_id: UUID) -> None:
        """Send the refused changes again."""
        with self.writing() as conn:
            queries.set_refused(conn, document_id, None)

    def replace_by_server_version(self, row: Row, reason: str) -> None:
        """Replace the document by the server's version; unsent text is rescued."""
        if queries.count_entries(self.conn, row.id):
            text = self.current_text(row.id).content
            queries.insert_rescued(self.conn, row.id, self.to_local_document(row, []).title, reason, text)
        queries.reset_document(self.conn, row.id, new_client_id())
        self._open.pop(row.id, None)

    def remove_inaccessible(self, row: Row) -> None:
        """Delete a document after its deletion on the server or the loss of access; unsent changes are kept."""
        if row.removed or not queries.count_entries(self.conn, row.id):
            queries.delete_document(self.conn, row.id)
            self._open.pop(row.id, None)
        else:
            queries.set_refused(self.conn, row.id, "not_found")

    def discard_text(self, document_id: UUID) -> None:
        """Discard the text in memory."""
        self._open.pop(document_id, None)
