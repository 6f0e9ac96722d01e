"""Routes of tags, categories, favourites and recent documents."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from fastapi import Response

from collab_server.access.check import require, require_in_workspace, standing_in
from collab_server.access.policy import Action, Role, WorkspaceAction
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import (
    CheckViolation,
    ForeignKeyViolation,
    InsufficientPrivilege,
    UniqueViolation,
)
from collab_server.errors import Conflict, Forbidden, LimitReached, Malformed, NotFound, UnprocessableContent
from collab_server.features.documents import list_queries, tag_queries
from collab_server.features.documents import models as document_models
from collab_server.features.documents.api import USUAL, CurrentContext, to_page, to_response
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.tags import models
from collab_server.web import cursors
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

NO_TAG = "there is no such tag in this workspace"
NO_CATEGORY = "there is no such category in this workspace"
_WRITING = {**USUAL, **documented(Conflict, UnprocessableContent)}


@asynccontextmanager
async def _open_transaction(context: RequestContext, workspace_id: UUID) -> AsyncIterator[Conn]:
    """Open a transaction with the right to organize the workspace. Errors of PostgreSQL become API errors."""
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            await require_in_workspace(conn, context.identity, workspace_id, WorkspaceAction.ORGANIZE)
            yield conn
    except UniqueViolation:
        raise Conflict("the name is already used") from None
    except ForeignKeyViolation:
        raise UnprocessableContent(NO_CATEGORY) from None
    except CheckViolation as error:
        raise UnprocessableContent(str(error)) from None
    except InsufficientPrivilege:
        raise Forbidden("you may not organize this workspace") from None


def _to_tag(tag: tag_queries.Tag) -> models.TagOut:
    return models.TagOut(
        id=tag.id,
        name=tag.name,
        slug=tag.slug,
        color=tag.color,
        description=tag.description,
        document_count=tag.documents,
    )


@router.get("/workspaces/{workspace_id}/tags", tags=["tags"], responses={**USUAL, **documented(Malformed)})
async def list_tags(
    workspace_id: UUID,
    context: CurrentContext,
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.TagPage:
    """The tags of a workspace, by name."""
    after = cursors.read_position(cursor, str, UUID)
    async with context.db.as_user(context.identity.subject, "force_generic_plan") as conn:
        await standing_in(conn, context.identity, workspace_id)
        found = await tag_queries.list_tags(conn, workspace_id, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda tag: (tag.name, tag.id))
    return models.TagPage(items=[_to_tag(tag) for tag in page], next_cursor=more)


@router.post("/workspaces/{workspace_id}/tags", status_code=201, tags=["tags"], responses=_WRITING)
async def create_tag(workspace_id: UUID, body: models.TagIn, context: CurrentContext) -> models.TagOut:
    """Create a tag. A name that differs only in case, marks and spaces is a conflict."""
    async with _open_transaction(context, workspace_id) as conn:
        made = await tag_queries.insert_tag(conn, workspace_id, body.name, body.color, body.description)
        return _to_tag(await _get_tag(conn, workspace_id, made))


async def _get_tag(conn: Conn, workspace_id: UUID, tag_id: UUID) -> tag_queries.Tag:
    found = await tag_queries.find_tag(conn, workspace_id, tag_id)
    if found is None:
        raise NotFound(NO_TAG)
    return found


@router.patch("/workspaces/{workspace_id}/tags/{tag_id}", tags=["tags"], responses=_WRITING)
async def patch_tag(workspace_id: UUID, tag_id: UUID, body: models.TagPatch, context: CurrentContext) -> models.TagOut:
    """Change a tag on all its documents."""
    async with _open_transaction(context, workspace_id) as conn:
        fields = body.model_dump(include=body.model_fields_set)
        if not await tag_queries.update_tag(conn, workspace_id, tag_id, fields):
            raise NotFound(NO_TAG)
        return _to_tag(await _get_tag(conn, workspace_id, tag_id))


@router.delete("/workspaces/{workspace_id}/tags/{tag_id}", status_code=204, tags=["tags"], responses=USUAL)
async def delete_tag(workspace_id: UUID, tag_id: UUID, context: CurrentContext) -> None:
    """Take a tag off all documents, and delete it."""
    async with _open_transaction(context, workspace_id) as conn:
        if not await tag_queries.delete_tag(conn, workspace_id, tag_id):
            raise NotFound(NO_TAG)


@router.put("/documents/{document_id}/tags", tags=["tags"], responses={**USUAL, **documented(LimitReached)})
async def put_tags(
    document_id: UUID, body: models.TagsIn, context: CurrentContext, response: Response
) -> document_models.DocumentOut:
    """Have a document carry exactly these tags."""
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            locked = await context.lock_for(conn, document_id, Action.EDIT, None)
            await tag_queries.replace_tags(conn, document_id, locked.workspace_id, body.tags)
            document = await context.get_document(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not tag this document") from None
    return to_response(response, document)


def _to_category(category: tag_queries.Category) -> models.CategoryOut:
    return models.CategoryOut(
        id=category.id,
        parent_id=category.parent_id,
        name=category.name,
        slug=category.slug,
        color=category.color,
        icon=category.icon,
        description=category.description,
        position=category.position,
        document_count=category.documents,
    )


@router.get("/workspaces/{workspace_id}/categories", tags=["categories"], responses=USUAL)
async def list_categories(workspace_id: UUID, context: CurrentContext) -> models.CategoryPage:
    """List all categories of a workspace; `parent_id` gives the tree."""
    async with context.db.as_user(context.identity.subject) as conn:
        await standing_in(conn, context.identity, workspace_id)
        found = await tag_queries.list_categories(conn, workspace_id)
    return models.CategoryPage(items=[_to_category(category) for category in found], next_cursor=None)


@router.post("/workspaces/{workspace_id}/categories", status_code=201, tags=["categories"], responses=_WRITING)
async def create_category(workspace_id: UUID, body: models.CategoryIn, context: CurrentContext) -> models.CategoryOut:
    """Create a category. Siblings must have different names."""
    async with _open_transaction(context, workspace_id) as conn:
        made = await tag_queries.insert_category(conn, workspace_id, body.model_dump())
        return _to_category(await _get_category(conn, workspace_id, made))


async def _get_category(conn: Conn, workspace_id: UUID, category_id: UUID) -> tag_queries.Category:
    found = await tag_queries.find_category(conn, workspace_id, category_id)
    if found is None:
        raise NotFound(NO_CATEGORY)
    return found


@router.patch("/workspaces/{workspace_id}/categories/{category_id}", tags=["categories"], responses=_WRITING)
async def patch_category(
    workspace_id: UUID, category_id: UUID, body: models.CategoryPatch, context: CurrentContext
) -> models.CategoryOut:
    """Change or move a category. It cannot become a child of itself, nor be nested more than 20 deep."""
    async with _open_transaction(context, workspace_id) as conn:
        fields = body.model_dump(include=body.model_fields_set)
        if not await tag_queries.update_category(conn, workspace_id, category_id, fields):
            raise NotFound(NO_CATEGORY)
        return _to_category(await _get_category(conn, workspace_id, category_id))


@router.delete(
    "/workspaces/{workspace_id}/categories/{category_id}",
    status_code=204,
    tags=["categories"],
    responses={**USUAL, **documented(Conflict)},
)
async def delete_category(workspace_id: UUID, category_id: UUID, context: CurrentContext) -> None:
    """Delete a category. Its children move up, its documents stay without one."""
    async with _open_transaction(context, workspace_id) as conn:
        if not await tag_queries.delete_category(conn, workspace_id, category_id):
            raise NotFound(NO_CATEGORY)


def _require_write(context: RequestContext) -> None:
    if context.identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change your favourites: it needs the scope write")


@router.put("/documents/{document_id}/favourite", status_code=204, tags=["favourites"], responses=USUAL)
async def put_favourite(document_id: UUID, context: CurrentContext) -> None:
    """Add a document to your favourites. A token needs the scope write."""
    context.require_person()
    _require_write(context)
    await require(context.db, context.identity, document_id, Action.VIEW)
    try:
        async with context.db.as_user(context.identity.subject) as conn:
            await tag_queries.insert_favourite(conn, document_id)
    except (InsufficientPrivilege, ForeignKeyViolation):
        raise NotFound("there is no such document") from None


@router.delete("/documents/{document_id}/favourite", status_code=204, tags=["favourites"], responses=USUAL)
async def delete_favourite(document_id: UUID, context: CurrentContext) -> None:
    """Remove a document from your favourites; harmless if it was none. A token needs the scope write."""
    context.require_person()
    _require_write(context)
    await require(context.db, context.identity, document_id, Action.VIEW)
    async with context.db.as_user(context.identity.subject) as conn:
        await tag_queries.delete_favourite(conn, document_id)


@router.get(
    "/documents/favourites",
    tags=["favourites"],
    responses={**USUAL, **documented(Malformed)},
    response_model=document_models.DocumentPage,
)
async def list_favourites(
    context: CurrentContext, limit: cursors.PageLimit = 50, cursor: str | None = None
) -> Response:
    """Your favourites in all workspaces, the latest first."""
    context.require_person()
    after = cursors.read_position(cursor, datetime, UUID, of="favourites")
    async with context.db.as_user(context.identity.subject, "force_generic_plan") as conn:
        return to_page(context, await list_queries.list_favourites(conn, limit + 1, after), limit, "favourites")


@router.get(
    "/documents/recent",
    tags=["favourites"],
    responses={**USUAL, **documented(Malformed)},
    response_model=document_models.DocumentPage,
)
async def list_recent(context: CurrentContext, limit: cursors.PageLimit = 50, cursor: str | None = None) -> Response:
    """List your last viewed documents in all workspaces, the latest first."""
    context.require_person()
    after = cursors.read_position(cursor, datetime, UUID, of="recent")
    await context.views.flush(context.db, time.monotonic())
    async with context.db.as_user(context.identity.subject, "force_generic_plan") as conn:
        return to_page(context, await list_queries.list_recent(conn, limit + 1, after), limit, "recent")
