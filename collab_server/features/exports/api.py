"""Routes of files: a document in a format."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from starlette.responses import StreamingResponse

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action
from collab_server.core.history import answers
from collab_server.errors import DocumentDamaged, FormatNotInstalled, NotFound, TooLarge, TooMany, UnprocessableContent
from collab_server.features.attachments.files.file_names import content_disposition
from collab_server.features.content import rendering
from collab_server.features.document_log import version_content_queries
from collab_server.features.documents import document_queries, queries, tag_queries
from collab_server.features.documents.api import USUAL, CurrentContext
from collab_server.features.documents.document_queries import Document, Encrypted
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.exports import comment_files, file_names, formats, manifest, reading
from collab_server.features.exports.comment_files import Choice
from collab_server.features.exports.files import document_zip, pictures
from collab_server.features.exports.services import Sources, conversion_services
from collab_server.web.etags import not_modified
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

Asked = formats.Format | Literal["zip"]
_ZIP: Final = "application/zip"
PIECE: Final = 65_536
"""Bytes of one write to a socket."""
_COMMENTS: Final = (
    "`true`: with the open threads; `all`: also with the resolved ones; `false`: without. Word documents have the open "
    "threads if it is not given, md, zip, html and json none; txt, pdf, yjs and versions have none"
)


async def make_sources(context: CurrentContext, request: Request) -> Sources:
    services = conversion_services(request)
    return Sources(context.db, context.workers, services.converters, services.attachments.store, context.rooms.settle)


CurrentSources = Annotated[Sources, Depends(make_sources)]


@router.get(
    "/documents/{document_id}/export",
    tags=["exports"],
    response_class=Response,
    responses={
        **USUAL,
        **documented(FormatNotInstalled, TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
        200: {"content": {kind: {} for kind in (*formats.MEDIA_TYPES, _ZIP)}, "description": "The file"},
        304: {"description": "Not changed since the ETag in If-None-Match"},
    },
)
async def export_document(
    document_id: UUID,
    context: CurrentContext,
    sources: CurrentSources,
    request: Request,
    format: Asked = "md",
    version: Annotated[int | None, Query(ge=1, lt=2**31, description="Number of a version; now if not given")] = None,
    comments: Annotated[Choice | None, Query(description=_COMMENTS)] = None,
) -> Response:
    """Export a document as a file, including all received edits: `md` (the text), `html` (a complete, sanitised page),
    `txt` (without marks), `json` (text and metadata), `yjs` (the complete update), `docx`, `pdf`, or `zip` (the text
    as `md`, with all attachments in the folder `files` and relative links to them). html, docx and pdf have the
    pictures that are attachments of the document. Texts above 1 MB are available as `md`, `zip`, `json` and `yjs`.
    `version`: the file has the title and the content of a version, and the
    other metadata as they are now.

    `comments`: those that you may read, as comments of Word, as footnotes of Markdown, as highlights with a section of
    HTML, or as an array of threads in JSON. Who reads a document only because it is public gets none.
    """
    form: formats.Format = "md" if format == "zip" else format
    chosen = comment_files.choose(comments, form, of_version=version is not None)
    await require(context.db, context.identity, document_id, Action.VIEW)
    formats.check_installed([form])
    if version is not None:
        return await _export_version(context, sources, request, document_id, version, format)
    whole = await reading.settle(sources, document_id)
    document, category, encrypted = await _find(context, document_id)
    content = await reading.get_text(sources, document_id)
    found = None
    if chosen != "false" and whole:
        found = await comment_files.load(sources, context.identity.rights, document, chosen)
    shown = f"-{found.digest}" if found else ""
    shown += await _make_digest(sources, document_id, content.content, form)
    etag = f'"{document.row_version}-{content.clock}-{content.content_hash[:16]}-{format}{formats.VERSION}{shown}"'
    if format != "zip" and (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    if found is not None and form != "json":
        file = await comment_files.write(sources, document, found, form)
    else:
        threads = None if chosen == "false" else (found.threads if found else ())
        file = await reading.write(sources, document, content, form, category, encrypted, threads=threads)
    if format == "zip":
        answer = await _answer_zip(sources, document, file)
    else:
        answer = _answer_file(file, format, document.title, etag)
    if not whole:
        answer.headers["x-content-damaged"] = "true"
    return answer


async def _export_version(
    context: RequestContext, sources: Sources, request: Request, document_id: UUID, number: int, format_: Asked
) -> Response:
    document, category, _ = await _find(context, document_id)
    if document.type == ENCRYPTED:
        raise UnprocessableContent("a password has no versions that can be exported")
    async with context.db.as_service() as conn:
        version = await version_content_queries.get_content(conn, document_id, number)
    form: formats.Format = "md" if format_ == "zip" else format_
    shown = await _make_digest(sources, document_id, version.content, form, earlier=True)
    etag = f'"version:{number}-{document.row_version}-{version.content_hash[:16]}-{format_}{formats.VERSION}{shown}"'
    if format_ != "zip" and (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    then = replace(document, title=version.title, last_edited_at=version.created_at)
    content = queries.Content(version.content, version.content_hash, version.truncated, version.seq)
    update = await sources.workers.run(answers.open_snapshot, version.snapshot)
    file = await reading.write(sources, then, content, form, category, update=update)
    if format_ == "zip":
        return await _answer_zip(sources, then, file, earlier=True)
    return _answer_file(file, format_, version.title, etag)


async def _make_digest(
    sources: Sources, document_id: UUID, text: str, form: formats.Format, *, earlier: bool = False
) -> str:
    """Return what an ETag says of the pictures in a file."""
    if form not in ("html", "docx", "pdf"):
        return ""
    digest = await pictures.make_digest(sources, document_id, text, earlier=earlier)
    return f"-{digest}" if digest else ""


async def _answer_zip(sources: Sources, document: Document, text: bytes, *, earlier: bool = False) -> Response:
    """`earlier`: also with deleted attachments that the text links to."""
    files = await document_zip.list_files(sources, document.id, text, earlier=earlier)
    name = file_names.make_safe_name(document.title) + ".zip"
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": content_disposition(name, inline=False),
    }
    pieces = document_zip.write(sources, document, text, files)
    return StreamingResponse(pieces, media_type=_ZIP, headers=headers)


def _answer_file(file: bytes, format_: formats.Format, title: str, etag: str) -> Response:
    kind = formats.KINDS[format_]
    headers = {
        "etag": etag,
        "cache-control": "private, no-cache",
        "content-length": str(len(file)),
        "content-disposition": content_disposition(file_names.make_safe_name(title) + kind.extension, inline=False),
        "content-security-policy": rendering.CONTENT_POLICY,
    }
    return StreamingResponse(_iterate_pieces(file), media_type=kind.media_type, headers=headers)


async def _find(context: RequestContext, document_id: UUID) -> tuple[Document, tuple[str, ...], Encrypted | None]:
    """(document, names of its category from the outermost on, its secret). Raises NotFound."""
    if context.identity.kind == "connect" and context.identity.link is None:
        async with context.db.as_service() as conn:
            unchecked = await document_queries.find_document_unchecked(conn, document_id)
        if unchecked is None:
            raise NotFound(ABSENT)
        return replace(unchecked, created_by_name=None), (), None
    async with context.db.as_user(context.identity.subject) as conn:
        document = await document_queries.find_document(conn, document_id)
        if document is None:
            raise NotFound(ABSENT)
        categories = await tag_queries.list_categories(conn, document.workspace_id)
        secret = await document_queries.find_encrypted(conn, document_id) if document.type == ENCRYPTED else None
    path = manifest.make_category_paths(categories).get(document.category_id, ()) if document.category_id else ()
    return document, path, secret


async def _iterate_pieces(file: bytes) -> AsyncIterator[Any]:
    """Never the whole file at once: the sockets of live documents share the loop."""
    view = memoryview(file)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]
