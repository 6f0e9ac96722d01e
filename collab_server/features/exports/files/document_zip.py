"""One document as a zip: its Markdown, and its attachments in a folder beside it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from collab_server.errors import NotFound
from collab_server.features.exports.files.paths import FilePaths
from collab_server.features.exports.files.queries import ExportedFile
from collab_server.features.exports.files.zip_writer import ZipWriter
from collab_server.features.exports.services import Sources

TEXT = "document.md"
FOLDER = "files"


async def write(
    sources: Sources, text: bytes, files: Sequence[ExportedFile], changed: datetime
) -> AsyncGenerator[bytes]:
    """Yield the zip at any pace: `document.md`, whose links to attachments are relative, and `files/`.

    A piece of one file is in memory. A file whose bytes are gone is left out. Raises StoreUnavailable.
    """
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
