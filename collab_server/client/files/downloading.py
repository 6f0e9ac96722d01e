"""Lists of attachments from the server, and downloads whose bytes are verified."""

import asyncio
import hashlib
import os
from pathlib import Path
from uuid import UUID

from collab_server.client.comment_sync import InThread
from collab_server.client.files.file_store import PART, FileStore, LocalFile
from collab_server.client.wire import RequestRejected, ServerConnection

PIECE = 1 << 20


class DamagedDownload(Exception):
    """The bytes that arrived are not those of the attachment."""


async def fetch_lists(wire: ServerConnection, do: InThread, store: FileStore) -> int:
    """List the attachments of documents where that is wanted; returns the number of lists.

    Raises ServerUnavailable, RequestRejected.
    """
    wanted = await do(store.wanted)
    for document_id, count in wanted:
        try:
            found = await wire.attachments(document_id)
        except RequestRejected as error:
            if error.status not in (403, 404):
                raise
            found = []
        await do(store.apply_list, document_id, count, found)
    await do(store.remove_strays)
    return len(wanted)


async def download(wire: ServerConnection, do: InThread, store: FileStore, file_id: UUID) -> Path:
    """Return the path of a file whose bytes are those of the attachment. What is there already is not fetched again.

    Raises NoSuchFile, DamagedDownload, ServerUnavailable, RequestRejected, OSError.
    """
    file: LocalFile = await do(store.find, file_id)
    if file.path is not None:
        if await asyncio.to_thread(_hash, file.path) == file.checksum:
            return file.path
        file.path.unlink()
    target = store.path_for(file)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(target.name + PART)
    checksum = hashlib.sha256()
    size = 0
    try:
        with part.open("wb") as written:
            async for chunk in wire.download(file_id):
                size += len(chunk)
                if size > file.size:
                    raise DamagedDownload(f"{file.name} has more than the {file.size} bytes that the server names")
                checksum.update(chunk)
                await asyncio.to_thread(written.write, chunk)
            written.flush()
            os.fsync(written.fileno())
        if checksum.hexdigest() != file.checksum:
            raise DamagedDownload(f"{file.name} did not arrive as it is: try again")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _hash(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            made.update(piece)
    return made.hexdigest()
