"""Routes of versions."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.errors import (
    DocumentDamaged,
    Forbidden,
    NotFound,
    QuotaExceeded,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.content.earlier_api import MEDIA_TYPES, ContentFormat, answer_content
from collab_server.features.document_log import version_content_queries
from collab_server.features.document_log.version_content_queries import NO_VERSION
from collab_server.features.history import version_queries
from collab_server.features.history.authors import find_authors
from collab_server.features.history.models import (
    VersionIn,
    VersionOut,
    VersionPage,
    VersionPatch,
)
from collab_server.features.history.points import require_version
from collab_server.features.history.presentation import show_version
from collab_server.features.history.versions import VersionWish, make_version
from collab_server.features.quotas.quotas import check_version
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

Number = Annotated[int, Path(ge=1, lt=2**31, description="Number of the version")]
_REFUSED = documented(Unauthenticated, Forbidden, NotFound, Unavailable)


@router.get("/documents/{document_id}/versions", tags=["history"], responses=_REFUSED)
async def list_versions(
    document_id: UUID,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    cursor: str | None = None,
    limit: cursors.PageLimit = 50,
) -> VersionPage:
    """List the versions of a document, the newest first."""
    await require(db, identity, document_id, Action.VIEW)
    before = cursors.read_position(cursor, int, of="versions")
    async with db.as_service() as conn:
        found = await version_queries.list_versions(conn, document_id, limit + 1, before[0] if before else None)
    page, more = cursors.cut_page(found, limit, lambda version: (version.number,), of="versions")
    known = await find_authors(db, identity, [author for version in page for author in version.authors])
    return VersionPage(items=[show_version(version, known) for version in page], next_cursor=more)


@router.post(
    "/documents/{document_id}/versions",
    tags=["history"],
    status_code=201,
    responses={
        **_REFUSED,
        **documented(TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
    },
)
async def create_version(
    document_id: UUID,
    body: VersionIn,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    rooms: CurrentRooms,
    workers: CurrentWorkers,
) -> VersionOut:
    """Keep the document as it is now, with all received edits, under a number."""
    await require(db, identity, document_id, Action.EDIT)
    async with db.as_service() as conn:
        await check_version(conn, document_id)
    await rooms.settle(document_id)
    wish = VersionWish("manual", body.label, body.change_description, identity.user_id, if_new=False)
    made = await make_version(db, workers, document_id, wish)
    return await _find(db, identity, document_id, made.number)


@router.get("/documents/{document_id}/versions/{number}", tags=["history"], responses=_REFUSED)
async def get_version(document_id: UUID, number: Number, identity: CurrentIdentity, db: CurrentDatabase) -> VersionOut:
    """Return a version without its content."""
    await require(db, identity, document_id, Action.VIEW)
    return await _find(db, identity, document_id, number)


@router.patch(
    "/documents/{document_id}/versions/{number}",
    tags=["history"],
    responses={**_REFUSED, **documented(QuotaExceeded)},
)
async def change_version(
    document_id: UUID, number: Number, body: VersionPatch, identity: CurrentIdentity, db: CurrentDatabase
) -> VersionOut:
    """Name, describe or pin a version. Fields that are absent stay. A version with a label or a pin is always kept."""
    await require(db, identity, document_id, Action.EDIT)
    given = body.model_fields_set
    async with db.as_service() as conn, conn.transaction():
        version = require_version(await version_queries.find_version(conn, document_id, number))
        label = body.label if "label" in given else version.label
        pinned = body.pinned if "pinned" in given else version.pinned
        if (label is not None or pinned) and version.label is None and not version.pinned:
            await check_version(conn, document_id)
        await version_queries.update_version(
            conn,
            document_id,
            number,
            label=label,
            description=body.change_description if "change_description" in given else version.change_description,
            pinned=pinned,
        )
    return await _find(db, identity, document_id, number)


@router.delete("/documents/{document_id}/versions/{number}", tags=["history"], status_code=204, responses=_REFUSED)
async def delete_version(document_id: UUID, number: Number, identity: CurrentIdentity, db: CurrentDatabase) -> None:
    """Delete a version. The document and the rest of its history stay."""
    await require(db, identity, document_id, Action.DELETE)
    async with db.as_service() as conn, conn.transaction():
        if not await version_queries.delete_version(conn, document_id, number):
            raise NotFound(NO_VERSION)


@router.get(
    "/documents/{document_id}/versions/{number}/content",
    tags=["history"],
    response_class=Response,
    responses={
        **_REFUSED,
        **documented(TooLarge, UnprocessableContent, TooMany, DocumentDamaged),
        200: {"content": {kind: {} for kind in MEDIA_TYPES}, "description": "The content of the version"},
    },
)
async def get_version_content(
    document_id: UUID,
    number: Number,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    workers: CurrentWorkers,
    request: Request,
    format: ContentFormat = None,
) -> Response:
    """Return the content of a version, in the formats of the document's content, or as a Yjs update
    (`application/octet-stream`).
    """
    await require(db, identity, document_id, Action.VIEW)
    async with db.as_service() as conn:
        found = await version_content_queries.get_content(conn, document_id, number)
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


async def _find(db: CurrentDatabase, identity: CurrentIdentity, document_id: UUID, number: int) -> VersionOut:
    async with db.as_service() as conn:
        version = require_version(await version_queries.find_version(conn, document_id, number))
    return show_version(version, await find_authors(db, identity, version.authors))
