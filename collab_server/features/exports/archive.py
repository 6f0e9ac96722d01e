"""A whole workspace as a zip: one document is in memory at a time."""

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, Final
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
from collab_server.features.exports.formats import KINDS, Format
from collab_server.features.exports.reading import Sources

LOSSLESS: Final[tuple[Format, ...]] = ("md", "yjs")
"""A readable format, and the format for a lossless import."""
_PAGE: Final = 100
_PIECE: Final = 1 << 20
_IN_MEMORY: Final = 1 << 20
_ZIP64_ABOVE: Final = 1 << 30


async def write(
    sources: Sources,
    identity: Identity,
    workspace_id: UUID,
    formats: Sequence[Format] = LOSSLESS,
    done: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[bytes]:
    """Yield the archive in pieces: all documents outside the trash, with their comments, then a manifest. `done`:
    called with the title of each written document.

    Failures of single documents are noted in the manifest. A place of Converters.archive is held until the last piece,
    so the caller must take the pieces at once, not at the pace of a client. Raises NotFound, Forbidden, TooMany,
    Unavailable.
    """
    async with sources.converters.archive():
        archive = _Archive()
        names = Names()
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as entries:
            after: Position | None = None
            while True:
                page, categories, after = await _list_page(sources, identity, workspace_id, after)
                for document in page:
                    category = categories.get(document.category_id, ()) if document.category_id else ()
                    entry = await _write_document(sources, identity, archive, names, document, category, formats)
                    if entry is not None:
                        line = json.dumps(entry, ensure_ascii=False).encode()
                        entries.write(b",\n" + line if entries.tell() else line)
                        done(document.title)
                    for piece in archive.written():
                        yield piece
                if after is None:
                    break
            await asyncio.to_thread(_add_manifest, archive, workspace_id, formats, entries)
        await asyncio.to_thread(archive.close)
        for piece in archive.written():
            yield piece


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


async def _write_document(
    sources: Sources,
    identity: Identity,
    archive: "_Archive",
    names: Names,
    document: Document,
    category: Sequence[str],
    formats: Sequence[Format],
) -> dict[str, Any] | None:
    """Write the files of a document. Return its manifest entry, None if it was deleted."""
    encrypted = None
    files: dict[str, str] = {}
    failed: dict[str, str] = {}
    whole = True
    stem = ""
    with suppress(NotFound):
        if document.type == ENCRYPTED:
            async with sources.db.as_user(identity.subject) as conn:
                encrypted = await document_queries.find_encrypted(conn, document.id)
        else:
            whole = await reading.settle(sources, document.id)
            content = await reading.get_text(sources, document.id)
            stem = names.unique("/".join(make_safe_name(name) for name in (*category, document.title)))
            for form in formats:
                try:
                    file = await reading.write(sources, document, content, form, category)
                except (UnprocessableContent, TooLarge, DocumentDamaged) as error:
                    failed[form] = f"{error.code}: {error.detail}"
                    continue
                files[form] = stem + KINDS[form].extension
                changed = document.last_edited_at or document.created_at
                await asyncio.to_thread(archive.add, files[form], file, changed)
        discussion = await comment_files.load_all(sources, identity.user_id, document)
        if discussion is not None:
            stem = stem or names.unique("/".join(make_safe_name(name) for name in (*category, document.title)))
            files[threads.FILE] = stem + threads.EXTENSION
            changed = document.last_edited_at or document.created_at
            file = threads.write_file(discussion)
            await asyncio.to_thread(archive.add, files[threads.FILE], file, changed)
        entry = manifest.make_entry(document, category, encrypted)
        notes = {**({"failed": failed} if failed else {}), **({} if whole else {"damaged": True})}
        return {**entry, "files": files, **notes}
    return None


def _add_manifest(archive: "_Archive", workspace_id: UUID, formats: Sequence[Format], entries: IO[bytes]) -> None:
    now = datetime.now(UTC)
    head = {
        "format": manifest.FORMAT,
        "version": manifest.VERSION,
        "server": __version__,
        "workspace_id": str(workspace_id),
        "exported_at": now.isoformat(),
        "formats": list(formats),
    }
    entries.seek(0)
    with archive.open(manifest.NAME, now, large=False) as file:
        file.write(json.dumps(head).encode()[:-1] + b', "documents": [\n')
        while piece := entries.read(_PIECE):
            file.write(piece)
        file.write(b"\n]}\n")


class _Archive:
    """A zip written without seeking. Compression runs in the calling thread."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._zip = zipfile.ZipFile(_Sink(self._pieces), "w", zipfile.ZIP_DEFLATED)

    def open(self, name: str, changed: datetime, *, large: bool) -> IO[bytes]:
        info = zipfile.ZipInfo(name, changed.astimezone(UTC).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=large)

    def add(self, name: str, file: bytes, changed: datetime) -> None:
        view = memoryview(file)
        with self.open(name, changed, large=len(file) > _ZIP64_ABOVE) as entry:
            for start in range(0, len(view), _PIECE):
                entry.write(view[start : start + _PIECE])

    def close(self) -> None:
        self._zip.close()

    def written(self) -> list[bytes]:
        """Return the bytes written since the last call, in pieces of socket size."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return [whole[start : start + 65_536] for start in range(0, len(whole), 65_536)]


class _Sink:
    """An unseekable file for zipfile."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
