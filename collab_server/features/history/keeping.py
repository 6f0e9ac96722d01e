"""Makes versions before edits of other features that remove much of a document."""

from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import CollabError, NotFound, TooMany, Unavailable
from collab_server.features.history.versions import VersionWish, make_version
from collab_server.observability.logging import log


class VersionKeeper:
    """See web.services.KeepVersion. settle: brings the stored content of a document up to date."""

    def __init__(self, db: Database, workers: Workers, settle: Callable[[UUID], Awaitable[None]]) -> None:
        self._db = db
        self._workers = workers
        self._settle = settle

    async def __call__(
        self, document_id: UUID, kind: Literal["import", "before-deletion"], user_id: UUID | None
    ) -> None:
        await self._settle(document_id)
        try:
            await make_version(self._db, self._workers, document_id, VersionWish(kind, created_by=user_id))
        except (NotFound, TooMany, Unavailable):
            raise
        except CollabError as error:
            # The history has the content all the same.
            log.warning("a version before an edit failed", extra={"document": document_id, "error": error.detail})
