"""Categories of imported documents, by their names."""

from typing import Final
from uuid import UUID

from collab_server.access.check import standing_in
from collab_server.access.policy import WorkspaceAction
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation, InsufficientPrivilege, UniqueViolation
from collab_server.errors import LimitReached
from collab_server.features.documents import tag_queries
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.documents.slugs import make_slug
from collab_server.features.documents.tag_queries import Category
from collab_server.web.fields import a_line

_MAX_DEPTH: Final = 20


class Categories:
    """Finds categories by their names from the outermost, and creates missing ones if the caller may."""

    def __init__(self, context: RequestContext, workspace_id: UUID) -> None:
        self._context = context
        self._workspace_id = workspace_id
        self._known: dict[tuple[str, ...], UUID | None] = {(): None}

    async def find(self, names: tuple[str, ...]) -> UUID | None:
        """Find or create a category. None if it is missing and cannot be created."""
        if len(names) > _MAX_DEPTH:
            return None
        key = tuple(make_slug(name) for name in names)
        if key not in self._known:
            parent = await self.find(names[:-1])
            self._known[key] = None
            if parent is not None or len(names) == 1:
                self._known[key] = await self._find_or_make(parent, names[-1])
        return self._known[key]

    async def _find_or_make(self, parent: UUID | None, name: str) -> UUID | None:
        try:
            async with self._context.db.as_user(self._context.identity.subject) as conn:
                if (found := await self._find(conn, parent, name)) is not None:
                    return found.id
                standing = await standing_in(conn, self._context.identity, self._workspace_id)
                if not standing.may(WorkspaceAction.ORGANIZE):
                    return None
                fields = {"name": a_line(name)[:100], "parent_id": parent}
                return await tag_queries.insert_category(conn, self._workspace_id, fields)
        except (LimitReached, CheckViolation, InsufficientPrivilege, ValueError):
            return None
        except UniqueViolation:  # created concurrently
            async with self._context.db.as_user(self._context.identity.subject) as conn:
                found = await self._find(conn, parent, name)
            return found.id if found else None

    async def _find(self, conn: Conn, parent: UUID | None, name: str) -> Category | None:
        slug = make_slug(name)
        for category in await tag_queries.list_categories(conn, self._workspace_id):
            if category.parent_id == parent and make_slug(category.name) == slug:
                return category
        return None
