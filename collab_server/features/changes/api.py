"""Routes of the change feed."""

import asyncio
import time
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from collab_server.access.check import standing_in
from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Conn, Database, caller
from collab_server.errors import (
    CursorExpired,
    Forbidden,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.features.changes import feed, models, queries
from collab_server.features.changes.waiting import Waiter, Waiters
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, current_identity
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

MAX_LIMIT = 500
MAX_WAIT = 30.0
_USUAL = documented(Malformed, Unauthenticated, Forbidden, TooMany, Unavailable)
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Wait = Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for changes if there are none.")]
After = Annotated[
    str | None,
    Query(description="`next_cursor` of the previous page. Without it: no items, only a cursor to start from."),
]


class ChangeServices(Protocol):
    changes: Waiters


async def _waiters(request: Request) -> Waiters:
    services: ChangeServices = request.state.services
    return services.changes


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
    """Read changes in all your workspaces and of the documents shared with you, and in your access to them, without
    gaps and repetitions. To begin, ask
    without a cursor, then fetch the state over the other routes, then continue from that cursor. An entry names the
    changed entity, and its present state is fetched separately. Programs name their device with the headers
    `X-Device-Id` and `X-Client-Version`, or `device_id` and `client_version` in the query. The answer's `X-Server-Time`
    is the time of the request in milliseconds since 1970, for the `edited_at` of pushes.
    """
    after = feed.parse_cursor(cursor, None) if cursor else None
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
    """Read changes like `GET /sync`, in one workspace; of one that you are no member of, those of the documents shared
    with you. An outdated cursor is refused with 410 and `next_cursor`: fetch
    the workspace again, then continue from there.
    """
    after = feed.parse_cursor(cursor, workspace_id) if cursor else None
    response.headers["cache-control"] = "no-store"
    return await _Asked(request, db, waiters, workspace_id, after, limit).answer(identity, wait)


class _Asked:
    """One request for the changes after a cursor."""

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
            raise Forbidden("a connect token is valid for one document only")
        if not wait or self._after is None:
            page = await self._look(identity, note=True)
        else:
            with self._waiters.joined(identity) as waiter:
                page = await self._wait(waiter, wait)
        return _to_response(page)

    async def _wait(self, waiter: Waiter, seconds: float) -> feed.Page:
        deadline = asyncio.get_running_loop().time() + seconds
        page = await self._look_for(waiter, note=True)
        while not page.is_news and not self._waiters.stopping:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not await _wait_news(self._request, waiter, left):
                break
            # The session may have ended during the wait, or the access to the workspace.
            waiter.identity = await current_identity(self._request)
            page = await self._look_for(waiter)
        return page

    async def _look_for(self, waiter: Waiter, *, note: bool = False) -> feed.Page:
        # Any news wakes it during the read, because its readable workspaces are not known yet.
        waiter.news.clear()
        waiter.workspaces = None
        page = await self._look(waiter.identity, note=note)
        waiter.workspaces = frozenset(page.readable if self._workspace_id is None else (self._workspace_id,))
        waiter.shared = frozenset(page.shared)
        return page

    async def _look(self, identity: Identity, *, note: bool = False) -> feed.Page:
        """Read one page. Raises NotFound, CursorExpired, Unavailable. `note`: store the device."""
        found = await self._find(identity, note=note)
        if not found.is_current:
            async with self._db.as_service() as conn:
                await queries.check_epoch(conn)
            found = await self._find(identity)
        return feed.make_page(found, self._after, self._limit, self._workspace_id)

    async def _find(self, identity: Identity, *, note: bool = False) -> queries.Found:
        after, limit = (self._after.position, self._limit) if self._after else (feed.BEGINNING, 0)
        async with self._waiters.reads, self._db.as_user(identity.subject) as conn:
            if self._workspace_id is not None:
                await self._require_readable(conn, identity, self._workspace_id)
            found = await queries.find_page(conn, after, limit, self._workspace_id)
            origin = caller.get()
            if note and identity.user_id is not None and origin.device_id:
                held = str(self._after) if self._after else None
                version = origin.client_version or None
                await queries.note_device(conn, identity.user_id, origin.device_id, version, held)
        return found

    @staticmethod
    async def _require_readable(conn: Conn, identity: Identity, workspace_id: UUID) -> None:
        """Raises NotFound unless the workspace, or a document in it, is the caller's to read."""
        try:
            await standing_in(conn, identity, workspace_id)
        except NotFound:
            if not await queries.has_shared(conn, workspace_id):
                raise


async def _wait_news(request: Request, waiter: Waiter, seconds: float) -> bool:
    """Wait for changes. False after a timeout, or if the client disconnected."""
    news = asyncio.ensure_future(waiter.news.wait())
    disconnect = asyncio.ensure_future(_wait_disconnect(request))
    try:
        done, _ = await asyncio.wait({news, disconnect}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return news in done and disconnect not in done
    finally:
        news.cancel()
        disconnect.cancel()


async def _wait_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _to_response(page: feed.Page) -> models.ChangePage:
    return models.ChangePage(
        items=[_change(change, page.next.at(change.position)) for change in page.changes],
        next_cursor=str(page.next),
        more=page.more,
        resync=list(page.resync),
        resync_shared=list(page.resync_shared),
        workspaces=list(page.readable),
        shared=list(page.shared),
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
