"""Routes of tags, categories, favourites and recent documents."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from collab_server.access.check import require, require_in_workspace, standing_in
from collab_server.access.policy import Action, Role, WorkspaceAction
from collab_server.backends.db import CheckViolation, Conn, ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from collab_server.documents import list_queries, models, organizing_models, organizing_queries
from collab_server.documents.api import USUAL, CurrentDesk, page, position_in_time, shown
from collab_server.documents.showing import Desk
from collab_server.errors import Conflict, Forbidden, LimitReached, Malformed, NotFound, UnprocessableContent
from collab_server.web import cursors
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

NO_TAG = "there is no such tag in this workspace"
NO_CATEGORY = "there is no such category in this workspace"
_WRITING = {**USUAL, **documented(Conflict, UnprocessableContent)}


@asynccontextmanager
async def _organizing(desk: Desk, workspace_id: UUID) -> AsyncIterator[Conn]:
    """A transaction of somebody who may organize the workspace; what PostgreSQL refuses becomes a problem."""
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            await require_in_workspace(conn, desk.identity, workspace_id, WorkspaceAction.ORGANIZE)
            yield conn
    except UniqueViolation:
        raise Conflict("there is one of that name already") from None
    except ForeignKeyViolation:
        raise UnprocessableContent(NO_CATEGORY) from None
    except CheckViolation as error:
        raise UnprocessableContent(str(error)) from None
    except InsufficientPrivilege:
        raise Forbidden("you may not organize this workspace") from None


def _tag(tag: organizing_queries.Tag) -> organizing_models.TagOut:
    return organizing_models.TagOut(
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
    desk: CurrentDesk,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> organizing_models.TagPage:
    """The tags of a workspace, by name."""
    position = cursors.decode(cursor, str, UUID) if cursor else None
    after = (position[0], position[1]) if position else None
    async with desk.db.as_user(desk.identity.user_id, "force_generic_plan") as conn:
        await standing_in(conn, desk.identity, workspace_id)
        found = await organizing_queries.list_tags(
            conn, workspace_id, limit + 1, (after[0], after[1]) if after else None
        )
    last = found[limit - 1] if len(found) > limit else None
    return organizing_models.TagPage(
        items=[_tag(tag) for tag in found[:limit]], next_cursor=cursors.encode(last.name, last.id) if last else None
    )


@router.post("/workspaces/{workspace_id}/tags", status_code=201, tags=["tags"], responses=_WRITING)
async def create_tag(workspace_id: UUID, body: organizing_models.TagIn, desk: CurrentDesk) -> organizing_models.TagOut:
    """Make a tag. One whose name differs only in case, marks and spaces is a conflict."""
    async with _organizing(desk, workspace_id) as conn:
        made = await organizing_queries.insert_tag(conn, workspace_id, body.name, body.color, body.description)
        return _tag(await _found_tag(conn, workspace_id, made))


async def _found_tag(conn: Conn, workspace_id: UUID, tag_id: UUID) -> organizing_queries.Tag:
    found = await organizing_queries.find_tag(conn, workspace_id, tag_id)
    if found is None:
        raise NotFound(NO_TAG)
    return found


@router.patch("/workspaces/{workspace_id}/tags/{tag_id}", tags=["tags"], responses=_WRITING)
async def patch_tag(
    workspace_id: UUID, tag_id: UUID, body: organizing_models.TagPatch, desk: CurrentDesk
) -> organizing_models.TagOut:
    """Change a tag, on all documents that have it."""
    async with _organizing(desk, workspace_id) as conn:
        fields = body.model_dump(include=body.model_fields_set)
        if not await organizing_queries.update_tag(conn, workspace_id, tag_id, fields):
            raise NotFound(NO_TAG)
        return _tag(await _found_tag(conn, workspace_id, tag_id))


@router.delete("/workspaces/{workspace_id}/tags/{tag_id}", status_code=204, tags=["tags"], responses=USUAL)
async def delete_tag(workspace_id: UUID, tag_id: UUID, desk: CurrentDesk) -> None:
    """Take a tag off all documents, and delete it."""
    async with _organizing(desk, workspace_id) as conn:
        if not await organizing_queries.delete_tag(conn, workspace_id, tag_id):
            raise NotFound(NO_TAG)


@router.put("/documents/{document_id}/tags", tags=["tags"], responses={**USUAL, **documented(LimitReached)})
async def put_tags(
    document_id: UUID, body: organizing_models.TagsIn, desk: CurrentDesk, response: Response
) -> models.DocumentOut:
    """Have a document carry exactly these tags."""
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            locked = await desk.lock_for(conn, document_id, Action.EDIT, None)
            await organizing_queries.replace_tags(conn, document_id, locked.workspace_id, body.tags)
            document = await desk.show(conn, document_id)
    except InsufficientPrivilege:
        raise Forbidden("you may not tag this document") from None
    return shown(response, document)


def _category(category: organizing_queries.Category) -> organizing_models.CategoryOut:
    return organizing_models.CategoryOut(
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
async def list_categories(workspace_id: UUID, desk: CurrentDesk) -> organizing_models.CategoryPage:
    """All categories of a workspace; `parent_id` makes them a tree."""
    async with desk.db.as_user(desk.identity.user_id) as conn:
        await standing_in(conn, desk.identity, workspace_id)
        found = await organizing_queries.list_categories(conn, workspace_id)
    return organizing_models.CategoryPage(items=[_category(category) for category in found], next_cursor=None)


@router.post("/workspaces/{workspace_id}/categories", status_code=201, tags=["categories"], responses=_WRITING)
async def create_category(
    workspace_id: UUID, body: organizing_models.CategoryIn, desk: CurrentDesk
) -> organizing_models.CategoryOut:
    """Make a category. Siblings have different names."""
    async with _organizing(desk, workspace_id) as conn:
        made = await organizing_queries.insert_category(conn, workspace_id, body.model_dump())
        return _category(await _found_category(conn, workspace_id, made))


async def _found_category(conn: Conn, workspace_id: UUID, category_id: UUID) -> organizing_queries.Category:
    found = await organizing_queries.find_category(conn, workspace_id, category_id)
    if found is None:
        raise NotFound(NO_CATEGORY)
    return found


@router.patch("/workspaces/{workspace_id}/categories/{category_id}", tags=["categories"], responses=_WRITING)
async def patch_category(
    workspace_id: UUID, category_id: UUID, body: organizing_models.CategoryPatch, desk: CurrentDesk
) -> organizing_models.CategoryOut:
    """Change or move a category. It cannot become a child of itself, nor be nested more than 20 deep."""
    async with _organizing(desk, workspace_id) as conn:
        fields = body.model_dump(include=body.model_fields_set)
        if not await organizing_queries.update_category(conn, workspace_id, category_id, fields):
            raise NotFound(NO_CATEGORY)
        return _category(await _found_category(conn, workspace_id, category_id))


@router.delete(
    "/workspaces/{workspace_id}/categories/{category_id}",
    status_code=204,
    tags=["categories"],
    responses={**USUAL, **documented(Conflict)},
)
async def delete_category(workspace_id: UUID, category_id: UUID, desk: CurrentDesk) -> None:
    """Delete a category. Its children move up, its documents stay without one."""
    async with _organizing(desk, workspace_id) as conn:
        if not await organizing_queries.delete_category(conn, workspace_id, category_id):
            raise NotFound(NO_CATEGORY)


def _require_write(desk: Desk) -> None:
    if desk.identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change your favourites: it needs the scope write")


@router.put("/documents/{document_id}/favourite", status_code=204, tags=["favourites"], responses=USUAL)
async def put_favourite(document_id: UUID, desk: CurrentDesk) -> None:
    """Make a document one of your favourites. A token needs the scope write."""
    desk.require_person()
    _require_write(desk)
    await require(desk.db, desk.identity, document_id, Action.VIEW)
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            await organizing_queries.insert_favourite(conn, document_id)
    except (InsufficientPrivilege, ForeignKeyViolation):
        raise NotFound("there is no such document") from None


@router.delete("/documents/{document_id}/favourite", status_code=204, tags=["favourites"], responses=USUAL)
async def delete_favourite(document_id: UUID, desk: CurrentDesk) -> None:
    """No favourite of yours any more; harmless if it was none. A token needs the scope write."""
    desk.require_person()
    _require_write(desk)
    await require(desk.db, desk.identity, document_id, Action.VIEW)
    async with desk.db.as_user(desk.identity.user_id) as conn:
        await organizing_queries.delete_favourite(conn, document_id)


@router.get(
    "/documents/favourites",
    tags=["favourites"],
    responses={**USUAL, **documented(Malformed)},
    response_model=models.DocumentPage,
)
async def list_favourites(
    desk: CurrentDesk, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """Your favourites in all workspaces, the latest first."""
    desk.require_person()
    after = position_in_time(cursor, "favourites")
    async with desk.db.as_user(desk.identity.user_id, "force_generic_plan") as conn:
        return page(desk, await list_queries.list_favourites(conn, limit + 1, after), limit, "favourites")


@router.get(
    "/documents/recent",
    tags=["favourites"],
    responses={**USUAL, **documented(Malformed)},
    response_model=models.DocumentPage,
)
async def list_recent(
    desk: CurrentDesk, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """What you have opened or read in all workspaces, the last first."""
    desk.require_person()
    after = position_in_time(cursor, "recent")
    await desk.views.flush(desk.db, time.monotonic())
    async with desk.db.as_user(desk.identity.user_id, "force_generic_plan") as conn:
        return page(desk, await list_queries.list_recent(conn, limit + 1, after), limit, "recent")
