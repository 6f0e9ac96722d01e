"""Routes of full-text search and of search by similar titles."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import AfterValidator

from collab_server.access.check import standing_in
from collab_server.access.identity import Identity
from collab_server.core.markdown.excerpts import plain_section
from collab_server.errors import (
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.documents.addresses import Addresses
from collab_server.features.documents.kinds import Kind
from collab_server.features.search import models, queries, terms
from collab_server.features.search.snippets import highlight
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.fields import a_line
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

_USUAL = documented(Malformed, Unauthenticated, Forbidden, NotFound, UnprocessableContent, Unavailable)

Typed = Annotated[
    str,
    Query(min_length=1, max_length=500, description='Words that must all occur; "a phrase", or, -not.'),
    AfterValidator(a_line),
]
Title = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(a_line)]
Tags = Annotated[list[str], Query(max_length=20, description="Slugs; a document must have all of them.")]
MAX_RANK = 1e30


@router.get("/search", tags=["search"], responses=_USUAL)
async def search(
    q: Typed,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    workspace_id: UUID | None = None,
    type: Kind | None = None,
    tag: Tags = [],  # noqa: B006 - FastAPI copies it
    limit: cursors.PageLimit = 20,
    cursor: str | None = None,
) -> models.HitPage:
    """Search documents by words in title, description, tags or text, the best first. The last word may be incomplete.
    Edits are found after a few seconds. Where the server has COLLAB_SEARCH_ATTACHMENTS, words in PDF and Word files
    are found, too: such a hit names the attachment. Of very many matches, the thousand last changed are ranked, and as
    many with all words in title and tags.
    """
    return await _search(q, identity, db, request, workspace_id, type, tag, limit, cursor)


@router.get("/workspaces/{workspace_id}/search", tags=["search"], responses=_USUAL)
async def search_workspace(
    workspace_id: UUID,
    q: Typed,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    type: Kind | None = None,
    tag: Tags = [],  # noqa: B006 - FastAPI copies it
    limit: cursors.PageLimit = 20,
    cursor: str | None = None,
) -> models.HitPage:
    """Search like `/search`, within one workspace."""
    return await _search(q, identity, db, request, workspace_id, type, tag, limit, cursor)


async def _search(
    typed: str,
    identity: Identity,
    db: CurrentDatabase,
    request: Request,
    workspace_id: UUID | None,
    kind: str | None,
    tags: list[str],
    limit: int,
    cursor: str | None,
) -> models.HitPage:
    asked = terms.read(typed)
    tags = sorted(set(tags))
    question = hashlib.sha256(repr((typed, workspace_id, kind, tags)).encode()).hexdigest()[:16]
    after = cursors.read_position(cursor, float, UUID, of=question)
    if after is not None and not abs(after[0]) <= MAX_RANK:
        raise Malformed("invalid cursor")
    if identity.kind == "connect" and workspace_id is None:
        return models.HitPage(items=[], next_cursor=None)
    async with db.as_user(identity.subject) as conn:
        if workspace_id is not None:
            await standing_in(conn, identity, workspace_id)
        found = await queries.search_documents(
            conn,
            asked,
            workspace_id=workspace_id,
            kind=kind,
            tags=tags,
            limit=limit + 1,
            after=after,
            attachments=web_services(request).settings.search_attachments,
        )
    addresses = _make_addresses(request)
    page, more = cursors.cut_page(found, limit, lambda hit: (hit.rank, hit.id), of=question)
    items = [
        models.Hit(
            document=models.FoundDocument(
                id=hit.id,
                workspace_id=hit.workspace_id,
                title=hit.title,
                address=addresses.address_of(hit.id, hit.workspace_slug, hit.name, shadowed=hit.shadowed),
                type=hit.type,
                updated_at=hit.updated_at,
            ),
            rank=hit.rank,
            snippet=highlight(plain_section(hit.snippet)),
            title_highlight=highlight(hit.title_marked),
            attachment=models.FoundAttachment(id=hit.attachment_id, file_name=hit.file_name)
            if hit.attachment_id is not None and hit.file_name is not None
            else None,
        )
        for hit in page
    ]
    return models.HitPage(items=items, next_cursor=more)


@router.get("/search/titles", tags=["search"], responses=_USUAL)
async def search_titles(
    q: Title,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    workspace_id: UUID | None = None,
    limit: cursors.PageLimit = 20,
) -> models.SimilarTitlePage:
    """Documents with a title like this, misspelt or unfinished, the most similar first."""
    if identity.kind == "connect" and workspace_id is None:
        return models.SimilarTitlePage(items=[])
    async with db.as_user(identity.subject) as conn:
        if workspace_id is not None:
            await standing_in(conn, identity, workspace_id)
        found = await queries.search_titles(conn, q, workspace_id, limit)
    addresses = _make_addresses(request)
    return models.SimilarTitlePage(
        items=[
            models.SimilarTitle(
                id=title.id,
                workspace_id=title.workspace_id,
                title=title.title,
                address=addresses.address_of(title.id, title.workspace_slug, title.name, shadowed=title.shadowed),
                type=title.type,
                similarity=title.similarity,
            )
            for title in found
        ]
    )


def _make_addresses(request: Request) -> Addresses:
    return Addresses(web_services(request).db, web_services(request).settings.default_workspace)
