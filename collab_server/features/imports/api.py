"""Route of the import of files and archives into a workspace."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request
from pydantic import AfterValidator
from starlette.requests import ClientDisconnect

from collab_server.access.check import require_in_workspace
from collab_server.access.policy import WorkspaceAction
from collab_server.adapters.conversion.spool import SpoolFile
from collab_server.errors import Conflict, InsufficientStorage, Malformed, TooLarge, TooMany, UnprocessableContent
from collab_server.features.attachments.checks.malware import Place
from collab_server.features.attachments.sources import PIECE_BYTES
from collab_server.features.documents.api import USUAL, CurrentContext
from collab_server.features.documents.field_types import MAX_TAGS, TagName, Title
from collab_server.features.documents.models import DocumentOut
from collab_server.features.exports.services import conversion_services
from collab_server.features.imports import models, parsing
from collab_server.features.imports.importing import Importer, Outcome, Upload
from collab_server.web.fields import storable
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_ZIP: Final = ("application/zip", "application/x-zip-compressed")
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}

FileName = Annotated[
    str,
    Query(max_length=500, description="File name. Its extension selects the format, its stem is a possible title."),
    AfterValidator(storable),
]
Tags = Annotated[list[TagName], Query(max_length=MAX_TAGS, description="Of the new document; not for a zip.")]


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
    context: CurrentContext,
    request: Request,
    name: FileName = "",
    title: Title | None = None,
    tags: Tags = [],  # noqa: B006 - FastAPI copies it
    category_id: UUID | None = None,
) -> models.ImportOut:
    """Import the file in the body of the request: Markdown, HTML, text, Word (.docx), a Yjs update, or a zip of such
    files. The zip can be an exported workspace, or any other archive; its folders become categories. The extension of
    `name` decides the format, otherwise the Content-Type. The title is the given one, otherwise the one in the file
    (such as a heading), otherwise the file name.

    Each document is created completely or not at all. A single unreadable file is an error; for a zip, `items` has the
    result of each document. `notes` lists omissions and changes, and ignored files of a zip. Pictures within a Word
    document, and files of a zip that a text links to, become attachments.
    """
    async with context.db.as_user(context.identity.subject) as conn:
        await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
    kind, charset = _detect_format(name, request.headers.get("content-type", ""))
    services = conversion_services(request)
    converters = services.converters
    importer = Importer(context, converters, services.attachments.adder, workspace_id)
    malware, place = services.attachments.malware, Place("workspace", workspace_id, workspace_id)
    most = context.settings.max_import_bytes
    if kind == "zip":
        async with converters.one_archive():
            with converters.spool.open() as file:
                await _receive(request, file, most)
                await malware.check(context.identity, place, name, _chunks(file))
                notes: list[str] = []
                made = [outcome async for outcome in importer.archive(file.file, most, note=notes.append)]
                return _to_response(made, notes)
    with converters.spool.open() as file:
        await _receive(request, file, min(most, parsing.MOST_BYTES[kind]))
        await malware.check(context.identity, place, name, _chunks(file))
        upload = Upload(kind, name, charset, title or "", tags, category_id)
        async with converters.upload():
            return _to_response([await importer.file(upload, file.read(0, file.size))])


async def _receive(request: Request, file: SpoolFile, most: int) -> None:
    """Write the body into the file. Raises TooLarge, with a Content-Length before reading; TooMany,
    InsufficientStorage, Malformed (the client disconnected).
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
        raise Malformed("the body is incomplete") from None


async def _chunks(file: SpoolFile) -> AsyncIterator[bytes]:
    for at in range(0, file.size, PIECE_BYTES):
        yield await asyncio.to_thread(file.read, at, PIECE_BYTES)


def _detect_format(name: str, content_type: str) -> tuple[Any, str]:
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
        raise UnprocessableContent(f"give the file name (?name=) an extension of {known}, or give its Content-Type")
    return found, charset.strip('"') if key.strip().lower() == "charset" else ""


def _to_response(outcomes: list[Outcome], notes: Sequence[str] = ()) -> models.ImportOut:
    """`notes`: of the archive."""
    items = [
        models.ImportedFile(
            file=outcome.file,
            status="failed" if outcome.document is None else "created",
            document=_to_document(outcome.document) if outcome.document else None,
            code=outcome.error.code if outcome.error else None,
            detail=outcome.error.detail if outcome.error else None,
            notes=list(outcome.notes),
        )
        for outcome in outcomes
    ]
    created = sum(item.status == "created" for item in items)
    return models.ImportOut(created=created, failed=len(items) - created, items=items, notes=list(notes))


def _to_document(document: DocumentOut) -> models.ImportedDocument:
    return models.ImportedDocument(id=document.id, address=document.address, title=document.title)
