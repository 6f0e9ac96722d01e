"""Routes of whole workspaces as archives, and of files that become documents."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import PurePosixPath
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import AfterValidator
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from collab_server.access.check import require_in_workspace
from collab_server.access.policy import WorkspaceAction
from collab_server.documents.api import USUAL, CurrentDesk
from collab_server.documents.models import MAX_TAGS, DocumentOut, TagName, Title
from collab_server.errors import Conflict, InsufficientStorage, Malformed, TooLarge, TooMany, UnprocessableContent
from collab_server.exports import archive, file_names, formats, models, parsing
from collab_server.exports.api import PIECE, CurrentSources
from collab_server.exports.converting import Converters
from collab_server.exports.importing import Importer, Outcome, Upload
from collab_server.exports.spool import SpoolFile
from collab_server.web.fields import storable
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.workspaces.queries import find_workspace

router = _router()

_ZIP: Final = ("application/zip", "application/x-zip-compressed")
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}

FileName = Annotated[
    str,
    Query(max_length=500, description="Of the file: its ending tells the format, its stem a title."),
    AfterValidator(storable),
]
Formats = Annotated[list[formats.Format], Query(max_length=len(formats.FORMATS), description="Of each document.")]
Tags = Annotated[list[TagName], Query(max_length=MAX_TAGS, description="Of the new document; not for a zip.")]


@router.get(
    "/workspaces/{workspace_id}/export",
    tags=["exports"],
    response_class=Response,
    responses={
        **USUAL,
        **documented(TooMany, InsufficientStorage),
        200: {"content": {"application/zip": {}}, "description": "The archive"},
    },
)
async def export_workspace(
    workspace_id: UUID,
    desk: CurrentDesk,
    sources: CurrentSources,
    format: Formats = list(archive.LOSSLESS),  # noqa: B006 - FastAPI copies it
) -> Response:
    """All documents of a workspace as a zip, with a `manifest.json` of their metadata; for owners and administrators.
    With `yjs` among the formats, which it is unless others are named, an import makes the same documents of it.
    It is sent while it is made: an archive without an end was broken off. A person fetches one archive at a time.
    """
    async with desk.db.as_user(desk.identity.user_id) as conn:
        await require_in_workspace(conn, desk.identity, workspace_id, WorkspaceAction.EXPORT)
        workspace = await find_workspace(conn, workspace_id)
    pieces = archive.write(sources, desk.identity, workspace_id, list(dict.fromkeys(format)) or archive.LOSSLESS)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sources.converters.one_archive())
        file = stack.enter_context(sources.converters.spool.open())
        filling = _Filling(pieces, file)
        stack.push_async_callback(filling.stop)
        # What is refused is refused before the answer begins.
        await filling.begun()
        kept = stack.pop_all()
    name = file_names.safe_name(workspace.name if workspace else "workspace")
    headers = {"content-disposition": file_names.attachment(f"{name}.zip"), "cache-control": "private, no-store"}
    return _Download(filling.pieces(), kept, headers)


class _Filling:
    """A file that is written as fast as it can be, whoever reads it how slowly."""

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
        """Returns when something is written. Raises what forbids it."""
        await self._more.wait()
        if self._task.done():
            self._task.result()

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, as it is written. Raises what breaks it off."""
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
            self._task.exception()  # Of a client that has gone, nobody else asks.


class _Download(StreamingResponse):
    """`kept`: closed when the client has everything, or has gone."""

    def __init__(self, pieces: AsyncIterator[bytes], kept: AsyncExitStack, headers: dict[str, str]) -> None:
        super().__init__(pieces, media_type="application/zip", headers=headers)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._kept:
            await super().__call__(scope, receive, send)


