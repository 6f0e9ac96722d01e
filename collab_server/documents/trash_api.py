"""Routes of deleting, restoring, duplicating and moving documents."""

from uuid import UUID

from fastapi import Request, Response

from collab_server.access.check import ABSENT, require, require_in_workspace
from collab_server.access.policy import Action, WorkspaceAction
from collab_server.backends.db import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from collab_server.documents import copying, document_queries, models, trash_queries
from collab_server.documents.api import USUAL, CurrentDesk, shown
from collab_server.documents.kinds import ENCRYPTED
from collab_server.errors import (
    Conflict,
    Forbidden,
    LostRace,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    UnprocessableContent,
)
from collab_server.web.etags import expected_version
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


@router.delete(
    "/documents/{document_id}",
    status_code=204,
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, PreconditionFailed)},
)
async def delete_document(document_id: UUID, desk: CurrentDesk, request: Request) -> None:
    """Put a document into the trash. Its author may, and who may delete documents in the workspace."""
    version = expected_version(request)
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            await desk.lock_for(conn, document_id, Action.DELETE, version)
            if not await trash_queries.delete_softly(conn, document_id, expected_version=version):
                raise NotFound(ABSENT)
    except InsufficientPrivilege:
        raise Forbidden("you may not delete this document") from None


@router.post("/documents/{document_id}/restore", tags=["documents"], responses=USUAL)
async def restore_document(document_id: UUID, desk: CurrentDesk, response: Response) -> models.DocumentOut:
    """Take a document out of the trash. If its name has been given to another meanwhile, it comes back without one."""
    desk.require_person()
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            await desk.find_in_trash(conn, document_id)
            if not await trash_queries.restore(conn, document_id):
                raise NotFound(ABSENT)
            document = await desk.show(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not restore this document") from None
    except UniqueViolation:
        raise LostRace("its name was given to another document at this moment") from None
    return shown(response, document)


@router.delete("/documents/{document_id}/permanently", status_code=204, tags=["documents"], responses=USUAL)
async def delete_document_permanently(document_id: UUID, desk: CurrentDesk) -> None:
    """Delete a document that is in the trash for good. No copy is kept."""
    desk.require_person()
    async with desk.db.as_user(desk.identity.user_id) as conn:
        await desk.find_in_trash(conn, document_id)
        if not await trash_queries.delete_for_good(conn, document_id):
            raise NotFound(ABSENT)


@router.post(
    "/documents/{document_id}/duplicate",
    status_code=201,
    tags=["documents"],
    responses={**USUAL, **documented(Conflict, TooLarge, TooMany, UnprocessableContent)},
)
async def duplicate_document(
    document_id: UUID, body: models.DuplicateIn, desk: CurrentDesk, response: Response
) -> models.DocumentOut:
    """A copy of a document as it is now, with its tags; a draft of yours, without a name. The category is kept within
    the workspace.
    """
    if desk.identity.kind == "connect":
        await require(desk.db, desk.identity, document_id, Action.VIEW)
        raise Forbidden("a connect token opens a document; it does not copy it")
    async with desk.db.as_user(desk.identity.user_id) as conn:
        source = await document_queries.find_document(conn, document_id)
        if source is None:
            raise NotFound(ABSENT)
        target = body.workspace_id or source.workspace_id
        await require_in_workspace(conn, desk.identity, target, WorkspaceAction.CREATE_DOCUMENTS)
        secret = await document_queries.find_encrypted(conn, document_id) if source.type == ENCRYPTED else None
    fields = copying.taken_from(source, secret)
    fields["title"] = body.title or copying.title_of_copy(source.title)
    fields["is_template"] = source.is_template if body.as_template is None else body.as_template
    if target != source.workspace_id:
        fields["category_id"] = None
    state = await copying.settled_state(desk, document_id)
    return shown(response, await desk.make(target, fields, [tag.name for tag in source.tags], state))


@router.post(
    "/documents/{document_id}/move",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, Conflict, PreconditionFailed, TooLarge, UnprocessableContent)},
)
async def move_document(
    document_id: UUID, body: models.MoveIn, desk: CurrentDesk, request: Request, response: Response
) -> models.DocumentOut:
    """Move a document, with its content, to another workspace (or category). Needs the right to delete it here and to
    create documents there. Tags go along by name; the category is dropped unless one of the target is given.
    """
    version = expected_version(request)
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            locked = await desk.lock_for(conn, document_id, Action.DELETE, version)
            await require_in_workspace(conn, desk.identity, body.workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
            if body.workspace_id != locked.workspace_id:
                await desk.creations.check_move(conn, body.workspace_id, document_id)
            await trash_queries.move(conn, document_id, body.workspace_id, body.category_id)
            document = await desk.show(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not move this document there") from None
    except UniqueViolation:
        raise Conflict("the other workspace has a document of that name already: rename one of them") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in that workspace") from None
    return shown(response, document)
