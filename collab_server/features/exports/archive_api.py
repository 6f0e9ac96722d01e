"""Route of the export of a workspace as an archive."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, closing
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from collab_server.access.check import require_in_workspace
from collab_server.access.policy import WorkspaceAction
from collab_server.adapters.conversion.spool import SpoolFile
from collab_server.errors import FormatNotInstalled, InsufficientStorage, TooMany
from collab_server.features.attachments.files.file_names import content_disposition
from collab_server.features.documents.api import USUAL, CurrentContext
from collab_server.features.exports import archive, file_names, formats
from collab_server.features.exports.api import PIECE, CurrentSources
from collab_server.features.workspaces.queries import find_workspace
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

Formats = Annotated[list[formats.Format], Query(max_length=len(formats.FORMATS), description="Of each document.")]


@router.get(
    "/workspaces/{workspace_id}/export",
    tags=["exports"],
    response_class=Response,
    responses={
        **USUAL,
        **documented(FormatNotInstalled, TooMany, InsufficientStorage),
        200: {"content": {"application/zip": {}}, "description": "The archive"},
    },
)
async def export_workspace(
    workspace_id: UUID,
    context: CurrentContext,
    sources: CurrentSources,
    format: Formats = list(archive.LOSSLESS),  # noqa: B006 - FastAPI copies it
) -> Response:
    """Export all documents of a workspace as a zip, with their attachments and a `manifest.json`; for owners and
    administrators. With the format `yjs` (included by default) an import restores the same documents. The archive is
    sent while it is made; one without an end is incomplete. Each person can fetch one archive at a time.
    """
    async with context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.EXPORT)
        workspace = await find_workspace(conn, workspace_id)
    chosen = list(dict.fromkeys(format)) or archive.LOSSLESS
    formats.check_installed(chosen)
    async with AsyncExitStack() as stack:
        made = stack.enter_context(closing(archive.WorkspaceArchive(sources, context.identity, workspace_id, chosen)))
        await stack.enter_async_context(sources.converters.one_archive())
        file = stack.enter_context(sources.converters.spool.open())
        filling = _Filling(made.documents(), file)
        stack.push_async_callback(filling.stop)
        # Errors must be raised before the answer begins.
        await filling.begun()
        kept = stack.pop_all()
    name = file_names.make_safe_name(workspace.name if workspace else "workspace")
    headers = {
        "content-disposition": content_disposition(f"{name}.zip", inline=False),
        "cache-control": "private, no-store",
    }
    return _Download(_join(filling.pieces(), made.attachments()), kept, headers)


async def _join(*parts: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield all pieces of one part after the other."""
    for part in parts:
        async with aclosing(part) as pieces:
            async for piece in pieces:
                yield piece


class _Filling:
    """A file written at full speed, independent of its reader."""

    def __init__(self, pieces: AsyncGenerator[bytes], file: SpoolFile) -> None:
        self._file = file
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._fill(pieces))
        self._task.add_done_callback(lambda _: self._more.set())

    async def _fill(self, pieces: AsyncGenerator[bytes]) -> None:
        async with aclosing(pieces):
            async for piece in pieces:
                self._file.write(piece)
                self._more.set()

    async def begun(self) -> None:
        """Wait for the first bytes. Raises the error of the export."""
        await self._more.wait()
        if self._task.done():
            self._task.result()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield all bytes as they are written. Raises the error of the export."""
        at = 0
        while True:
            ended = self._task.done()
            self._more.clear()
            while piece := self._file.read(at, PIECE):
                at += len(piece)
                yield piece
            if ended:
                self._task.result()
                return
            await self._more.wait()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # Retrieve it, because nobody else does after a disconnect.


class _Download(StreamingResponse):
    """`kept`: closed after the last byte, or after the client disconnects."""

    def __init__(self, pieces: AsyncIterator[bytes], kept: AsyncExitStack, headers: dict[str, str]) -> None:
        super().__init__(pieces, media_type="application/zip", headers=headers)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._kept:
            await super().__call__(scope, receive, send)