@router.post(
    "/workspaces/{workspace_id}/import",
    tags=["exports"],
    responses={
        **USUAL,
        **documented(Malformed, Conflict, TooLarge, UnprocessableContent, TooMany, InsufficientStorage),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself.",
            "content": {kind: _BINARY for kind in (*parsing.MEDIA_TYPES, _ZIP[0])},
        }
    },
)
async def import_documents(
    workspace_id: UUID,
    desk: CurrentDesk,
    request: Request,
    name: FileName = "",
    title: Title | None = None,
    tags: Tags = [],  # noqa: B006 - FastAPI copies it
    category_id: UUID | None = None,
) -> models.ImportOut:
    """Make documents of a file, which is the body of the request: Markdown, HTML, text, Word (.docx), a Yjs update, or
    a zip of such files: an exported workspace, or any other, whose folders become categories. The ending of `name`,
    else the Content-Type tells what it is. A title is what you give, what the file tells (a heading, say), or its name.

    Each document is made whole or not at all. A single file that cannot be read is a problem; of a zip, `items` tell
    what became of each of its documents. `notes` name what was left out or changed: pictures, say, of each document,
    and those files of a zip that are no documents.
    """
    async with desk.db.as_user(desk.identity.user_id) as conn:
        await require_in_workspace(conn, desk.identity, workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
    kind, charset = _kind(name, request.headers.get("content-type", ""))
    converters: Converters = request.state.converters
    importer = Importer(desk, converters, workspace_id)
    most = desk.settings.max_import_bytes
    if kind == "zip":
        async with converters.one_archive():
            with converters.spool.open() as file:
                await _receive(request, file, most)
                notes: list[str] = []
                made = [outcome async for outcome in importer.archive(file.file, most, note=notes.append)]
                return _told(made, notes)
    with converters.spool.open() as file:
        await _receive(request, file, min(most, parsing.MOST_BYTES[kind]))
        upload = Upload(kind, name, charset, title or "", tags, category_id)
        async with converters.upload():
            return _told([await importer.file(upload, file.read(0, file.size))])


async def _receive(request: Request, file: SpoolFile, most: int) -> None:
    """Write the body into the file. Raises TooLarge, before anything is read where the head tells it; TooMany,
    InsufficientStorage, Malformed (the client has gone).
    """
    refusal = TooLarge(f"a file of this kind may have at most {most} bytes")
    if int(request.headers.get("content-length", "0")) > most:
        raise refusal
    try:
        async for piece in request.stream():
            if file.size + len(piece) > most:
                raise refusal
            file.write(piece)
    except ClientDisconnect:
        raise Malformed("the body ended before its end") from None


def _kind(name: str, content_type: str) -> tuple[Any, str]:
    """(a format of `parsing`, or 'zip'; the charset of the Content-Type). Raises UnprocessableContent."""
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    key, _, charset = parameters.strip().partition("=")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".zip" or (not suffix and media_type in _ZIP):
        return "zip", ""
    found = parsing.EXTENSIONS.get(suffix) or (parsing.MEDIA_TYPES.get(media_type) if not suffix else None)
    if found is None and media_type in parsing.MEDIA_TYPES and media_type != "application/octet-stream":
        found = parsing.MEDIA_TYPES[media_type]
    if found is None and media_type in _ZIP:
        return "zip", ""
    if found is None:
        known = ", ".join([*parsing.EXTENSIONS, ".zip"])
        raise UnprocessableContent(f"name the file (?name=) with one of the endings {known}, or give its Content-Type")
    return found, charset.strip('"') if key.strip().lower() == "charset" else ""


def _told(outcomes: list[Outcome], notes: Sequence[str] = ()) -> models.ImportOut:
    """`notes`: of the archive."""
    items = [
        models.ImportedFile(
            file=outcome.file,
            status="failed" if outcome.document is None else "created",
            document=_shown(outcome.document) if outcome.document else None,
            code=outcome.error.code if outcome.error else None,
            detail=outcome.error.detail if outcome.error else None,
            notes=list(outcome.notes),
        )
        for outcome in outcomes
    ]
    created = sum(item.status == "created" for item in items)
    return models.ImportOut(created=created, failed=len(items) - created, items=items, notes=list(notes))


def _shown(document: DocumentOut) -> models.ImportedDocument:
    return models.ImportedDocument(id=document.id, address=document.address, title=document.title)
