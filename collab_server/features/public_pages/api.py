"""Routes of the settings of a document's public page."""

from uuid import UUID

from fastapi import Request, Response

from collab_server.access.check import ABSENT, require
from collab_server.access.policy import Action
from collab_server.adapters.postgres_errors import InsufficientPrivilege
from collab_server.errors import Conflict, Forbidden, Malformed, NotFound, PreconditionFailed, UnprocessableContent
from collab_server.features.documents.api import USUAL, CurrentContext
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.public_pages import models, queries
from collab_server.features.public_pages.addresses import get_base_url, page_url
from collab_server.features.public_pages.queries import PageSettings
from collab_server.web.etags import changed_meanwhile, expected_version, not_modified, row_etag
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


def _to_response(request: Request, document_id: UUID, found: PageSettings) -> models.PublicPageOut:
    return models.PublicPageOut(
        document_id=document_id,
        is_public=found.is_public,
        slug=found.slug,
        url=page_url(get_base_url(request), found.slug) if found.slug else None,
        indexable=found.indexable,
        live=found.live,
        published_at=found.published_at,
        row_version=found.row_version,
    )


@router.get(
    "/documents/{document_id}/public-page",
    tags=["documents"],
    responses={**USUAL, 304: {"description": "It is as If-None-Match says"}},
    response_model=models.PublicPageOut,
)
async def get_public_page(
    document_id: UUID, context: CurrentContext, request: Request, response: Response
) -> models.PublicPageOut | Response:
    """Return the address and the settings of the page of a document. Everybody who reads the document may know them."""
    await require(context.db, context.identity, document_id, Action.VIEW)
    async with context.db.as_user(context.identity.rights) as conn:
        found = await queries.find_settings(conn, document_id)
    if found is None:
        raise NotFound(ABSENT)
    etag = f'"r{found.row_version}-{int(found.is_public)}"'
    response.headers.update({"etag": etag, "cache-control": "private, no-cache"})
    return not_modified(request, etag) or _to_response(request, document_id, found)


@router.put(
    "/documents/{document_id}/public-page",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, Conflict, PreconditionFailed, UnprocessableContent)},
)
async def put_public_page(
    document_id: UUID, body: models.PublicPageIn, context: CurrentContext, request: Request, response: Response
) -> models.PublicPageOut:
    """Set up the page of a document, also before the document is public. This needs the right to make it public;
    whether it is public is a field of the document. A slug that another page has or had is a conflict. `If-Match` takes
    the `row_version` as `"r2"`.
    """
    version = expected_version(request)
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            locked = await context.lock_for(conn, document_id, Action.EDIT, None)
            context.require_removal_right(locked)
            if locked.type == ENCRYPTED:
                raise UnprocessableContent("a password is never public")
            before = await queries.find_settings(conn, document_id)
            if version is not None and before is not None and before.row_version != version:
                raise changed_meanwhile(before.row_version)
            if not await queries.set_page(conn, document_id, body.slug, body.indexable, body.live):
                raise Conflict(f"another page has or had the address {body.slug!r}")
            found = await queries.find_settings(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not publish this document") from None
    if found is None:
        raise NotFound(ABSENT)
    response.headers["etag"] = row_etag(found.row_version)
    return _to_response(request, document_id, found)
