"""Routes of deleting, restoring, duplicating and moving documents."""

from uuid import UUID

from fastapi import Request, Response

from collab_server.access.check import ABSENT, require, require_in_workspace
from collab_server.access.policy import Action, WorkspaceAction
from collab_server.adapters.postgres_errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
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
from collab_server.features.documents import document_queries, duplication, models
from collab_server.features.documents.api import USUAL, CurrentContext, to_response
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.trash import queries as trash_queries
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
async def delete_document(document_id: UUID, context: CurrentContext, request: Request) -> None:
    """Move a document to the trash. Allowed for its author, and with the right to delete documents in the workspace."""
    version = expected_version(request)
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            await context.lock_for(conn, document_id, Action.DELETE, version)
            if not await trash_queries.delete_softly(conn, document_id, expected_version=version):
                raise NotFound(ABSENT)
    except InsufficientPrivilege:
        raise Forbidden("you may not delete this document") from None


@router.post("/documents/{document_id}/restore", tags=["documents"], responses=USUAL)
async def restore_document(document_id: UUID, context: CurrentContext, response: Response) -> models.DocumentOut:
    """Take a document out of the trash. If another document has its name now, it loses the name."""
    context.require_person()
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            await context.find_in_trash(conn, document_id)
            if not await trash_queries.restore(conn, document_id):
                raise NotFound(ABSENT)
            document = await context.get_document(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not restore this document") from None
    except UniqueViolation:
        raise LostRace("its name was given to another document at the same time") from None
    return to_response(response, document)


@router.delete("/documents/{document_id}/permanently", status_code=204, tags=["documents"], responses=USUAL)
async def delete_document_permanently(document_id: UUID, context: CurrentContext) -> None:
    """Delete a document in the trash permanently. No copy is kept."""
    context.require_person()
    async with context.db.as_user(context.identity.subject) as conn:
        await context.find_in_trash(conn, document_id)
        if not await trash_queries.delete_for_good(conn, document_id):
            raise NotFound(ABSENT)


@router.post(
    "/documents/{document_id}/duplicate",
    status_code=201,
    tags=["documents"],
    responses={**USUAL, **documented(Conflict, TooLarge, TooMany, UnprocessableContent)},
)
async def duplicate_document(
    document_id: UUID, body: models.DuplicateIn, context: CurrentContext, response: Response
) -> models.DocumentOut:
    """A copy of a document as it is now, with its tags and attachments; a draft of yours, without a name. Links to its
    attachments become links to their copies. The category is kept within the workspace.
    """
    if context.identity.kind == "connect":
        await require(context.db, context.identity, document_id, Action.VIEW)
        raise Forbidden("a connect token may not copy documents")
    async with context.db.as_user(context.identity.subject) as conn:
        source = await document_queries.find_document(conn, document_id)
        if source is None:
            raise NotFound(ABSENT)
        target = body.workspace_id or source.workspace_id
        await require_in_workspace(conn, context.identity, target, WorkspaceAction.CREATE_DOCUMENTS)
        secret = await document_queries.find_encrypted(conn, document_id) if source.type == ENCRYPTED else None
    fields = duplication.copy_fields(source, secret)
    fields["title"] = body.title or duplication.make_copy_title(source.title)
    fields["is_template"] = source.is_template if body.as_template is None else body.as_template
    if target != source.workspace_id:
        fields["category_id"] = None
    tags = [tag.name for tag in source.tags]
    async with context.files.copy(context.identity, document_id, target) as copies:
        state = await duplication.get_copied_state(context, document_id, copies)
        return to_response(response, await context.create(target, fields, tags, state, copies))


@router.post(
    "/documents/{document_id}/move",
    tags=["documents"],
    responses={**USUAL, **documented(Malformed, Conflict, PreconditionFailed, TooLarge, UnprocessableContent)},
)
async def move_document(
    document_id: UUID, body: models.MoveIn, context: CurrentContext, request: Request, response: Response
) -> models.DocumentOut:
    """Move a document with its content to another workspace or category. Needs the right to delete it here and to
    create documents there. Tags are kept by name. The category is dropped without a `category_id` of the target.
    """
    version = expected_version(request)
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            locked = await context.lock_for(conn, document_id, Action.DELETE, version)
            await require_in_workspace(conn, context.identity, body.workspace_id, WorkspaceAction.CREATE_DOCUMENTS)
            if body.workspace_id != locked.workspace_id:
                await context.creations.check_move(conn, body.workspace_id, document_id)
            await trash_queries.move(conn, document_id, body.workspace_id, body.category_id)
            document = await context.get_document(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not move this document there") from None
    except UniqueViolation:
        raise Conflict("the other workspace has a document of that name already: rename one of them") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in that workspace") from None
    return to_response(response, document)
