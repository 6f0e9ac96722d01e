"""Route of a document's content in its several forms."""

import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action, allowed
from collab_server.adapters.workers import Workers
from collab_server.core.documents import prosemirror_json
from collab_server.errors import (
    DocumentDamaged,
    Forbidden,
    NotFound,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.content import merge_base_queries, rendering
from collab_server.features.content.earlier_api import answer_content
from collab_server.features.content.media_types import FORMATS, JSON, MARKDOWN, choose_format
from collab_server.features.document_log import version_content_queries
from collab_server.features.documents import queries
from collab_server.web.depends import (
    CurrentDatabase,
    CurrentIdentity,
    CurrentRooms,
    CurrentWorkers,
)
from collab_server.web.problems import documented
from collab_server.web.rooms import Rooms
from collab_server.web.routes import router as _router

router = _router()

Format = Literal["markdown", "text", "html", "json", "prosemirror"]


@router.get(
    "/documents/{document_id}/content",
    tags=["documents"],
    response_class=Response,
    responses={
        **documented(Unauthenticated, Forbidden, NotFound, Unavailable),
        **documented(StaleGeneration, TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
        200: {"content": {kind: {} for kind in FORMATS.values()}, "description": "The present text"},
        304: {"description": "Not changed since the hash in If-None-Match"},
    },
)
async def get_content(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
    request: Request,
    format: Annotated[Format | None, Query(description="Instead of the header Accept")] = None,
    version: Annotated[int | None, Query(ge=1, lt=2**31, description="Number of a version; now if not given")] = None,
) -> Response:
    """Read the text of a document, including all received edits: as Markdown (the ETag is its SHA-256), as JSON with
    that hash, as safe HTML, or as plain text. The ETag of the first two is accepted by If-Match. `format=prosemirror`:
    the nodes of a ProseMirror document, as JSON. If the document is damaged, the last stored text is returned with
    `X-Content-Damaged: true`, and writing answers `damaged_document`. `version`: the content of a version, as
    `documents/{id}/versions/{number}/content` returns it.
    """
    role = await require(db, identity, document_id, Action.VIEW)
    if version is not None:
        async with db.as_service() as conn:
            found = await version_content_queries.get_content(conn, document_id, version)
        return await answer_content(
            db,
            workers,
            document_id,
            request,
            format,
            found.content,
            found.seq,
            found.snapshot,
            truncated=found.truncated,
        )
    damaged = False
    try:
        await rooms.settle(document_id)
    except DocumentDamaged:
        # The text of the last fold is there, and nothing can be merged with it.
        damaged = True
    if format == "prosemirror":
        return await _answer_nodes(document_id, rooms, workers, request)
    kind = FORMATS[format] if format else choose_format(request.headers.get("accept", ""))
    async with db.as_service() as conn:
        content = await queries.find_content(conn, document_id)
        if content is None:
            raise NotFound(ABSENT)
        if allowed(role, Action.EDIT) and kind in (MARKDOWN, JSON) and not damaged:
            await merge_base_queries.save_stored(conn, document_id, content.content_hash)
    form = rendering.MEDIA_TYPES.get(kind)
    etag = f'"{content.content_hash}-json"' if kind == JSON else f'"{content.content_hash}"'
    etag = rendering.make_etag(content.content_hash, form) if form else etag
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if content.truncated:
        headers["x-content-truncated"] = "true"
    if damaged:
        headers["x-content-damaged"] = "true"
    if _is_cached(request, etag):
        return Response(status_code=304, headers=headers)
    if form:
        text = await rendering.render_cached(db, workers, document_id, content.content, content.content_hash, form)
        headers["content-security-policy"] = rendering.CONTENT_POLICY
        return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)
    if kind == JSON:
        body = {"content": content.content, "content_hash": content.content_hash, "truncated": content.truncated}
        return Response(json.dumps(body, ensure_ascii=False), media_type=kind, headers=headers)
    return Response(content.content, media_type=f"{kind}; charset=utf-8", headers=headers)


async def _answer_nodes(document_id: UUID, rooms: Rooms, workers: Workers, request: Request) -> Response:
    """Answer with the nodes. The ETag comes from the log, because a hash of the Markdown does not cover all of their
    content.
    """
    update, committed = await rooms.edits.missing(document_id, b"\0")
    etag = f'"{committed.generation}-{committed.seq}-prosemirror"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if _is_cached(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(await workers.run(prosemirror_json.render_json, update), media_type=JSON, headers=headers)


def _is_cached(request: Request, etag: str) -> bool:
    held = request.headers.get("if-none-match", "").split(",")
    return etag in (tag.strip().removeprefix("W/") for tag in held)
