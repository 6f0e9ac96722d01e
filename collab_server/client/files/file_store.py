"""Lists of attachments in the client's file, and the folder with those that were downloaded."""

import json
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from collab_server.client.queries import Conn
from collab_server.client.store import Store

PART = ".part"
"""The ending of a file that has not arrived completely."""
MAX_NAME_BYTES = 200


class NoSuchFile(Exception):
    """There is no attachment with this id, or it has not been listed here."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An attachment. `checksum`: SHA-256 in hexadecimal digits. `path`: where it was downloaded to."""

    id: UUID
    document_id: UUID
    name: str
    content_type: str
    size: int
    checksum: str
    path: Path | None


def want_again(conn: Conn, document_id: UUID) -> None:
    """Have the attachments of a document listed again if they have been listed here."""
    conn.execute("UPDATE file_lists SET wanted = wanted + 1 WHERE document_id = ?", (str(document_id),))


class FileStore:
    """Access to attachments, in the store's thread. `folder`: of downloads."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self.folder = folder

    def open(self, document_id: UUID) -> list[LocalFile]:
        """List the attachments of a document, the oldest first; if they have never been listed here, they are with the
        next sync. Raises NoSuchDocument.
        """
        self._store.existing(document_id)
        with self._store.writing() as conn:
            conn.execute(
                "INSERT INTO file_lists (document_id, wanted) VALUES (?, 1) ON CONFLICT DO NOTHING", (str(document_id),)
            )
        rows = self._store.conn.execute(
            "SELECT fields FROM files WHERE document_id = ? ORDER BY place", (str(document_id),)
        )
        return [self._show(json.loads(row[0])) for row in rows.fetchall()]

    def find(self, file_id: UUID) -> LocalFile:
        """Raises NoSuchFile."""
        row = self._store.conn.execute("SELECT fields FROM files WHERE id = ?", (str(file_id),)).fetchone()
        if row is None:
            raise NoSuchFile(f"there is no file {file_id}: list the files of its document, and sync")
        return self._show(json.loads(row[0]))

    def wanted(self) -> list[tuple[UUID, int]]:
        """Documents whose attachments are to be listed, with their counters."""
        rows = self._store.conn.execute(
            "SELECT document_id, wanted FROM file_lists WHERE wanted > 0 "
            "AND document_id NOT IN (SELECT j.document_id FROM journal j WHERE j.kind = 'create')"
        )
        return [(UUID(row[0]), row[1]) for row in rows.fetchall()]

    def is_wanting(self) -> bool:
        return bool(self.wanted())

    def apply_list(self, document_id: UUID, wanted: int, found: list[dict[str, Any]]) -> None:
        """Keep the list of a document's attachments; it stays wanted if the counter has changed."""
        key = str(document_id)
        with self._store.writing() as conn:
            conn.execute("DELETE FROM files WHERE document_id = ?", (key,))
            if conn.execute("SELECT 1 FROM documents WHERE id = ?", (key,)).fetchone():
                conn.executemany(
                    "INSERT INTO files (id, document_id, place, fields) VALUES (?, ?, ?, ?)",
                    [(str(UUID(one["id"])), key, place, json.dumps(one)) for place, one in enumerate(found)],
                )
            conn.execute(
                "UPDATE file_lists SET wanted = CASE WHEN wanted = ? THEN 0 ELSE wanted END WHERE document_id = ?",
                (wanted, key),
            )

    def remove_strays(self) -> None:
        """Delete downloads of attachments that are no longer listed: they, or the right to read them, are gone."""
        if not self.folder.is_dir():
            return
        known = {row[0] for row in self._store.conn.execute("SELECT id FROM files").fetchall()}
        for each in self.folder.iterdir():
            if each.is_dir() and each.name not in known:
                shutil.rmtree(each, ignore_errors=True)

    def path_for(self, file: LocalFile) -> Path:
        """Return where a download of a file goes to."""
        return self.folder / str(file.id) / _make_name(file.name)

    def _show(self, fields: dict[str, Any]) -> LocalFile:
        identity = UUID(fields["id"])
        kept = self.folder / str(identity)
        path = next((each for each in sorted(kept.iterdir()) if each.suffix != PART), None) if kept.is_dir() else None
        return LocalFile(
            identity,
            UUID(fields["document_id"]),
            str(fields["file_name"]),
            str(fields["content_type"]),
            int(fields["size_bytes"]),
            str(fields["checksum_sha256"]),
            path,
        )


def _make_name(name: str) -> str:
    """Return a name of one file in a folder, whatever a server says."""
    shown = "".join(
        "_" if letter in '/\\:*?"<>|' or unicodedata.category(letter)[0] == "C" else letter for letter in name
    )
    while len(shown.encode()) > MAX_NAME_BYTES:
        shown = shown[1:]
    return f"{shown}_" if not shown.strip(". ") or shown.endswith((PART, ".", " ")) else shown
