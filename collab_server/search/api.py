"""Routes of search: words in documents, and titles that are half remembered."""

import hashlib
import math
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import AfterValidator

from collab_server.access.check import standing_in
from collab_server.access.identity import Identity
from collab_server.documents.addresses import Addresses
from collab_server.documents.excerpts import plain_part
from collab_server.documents.kinds import Kind
from collab_server.errors import (
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.search import models, queries, terms
from collab_server.search.snippets import highlighted
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity
from collab_server.web.fields import a_line
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_USUAL = documented(Malformed, Unauthenticated, Forbidden, NotFound, UnprocessableContent, Unavailable)

Typed = Annotated[
    str,
    Query(min_length=1, max_length=500, description='Words, all of them; "a phrase", or, -not.'),
    AfterValidator(a_line),
]
Title = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(a_line)]
Tags = Annotated[list[str], Query(max_length=20, description="Slugs; a document must have them all.")]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/search", tags=["search"], responses=_USUAL)
async def search(
    q: Typed,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    workspace_id: UUID | None = None,
    type: Kind | None = None,
    tag: Tags = [],  # noqa: B006 - FastAPI copies it
    limit: Limit = 20,
    cursor: str | None = None,
) -> models.HitPage:
    """Documents with these words in title, description, tags or text, the best first.

    The last word may be unfinished. An edit can be found a few seconds later. Of very many documents with the words,
    the thousand that were changed last are ranked, and as many with all words in title and tags.
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
    limit: Limit = 20,
    cursor: str | None = None,
) -> models.HitPage:
    """As `/search`, within one workspace."""
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
    after = _position(cursor, question) if cursor else None
    if identity.kind == "connect" and workspace_id is None:
        return models.HitPage(items=[], next_cursor=None)
    async with db.as_user(identity.user_id) as conn:
        if workspace_id is not None:
            await standing_in(conn, identity, workspace_id)
        found = await queries.search_documents(
            conn, asked, workspace_id=workspace_id, kind=kind, tags=tags, limit=limit + 1, after=after
        )
    addresses = _addresses(request)
    page = found[:limit]
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
            snippet=highlighted(plain_part(hit.snippet)),
            title_highlight=highlighted(hit.title_marked),
        )
        for hit in page
    ]
    more = cursors.encode(question, page[-1].rank, page[-1].id) if len(found) > limit else None
    return models.HitPage(items=items, next_cursor=more)


def _position(cursor: str, question: str) -> tuple[float, UUID]:
    """(rank, id) of the last hit before. Raises Malformed for another question's cursor."""
    asked, rank, document_id = cursors.decode(cursor, str, float, UUID)
    if asked != question or not math.isfinite(rank) or abs(rank) > 1e30:
        raise Malformed("the cursor is not one of this search")
    return rank, document_id


@router.get("/search/titles", tags=["search"], responses=_USUAL)
async def search_titles(
    q: Title,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    request: Request,
    workspace_id: UUID | None = None,
    limit: Limit = 20,
) -> models.SimilarTitlePage:
    """Documents with a title like this, misspelt or unfinished, the most similar first."""
    if identity.kind == "connect" and workspace_id is None:
        return models.SimilarTitlePage(items=[])
    async with db.as_user(identity.user_id) as conn:
        if workspace_id is not None:
            await standing_in(conn, identity, workspace_id)
        found = await queries.search_titles(conn, q, workspace_id, limit)
    addresses = _addresses(request)
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


def _addresses(request: Request) -> Addresses:
    return Addresses(request.state.db, request.state.settings.default_workspace)
