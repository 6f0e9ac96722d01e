"""The client's file: documents, the journal of what was done here, and what is to be fetched.

Every edit is committed before it is acknowledged, in the same transaction as its place in the journal; a line of the
journal goes when the server has acknowledged it. So a kill at any moment loses nothing that was acknowledged to either
side, and what is sent again because an answer was lost is harmless. Several processes may use one file.
"""

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from collab_server.client import clock, queries
from collab_server.client.queries import Entry, Row
from collab_server.crdt.offline import OfflineText
from collab_server.crdt.updates import EMPTY_UPDATE, merge

FOLD_AT = 64
"""Updates after which a document's tail is merged into its snapshot."""
CACHED_DOCUMENTS = 32


class NoSuchDocument(Exception):
    """There is none of this id or title here."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as it looks here, with what is not sent yet. `fields`: as in the API. `waiting`: something of it is in
    the journal. `refused`: the code with which the server refuses that.
    """

    id: UUID
    workspace_id: UUID
    title: str
    fields: dict[str, Any]
    waiting: bool
    refused: str | None


class Store:
    """To be used from one thread."""

    def __init__(self, path: str) -> None:
        self.conn = queries.connect(path)
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
        """Another number when another process has written to the file."""
        return queries.data_version(self.conn)

    # ---- reading

    def documents(self) -> list[Shown]:
        """All that are not deleted here, by title."""
        waiting: dict[UUID, list[Entry]] = {}
        for entry in queries.list_mutations(self.conn):
            waiting.setdefault(entry.document_id, []).append(entry)
        rows = [row for row in queries.list_documents(self.conn) if not row.removed]
        return sorted((self.shown(row, waiting.get(row.id, [])) for row in rows), key=lambda d: (d.title, d.id))

    def shown(self, row: Row, mutations: list[Entry]) -> Shown:
        fields = dict(row.fields)
        for entry in mutations:
            fields |= entry.body.get("fields", {})
            if "tags" in entry.body:
                fields["tags"] = entry.body["tags"]
        title = str(fields.get("title", "untitled"))
        waiting = queries.count_entries(self.conn, row.id) > 0
        return Shown(row.id, row.workspace_id, title, fields, waiting, row.refused)

    def find(self, name: str) -> UUID:
        """By id, name or title. Raises NoSuchDocument, also where a title is not unique."""
        shown = self.documents()
        name = composed(name)
        for key in (lambda d: str(d.id), lambda d: composed(d.fields.get("name")), lambda d: composed(d.title)):
            found = [document.id for document in shown if key(document) == name]
            if len(found) == 1:
                return found[0]
            if found:
                raise NoSuchDocument(f"{len(found)} documents are called {name!r}: give the id")
        raise NoSuchDocument(f"there is no document {name!r} here")

    def content(self, document_id: UUID) -> str:
        self.existing(document_id)
        return self.opened(document_id).content

    def status(self) -> tuple[int, int, int]:
        """(documents, lines in the journal that wait to be sent, rescued texts)"""
        documents = sum(not row.removed for row in queries.list_documents(self.conn))
        return documents, queries.count_waiting(self.conn), len(queries.list_rescued(self.conn))

    def refused(self) -> list[tuple[UUID, str, str, int]]:
        """(document, title, code, lines in the journal) of what the server refuses: not sent until `retry`, or until
        the server says that it may be.
        """
        rows = [row for row in queries.list_documents(self.conn) if row.refused]
        found = [
            (self.shown(row, queries.list_mutations(self.conn, row.id)), queries.count_entries(self.conn, row.id))
            for row in rows
        ]
        return sorted((one.id, one.title, one.refused or "", count) for one, count in found if count)

    def rescued(self) -> list[tuple[int, UUID, str, str, str | None]]:
        """(number, document, title, reason, text) of what the server would not take."""
        return queries.list_rescued(self.conn)

    def existing(self, document_id: UUID) -> Row:
        row = queries.find_document(self.conn, document_id)
        if row is None or row.removed:
            raise NoSuchDocument(f"there is no document {document_id} here")
        return row

    def whole(self, document_id: UUID) -> tuple[bytes, int]:
        """(all of it as one update, the number of the last one in it)"""
        snapshot, tail = queries.read_content(self.conn, document_id)
        row = queries.find_document(self.conn, document_id)
        assert row is not None
        return merge([snapshot, *(payload for _, payload in tail)]), tail[-1][0] if tail else row.folded

    def opened(self, document_id: UUID) -> OfflineText:
        """As the file has it, also where another process has written."""
        row = queries.find_document(self.conn, document_id)
        assert row is not None
        known = self._open.pop(document_id, None)
        if known is not None and known[0].client_id == row.client_id and known[1] >= row.folded:
            text, upto = known
            for number, payload in queries.read_content(self.conn, document_id, upto)[1]:
                text.apply(payload)
                upto = number
        else:
            whole, upto = self.whole(document_id)
            text = OfflineText(row.client_id, whole)
        if len(self._open) >= CACHED_DOCUMENTS:
            self._open.pop(next(iter(self._open)))
        self._open[document_id] = (text, upto)
        return text

    # ---- what people do

    def edit(self, document_id: UUID, change: Callable[[OfflineText], bytes]) -> bool:
        """Have `change` edit the text; False where it changed nothing. Committed on return."""
        with self.writing() as conn:
            self.existing(document_id)
            update = change(self.opened(document_id))
            if update == EMPTY_UPDATE:
                return False
            queries.append_journal(conn, document_id, "update", update)
            self.keep(document_id, update)
        return True

    def keep(self, document_id: UUID, update: bytes) -> None:
        """Into the tail; the text in memory has it already, or is not there."""
        n = queries.append_tail(self.conn, document_id, update)
        if (known := self._open.get(document_id)) is not None:
            self._open[document_id] = (known[0], n)
        if queries.count_tail(self.conn, document_id) >= FOLD_AT:
            whole, upto = self.whole(document_id)
            queries.fold_tail(self.conn, document_id, whole, upto)

    def create(self, workspace_id: UUID, title: str, text: str) -> UUID:
        document_id = uuid4()
        with self.writing() as conn:
            queries.insert_document(conn, document_id, workspace_id, new_client())
            body = {"kind": "create", "workspace_id": str(workspace_id), "fields": {"title": composed(title)}}
            queries.append_journal(conn, document_id, "create", body=body)
            if text:
                update = self.opened(document_id).append(text)
                queries.append_journal(conn, document_id, "update", update)
                self.keep(document_id, update)
        return document_id

    def set_fields(self, document_id: UUID, fields: dict[str, Any]) -> None:
        """`fields` as in PATCH documents/{id}."""
        fields = {key: composed(fields[key]) if key in ("title", "name") else fields[key] for key in fields}
        with self.writing() as conn:
            row, known = self.existing(document_id), self._known_fields(document_id)
            base = {name: known[name] for name in fields if name in known}
            body = {"kind": "patch", "fields": fields, "base_version": row.row_version, "base": base, **self._now()}
            queries.append_journal(conn, document_id, "patch", body=body)

    def set_tags(self, document_id: UUID, tags: list[str]) -> None:
        tags = [composed(tag) for tag in tags]
        with self.writing() as conn:
            row, known = self.existing(document_id), self._known_fields(document_id)
            base = known.get("tags", [])
            body = {"kind": "tag", "tags": tags, "base_version": row.row_version, "base": base, **self._now()}
            queries.append_journal(conn, document_id, "tag", body=body)

    def _now(self) -> dict[str, str]:
        """When this is done, for a mutation; nothing where the server's time is not known."""
        if self._clock().offset is None:
            return {}
        ticked = self._clock().tick()
        queries.set_meta(self.conn, "clock", str(ticked.last))
        return {"edited_at": clock.written(ticked.last)}

    def _clock(self) -> clock.Clock:
        offset = queries.get_meta(self.conn, "clock_offset")
        return clock.Clock(int(offset) if offset else None, int(queries.get_meta(self.conn, "clock") or 0))

    def hear_time(self, told: tuple[int, int, int] | None) -> None:
        """The server's; None: it does not tell, so it knows nothing of times of edits either."""
        known = self._clock().offset
        offset = None if told is None else clock.measured(known or 0, *told)
        if offset != known:
            with self.writing() as conn:
                queries.set_meta(conn, "clock_offset", "" if offset is None else str(offset))

    def heard_of(self, edited_at: str | None) -> None:
        """An edit of this time has come from the server; within a transaction."""
        if edited_at:
            queries.set_meta(self.conn, "clock", str(self._clock().heard(clock.read(edited_at)).last))

    @property
    def tells_times(self) -> bool:
        return self._clock().offset is not None

    def _known_fields(self, document_id: UUID) -> dict[str, Any]:
        """With what waits to be sent: a device is in no conflict with itself."""
        return self.shown(self.existing(document_id), queries.list_mutations(self.conn, document_id)).fields

    def remove(self, document_id: UUID) -> None:
        """It is deleted on the server too, unless that refuses what was done to it."""
        with self.writing() as conn:
            row = self.existing(document_id)
            if row.refused:
                queries.delete_document(conn, document_id)
                self._open.pop(document_id, None)
                return
            queries.set_removed(conn, document_id, removed=True)
            # What waits to be sent moves the version itself.
            based = {} if queries.count_entries(conn, document_id) else {"base_version": row.row_version}
            queries.append_journal(conn, document_id, "delete", body={"kind": "delete", **based})

    def retry(self, document_id: UUID) -> None:
        """Offer to the server again what it has refused."""
        with self.writing() as conn:
            queries.set_refused(conn, document_id, None)

    def start_again(self, row: Row, reason: str) -> None:
        """Take the document as the server has it; what was not sent is kept as text."""
        if queries.count_entries(self.conn, row.id):
            text = self.opened(row.id).content
            queries.insert_rescued(self.conn, row.id, self.shown(row, []).title, reason, text)
        queries.reset_document(self.conn, row.id, new_client())
        self._open.pop(row.id, None)

    def lost(self, row: Row) -> None:
        """Deleted there, or not ours to see any more. What was done here meanwhile stays here."""
        if row.removed or not queries.count_entries(self.conn, row.id):
            queries.delete_document(self.conn, row.id)
            self._open.pop(row.id, None)
        else:
            queries.set_refused(self.conn, row.id, "not_found")

    def forget(self, document_id: UUID) -> None:
        """The text in memory is not what the file has any more."""
        self._open.pop(document_id, None)


def composed(name: Any) -> Any:
    """A name or title as the server stores it (NFC), so that what looks the same is the same."""
    return unicodedata.normalize("NFC", name) if isinstance(name, str) else name


def new_client() -> int:
    """A Yjs client id that nobody else has, of 32 bits as Yjs makes them."""
    return secrets.randbelow(2**32 - 1) + 1
