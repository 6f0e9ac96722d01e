"""Routes of files: a document in a format."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request, Response
from starlette.responses import StreamingResponse

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action
from collab_server.documents import document_queries, organizing_queries, rendering
from collab_server.documents.api import USUAL, CurrentDesk
from collab_server.documents.document_queries import Document, Encrypted
from collab_server.documents.kinds import ENCRYPTED
from collab_server.documents.showing import Desk
from collab_server.errors import DocumentDamaged, NotFound, TooLarge, TooMany, UnprocessableContent
from collab_server.exports import file_names, formats, manifest, reading
from collab_server.exports.reading import Sources
from collab_server.web.etags import not_modified
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

PIECE: Final = 65_536
"""Bytes that are given to a socket at a time."""


async def sources(desk: CurrentDesk, request: Request) -> Sources:
    return Sources(desk.db, desk.workers, request.state.converters, desk.rooms.settle)


CurrentSources = Annotated[Sources, Depends(sources)]


@router.get(
    "/documents/{document_id}/export",
    tags=["exports"],
    response_class=Response,
    responses={
        **USUAL,
        **documented(TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
        200: {"content": {kind: {} for kind in formats.MEDIA_TYPES}, "description": "The file"},
        304: {"description": "Not changed since the ETag in If-None-Match"},
    },
)
async def export_document(
    document_id: UUID,
    desk: CurrentDesk,
    sources: CurrentSources,
    request: Request,
    format: formats.Format = "md",
) -> Response:
    """A document as a file, with everything that the server has received: `md` (the text as it is), `html` (a complete
    page, sanitised), `txt` (without marks), `json` (text and metadata), `yjs` (the update that holds all of it), `docx`
    or `pdf`. Of texts above 1 MB there are `md`, `json` and `yjs`.
    """
    await require(desk.db, desk.identity, document_id, Action.VIEW)
    whole = await reading.settled(sources, document_id)
    document, category, encrypted = await _find(desk, document_id)
    content = await reading.text(sources, document_id)
    etag = f'"{document.row_version}-{content.clock}-{content.content_hash[:16]}-{format}{formats.VERSION}"'
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    file = await reading.write(sources, document, content, format, category, encrypted)
    kind = formats.KINDS[format]
    headers = {
        "etag": etag,
        "cache-control": "private, no-cache",
        "content-length": str(len(file)),
        "content-disposition": file_names.attachment(file_names.safe_name(document.title) + kind.extension),
        "content-security-policy": rendering.CONTENT_POLICY,
    }
    if not whole:
        headers["x-content-damaged"] = "true"
    return StreamingResponse(_pieces(file), media_type=kind.media_type, headers=headers)


async def _find(desk: Desk, document_id: UUID) -> tuple[Document, tuple[str, ...], Encrypted | None]:
    """(document, names of its category from the outermost on, its secret). Raises NotFound."""
    if desk.identity.kind == "connect":
        async with desk.db.as_service() as conn:
            bearers = await document_queries.find_document_unchecked(conn, document_id)
        if bearers is None:
            raise NotFound(ABSENT)
        return replace(bearers, created_by_name=None), (), None
    async with desk.db.as_user(desk.identity.user_id) as conn:
        document = await document_queries.find_document(conn, document_id)
        if document is None:
            raise NotFound(ABSENT)
        categories = await organizing_queries.list_categories(conn, document.workspace_id)
        secret = await document_queries.find_encrypted(conn, document_id) if document.type == ENCRYPTED else None
    path = manifest.paths_of(categories).get(document.category_id, ()) if document.category_id else ()
    return document, path, secret


async def _pieces(file: bytes) -> AsyncIterator[Any]:
    """Never the whole file at once: the sockets of live documents share the loop."""
    view = memoryview(file)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]
