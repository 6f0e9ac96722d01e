"""A whole workspace as a zip: one document is in memory at a time, and a piece of one attachment."""

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from collab_server import __version__
from collab_server.access.check import require_in_workspace
from collab_server.access.identity import Identity
from collab_server.access.policy import WorkspaceAction
from collab_server.errors import DocumentDamaged, NotFound, TooLarge, UnprocessableContent
from collab_server.features.documents import document_queries, list_queries, tag_queries
from collab_server.features.documents.document_queries import Document
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.documents.list_queries import Filters, Position
from collab_server.features.exports import comment_files, manifest, reading
from collab_server.features.exports.discussion import threads
from collab_server.features.exports.file_names import Names, make_safe_name
from collab_server.features.exports.files import queries
from collab_server.features.exports.files.paths import FilePaths
from collab_server.features.exports.files.queries import ExportedFile
from collab_server.features.exports.files.zip_writer import ZipWriter
from collab_server.features.exports.formats import KINDS, Format
from collab_server.features.exports.services import Sources

LOSSLESS: Final[tuple[Format, ...]] = ("md", "yjs")
"""A readable format, and the format for a lossless import."""
_PAGE: Final = 100
_PIECE: Final = 1 << 20
_IN_MEMORY: Final = 1 << 20


class WorkspaceArchive:
    """A zip in two parts, which are taken one after the other. `done`: called with the title of each document.

    `formats`: of each document.
    """

    def __init__(
        self,
        sources: Sources,
        identity: Identity,
        workspace_id: UUID,
        formats: Sequence[Format] = LOSSLESS,
        done: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._sources = sources
        self._identity = identity
        self._workspace_id = workspace_id
        self._formats = formats
        self._done = done
        self._zip = ZipWriter()
        self._names = Names()
        self._entries = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - `close` closes both
        self._files = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        """A line of JSON for each attachment: its key, path, size and time."""

    def close(self) -> None:
        self._entries.close()
        self._files.close()

    async def documents(self) -> AsyncGenerator[bytes]:
        """Yield the first part: all documents outside the trash, with their comments.

        Failures of single documents are noted in the manifest. A place of Converters.archive is held until the last
        piece, so the caller must take the pieces at once, not at the pace of a client. Raises NotFound, Forbidden,
        TooMany, Unavailable.
        """
        async with self._sources.converters.archive():
            after: Position | None = None
            while True:
                page, categories, after = await _list_page(self._sources, self._identity, self._workspace_id, after)
                for document in page:
                    category = categories.get(document.category_id, ()) if document.category_id else ()
                    entry = await self._write_document(document, category)
                    if entry is not None:
                        line = json.dumps(entry, ensure_ascii=False).encode()
                        self._entries.write(b",\n" + line if self._entries.tell() else line)
                        self._done(document.title)
                    for piece in self._zip.written():
                        yield piece
                if after is None:
                    return

    async def attachments(self) -> AsyncGenerator[bytes]:
        """Yield the second part at any pace: the attachments, and the manifest. Raises StoreUnavailable."""
        lost: list[str] = []
        self._files.seek(0)
        while line := self._files.readline():
            file = json.loads(line)
            try:
                chunks = await self._sources.store.read(file["key"])
            except NotFound:
                lost.append(file["path"])
                continue
            changed = datetime.fromisoformat(file["created_at"])
            async with aclosing(self._zip.stream(file["path"], chunks, file["size"], changed)) as pieces:
                async for piece in pieces:
                    yield piece
        await asyncio.to_thread(self._add_manifest, lost)
        await asyncio.to_thread(self._zip.close)
        for piece in self._zip.written():
            yield piece

    async def _write_document(self, document: Document, category: Sequence[str]) -> dict[str, Any] | None:
        """Write the files of a document. Return its manifest entry, None if it was deleted."""
        sources, identity = self._sources, self._identity
        encrypted = None
        files: dict[str, str] = {}
        failed: dict[str, str] = {}
        whole = True
        stem = ""
        with suppress(NotFound):
            async with sources.db.as_service() as conn:
                attached = await queries.list_files(conn, document.id)
            if document.type == ENCRYPTED:
                async with sources.db.as_user(identity.subject) as conn:
                    encrypted = await document_queries.find_encrypted(conn, document.id)
            if document.type != ENCRYPTED or attached:
                stem = self._make_stem(document, category)
            paths = FilePaths(stem, attached)
            if document.type != ENCRYPTED:
                whole = await reading.settle(sources, document.id)
                content = await reading.get_text(sources, document.id)
                for form in self._formats:
                    try:
                        file = await reading.write(sources, document, content, form, category)
                    except (UnprocessableContent, TooLarge, DocumentDamaged) as error:
                        failed[form] = f"{error.code}: {error.detail}"
                        continue
                    if form == "md":
                        file = paths.put_into_markdown(file)
                    files[form] = stem + KINDS[form].extension
                    await self._add(files[form], file, document)
            discussion = await comment_files.load_all(sources, identity.user_id, document)
            if discussion is not None:
                stem = stem or self._make_stem(document, category)
                files[threads.FILE] = stem + threads.EXTENSION
                await self._add(files[threads.FILE], threads.write_file(discussion), document)
            for each in attached:
                self._note_file(each, paths)
            entry = manifest.make_entry(document, category, encrypted)
            if attached:
                entry["attachments"] = [manifest.make_file_entry(each, paths.path_of(each)) for each in attached]
            notes = {**({"failed": failed} if failed else {}), **({} if whole else {"damaged": True})}
            return {**entry, "files": files, **notes}
        return None

    def _make_stem(self, document: Document, category: Sequence[str]) -> str:
        return self._names.unique("/".join(make_safe_name(name) for name in (*category, document.title)))

    async def _add(self, path: str, file: bytes, document: Document) -> None:
        changed = document.last_edited_at or document.created_at
        await asyncio.to_thread(self._zip.add, path, file, changed)

    def _note_file(self, file: ExportedFile, paths: FilePaths) -> None:
        line = {
            "key": file.key,
            "path": paths.path_of(file),
            "size": file.size,
            "created_at": file.created_at.isoformat(),
        }
        self._files.write(json.dumps(line).encode() + b"\n")

    def _add_manifest(self, lost: Sequence[str]) -> None:
        now = datetime.now(UTC)
        head = {
            "format": manifest.FORMAT,
            "version": manifest.VERSION,
            "server": __version__,
            "workspace_id": str(self._workspace_id),
            "exported_at": now.isoformat(),
            "formats": list(self._formats),
            **({"lost_attachments": list(lost)} if lost else {}),
        }
        self._entries.seek(0)
        with self._zip.open(manifest.NAME, now, large=False) as file:
            file.write(json.dumps(head).encode()[:-1] + b', "documents": [\n')
            while piece := self._entries.read(_PIECE):
                file.write(piece)
            file.write(b"\n]}\n")


async def _list_page(
    sources: Sources, identity: Identity, workspace_id: UUID, after: Position | None
) -> tuple[list[Document], dict[UUID, tuple[str, ...]], Position | None]:
    """Return (documents, names of all categories, start of the next page; None: this is the last page)."""
    async with sources.db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.EXPORT)
        found = await list_queries.list_documents(conn, workspace_id, Filters(), "created", "asc", _PAGE, after)
        categories = await tag_queries.list_categories(conn, workspace_id)
    last = (found[-1].key, found[-1].document.id) if len(found) == _PAGE else None
    return [listed.document for listed in found], dict(manifest.make_category_paths(categories)), last
