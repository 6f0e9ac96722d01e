"""Routes of the change feed."""

import asyncio
import time
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from collab_server.access.check import standing_in
from collab_server.access.identity import Identity
from collab_server.backends.db import Database, caller
from collab_server.changes import feed, models, queries
from collab_server.changes.waiting import Waiter, Waiters
from collab_server.errors import (
    CursorExpired,
    Forbidden,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, current_identity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MAX_LIMIT = 500
MAX_WAIT = 30.0
_USUAL = documented(Malformed, Unauthenticated, Forbidden, TooMany, Unavailable)
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Wait = Annotated[
    float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for something new, where nothing is new now.")
]
After = Annotated[
    str | None,
    Query(description="`next_cursor` of the page before. None: no items, and the cursor from which to go on."),
]


async def _waiters(request: Request) -> Waiters:
    found: Waiters = request.state.changes
    return found


CurrentWaiters = Annotated[Waiters, Depends(_waiters)]


@router.get("/sync", tags=["sync"], responses=_USUAL)
async def sync(
    request: Request,
    response: Response,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    waiters: CurrentWaiters,
    *,
    cursor: After = None,
    limit: Limit = 200,
    wait: Wait = 0.0,
) -> models.ChangePage:
    """What changed in all workspaces that you may read, and in your access to them, in an order in which nothing is
    skipped or repeated.

    To begin: ask without a cursor, then fetch the state over the other routes, then go on from that cursor. An entry
    says where to look; what is there is the truth. Programs name their device with the headers `X-Device-Id` and
    `X-Client-Version`, or `device_id` and `client_version` in the query. The answer's `X-Server-Time` is when the
    request came, in milliseconds since 1970, for the `edited_at` of pushes.
    """
    after = feed.parsed(cursor, None) if cursor else None
    response.headers["cache-control"] = "no-store"
    response.headers["x-server-time"] = str(time.time_ns() // 1_000_000)
    return await _Asked(request, db, waiters, None, after, limit).answer(identity, wait)


@router.get(
    "/workspaces/{workspace_id}/sync", tags=["sync"], responses={**_USUAL, **documented(NotFound, CursorExpired)}
)
async def sync_workspace(
    workspace_id: UUID,
    request: Request,
    response: Response,
    identity: CurrentIdentity,
    db: CurrentDatabase,
    waiters: CurrentWaiters,
    *,
    cursor: After = None,
    limit: Limit = 200,
    wait: Wait = 0.0,
) -> models.ChangePage:
    """As `GET /sync`, of one workspace. A cursor that is too old is refused with 410 and `next_cursor`: fetch the
    workspace anew, then go on from there.
    """
    after = feed.parsed(cursor, workspace_id) if cursor else None
    response.headers["cache-control"] = "no-store"
    return await _Asked(request, db, waiters, workspace_id, after, limit).answer(identity, wait)


class _Asked:
    """One request for what came after a cursor."""

    def __init__(
        self,
        request: Request,
        db: Database,
        waiters: Waiters,
        workspace_id: UUID | None,
        after: feed.Cursor | None,
        limit: int,
    ) -> None:
        self._request = request
        self._db = db
        self._waiters = waiters
        self._workspace_id = workspace_id
        self._after = after
        self._limit = limit

    async def answer(self, identity: Identity, wait: float) -> models.ChangePage:
        if identity.kind == "connect":
            raise Forbidden("a connect token opens one document and nothing else")
        if not wait or self._after is None:
            page = await self._look(identity, note=True)
        else:
            with self._waiters.joined(identity) as waiter:
                page = await self._wait(waiter, wait)
        return _shown(page)

    async def _wait(self, waiter: Waiter, seconds: float) -> feed.Page:
        deadline = asyncio.get_running_loop().time() + seconds
        page = await self._look_for(waiter, note=True)
        while not page.is_news and not self._waiters.stopping:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not await _heard(self._request, waiter, left):
                break
            # Who waited may have been signed out, or lost the workspace.
            waiter.identity = await current_identity(self._request)
            page = await self._look_for(waiter)
        return page

    async def _look_for(self, waiter: Waiter, *, note: bool = False) -> feed.Page:
        # While it looks, all news is for it: which workspaces it may read turns out by looking.
        waiter.news.clear()
        waiter.workspaces = None
        page = await self._look(waiter.identity, note=note)
        waiter.workspaces = frozenset(page.readable if self._workspace_id is None else (self._workspace_id,))
        return page

    async def _look(self, identity: Identity, *, note: bool = False) -> feed.Page:
        """Raises NotFound, CursorExpired, Unavailable. `note`: remember the device."""
        found = await self._find(identity, note=note)
        if not found.is_current:
            async with self._db.as_service() as conn:
                await queries.check_epoch(conn)
            found = await self._find(identity)
        return feed.page_of(found, self._after, self._limit, self._workspace_id)

    async def _find(self, identity: Identity, *, note: bool = False) -> queries.Found:
        after, limit = (self._after.position, self._limit) if self._after else (feed.BEGINNING, 0)
        async with self._waiters.reads, self._db.as_user(identity.user_id) as conn:
            if self._workspace_id is not None:
                await standing_in(conn, identity, self._workspace_id)
            found = await queries.find_page(conn, after, limit, self._workspace_id)
            origin = caller.get()
            if note and identity.user_id is not None and origin.device_id:
                held = str(self._after) if self._after else None
                version = origin.client_version or None
                await queries.note_device(conn, identity.user_id, origin.device_id, version, held)
        return found


async def _heard(request: Request, waiter: Waiter, seconds: float) -> bool:
    """Wait for news; False where none came in time, or nobody is there to be told."""
    news = asyncio.ensure_future(waiter.news.wait())
    gone = asyncio.ensure_future(_gone(request))
    try:
        done, _ = await asyncio.wait({news, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return news in done and gone not in done
    finally:
        news.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _shown(page: feed.Page) -> models.ChangePage:
    return models.ChangePage(
        items=[_change(change, page.next.at(change.position)) for change in page.changes],
        next_cursor=str(page.next),
        more=page.more,
        resync=list(page.resync),
        workspaces=list(page.readable),
        shared=[],
    )


def _change(change: queries.Change, cursor: feed.Cursor) -> models.ChangeOut:
    return models.ChangeOut.model_validate(
        {
            "entity_type": change.entity_type,
            "entity_id": change.entity_id,
            "operation": change.operation,
            "workspace_id": change.workspace_id,
            "document_id": change.document_id,
            "changed_fields": list(change.changed_fields),
            "content_hash": change.content_hash,
            "row_version": change.row_version,
            "changed_by": change.changed_by,
            "device_id": change.device_id,
            "client_version": change.client_version,
            "changed_at": change.created_at,
            "cursor": str(cursor),
        }
    )
