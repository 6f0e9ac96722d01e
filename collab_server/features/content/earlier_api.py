"""Answers of routes with the content of a document at an earlier moment."""

import hashlib
import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents import prosemirror_json
from collab_server.core.history import answers
from collab_server.features.content import earlier_pictures, rendering
from collab_server.features.content.media_types import FORMATS, JSON, choose_format

YJS = "application/octet-stream"
MEDIA_TYPES = (*FORMATS.values(), YJS)

ContentFormat = Annotated[
    Literal["markdown", "text", "html", "json", "prosemirror", "yjs"] | None,
    Query(description="Instead of the header Accept"),
]


async def answer_content(
    db: Database,
    workers: Workers,
    document_id: UUID,
    request: Request,
    format_: str | None,
    content: str,
    seq: int,
    snapshot: bytes,
    *,
    truncated: bool,
) -> Response:
    """Answer with a content of row `seq`. snapshot: compressed, of the same moment. Raises TooLarge, TooMuchWork,
    UnprocessableContent (it has no ProseMirror nodes), TooMany, Unavailable.
    """
    kind = YJS if format_ == "yjs" else JSON if format_ == "prosemirror" else None
    kind = kind or (FORMATS[format_] if format_ else choose_format(request.headers.get("accept", "")))
    content_hash = hashlib.sha256(content.encode()).hexdigest()
    headers = {"x-document-seq": str(seq), "cache-control": "private, no-cache", "vary": "accept, authorization"}
    if truncated:
        headers["x-content-truncated"] = "true"
    if format_ == "yjs":
        return Response(await workers.run(answers.open_snapshot, snapshot), media_type=YJS, headers=headers)
    if format_ == "prosemirror":
        return Response(await workers.run(render_nodes, snapshot), media_type=JSON, headers=headers)
    form = rendering.MEDIA_TYPES.get(kind)
    if form:
        body = await rendering.render(workers, content, form)
        if form == "html":
            body = await earlier_pictures.show_earlier(db, document_id, body)
        headers["content-security-policy"] = rendering.CONTENT_POLICY
        return Response(body, media_type=f"{kind}; charset=utf-8", headers=headers)
    headers["etag"] = f'"{content_hash}"'
    if kind == JSON:
        body = json.dumps(
            {"content": content, "content_hash": content_hash, "truncated": truncated}, ensure_ascii=False
        )
        return Response(body, media_type=kind, headers=headers)
    return Response(content, media_type=f"{kind}; charset=utf-8", headers=headers)


def render_nodes(snapshot: bytes) -> str:
    """Render the ProseMirror nodes of a compressed snapshot. Raises UnprocessableContent if there are none."""
    return prosemirror_json.render_json(answers.open_snapshot(snapshot))
