"""Routes of one's notifications."""

from datetime import datetime
from uuid import UUID

from fastapi import Request

from collab_server.access.identity import Identity
from collab_server.access.policy import Role
from collab_server.errors import Forbidden, Malformed, NotFound, Unauthenticated, Unavailable
from collab_server.features.documents.addresses import Addresses
from collab_server.features.documents.services import document_services
from collab_server.features.notifications import models, queries
from collab_server.features.notifications.presentation import to_response
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentUser
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

USUAL = documented(Unauthenticated, Forbidden, NotFound, Unavailable)
_ABSENT = "there is no such notification"


def require_write(identity: Identity) -> None:
    """Raises Forbidden."""
    if identity.role_cap < Role.EDITOR:
        raise Forbidden("this token may not change your notifications: it needs the scope write")


def _addresses(request: Request, db: CurrentDatabase) -> Addresses:
    return Addresses(db, document_services(request).settings.default_workspace)


@router.get("/notifications", tags=["notifications"], responses={**USUAL, **documented(Malformed)})
async def list_notifications(
    identity: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    state: models.State = "inbox",
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.NotificationPage:
    """Your notifications, the newest first. What you may no longer read is not among them. `state=inbox`: all but the
    archived ones.
    """
    before = cursors.read_position(cursor, datetime, UUID, of="notifications")
    async with db.as_user(identity.subject) as conn:
        rows = await queries.list_notifications(conn, state, limit + 1, before)
    page, more = cursors.cut_page(rows, limit, lambda row: (row.updated_at, row.id), of="notifications")
    addresses = _addresses(request, db)
    return models.NotificationPage(items=[to_response(row, addresses) for row in page], next_cursor=more)


@router.get("/notifications/unread", tags=["notifications"], responses=USUAL)
async def count_unread(identity: CurrentUser, db: CurrentDatabase) -> models.UnreadCount:
    """How many notifications you have not read."""
    async with db.as_user(identity.subject) as conn:
        return models.UnreadCount(count=await queries.count_unread(conn))


@router.post("/notifications/read", tags=["notifications"], responses=USUAL)
async def mark_read(
    identity: CurrentUser, db: CurrentDatabase, body: models.ReadIn | None = None
) -> models.UnreadCount:
    """Mark notifications as read: those named, or all. Returns how many are unread then. A token needs the scope
    write.
    """
    require_write(identity)
    async with db.as_user(identity.subject) as conn:
        await queries.mark_read(conn, body.ids if body else None)
        return models.UnreadCount(count=await queries.count_unread(conn))


@router.patch("/notifications/{notification_id}", tags=["notifications"], responses=USUAL)
async def patch_notification(
    notification_id: UUID,
    body: models.NotificationPatch,
    identity: CurrentUser,
    db: CurrentDatabase,
    request: Request,
) -> models.NotificationOut:
    """Mark a notification as read or unread, or put it into the archive. A token needs the scope write."""
    require_write(identity)
    async with db.as_user(identity.subject) as conn:
        await queries.update_notification(conn, notification_id, read=body.read, archived=body.archived)
        found = await queries.find_notification(conn, notification_id)
    if found is None:
        raise NotFound(_ABSENT)
    return to_response(found, _addresses(request, db))
