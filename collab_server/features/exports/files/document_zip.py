"""One document as a zip: its Markdown, and its attachments in a folder beside it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from collab_server.core.documents.attachment_links import list_links
from collab_server.errors import NotFound
from collab_server.features.documents.document_queries import Document
from collab_server.features.exports.files import queries
from collab_server.features.exports.files.paths import FilePaths
from collab_server.features.exports.files.queries import ExportedFile
from collab_server.features.exports.files.zip_writer import ZipWriter
from collab_server.features.exports.services import Sources

TEXT = "document.md"
FOLDER = "files"


async def list_files(sources: Sources, document_id: UUID, text: bytes, *, earlier: bool = False) -> list[ExportedFile]:
    """List the attachments of a document. `earlier`: also deleted ones that the text links to. Raises Unavailable."""
    async with sources.db.as_service() as conn:
        files = await queries.list_files(conn, document_id)
        if earlier:
            known = {file.id for file in files}
            linked = [each for each in list_links(text.decode()) if each not in known]
            files += (await queries.find_files(conn, document_id, linked, earlier=True)).values()
    return files


async def write(
    sources: Sources, document: Document, text: bytes, files: Sequence[ExportedFile]
) -> AsyncGenerator[bytes]:
    """Yield the zip at any pace: `document.md`, whose links to attachments are relative, and `files/`.

    A piece of one file is in memory. A file whose bytes are gone is left out. Raises StoreUnavailable.
    """
    changed = document.last_edited_at or document.created_at
    paths = FilePaths("", files, FOLDER)
    archive = ZipWriter()
    await asyncio.to_thread(archive.add, TEXT, paths.put_into_markdown(text), changed)
    for file in files:
        try:
            chunks = await sources.store.read(file.key)
        except NotFound:
            continue
        stream = archive.stream(paths.path_of(file), chunks, file.size, file.created_at)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                yield piece
    archive.close()
    for piece in archive.written():
        yield piece
